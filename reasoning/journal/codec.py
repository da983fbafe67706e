"""Conversion between draws and rows of the file, and between requests and canonical JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from reasoning.errors import JournalError
from reasoning.messages import Completion, Message, Request, Usage, parse_tokens

Row = tuple[Any, ...]
"""The values of `COLUMNS`, in their order."""

COLUMNS = (
    *("draw", "text", "finish_reason", "reasoning", "tokens"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "usd", "seconds"),
    *("retries", "request_id", "prices", "at"),
)
"""The columns of a draw: `tokens` is JSON or NULL, `usd` is NULL without a price, `at` is UTC."""

_TOO_LARGE = 1 << 63


class Record(NamedTuple):
    """Draws of one request in their stored form.

    Attributes:
        key: the SHA-256 of the request.
        model: the request's model, also stored separately to count and select draws by it.
        request: the canonical JSON of the request.
        rows: one row for each draw.
    """

    key: bytes
    model: str
    request: str
    rows: list[Row]


def encode(request: Request, completions: Sequence[Completion]) -> Record:
    """Return the stored form of draws, with the current time.

    Raises:
        JournalError: a draw index is negative or too large.
    """
    at = format_utc(int(time.time()))
    rows: list[Row] = []
    for completion in completions:
        usage = completion.usage
        if not 0 <= completion.draw < _TOO_LARGE:
            raise JournalError(f"a draw index must be from 0 to {_TOO_LARGE - 1}, got {completion.draw}")
        rows.append(
            (
                completion.draw,
                replace_surrogates(completion.text),
                replace_surrogates(completion.finish_reason),
                replace_surrogates(completion.reasoning),
                json.dumps(completion.tokens) if completion.tokens else None,
                *(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.usd, usage.seconds),
                *(completion.retries, replace_surrogates(completion.request_id), completion.prices, at),
            )
        )
    return Record(bytes.fromhex(request.key), replace_surrogates(request.model), canonical_text(request), rows)


def decode(key: str, row: Row) -> Completion:
    """Return the draw of a row, with `is_new` False."""
    draw, text, finish_reason, reasoning, tokens, prompt, completion, cached, usd, seconds, *rest = row
    retries, request_id, prices, _ = rest
    return Completion(
        text,
        finish_reason,
        Usage(1, prompt, completion, cached, usd, seconds),
        reasoning,
        parse_tokens(json.loads(tokens)) if tokens else (),
        request_id,
        prices,
        retries,
        key=key,
        draw=draw,
        is_new=False,
    )


@lru_cache(1)
def format_utc(seconds: int) -> str:
    """Return a Unix time in the stored form. Its fixed length makes texts sort by time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def canonical_text(request: Request) -> str:
    """Return the text whose SHA-256 is the request's key.

    Equal requests have the same text. It holds no API key and no header.
    """
    text = request.canonical
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            # SQLite stores UTF-8, which has no lone surrogates; JSON's escape keeps what was sent.
            return "".join(char if not "\ud800" <= char <= "\udfff" else f"\\u{ord(char):04x}" for char in text)
    return text


def parse_request(data: Any) -> Request:
    """Return the request of decoded canonical JSON.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: the value is not a request.
    """
    messages = tuple(Message(role, content) for role, content in data["messages"])
    return Request(data["model"], messages, dict(data["sampling"].items()), data["endpoint"])


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which broken servers send, with question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
