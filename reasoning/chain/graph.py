"""The graph of a chain's steps: their names, the steps that each reads, and cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from reasoning.chain.step import Step
from reasoning.errors import UsageError, nearest
from reasoning.kinds import Kind
from reasoning.kinds.registry import check_is_kind
from reasoning.short_repr import shorten


def check_names(steps: Sequence[Step], inputs: Mapping[str, Kind] | None) -> None:
    """Check that the steps' names are unique, and that declared inputs and steps provide every name that is read.

    Args:
        steps: the steps.
        inputs: the kinds of the declared inputs by name; None if every other name is an input.

    Raises:
        UsageError: a name is used twice, or nothing provides it; a step is not a `Step`, or a kind not a `Kind`.
    """
    if not steps:
        raise UsageError("a chain needs at least one step")
    if wrong := next((step for step in steps if not isinstance(step, Step)), None):
        raise UsageError(f"a chain takes its steps one by one, Chain(Step(…), Step(…)), got {shorten(wrong)}")
    names = [step.name for step in steps]
    if duplicate := next((name for index, name in enumerate(names) if name in names[:index]), None):
        raise UsageError(f"step names must be unique, got {duplicate!r} twice")
    if inputs is not None:
        for name, kind in inputs.items():
            check_is_kind(kind, f"the input {name!r}")
        for step in steps:
            for name in sorted(step.dependencies - {*names, *inputs}):
                near = nearest(name, [*names, *inputs])
                hint = f"; did you mean {{{near}}}?" if near else f"; known: {', '.join([*inputs, *names])}"
                raise UsageError(f"step {step.name!r}: nothing provides {{{name}}}{hint}")
        if both := inputs.keys() & set(names):
            raise UsageError(f"{min(both)!r} is an input and a step; rename one of them")


def find_dependencies(steps: Sequence[Step]) -> dict[str, frozenset[str]]:
    """Return the steps that each step reads, by the step's name."""
    names = {step.name for step in steps}
    return {step.name: step.dependencies & names for step in steps}


def find_ancestors(dependencies: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the steps that each step reads directly or through other steps, by the step's name.

    Raises:
        UsageError: steps depend on each other.
    """
    sorter = TopologicalSorter({name: sorted(read) for name, read in dependencies.items()})
    ancestors: dict[str, frozenset[str]] = {}
    try:
        for name in sorter.static_order():
            read = dependencies[name]
            ancestors[name] = read.union(*(ancestors[dependency] for dependency in read))
    except CycleError as error:
        raise UsageError(_cycle_message(error.args[1], list(dependencies))) from None
    return ancestors


def find_draw_keys(steps: Sequence[Step]) -> list[int]:
    """Return for each step the index of the first step that sends the same prompt: they must not share draws."""

    def source(step: Step) -> Any:
        return (step.prompt, step.chain, step.model) if step.prompt or step.chain else step.name

    return [next(i for i, other in enumerate(steps) if source(other) == source(step)) for step in steps]


def _cycle_message(cycle: Sequence[str], names: Sequence[str]) -> str:
    """Describe a cycle, starting with its first step in the chain; `cycle` ends with the node it begins with."""
    ring = list(reversed(cycle))[:-1]
    start = min(range(len(ring)), key=lambda index: names.index(ring[index]))
    ring = ring[start:] + ring[:start]
    if len(ring) == 1:
        return f"step {ring[0]!r} depends on itself"
    inner = "".join(f" depends on {name!r}, which" for name in ring[1:])
    return f"step {ring[0]!r}{inner} depends on {ring[0]!r}"
