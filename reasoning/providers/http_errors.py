"""Error responses of providers: whether and when to retry, and the message."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from reasoning.errors import (
    AuthenticationFailed,
    CallFailed,
    ContextOverflow,
    ModelNotFound,
    PromptRefused,
    QuotaExhausted,
)

_CONTEXT_OVERFLOW = re.compile(
    r"context[ _](length|window|size)|maximum context|exceeds the .*context|prompt is too long|too many tokens", re.I
)
"""The phrases with which servers reject a prompt that is longer than the model's context."""
_CONTENT = re.compile(
    r"content[ _-]?(filter|policy|management)|moderation|was flagged|inappropriate|data_inspection_failed|"
    r"safety (system|policy|filter)|responsible ?ai|usage policy",
    re.I,
)
"""The phrases with which providers reject a prompt because of its content."""
_QUOTA = re.compile(
    r"insufficient[ _](quota|balance|credit|fund)|billing_(hard_limit|not_active)|credit balance is too low|"
    r"used all available credits|out of credits",
    re.I,
)
"""The phrases with which providers say that an account has no credit. Waiting does not help."""
NO_CREDIT_HINT = "; the account has no credit left: add some, then run the same command again"
"""The advice when the quota is used up."""
_NO_MODEL = re.compile(
    r"model_not_found|(invalid|unknown|unsupported) model\b|not a valid model|no such model|"
    r"model\b.{0,80}\b(not (exist|found)|does ?n[o']t exist)",
    re.I,
)
"""The phrases with which servers say that they have no such model."""


_NO_ROUTE = re.compile(r"unexpected endpoint", re.I)
"""The phrases with which servers say that they have no such path, if the status does not."""


class WrongAddress(ModelNotFound):
    """The server has no API at this address."""


class NothingListens(CallFailed):
    """No connection could be made, so that nothing was sent."""

    @property
    def brief(self) -> str:
        """The error in two words."""
        return "no connection"


def lacks_route(status: int, message: str, kind: str = "") -> bool:
    """Return whether an error says that the server has no such path, rather than no such model."""
    beginning = f"{kind} {message}"[:300]
    if status in (404, 405):
        return not _NO_MODEL.search(beginning)
    # LM Studio reports it with status 200.
    return status == 500 and bool(_NO_ROUTE.search(beginning))


def is_web_page(text: str) -> bool:
    """Return whether a body is HTML, which no API answers with."""
    return bool(re.match(r"\s*<(!doctype html|html|head|body)\b", text[:1000], re.I))


def error_class(status: int | None, message: str, kind: str = "") -> type[CallFailed]:
    """Return the class of the error of a response.

    Args:
        status: the HTTP status.
        message: the provider's message.
        kind: the code and type of the error, if the body has them.
    """
    text = f"{kind} {message}"
    # The rest of a message may quote the prompt.
    beginning = text[:300]
    if status == 402 or (status in (400, 403, 429) and _QUOTA.search(beginning)):
        return QuotaExhausted
    if status == 413 or (status in (400, 422, 500) and _CONTEXT_OVERFLOW.search(text)):
        return ContextOverflow
    if status in (400, 403, 422, 451) and _CONTENT.search(beginning):
        return PromptRefused
    if status in (401, 403):
        return AuthenticationFailed
    if status == 404 or (status in (400, 422) and _NO_MODEL.search(beginning)):
        return ModelNotFound
    return CallFailed


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
    if isinstance(body, list) and len(body) == 1:  # as Gemini's
        body = body[0]
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), ""
    message = error.get("message") or error.get("detail") or text
    return str(message), f"{error.get('code') or ''} {error.get('type') or ''}".strip()


def error_status(error: Any) -> int:
    """Return the HTTP status of an error in the body of a response; 500 if it has none."""
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return int(code) if re.fullmatch(r"[45]\d\d", code) else 500
