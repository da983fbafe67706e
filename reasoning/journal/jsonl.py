"""The export format: a draw with its request as one JSON object."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reasoning.errors import InputError
from reasoning.journal.codec import (
    COLUMNS,
    Record,
    Row,
    canonical_text,
    format_utc,
    parse_request,
    stored_amounts,
)
from reasoning.journal.stored_images import parse_image
from reasoning.messages import parse_tokens
from reasoning.text_safety import replace_surrogates

FIELDS = ("key", "request", *COLUMNS)
"""The fields of a line, in order."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DEFAULTS: dict[str, Any] = {
    "finish_reason": "stop",
    "reasoning": "",
    "tokens": None,
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "cached_tokens": 0,
    "usd": None,
    "seconds": 0.0,
    "retries": 0,
    "request_id": "",
    "prices": "",
    "reasoning_tokens": 0,
    "cache_write_tokens": 0,
}
_LATER = ("reasoning_tokens", "cache_write_tokens")
"""The fields that exports of earlier versions do not have."""
COUNTS = ("draw", "prompt_tokens", "completion_tokens", "cached_tokens", "retries", *_LATER)
"""The fields of counts."""
_TEXTS = ("text", "finish_reason", "reasoning", "request_id", "prices", "at")
_MAX_INTEGER = (1 << 63) - 1


def format_line(key: bytes, request: str, row: Row) -> str:
    """Return the line of a draw, whose request and tokens are already JSON."""
    fields = dict(zip(COLUMNS, row, strict=True))
    tokens = fields.pop("tokens") or "null"
    for name in _LATER:
        if not fields[name]:
            del fields[name]
    rest = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return f'{{"key":"{key.hex()}","request":{request},"tokens":{tokens},{rest[1:]}\n'


def parse_record(data: dict[str, Any], path: Path, number: int) -> Record:
    """Return the draw or the image of a decoded line. Missing fields get their defaults; `at` defaults to now.

    Args:
        data: the JSON object.
        path: the file, for errors.
        number: the line number, for errors.

    Raises:
        InputError: the object is not a draw; names file, line and field.
    """
    where = f"{path}:{number}"
    if "image" in data and "request" not in data:
        return Record(b"", "", "", [], (parse_image(data["image"], path, number),))
    try:
        request = parse_request(data["request"])
        text, key = canonical_text(request), request.key
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{where}: 'request' must be an object with 'model', 'messages' ([[role, text], …]), 'sampling' and "
            f"'endpoint'" + (f"; {error} is missing" if isinstance(error, KeyError) else f" ({error})")
        ) from None
    if data.get("key", key) != key:
        raise InputError(f"{where}: 'key' must be the key of its request, {key}, got {data['key']!r}")
    fields = {**_DEFAULTS, "at": format_utc(int(time.time())), **{name: data[name] for name in COLUMNS if name in data}}
    for message in _find_errors(fields):
        raise InputError(f"{where}: {message}")
    fields["tokens"] = json.dumps(fields["tokens"]) if fields["tokens"] else None
    fields["usd"], fields["seconds"] = stored_amounts(fields["usd"], fields["seconds"])
    values = (fields[name] for name in COLUMNS)
    row = tuple(replace_surrogates(value) if isinstance(value, str) else value for value in values)
    return Record(bytes.fromhex(key), replace_surrogates(request.model), text, [row])


def _find_errors(fields: dict[str, Any]) -> Iterator[str]:
    """Yield a message for each wrong field of a draw."""
    for name in _TEXTS:
        if not isinstance(fields.get(name), str):
            yield f"{name!r} must be a text, got {fields.get(name)!r}"
    for name in COUNTS:
        if type(fields.get(name)) is not int or not 0 <= fields[name] <= _MAX_INTEGER:
            yield f"{name!r} must be an integer of at least 0, got {fields.get(name)!r}"
    for name in ("usd", "seconds"):
        if not (_is_amount(fields[name]) or (name == "usd" and fields[name] is None)):
            yield f"{name!r} must be a number of at least 0, got {fields[name]!r}"
    if not _TIME.fullmatch(fields["at"]):
        yield f"'at' must be a time in UTC such as 2026-01-31T12:00:00Z, got {fields['at']!r}"
    try:
        parse_tokens(fields["tokens"] or [])
    except (ValueError, TypeError):
        yield "'tokens' must be [[text, logprob, [[text, logprob], …]], …] or null"


def _is_amount(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0
