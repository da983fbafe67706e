"""The reports of a session to the listener of its solve: stages, calls, uses of tools and notes."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from reasoning.engine.single_flight import DrawError
from reasoning.messages import Completion, Usage
from reasoning.trace import Note, ToolCall, Trace, format_tool_call
from reasoning.watching import Listener, SolveEvent


class EventReporter:
    """Reports what happens at one place of a solve to the listener.

    Args:
        listener: the listener.
        path: the names of the branches and stages from the solve to the place.
    """

    def __init__(self, listener: Listener, path: tuple[str, ...] = ()) -> None:
        self._listener, self._path = listener, path

    def inside(self, name: str) -> EventReporter:
        """Return the reporter of a branch or stage at this place."""
        return EventReporter(self._listener, (*self._path, name))

    def report_begin(self) -> None:
        """Report that this stage has begun."""
        self._report("stage_began")

    def report_end(self, trace: Trace, raised: BaseException | None) -> None:
        """Report that this stage has ended, with the usage of its trace and the error that ended it."""
        error = "" if raised is None else _message(raised)
        self._report("stage_ended", error=error, usage=trace.usage, spent=trace.spent, seconds=trace.seconds)

    @contextmanager
    def report_branch(self, trace: Trace) -> Iterator[None]:
        """Report a `with` block as a stage, and record its duration in the trace."""
        started, error = time.monotonic(), None
        self.report_begin()
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            trace.seconds = time.monotonic() - started
            self.report_end(trace, error)

    async def report_call(
        self, draws: int, call: Coroutine[Any, Any, list[Completion | DrawError]]
    ) -> list[Completion | DrawError]:
        """Make a call of some draws, and report its begin and end."""
        self._report("call_began", draws=draws)
        started, error, completions = time.monotonic(), "", list[Completion]()
        try:
            outcomes = await call
            completions = [outcome for outcome in outcomes if isinstance(outcome, Completion)]
            error = next((str(outcome.error) for outcome in outcomes if isinstance(outcome, DrawError)), "")
            return outcomes
        except BaseException as raised:
            error = _message(raised)
            raise
        finally:
            self._report(
                "call_ended",
                draws=draws,
                text="\n\n".join(completion.text for completion in completions),
                error=error,
                usage=Usage.total(completion.usage for completion in completions),
                spent=Usage.total(completion.usage for completion in completions if completion.is_new),
                seconds=time.monotonic() - started,
            )

    def report(self, event: ToolCall | Note) -> None:
        """Report a use of a tool, or a note."""
        if isinstance(event, Note):
            self._report("note", text=event.text)
            return
        spent = event.usage if event.is_new else Usage()
        text = f"{format_tool_call(event.name, event.arguments)} = {event.result}"
        self._report("tool_used", text=text, usage=event.usage, spent=spent, seconds=event.seconds)

    def _report(self, kind: Any, **fields: Any) -> None:
        stage = self._path[-1] if self._path else self._listener.spec
        self._listener.notify(SolveEvent(kind, stage, self._path, **fields))


def _message(error: BaseException) -> str:
    return str(error) or type(error).__name__
