"""Conversion between draws and rows of the file, and between requests and canonical JSON."""

from __future__ import annotations

import json
import math
import time
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from reasoning.errors import JournalError
from reasoning.journal.stored_images import ImageRow, images_of
from reasoning.messages import Completion, Message, Request, Usage, parse_tokens
from reasoning.text_safety import replace_surrogates

Row = tuple[Any, ...]
"""The values of `COLUMNS`, in their order."""

COLUMNS = (
    *("draw", "text", "finish_reason", "reasoning", "tokens"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "usd", "seconds"),
    *("retries", "request_id", "prices", "at", "reasoning_tokens", "cache_write_tokens"),
)
"""The columns of a draw: `tokens` is JSON or NULL, `usd` is NULL without a price, `at` is UTC.

The file also has a checksum of each draw."""

_CHECKED = tuple("\0".join(["%s"] * (len(COLUMNS) - left)) for left in range(3))
"""The forms of a row whose checksum is stored: whole, and without the last column or the last two.

Format 4 had no tokens of cache writes, and those before it no reasoning tokens: their checksums stay valid."""
_TOO_LARGE = 1 << 63


class Record(NamedTuple):
    """Draws of one request in their stored form.

    Attributes:
        key: the SHA-256 of the request.
        model: the request's model, also stored separately to count and select draws by it.
        request: the canonical JSON of the request.
        rows: one row for each draw.
        images: the images of the request. A record without rows only brings images.
    """

    key: bytes
    model: str
    request: str
    rows: list[Row]
    images: tuple[ImageRow, ...] = ()


def encode(request: Request, completions: Sequence[Completion]) -> Record:
    """Return the stored form of draws, with the current time.

    Raises:
        JournalError: a draw index is negative or too large, or the usage is not made of numbers.
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
                *_stored_numbers(usage),
                *(completion.retries, replace_surrogates(completion.request_id), completion.prices, at),
                _stored_count(usage.reasoning_tokens, usage),
                _stored_count(usage.cache_write_tokens, usage),
            )
        )
    text = canonical_text(request)
    return Record(bytes.fromhex(request.key), replace_surrogates(request.model), text, rows, images_of(request))


def checksum(key: bytes, row: Row) -> int:
    """Return the CRC-32 of a draw with the key of its request, which differs if one bit of them does."""
    # Damage may have turned a 0 into a NULL or a text.
    left = 0
    while left < 2 and row[-1].__class__ is int and not row[-1]:
        left, row = left + 1, row[:-1]
    text = _CHECKED[left] % row
    return zlib.crc32(text.encode("utf-8", "surrogatepass"), zlib.crc32(key))


def decode(key: str, row: Row) -> Completion:
    """Return the draw of a row, with `is_new` False."""
    draw, text, finish_reason, reasoning, tokens, prompt, completion, cached, usd, seconds, *rest = row
    retries, request_id, prices, _, thought, written = rest
    return Completion(
        text,
        finish_reason,
        Usage(1, prompt, completion, cached, usd, seconds, thought, written),
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


def find_request_problem(key: Any, model: Any, text: Any) -> str:
    """Return what is wrong with a stored request, such as damage to its text; empty if it is sound."""
    try:
        request = parse_request(json.loads(text))
        if request.key != key.hex():
            return f"the key must be the hash of the stored text, {request.key}"
        if replace_surrogates(request.model) != model:
            return f"stored for the model {model!r}, but sent to {request.model!r}"
        return "" if canonical_text(request) == text else "not stored in canonical form"
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return f"cannot be read: {type(error).__name__}: {error}"


def decode_leniently(raw: bytes) -> str:
    """Return a stored text, also if damage has made it invalid UTF-8; its checksum then fails."""
    return raw.decode("utf-8", "surrogateescape")


def parse_request(data: Any) -> Request:
    """Return the request of decoded canonical JSON.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: the value is not a request.
    """
    messages = tuple(Message.from_json(turn) for turn in data["messages"])
    series = data.get("series", "")
    return Request(data["model"], messages, dict(data["sampling"].items()), data["endpoint"], series=series)


def _stored_numbers(usage: Usage) -> tuple[float | None, ...]:
    """Return the numbers as SQLite returns them, so that the checksum of the row that is read is the same."""
    try:
        counts = (int(usage.prompt_tokens), int(usage.completion_tokens), int(usage.cached_tokens))
        return (*counts, *stored_amounts(usage.usd, usage.seconds))
    except (TypeError, ValueError) as error:
        raise JournalError(f"the usage of a draw must be made of numbers, got {usage}: {error}") from None


def _stored_count(value: int, usage: Usage) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise JournalError(f"the usage of a draw must be made of numbers, got {usage!r}: {error}") from None


def stored_amounts(usd: float | None, seconds: float) -> tuple[float | None, float]:
    """Return the columns `usd` and `seconds` as SQLite returns them: as floats, with no -0.0 and NULL for NaN."""
    return None if usd is None or math.isnan(usd) else float(usd) + 0.0, float(seconds) + 0.0
