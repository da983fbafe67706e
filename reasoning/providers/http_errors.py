"""What a provider says when it does not answer: whether the call may come through later, and when."""

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
"""How servers say that a prompt is longer than the model's context."""


def is_retryable(status: int) -> bool:
    """Whether the same call may come through later: after a few client errors, and every 5xx except 501 and 505."""
    return status in (408, 409, 425, 429) or (status >= 500 and status not in (501, 505))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a provider asks to wait: a number or a date, or milliseconds in a header of their own."""
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
    try:  # by the provider's clock: ours may be wrong
        now = parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        now = time.time()
    return max(0.0, until - now)


def error_message(text: str) -> tuple[str, str]:
    """The message of an error body, and its code or type."""
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
    """The status that an error in the body of an answer stands for."""
    said = str(error.get("code")) if isinstance(error, dict) else ""
    return int(said) if re.fullmatch(r"[45]\d\d", said) else 500
