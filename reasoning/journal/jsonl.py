"""A draw with its request as one JSON object, as exports have it, and back."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reasoning.errors import InputError
from reasoning.journal.codec import COLUMNS, Record, Row, canonical_text, format_utc, parse_request, replace_surrogates
from reasoning.messages import parse_tokens

FIELDS = ("key", "request", *COLUMNS)
"""The fields of a line, in order."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_USUAL: dict[str, Any] = {
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
}
_COUNTS = ("draw", "prompt_tokens", "completion_tokens", "cached_tokens", "retries")
_TEXTS = ("text", "finish_reason", "reasoning", "request_id", "prices", "at")
_LARGEST = (1 << 63) - 1


def format_line(key: bytes, request: str, row: Row) -> str:
    """The line of a draw; its request and its tokens are JSON already."""
    fields = dict(zip(COLUMNS, row, strict=True))
    tokens = fields.pop("tokens") or "null"
    rest = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return f'{{"key":"{key.hex()}","request":{request},"tokens":{tokens},{rest[1:]}\n'


def parse_record(said: dict[str, Any], path: Path, number: int) -> Record:
    """The draw of a line that has been read. What is not said of it has its usual value, and `at` is now.

    Raises:
        InputError: it is no draw; names file, line and field.
    """
    place = f"{path}:{number}"
    try:
        request = parse_request(said["request"])
        text, key = canonical_text(request), request.key
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"{place}: 'request' is wanted as an object with 'model', 'messages' ([[role, text], …]), 'sampling' and "
            f"'endpoint' ({type(error).__name__}: {error})"
        ) from None
    if said.get("key", key) != key:
        raise InputError(f"{place}: 'key' is {said['key']!r}, but its request has the key {key}")
    found = {**_USUAL, "at": format_utc(int(time.time())), **{name: said[name] for name in COLUMNS if name in said}}
    for wanted in _wrong(found):
        raise InputError(f"{place}: {wanted}")
    found["tokens"] = json.dumps(found["tokens"]) if found["tokens"] else None
    values = (found[name] for name in COLUMNS)
    row = tuple(replace_surrogates(value) if isinstance(value, str) else value for value in values)
    return Record(bytes.fromhex(key), replace_surrogates(request.model), text, [row])


def _wrong(said: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the fields of a draw."""
    for name in _TEXTS:
        if not isinstance(said.get(name), str):
            yield f"{name!r} is wanted as text, not {said.get(name)!r}"
    for name in _COUNTS:
        if type(said.get(name)) is not int or not 0 <= said[name] <= _LARGEST:
            yield f"{name!r} is wanted as a whole number from 0, not {said.get(name)!r}"
    for name in ("usd", "seconds"):
        if not (_number(said[name]) or (name == "usd" and said[name] is None)):
            yield f"{name!r} is wanted as a number from 0, not {said[name]!r}"
    if not _TIME.fullmatch(said["at"]):
        yield f"'at' is wanted as a time in UTC such as 2026-01-31T12:00:00Z, not {said['at']!r}"
    try:
        parse_tokens(said["tokens"] or [])
    except (ValueError, TypeError):
        yield "'tokens' is wanted as [[text, logprob, [[text, logprob], …]], …] or null"


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0
