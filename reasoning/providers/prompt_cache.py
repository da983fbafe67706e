"""The beginnings that the prompts of a run share, for a provider that caches a prompt up to a mark.

Source: https://docs.claude.com/en/docs/build-with-claude/prompt-caching
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

from reasoning.messages import Request
from reasoning.providers.pricing import CacheTime
from reasoning.text_safety import dump_json

T = TypeVar("T")

MOST_MARKS = 4
"""The marks that one request may have."""
_BYTES_PER_TOKEN = 3
"""A low estimate. A mark after too few tokens has no effect, and costs nothing."""
_MEMBERS = 3
"""The different prompts that must begin alike before the beginning is marked: two may do so by chance."""
_APART = 1000
"""The least number of characters between two marks."""
_RECENT, _BEGINNINGS = 4, 16
"""The prompts with which a new one is compared, and the beginnings that are remembered, of those that begin alike."""
_GATHER_SECONDS = 0.02
"""The time in which prompts that are asked for at once become known, before the first is sent."""
_MOST = 1000
"""The kinds of prompts, and the beginnings in the provider's cache, that are remembered."""
_SECONDS: Mapping[CacheTime, float] = {"5m": 300.0, "1h": 3600.0}
_MARGIN = 10.0
"""Seconds before its end from which on a cached prompt counts as gone."""


class Mark(NamedTuple):
    """A mark, up to which a prompt is cached.

    Attributes:
        turn: the index of its turn.
        end: the characters of the turn before it.
    """

    turn: int
    end: int


@dataclass
class _Family:
    """Prompts that begin alike for at least the length from which on a provider caches."""

    recent: deque[str] = field(default_factory=lambda: deque(maxlen=_RECENT))
    beginnings: dict[str, int] = field(default_factory=dict)
    """The number of different prompts with a beginning, by beginning."""


@dataclass
class _Entry:
    """A beginning in the provider's cache, as far as it is known here."""

    until: float = 0.0
    writer: asyncio.Future[None] | None = None


