"""The headers in which providers tell what is left of a minute's share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

_SHARES = [(f"x-ratelimit-remaining-{what}", f"x-ratelimit-reset-{what}") for what in ("requests", "tokens")] + [
    (f"anthropic-ratelimit-{what}-remaining", f"anthropic-ratelimit-{what}-reset") for what in ("requests", "tokens")
]
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def reset_delays(headers: Mapping[str, str]) -> Iterator[float]:
    """Seconds until each share that is used up is there again."""
    for left, reset in _SHARES:
        if headers.get(left, "").strip() == "0":
            yield parse_duration(headers.get(reset, ""))


def parse_duration(text: str) -> float:
    """What a reset header says: "1s", "6m0s", "20ms", bare seconds, or a time."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    if parts := re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text):
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return max(0.0, (datetime.fromisoformat(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 1.0
