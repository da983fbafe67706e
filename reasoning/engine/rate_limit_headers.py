"""Rate-limit headers of providers: the time until an exhausted limit is reset."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

_HEADERS = [(f"x-ratelimit-remaining-{unit}", f"x-ratelimit-reset-{unit}") for unit in ("requests", "tokens")] + [
    (f"anthropic-ratelimit-{unit}-remaining", f"anthropic-ratelimit-{unit}-reset") for unit in ("requests", "tokens")
]
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def reset_delays(headers: Mapping[str, str]) -> Iterator[float]:
    """Yield the seconds until each exhausted limit is reset."""
    for remaining, reset in _HEADERS:
        if headers.get(remaining, "").strip() == "0":
            yield parse_duration(headers.get(reset, ""))


def parse_duration(text: str) -> float:
    """Return the seconds that a reset header names; 1.0 if it cannot be parsed.

    Args:
        text: "1s", "6m0s", "20ms", a number of seconds, or a time in ISO 8601.

    Examples:
        >>> parse_duration("6m0s"), parse_duration("20ms"), parse_duration("1.5")
        (360.0, 0.02, 1.5)
    """
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    if parts := re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text):
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    try:
        return max(0.0, (datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 1.0