class PromptCache:
    """Finds the beginnings that prompts share, and lets one request write each to the provider's cache.

    Args:
        keep: the time for which the provider keeps a prompt after its last use.
        min_tokens: the length from which on it caches.
    """

    def __init__(self, keep: CacheTime, min_tokens: int) -> None:
        self.keep = keep
        self._min_length = min_tokens * _BYTES_PER_TOKEN
        self._families: dict[str, _Family] = {}
        self._entries: dict[str, _Entry] = {}

    @property
    def control(self) -> dict[str, str]:
        """The value of `cache_control` at a mark."""
        return {"type": "ephemeral"} if self.keep == "5m" else {"type": "ephemeral", "ttl": self.keep}

    def note(self, request: Request) -> None:
        """Learn the beginnings that a prompt shares with earlier ones."""
        prompt = _flatten(request)[0]
        if len(prompt) < self._min_length:
            return
        family = _remember(self._families, prompt[: self._min_length], _Family)
        if prompt in family.recent:
            return
        known = family.beginnings
        for beginning in known:
            known[beginning] += prompt.startswith(beginning)
        for other in family.recent:
            beginning = prompt[: _snap(prompt, _common_length(prompt, other))]
            if len(beginning) >= self._min_length and beginning not in known:
                known[beginning] = 1 + sum(one.startswith(beginning) for one in family.recent)
        family.recent.append(prompt)
        while len(known) > _BEGINNINGS:
            del known[min(known, key=lambda one: known[one])]

    def marks(self, request: Request) -> list[Mark]:
        """Return the marks of a prompt, from its beginning to its end: at most four."""
        prompt, starts = _flatten(request)
        marks = []
        for length in map(len, self._shared(prompt)):
            turn = max(index for index, start in enumerate(starts) if start < length)
            marks.append(Mark(turn, min(length - starts[turn], len(request.messages[turn].content))))
        return marks

    def apply(self, request: Request, turns: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the turns of a request in the form of the API, with its marks.

        Only the division of a text into parts changes, and nothing of the text.
        """
        marked = [dict(turn) for turn in turns]
        places: dict[int, list[int]] = {}
        for mark in self.marks(request):
            places.setdefault(mark.turn, []).append(mark.end)
        for index, ends in places.items():
            text = request.messages[index].content
            # The text of a turn with calls of tools is sent in another form.
            if marked[index].get("content") == text and text:
                marked[index]["content"] = self._parts(text, ends)
        return marked

    def _parts(self, text: str, ends: Sequence[int]) -> list[dict[str, Any]]:
        parts, start = list[dict[str, Any]](), 0
        for end in ends:
            parts.append({"type": "text", "text": text[start:end], "cache_control": self.control})
            start = end
        return [*parts, {"type": "text", "text": text[start:]}] if start < len(text) else parts

    @asynccontextmanager
    async def sending(self, request: Request) -> AsyncIterator[None]:
        """Enter while a request is sent: one that would write to the cache is awaited by those that could read then.

        A provider has a prompt in its cache only when the reply to it begins.
        """
        self.note(request)
        prompt = _flatten(request)[0]
        if len(prompt) >= self._min_length and not self._shared(prompt):
            await asyncio.sleep(_GATHER_SECONDS)
        if not (shared := self._shared(prompt)):
            yield
            return
        entry = _remember(self._entries, shared[-1], _Entry)
        while entry.until < time.monotonic():
            if entry.writer is None:
                entry.writer = writer = asyncio.get_running_loop().create_future()
                try:
                    yield
                    entry.until = time.monotonic() + _SECONDS[self.keep] - _MARGIN
                finally:
                    entry.writer = None
                    writer.set_result(None)
                return
            await asyncio.shield(entry.writer)
        yield
        entry.until = time.monotonic() + _SECONDS[self.keep] - _MARGIN

    def reset_after_fork(self) -> None:
        """Leave the requests under way to the parent process."""
        self._entries = {}

    def _shared(self, prompt: str) -> list[str]:
        """Return the beginnings of a prompt to mark, from short to long."""
        family = self._families.get(prompt[: self._min_length])
        found = list[str]()
        if family is None:
            return found
        known = [one for one, members in family.beginnings.items() if members >= _MEMBERS and prompt.startswith(one)]
        # The longest first: it saves the most.
        for one in sorted(known, key=len, reverse=True):
            if len(found) < MOST_MARKS and (not found or len(found[-1]) - len(one) >= _APART):
                found.append(one)
        return found[::-1]


def _remember(table: dict[str, T], name: str, make: Callable[[], T]) -> T:
    """Return the value of a name, which is made if it is new. The oldest one is forgotten if there are too many."""
    if (value := table.get(name)) is None:
        value = table[name] = make()
        if len(table) > _MOST:
            del table[next(iter(table))]
    return value


def _flatten(request: Request) -> tuple[str, list[int]]:
    """Return what is sent as one text, up to the first picture, and where the text of each turn begins in it."""
    turns = request.messages
    turns = turns[: next((index for index, turn in enumerate(turns) if turn.images), len(turns))]
    # Tools come before the turns in what a provider caches.
    tools = request.sampling.get("tools")
    heads = [f"{dump_json(tools) if tools and not index else ''}\0{turn.role}\0" for index, turn in enumerate(turns)]
    pieces = [piece for head, turn in zip(heads, turns, strict=True) for piece in (head, turn.content)]
    ends = list(accumulate(map(len, pieces)))
    return "".join(pieces), ends[::2]


def _common_length(one: str, other: str) -> int:
    """Return the number of characters with which two texts begin alike."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _snap(prompt: str, length: int) -> int:
    """Return the length of a beginning that ends with a line or a turn, and after something other than blanks."""
    if length == len(prompt):
        return length
    end_of_turn = prompt.find("\0", length, length + 1)
    if end_of_turn == length:
        return length
    line, turn = prompt.rfind("\n", 0, length) + 1, prompt.rfind("\0", 0, length)
    if line > turn and prompt[turn + 1 : line].strip() and prompt[line:].partition("\0")[0].strip():
        return line
    # The head of this turn begins after the text of the one before.
    return max(prompt.rfind("\0", 0, turn), 0)
