"""A draw as a row of the file, and back; a request as canonical JSON, and back."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from reasoning.errors import JournalError
from reasoning.messages import Completion, Message, Request, Usage, parse_tokens

Row = tuple[Any, ...]
"""The values of `COLUMNS`, in this order."""

COLUMNS = (
    *("draw", "text", "finish_reason", "reasoning", "tokens"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "usd", "seconds"),
    *("retries", "request_id", "prices", "at"),
)
"""What is kept of a draw: `tokens` is JSON or NULL, `usd` is NULL where there was no price, `at` is the time in UTC."""

_TOO_LARGE = 1 << 63


class Record(NamedTuple):
    """Draws of one request, as they are stored.

    Attributes:
        key: SHA-256 of the request.
        model: the request's model, also apart from it, so that draws can be counted and chosen by
            it.
        request: the canonical JSON.
        rows: one for each draw.
    """

    key: bytes
    model: str
    request: str
    rows: list[Row]


def encode(request: Request, completions: Sequence[Completion]) -> Record:
    """Draws of a request as they are stored, with the time of now."""
    at = format_utc(int(time.time()))
    rows: list[Row] = []
    for one in completions:
        usage = one.usage
        if not 0 <= one.draw < _TOO_LARGE:
            raise JournalError(f"the draw {one.draw} cannot be recorded: an index is from 0 to {_TOO_LARGE - 1}")
        rows.append(
            (
                *(
                    one.draw,
                    replace_surrogates(one.text),
                    replace_surrogates(one.finish_reason),
                    replace_surrogates(one.reasoning),
                ),
                json.dumps(one.tokens) if one.tokens else None,
                *(usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.usd, usage.seconds),
                *(one.retries, replace_surrogates(one.request_id), one.prices, at),
            )
        )
    return Record(bytes.fromhex(request.key), replace_surrogates(request.model), canonical_text(request), rows)


def decode(key: str, row: Row) -> Completion:
    """The draw of a row: one that was not paid for now."""
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
    """A time as it is stored: of a length, so that later is greater."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def canonical_text(request: Request) -> str:
    """The text whose SHA-256 is the request's key: the same request always has the same. It holds no key, no header."""
    text = request.canonical
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate: SQLite stores UTF-8, and JSON's escape keeps what was asked
            return "".join(one if not "\ud800" <= one <= "\udfff" else f"\\u{ord(one):04x}" for one in text)
    return text


def parse_request(asked: Any) -> Request:
    """The request of canonical JSON that has been read.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: it is no request.
    """
    messages = tuple(Message(role, content) for role, content in asked["messages"])
    return Request(asked["model"], messages, dict(asked["sampling"].items()), asked["endpoint"])


def replace_surrogates(text: str) -> str:
    """A lone surrogate, which broken servers send, becomes a replacement character."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
