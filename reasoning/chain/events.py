"""Trace events of a chain that a batch run counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reasoning.trace import Note, Trace


@dataclass(frozen=True, slots=True)
class Rejected(Note):
    """A rejected reply or value."""


@dataclass(frozen=True, slots=True)
class FallbackUsed(Note):
    """A value that stayed rejected and was replaced by the step's fallback."""


@dataclass(frozen=True, slots=True)
class CallLost(Note):
    """A model call that failed for good."""


def steps_with(trace: Trace, event_type: type[Note], within: str = "") -> Iterator[str]:
    """Yield the step of each event of one type.

    Args:
        trace: the trace of a chain.
        event_type: the type of the events.
        within: the name of the step that the trace belongs to.

    Returns:
        Names of steps, one for each event; those of inner chains as "step.inner".
    """
    for event in trace.events:
        if isinstance(event, event_type):
            yield within
        elif isinstance(event, Trace):
            # Only the trace of a step is named by an identifier.
            inner = f"{within}.{event.name}".lstrip(".") if event.name.isidentifier() else within
            yield from steps_with(event, event_type, inner)
