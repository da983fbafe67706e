"""A trace in Markdown: stage by stage what was asked, which is folded, and what was said."""

from __future__ import annotations

from collections.abc import Iterator

from reasoning.benchmarks.analysis.summary_table import many
from reasoning.messages import Completion, Message
from reasoning.trace import Call, Note, Trace
from technique_pages.markdown import code, fence, folded

CALLS = 16
"""So many calls are shown; a page is to be read."""
CHARACTERS = 2400
"""So much of a text is shown."""


class Telling:
    """The events of one trace, as they follow each other."""

    def __init__(self, trace: Trace) -> None:
        self.trace, self.calls = trace, 0
        self._seen: set[tuple[Message, ...]] = set()

    def blocks(self) -> Iterator[str]:
        """The blocks of the page."""
        yield from self._stage(self.trace, ())
        left = sum(1 for _ in self.trace.calls()) - CALLS
        if left > 0:
            yield f"*… and {many(left, 'more call')} of the same sort.*"

    def _stage(self, stage: Trace, place: tuple[str, ...]) -> Iterator[str]:
        named = not place  # the root has the strategy's own name, which stands above
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
            else:
                yield from self._call(event)

    def _call(self, call: Call) -> Iterator[str]:
        self.calls += 1
        settings = ", ".join(f"{name}={value}" for name, value in call.sampling.items())
        known = next((n for n in range(len(call.messages), 0, -1) if call.messages[:n] in self._seen), 0)
        above = [f"*{many(known, 'turn')} as above*"] if known else []
        asked = [f"{role}\n\n{fence(bounded(text))}" for role, text in call.messages[known:]]
        self._seen.update(call.messages[:n] for n in range(1, len(call.messages) + 1))
        yield folded(f"call {self.calls}{f' ({settings})' if settings else ''}", "\n\n".join([*above, *asked]))
        for draw in call.completions:
            self._seen.add((*call.messages, Message("assistant", draw.text)))  # a later turn that quotes it
            yield f"{fence(bounded(draw.text))}\n\n{_about(draw)}"


def bounded(text: str) -> str:
    """A text, or its beginning and how much is left out."""
    text = text.strip("\n")
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}…\n({len(text) - CHARACTERS:,} more characters)"


def _about(draw: Completion) -> str:
    cut = ", cut off by `max_tokens`" if draw.truncated else ""
    return f"*{draw.usage.completion_tokens} tokens{cut}*"
