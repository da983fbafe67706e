"""Error responses of providers: whether and when to retry, and the message."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

CONTEXT_OVERFLOW = re.compile(
    r"context[ _](length|window|size)|maximum context|exceeds the .*context|prompt is too long|too many tokens", re.I
)
"""The phrases with which servers reject a prompt that is longer than the model's context."""


def is_retryable(status: int) -> bool:
    """Return whether the same call may succeed later: 408, 409, 425, 429, 5xx except 501, 505."""
    return status in (408, 409, 425, 429) or (status >= 500 and status not in (501, 505))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a provider asks to wait; None if it does not ask.

    The `retry-after-ms` header has milliseconds; `retry-after` has seconds or a date.
    """
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        value = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value).timestamp()
    except ValueError:
        return None
    try:  # compare with the provider's clock, since ours may be wrong
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        now = time.time()
    return max(0.0, until - now)


def error_message(text: str) -> tuple[str, str]:
    """Return the message of an error body, and its code and type."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return text or "nothing", ""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), ""
    message = error.get("message") or error.get("detail") or text
    return str(message), f"{error.get('code') or ''} {error.get('type') or ''}".strip()


def error_status(error: Any) -> int:
    """Return the HTTP status of an error in the body of a response; 500 if it has none."""
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return int(code) if re.fullmatch(r"[45]\d\d", code) else 500
