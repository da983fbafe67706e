"""The trace of a solve: a tree of stages, calls and notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from reasoning.messages import Completion, Message, Usage, parse_tokens

if TYPE_CHECKING:
    from rich.tree import Tree


@dataclass(frozen=True, slots=True)
class Call:
    """One call of `Session.sample`.

    Attributes:
        messages: the conversation that was sent.
        sampling: the sampling parameters.
        completions: the draws that succeeded, in draw order.
    """

    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    completions: tuple[Completion, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A note by a strategy or a tool."""

    text: str


@dataclass(slots=True)
class Trace:
    """A stage with its events, in order.

    Attributes:
        name: the stage's name; for the root, the strategy's spec.
        events: calls, notes and inner stages.
        seconds: wall time; None until the stage has ended.
    """

    name: str
    events: list[Trace | Call | Note] = field(default_factory=list)
    seconds: float | None = None

    def calls(self) -> Iterator[Call]:
        """Yield every call, depth first."""
        events: list[Trace | Call | Note] = self.events[::-1]
        while events:
            event = events.pop()
            if isinstance(event, Trace):
                events += event.events[::-1]
            elif isinstance(event, Call):
                yield event

    def has_stage(self, name: str) -> bool:
        """Return whether a stage with this name is within this one, at any depth."""
        inner = [event for event in self.events if isinstance(event, Trace)]
        return any(stage.name == name or stage.has_stage(name) for stage in inner)

    @property
    def usage(self) -> Usage:
        """The sum over all draws of all calls, whether new or read from the journal."""
        return Usage.total([draw.usage for call in self.calls() for draw in call.completions])

    @property
    def spent(self) -> Usage:
        """The sum over the draws that were made now, without those read from the journal."""
        return Usage.total([draw.usage for call in self.calls() for draw in call.completions if draw.is_new])

    def to_json(self) -> dict[str, Any]:
        """Return the trace as plain data for JSON; `from_json` reverses it."""
        return {"stage": self.name, "seconds": self.seconds, "events": [_event_to_json(event) for event in self.events]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Trace:
        """Return the trace from the data that `to_json` returned."""
        return cls(data["stage"], [_event_from_json(event) for event in data["events"]], data.get("seconds"))

    def tree(self) -> Tree:
        """Return the trace as a `rich` tree, to print in a terminal."""
        from reasoning.display import trace_tree

        return trace_tree(self)

    def _repr_html_(self) -> str:
        from reasoning.display import trace_html

        return trace_html(self)


def _event_to_json(event: Trace | Call | Note) -> dict[str, Any]:
    if isinstance(event, Trace):
        return event.to_json()
    return asdict(event)


def _event_from_json(data: dict[str, Any]) -> Trace | Call | Note:
    if "stage" in data:
        return Trace.from_json(data)
    if "completions" not in data:
        return Note(data["text"])
    return Call(
        tuple(Message(*turn) for turn in data["messages"]),
        data["sampling"],
        tuple(_completion(draw) for draw in data["completions"]),
    )


def _completion(data: dict[str, Any]) -> Completion:
    return Completion(**{**data, "usage": Usage(**data["usage"]), "tokens": parse_tokens(data["tokens"])})
