"""What a run counts, as it stands in the trace: what was refused, what was mended, which calls were lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reasoning.trace import Note, Trace


@dataclass(frozen=True, slots=True)
class Refused(Note):
    """A reply or a value was refused."""


@dataclass(frozen=True, slots=True)
class Mended(Note):
    """A value that stayed refused was mended."""


@dataclass(frozen=True, slots=True)
class Lost(Note):
    """A call to the model did not come through."""


def noted(trace: Trace, what: type[Note], within: str = "") -> Iterator[str]:
    """The step of each note of one sort, an inner chain's as "step.inner"."""
    for event in trace.events:
        if isinstance(event, what):
            yield within
        elif isinstance(event, Trace):  # that of a step is called like it; no other is called by one word
            inner = f"{within}.{event.name}".lstrip(".") if event.name.isidentifier() else within
            yield from noted(event, what, inner)
