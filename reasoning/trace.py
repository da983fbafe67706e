"""The trace of a solve: a tree of stages, calls of models and tools, and notes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from reasoning.messages import Completion, Message, Usage, parse_tokens
from reasoning.record_lines import dump_line
from reasoning.short_repr import shorten
from reasoning.text_safety import dump_json

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


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One use of a tool, such as a search.

    Attributes:
        name: the name of the tool.
        arguments: the arguments, by name.
        result: the result as text, or the error's message.
        error: whether the tool could not do what it was asked for.
        seconds: wall time.
        is_new: whether anything was computed or sent for it now; False if the journal had everything.
        usage: the usage of paid calls, such as those of an embedding endpoint.
    """

    name: str
    arguments: Mapping[str, Any]
    result: str
    error: bool = False
    seconds: float = 0.0
    is_new: bool = True
    usage: Usage = field(default_factory=Usage)


def format_tool_call(name: str, arguments: Mapping[str, Any]) -> str:
    """Return the use of a tool as a call expression; long arguments are cut."""
    return f"{name}({', '.join(f'{key}={shorten(value, 200)}' for key, value in arguments.items())})"


Event: TypeAlias = "Trace | Call | ToolCall | Note"
"""An event of a trace."""


@dataclass(slots=True)
class Trace:
    """A stage with its events, in order.

    Attributes:
        name: the stage's name; for the root, the strategy's spec.
        events: calls, uses of tools, notes and inner stages.
        seconds: wall time; None until the stage has ended.
    """

    name: str
    events: list[Event] = field(default_factory=list)
    seconds: float | None = None

    def calls(self) -> Iterator[Call]:
        """Yield every call of a model, depth first."""
        return (event for event in self._leaves() if isinstance(event, Call))

    def tool_calls(self) -> Iterator[ToolCall]:
        """Yield every use of a tool, depth first."""
        return (event for event in self._leaves() if isinstance(event, ToolCall))

    def notes(self) -> Iterator[str]:
        """Yield the text of every note, depth first."""
        return (event.text for event in self._leaves() if isinstance(event, Note))

    def _leaves(self) -> Iterator[Call | ToolCall | Note]:
        events = self.events[::-1]
        while events:
            event = events.pop()
            if isinstance(event, Trace):
                events += event.events[::-1]
            else:
                yield event

    def has_stage(self, name: str) -> bool:
        """Return whether a stage with this name is within this one, at any depth."""
        inner = [event for event in self.events if isinstance(event, Trace)]
        return any(stage.name == name or stage.has_stage(name) for stage in inner)

    @property
    def last_note(self) -> str:
        """The text of the last note, at any depth; empty without one. May be read while the trace grows."""
        for event in reversed(self.events):
            found = event.text if isinstance(event, Note) else event.last_note if isinstance(event, Trace) else ""
            if found:
                return found
        return ""

    @property
    def usage(self) -> Usage:
        """The sum over all draws of all calls, and the paid calls of tools, whether new or read from the journal."""
        return Usage.total(self._usages(new_only=False))

    @property
    def spent(self) -> Usage:
        """The sum over what was made now, without what was read from the journal."""
        return Usage.total(self._usages(new_only=True))

    def _usages(self, *, new_only: bool) -> Iterator[Usage]:
        for event in self._leaves():
            if isinstance(event, Call):
                yield from (draw.usage for draw in event.completions if draw.is_new or not new_only)
            elif isinstance(event, ToolCall) and event.usage.calls and (event.is_new or not new_only):
                yield event.usage

    def to_json(self) -> dict[str, Any]:
        """Return the trace as plain data for JSON; `from_json` reverses it."""
        return {"stage": self.name, "seconds": self.seconds, "events": [_event_to_json(event) for event in self.events]}

    def to_line(self, fields: Mapping[str, Any]) -> bytes:
        """Return a line of JSON with these fields, and the trace of `to_json` as `trace`."""
        if not _is_writable(self):
            return dump_json({**fields, "trace": self.to_json()}, compact=True).encode() + b"\n"
        return dump_line({**fields, "trace": _to_record(self)}, lambda: {**fields, "trace": self.to_json()})

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


def _event_to_json(event: Event) -> dict[str, Any]:
    if isinstance(event, Trace):
        return event.to_json()
    data = asdict(event)
    if isinstance(event, Call) and any(turn.images for turn in event.messages):
        # The bytes are in the journal, once.
        data["messages"] = [
            [*turn, [image.describe() for image in turn.images]] if turn.images else turn for turn in event.messages
        ]
    return data


def _to_record(trace: Trace) -> dict[str, Any]:
    """Return a trace as `to_json` does, except that its calls, uses of tools and notes stay dataclasses."""
    events = [_to_record(event) if isinstance(event, Trace) else event for event in trace.events]
    return {"stage": trace.name, "seconds": trace.seconds, "events": events}


def _is_writable(event: Event) -> bool:
    """Return whether `dump_line` writes an event as the standard library would: without images and infinite numbers."""
    if isinstance(event, Trace):
        return all(map(_is_writable, event.events))
    if isinstance(event, Call):
        has_images = any(turn.images for turn in event.messages)
        # Log-probabilities may be infinite.
        return not has_images and not any(draw.tokens for draw in event.completions) and _is_finite(event.sampling)
    return isinstance(event, Note) or _is_finite(event.arguments)


def _is_finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _event_from_json(data: dict[str, Any]) -> Event:
    if "stage" in data:
        return Trace.from_json(data)
    if "arguments" in data:
        return ToolCall(**{**data, "usage": Usage(**data["usage"])})
    if "completions" not in data:
        return Note(data["text"])
    return Call(
        tuple(Message.from_json(turn) for turn in data["messages"]),
        data["sampling"],
        tuple(_completion(draw) for draw in data["completions"]),
    )


def _completion(data: dict[str, Any]) -> Completion:
    return Completion(**{**data, "usage": Usage(**data["usage"]), "tokens": parse_tokens(data["tokens"])})
