"""What is asked of a program run and what comes back: the words that every tier of the interpreter speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import TypeAlias

from reasoning.errors import UsageError

PlainData: TypeAlias = (
    "bool | int | float | str | list[PlainData] | dict[str | int | float | bool | None, PlainData] | None"
)
"""The data that a program may hand back: nothing that has behaviour, nothing that is not finite."""


class ResultSource(Enum):
    """A place to read a program's result from, beside a variable ("ans") or a call ("solver()")."""

    EXPRESSION = "expression"
    """The value of the last line, where that is an expression."""
    PRINTED = "printed"
    """What was printed last."""
    ASSIGNED = "assigned"
    """The variable that was assigned last: for models that forget the name that they were told."""


ResultSpec: TypeAlias = "str | ResultSource | Sequence[str | ResultSource] | None"
"""Where the result is. Several places are tried in order until one holds something; None stands for the last
expression, else what was printed last."""


@dataclass(frozen=True)
class ResourceLimits:
    """What one program may use at most.

    Attributes:
        seconds: execution time; what a program that ignores it costs is this and at most one second more.
        memory_mb: heap, in megabytes.
        recursion: depth of calls.
        output_chars: characters kept of what it prints, and the size of its result when written out; also of what
            goes to a function of ours and comes back.
        calls: of functions of ours; the time that they take is not the program's.
    """

    seconds: float = 5.0
    memory_mb: int = 128
    recursion: int = 1000
    output_chars: int = 20_000
    calls: int = 200

    def __post_init__(self) -> None:
        for limit in fields(self):
            if not (value := getattr(self, limit.name)) > 0:
                raise UsageError(f"limits: {limit.name}={value} allows nothing; it must be above 0")


@dataclass(frozen=True)
class ExecutionResult:
    """What became of one program.

    Attributes:
        value: its result as plain data; None when there was none.
        error: one line that says why there is no value, fit for a model or a person; None when the program ran.
        stdout: what it printed, its middle left out when longer than the limit.
        seconds: wall-clock time, without the wait for a free worker.
        tier: what ran it: "monty", "child" or "container".
    """

    value: PlainData = None
    error: str | None = None
    stdout: str = ""
    seconds: float = 0.0
    tier: str = "monty"
