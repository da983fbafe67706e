"""What happened in a solve: a tree of stages, calls and notes; draws itself in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from reasoning.messages import Completion, Message, Usage, parse_tokens

if TYPE_CHECKING:
    from rich.tree import Tree


@dataclass(frozen=True, slots=True)
class Call:
    """One `sample`: the turns that went out, the settings, and the draws that came back."""

    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    completions: tuple[Completion, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a strategy, a tool or the kind wants to be seen."""

    text: str


@dataclass(slots=True)
class Trace:
    """A stage and what happened in it, in order.

    Attributes:
        name: the stage's name; that of the root is the strategy's spec.
        events: calls, notes and inner stages.
        seconds: wall time, where the stage has ended.
    """

    name: str
    events: list[Trace | Call | Note] = field(default_factory=list)
    seconds: float | None = None

    def calls(self) -> Iterator[Call]:
        """Every call, depth first."""
        events: list[Trace | Call | Note] = self.events[::-1]
        while events:
            event = events.pop()
            if isinstance(event, Trace):
                events += event.events[::-1]
            elif isinstance(event, Call):
                yield event

    @property
    def usage(self) -> Usage:
        """All draws of all calls together, whether paid for now or taken from the journal."""
        return Usage.total([draw.usage for call in self.calls() for draw in call.completions])

    @property
    def spent(self) -> Usage:
        """Of these, what was paid for now."""
        return Usage.total([draw.usage for call in self.calls() for draw in call.completions if draw.is_new])

    def to_json(self) -> dict[str, Any]:
        """Plain data; `from_json` reads it back."""
        return {"stage": self.name, "seconds": self.seconds, "events": [_event_to_json(event) for event in self.events]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Trace:
        """The inverse of `to_json`."""
        return cls(data["stage"], [_event_from_json(event) for event in data["events"]], data.get("seconds"))

    def tree(self) -> Tree:
        """A `rich` tree: print it in a terminal."""
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
        tuple(_completion(one) for one in data["completions"]),
    )


def _completion(data: dict[str, Any]) -> Completion:
    return Completion(**{**data, "usage": Usage(**data["usage"]), "tokens": parse_tokens(data["tokens"])})
