"""Worked examples for few-shot prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from reasoning.errors import UsageError
from reasoning.kinds import Choice, Kind, Number, Text, YesNo
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.demonstrations.example_files import write_examples
from reasoning.strategies.demonstrations.pool import DemonstrationPool
from reasoning.strategies.demonstrations.rendering import example_menu, in_kind
from reasoning.strategies.demonstrations.worked_example import SolvedStep, WorkedExample, shipped_examples

__all__ = [
    "SHIPPED_KINDS",
    "DemonstrationPool",
    "DemonstrationSource",
    "SolvedStep",
    "WorkedExample",
    "shipped_examples",
    "with_examples",
    "write_examples",
]

DemonstrationSource = DemonstrationPool | str | Sequence[WorkedExample | Mapping[str, Any]] | None
"""Values of `demonstrations=`: a pool, or the source of one; None is the shipped set for the kind of answer."""

SHIPPED_KINDS: tuple[type[Kind], ...] = (Number, Choice, YesNo, Text)
"""The kinds of answer for which enough worked examples are shipped, for every technique that shows some."""


def with_examples(
    prompt: Prompt,
    problem: Problem,
    shots: int,
    show: Callable[[WorkedExample], Demonstration | None],
    source: DemonstrationSource = None,
    *,
    options: bool = True,
) -> Prompt:
    """Add worked examples to a prompt; a prompt with its own examples is returned unchanged.

    Args:
        prompt: the prompt.
        problem: the problem that will be asked; it decides the choice of examples.
        shots: number of examples.
        show: makes a demonstration of a worked example, whose answer is in the form that the
            problem's kind shows (its labels, its separator). It returns None for an example that
            lacks a part to be shown, and the next example is taken instead.
        source: the user's examples, and how to choose among them; None for the shipped ones.
        options: whether the question of a worked example includes its options.

    Raises:
        UsageError: there are fewer than `shots` examples, or `source` is given with `shots=0`.
    """
    if prompt.examples or (not shots and source is None):
        return prompt
    if not shots:
        raise UsageError("shots must be at least 1 with demonstrations, got 0: choose a number, such as shots=4")
    pool = DemonstrationPool.from_source(source)
    examples = _in_kind(pool, problem)
    demonstrations = (show(_with_options(example, problem.kind) if options else example) for example in examples)
    chosen = list(islice((demonstration for demonstration in demonstrations if demonstration is not None), shots))
    if shots > len(chosen):
        available = f"only {len(chosen)} worked examples are" if chosen else "no worked example is"
        origin = "shipped" if pool.is_shipped else "given"
        raise UsageError(
            f"shots={shots}: {available} {origin} for answers of kind {problem.kind.name!r}; give the prompt its own "
            "`examples`, or `demonstrations` with the parts that this technique shows"
        )
    return prompt.replace(examples=tuple(chosen[::-1] if pool.select == "similar" else chosen))


def _in_kind(pool: DemonstrationPool, problem: Problem) -> Iterator[WorkedExample]:
    """Yield the examples as the problem's kind shows them; a user's example that is not of the kind as it stands."""
    for example in pool.ranked(problem):
        rendered = in_kind(example, problem.kind)
        if rendered is not None or not pool.is_shipped:
            yield rendered or example


def _with_options(example: WorkedExample, kind: Kind) -> WorkedExample:
    problem = Problem(example.question, example_menu(example, kind)) if example.options else Problem(example.question)
    return replace(example, question=problem.values()["problem"])
