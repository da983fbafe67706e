"""The events of a solve while it runs: stages and calls as they begin and end, for a listener."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reasoning.errors import UsageError
from reasoning.usage import Usage


@dataclass(frozen=True, slots=True)
class SolveEvent:
    """Something that has just happened in a solve; the listener `watch` of `Strategy.run` receives it.

    The first event is the "stage_began" of the solve itself, and the last one its "stage_ended".
    Events of concurrent branches alternate; their paths tell them apart.

    Attributes:
        type: what has happened. A step of a chain is a stage.
        stage: the name of the stage that began or ended, or in which the rest happened. That of the
            solve itself is the strategy's spec.
        path: the names of the branches and stages from the solve to this stage, the outermost first;
            empty for the solve itself.
        draws: the number of completions that a call asks for.
        text: the replies of a call that ended, the text of a note, or a use of a tool with its result.
        error: the message of the error that ended a stage or a call; empty without one.
        usage: the usage of a call or stage that ended, whether bought or read from the journal.
        spent: the part of it that was bought now.
        seconds: the wall time of a call or stage that ended, of a call with its time in queues.
    """

    type: Literal["stage_began", "stage_ended", "call_began", "call_ended", "tool_used", "note"]
    stage: str
    path: tuple[str, ...] = ()
    draws: int = 0
    text: str = ""
    error: str = ""
    usage: Usage = field(default_factory=Usage)
    spent: Usage = field(default_factory=Usage)
    seconds: float | None = None


Watch: TypeAlias = Callable[[SolveEvent], None]
"""A listener of the events of a solve."""


class Listener:
    """The caller's listener of one solve. Its first exception silences it, and does not disturb the solve.

    Args:
        watch: the caller's function.
        spec: the strategy's spec.

    Raises:
        UsageError: the function is asynchronous.

    Attributes:
        spec: the same spec.
        error: the exception that the function has raised, if any.
    """

    def __init__(self, watch: Watch, spec: str) -> None:
        self._name = getattr(watch, "__qualname__", "") or type(watch).__qualname__
        if inspect.iscoroutinefunction(watch):
            raise UsageError(f"watch must be a plain function, got {self._name}, which is asynchronous")
        self._watch, self.spec = watch, spec
        self.error: Exception | None = None

    def notify(self, event: SolveEvent) -> None:
        """Pass an event to the caller's function."""
        if self.error is None:
            try:
                self._watch(event)
            except Exception as error:
                self.error = error

    def check(self) -> None:
        """Raise a UsageError if the caller's function has raised an exception; names both."""
        if self.error is not None:
            raise UsageError(
                f"watch: {self._name} raised {type(self.error).__name__}: {self.error}; the solve went on without it, "
                "and its draws are recorded, so that the same call costs nothing once this is corrected"
            ) from self.error
