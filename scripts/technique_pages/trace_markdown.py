"""Traces in Markdown: the messages of each stage, collapsed, and the replies."""

from __future__ import annotations

from collections.abc import Iterator

from reasoning.messages import Completion, Message
from reasoning.tables import pluralize
from reasoning.trace import Call, Note, ToolCall, Trace, format_tool_call
from technique_pages.markdown import code, fence, folded

CALLS = 16
"""Maximum number of calls on a page."""
CHARACTERS = 2400
"""Maximum length of a text on a page."""


class TraceBlocks:
    """The events of one trace, in order."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.calls = trace, 0
        self._seen: set[tuple[Message, ...]] = set()

    def blocks(self) -> Iterator[str]:
        """Yield the blocks of the page."""
        yield from self._stage(self.trace, ())
        left = sum(1 for _ in self.trace.calls()) - CALLS
        if left > 0:
            yield f"*… and {pluralize(left, 'more call')} of the same kind.*"

    def _stage(self, stage: Trace, place: tuple[str, ...]) -> Iterator[str]:
        # The root stage has the strategy's name, which is above it on the page.
        named = not place
        for event in stage.events:
            if self.calls >= CALLS:
                return
            if isinstance(event, Trace):
                yield from self._stage(event, (*place, event.name))
                named = not place
                continue
            if not named:
                yield f"**{' › '.join(map(code, place))}**"
                named = True
            if isinstance(event, Note):
                text = bounded(event.text)
                yield fence(text) if "\n" in text else f"> {code(text)}"
            elif isinstance(event, ToolCall):
                yield f"tool: {code(format_tool_call(event.name, event.arguments))}\n\n{fence(bounded(event.result))}"
            else:
                yield from self._call(event)

    def _call(self, call: Call) -> Iterator[str]:
        self.calls += 1
        settings = ", ".join(f"{name}={value}" for name, value in call.sampling.items())
        repeated = next((n for n in range(len(call.messages), 0, -1) if call.messages[:n] in self._seen), 0)
        note = [f"*{pluralize(repeated, 'turn')} as above*"] if repeated else []
        turns = [f"{role}\n\n{fence(bounded(text))}" for role, text in call.messages[repeated:]]
        self._seen.update(call.messages[:n] for n in range(1, len(call.messages) + 1))
        yield folded(f"call {self.calls}{f' ({settings})' if settings else ''}", "\n\n".join([*note, *turns]))
        for draw in call.completions:
            self._seen.add((*call.messages, Message("assistant", draw.text)))  # a later call may repeat this turn
            yield f"{fence(bounded(draw.text))}\n\n{_about(draw)}"


def bounded(text: str) -> str:
    """Return a text, or its beginning and the number of omitted characters."""
    text = text.strip("\n")
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}…\n({len(text) - CHARACTERS:,} more characters)"


def _about(draw: Completion) -> str:
    cut = ", truncated at `max_tokens`" if draw.truncated else ""
    return f"*{draw.usage.completion_tokens} tokens{cut}*"
