"""A task made from a list of examples."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace

from reasoning.benchmarks.tasks.task import UNKNOWN, kind_names
from reasoning.errors import UsageError
from reasoning.problem import Example, Problem
from reasoning.tables_sql.table import Table


@dataclass(frozen=True)
class ExampleList:
    """A list of examples in its order. An example without an id gets one from its position."""

    examples: tuple[Example, ...]

    name = "given"
    split = ""
    scorer = "the examples' own, or as the kind of answer compares"
    source = "the user's examples"
    licence = "the examples' own"
    canary = ""
    contamination = UNKNOWN
    seeded = False
    is_own = True

    def __post_init__(self) -> None:
        if not self.examples:
            raise UsageError("a task needs at least one example")
        if other := next((one for one in self.examples if not isinstance(one, Example)), None):
            raise UsageError(f"a task must be a name, a Task or a list of Examples, got {other!r:.80}")
        named = [
            one if one.problem.id else replace(one, problem=replace(one.problem, id=f"given-{number:04d}"))
            for number, one in enumerate(self.examples, 1)
        ]
        ids = [one.problem.id for one in named]
        if twice := next((name for name, count in Counter(ids).items() if count > 1), None):
            raise UsageError(f"ids must be distinct, but two examples have the id {twice!r}")
        object.__setattr__(self, "examples", tuple(named))

    @property
    def kind(self) -> str:
        return kind_names(self.examples)

    @property
    def size(self) -> int:
        return len(self.examples)

    def version(self) -> str:
        text = "\n".join(f"{one.problem!r} {one.target!r}{_long_table(one.problem)}" for one in self.examples)
        return f"sha256 {hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:16]}"

    def load(self, limit: int, seed: int) -> list[Example]:
        return list(self.examples[:limit])


def _long_table(problem: Problem) -> str:
    """Return the text of a table that the repr of its problem cuts off."""
    table = None if problem.table is None else Table.of(problem.table)
    return table.as_written() if table is not None and len(repr(table.written)) > 200 else ""
