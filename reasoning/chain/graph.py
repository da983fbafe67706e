"""Who reads from whom: the order of steps, and what can be told of it without running them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from reasoning.errors import UsageError

Needs = Mapping[str, frozenset[str]]
"""The steps that each step reads from, by name, in the order in which they stand."""


def layers(needs: Needs) -> list[list[str]]:
    """The steps in groups, each as early as it can be: a group reads from groups before it only.

    Raises:
        UsageError: steps that wait for each other; names them.
    """
    sorter = TopologicalSorter({name: sorted(before) for name, before in needs.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise UsageError(_circle(error.args[1], list(needs))) from None
    found, place = [], list(needs).index
    while sorter.is_active():
        ready = sorter.get_ready()
        sorter.done(*ready)
        found.append(sorted(ready, key=place))
    return found


def ancestors(needs: Needs) -> dict[str, frozenset[str]]:
    """All the steps that each step comes from, near and far."""
    found: dict[str, frozenset[str]] = {}
    for layer in layers(needs):
        for name in layer:
            found[name] = needs[name].union(*(found[before] for before in needs[name]))
    return found


def _circle(cycle: Sequence[str], names: Sequence[str]) -> str:
    """In words; it begins with the step that stands first. `cycle` ends with the step with which it begins."""
    ring = list(reversed(cycle))[:-1]
    start = min(range(len(ring)), key=lambda place: names.index(ring[place]))
    ring = ring[start:] + ring[:start]
    if len(ring) == 1:
        return f"step {ring[0]!r} waits for itself"
    inner = "".join(f" waits for {name!r}, which" for name in ring[1:])
    return f"step {ring[0]!r}{inner} waits for {'it' if len(ring) == 2 else repr(ring[0])}"
