"""Anthropic's cache of prompts, as its documentation describes it: marks, lengths, times, and what is refused.

Source: https://docs.claude.com/en/docs/build-with-claude/prompt-caching
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reasoning.mock_batches.batches import BYTES_PER_TOKEN
from reasoning.providers.pricing import min_cached_tokens

_MOST_MARKS = 4
_LOOK_BACK = 20
"""The blocks before a mark at which an earlier cached beginning is found."""
_SECONDS = {"5m": 300.0, "1h": 3600.0}


@dataclass
class _Block:
    """A block of a prompt, with the tokens up to its end, and what identifies the prompt up to there."""

    tokens: int
    name: str
    keep: str = ""


class MockPromptCache:
    """The cached beginnings of prompts. A token has four characters."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def find_problem(self, body: Mapping[str, Any]) -> str:
        """Return why the real API would refuse the marks and texts of a request; empty if it would not."""
        marks = list[str]()
        for place, block in _blocks(body):
            text = block.get("text")
            if block.get("type") == "text" and not (isinstance(text, str) and text):
                return f"{place}: text content blocks must be non-empty"
            if block.get("type") == "text" and not str(text).strip():
                return f"{place}: text content blocks must contain non-whitespace text"
            if (control := block.get("cache_control")) is None:
                continue
            if control.get("type") != "ephemeral":
                return f"{place}.cache_control.type: Input should be 'ephemeral'"
            keep = control.get("ttl", "5m")
            if keep not in _SECONDS:
                return f"{place}.cache_control.ttl: Input should be '5m' or '1h'"
            if keep == "1h" and "5m" in marks:
                return f"{place}: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block"
            marks.append(keep)
        if len(marks) > _MOST_MARKS:
            return f"A maximum of {_MOST_MARKS} blocks with cache_control may be provided. Found {len(marks)}."
        return ""

    def count(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Return the usage of a prompt, and the beginnings that are cached once its reply begins, with their times."""
        blocks = list(self._measured(body))
        least = min_cached_tokens(f"anthropic/{body.get('model')}")
        marked = [index for index, block in enumerate(blocks) if block.keep and block.tokens >= least]
        now, read = time.monotonic(), 0
        for index in marked:
            for block in blocks[max(0, index - _LOOK_BACK) : index + 1]:
                if self._until.get(block.name, 0.0) > now:
                    read = max(read, block.tokens)
        written = max((blocks[index].tokens for index in marked), default=0) - read if marked else 0
        total = blocks[-1].tokens if blocks else 0
        long = written if marked and blocks[marked[-1]].keep == "1h" else 0
        usage = {
            "input_tokens": total - read - max(written, 0),
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": max(written, 0),
            "cache_creation": {
                "ephemeral_5m_input_tokens": max(written, 0) - long,
                "ephemeral_1h_input_tokens": long,
            },
        }
        return usage, {blocks[index].name: blocks[index].keep for index in marked}

    def store(self, beginnings: Mapping[str, str]) -> None:
        """Cache beginnings, or keep them for longer."""
        for name, keep in beginnings.items():
            self._until[name] = max(self._until.get(name, 0.0), time.monotonic() + _SECONDS[keep])

    @staticmethod
    def _measured(body: Mapping[str, Any]) -> Iterator[_Block]:
        digest, tokens = hashlib.sha256(str(body.get("model")).encode()), 0
        for place, block in _blocks(body):
            plain = {name: value for name, value in block.items() if name != "cache_control"}
            digest.update(f"{place.partition('.')[0]} {json.dumps(plain, sort_keys=True)}".encode())
            text = block.get("text")
            tokens += len(text if isinstance(text, str) else json.dumps(plain)) // BYTES_PER_TOKEN
            control = block.get("cache_control") or {}
            yield _Block(tokens, digest.hexdigest(), control.get("ttl", "5m") if control else "")


def _blocks(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the blocks of a prompt in the order in which it is cached, each with its place: tools, system, turns."""
    for index, tool in enumerate(body.get("tools") or ()):
        yield f"tools.{index}", tool
    yield from _parts("system", body.get("system") or ())
    for index, turn in enumerate(body.get("messages") or ()):
        yield from _parts(f"messages.{index}", turn.get("content") or ())


def _parts(place: str, content: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(content, str):
        yield place, {"type": "text", "text": content}
        return
    for index, part in enumerate(content):
        yield f"{place}.content.{index}", part
