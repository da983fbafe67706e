"""Filters that select draws by model and time."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from reasoning.errors import UnknownName, UsageError
from reasoning.journal.codec import format_utc

_AGE = re.compile(r"(\d{1,6})\s*([mhdw])")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_time(text: str, option: str) -> str:
    """Return a time in the form of `format_utc`.

    Args:
        text: an age (30d, 12h, 2w, 90m) or a date in UTC (2026-01-31, 2026-01-31T12:00).
        option: the command-line option of the text, for the error.

    Raises:
        UsageError: the text is neither.

    Examples:
        >>> parse_time("2026-01-31", "--since")
        '2026-01-31T00:00:00Z'
    """
    if age := _AGE.fullmatch(text.strip()):
        return format_utc(max(0, int(time.time()) - int(age[1]) * _SECONDS[age[2]]))
    try:
        date = datetime.fromisoformat(text.strip())
        return format_utc(int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} must be an age such as 30d, 12h or 2w, or a date such as 2026-01-31 (UTC), got {text!r}"
        ) from None


def where_clause(
    connection: sqlite3.Connection,
    path: Path,
    *,
    model: str | None = None,
    since: str | None = None,
    before: str | None = None,
) -> tuple[str, Sequence[str]]:
    """Return a WHERE clause on `draws`, empty for no condition, and its values.

    Args:
        connection: the open journal.
        path: its file, for the error.
        model: only draws of this model.
        since: only draws from this time on, in the form of `format_utc`.
        before: only draws before this time.

    Raises:
        UnknownName: the journal has no draws of this model; names the nearest one.
    """
    conditions, values = [], []
    if model is not None:
        known = [name for (name,) in connection.execute("SELECT DISTINCT model FROM requests")]
        if model not in known:
            raise UnknownName("model", model, known, f"in {path}")
        conditions.append("draws.request IN (SELECT id FROM requests WHERE model = ?)")
        values.append(model)
    for comparison, limit in ((">=", since), ("<", before)):
        if limit is not None:
            conditions.append(f"draws.at {comparison} ?")
            values.append(limit)
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), values
