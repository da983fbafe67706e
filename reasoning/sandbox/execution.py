"""The limits, the result and the plain data of a program run, shared by all tiers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import TypeAlias

from reasoning.errors import UsageError

PlainData: TypeAlias = (
    "bool | int | float | str | list[PlainData] | dict[str | int | float | bool | None, PlainData] | None"
)
"""The data that a program may return: no objects with behaviour, only finite numbers."""


class ResultSource(Enum):
    """A place where a program's result may be, besides a variable ("ans") or a call ("solver()")."""

    EXPRESSION = "expression"
    """The value of the last line, if that is an expression."""
    PRINTED = "printed"
    """The last line that was printed."""
    ASSIGNED = "assigned"
    """The variable that was assigned last, for models that forget the name they were given."""


ResultSpec: TypeAlias = "str | ResultSource | Sequence[str | ResultSource] | None"
"""The places of the result, tried in order until one has a value. None stands for the last
expression, then the last printed line."""


@dataclass(frozen=True)
class ResourceLimits:
    """The limits of one program.

    Attributes:
        seconds: execution time. A program that does not stop at the limit is killed at most one
            second later.
        memory_mb: heap memory, in megabytes.
        recursion: depth of calls.
        output_chars: characters of printed output that are kept. Also the maximum length of the
            result when written out, and of the arguments and the return value of a host function.
        calls: calls of host functions. Their own time does not count towards `seconds`.

    Raises:
        UsageError: a limit is not a finite number above 0.
    """

    seconds: float = 5.0
    memory_mb: int = 128
    recursion: int = 1000
    output_chars: int = 20_000
    calls: int = 200

    def __post_init__(self) -> None:
        for limit in fields(self):
            if not 0 < (value := getattr(self, limit.name)) < math.inf:
                raise UsageError(f"{limit.name} must be above 0 and finite, got {value}")


@dataclass(frozen=True)
class ExecutionResult:
    """The outcome of one program.

    Attributes:
        value: the result as plain data; None if there was none.
        error: the reason why there is no value, in one printable line for a model or a person; None
            if the program ran. The program may have written any part of it.
        stdout: the printed output, without its middle if it is longer than the limit.
        seconds: wall-clock time, without waiting for a free worker.
        tier: where the program ran: "interpreter", "process" or "container".
    """

    value: PlainData = None
    error: str | None = None
    stdout: str = ""
    seconds: float = 0.0
    tier: str = "interpreter"

    def __post_init__(self) -> None:
        # The one place that every tier's error passes: nothing in it controls a terminal or forges
        # a line of a trace.
        if self.error is not None and not self.error.isprintable():
            line = "".join(letter if letter.isprintable() else " " for letter in self.error)
            object.__setattr__(self, "error", " ".join(line.split()))
