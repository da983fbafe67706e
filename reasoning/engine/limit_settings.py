"""The limits that the owners of a rate limiter set, and the strictest of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reasoning.errors import UsageError

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class LimitSettings:
    """The limits that one owner sets on a `RateLimiter`; None for a limit that it does not set.

    Attributes:
        concurrency: the maximum number of requests in flight.
        requests_per_minute, tokens_per_minute: the provider's limits.
        patience: the maximum number of seconds of nothing but failures.
        folder: processes that set the same folder share the limits evenly; see `ProcessRegistry`.

    Raises:
        UsageError: a limit is 0 or less.
    """

    concurrency: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    patience: float | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "requests_per_minute", "tokens_per_minute"):
            if (limit := getattr(self, name)) is not None and limit <= 0:
                raise UsageError(f"{name} must be greater than 0, got {limit}")


def find_strictest(settings: Collection[LimitSettings]) -> LimitSettings:
    """Return the lowest of each limit, and the first folder."""
    return LimitSettings(
        _lowest(one.concurrency for one in settings),
        _lowest(one.requests_per_minute for one in settings),
        _lowest(one.tokens_per_minute for one in settings),
        _lowest(one.patience for one in settings),
        next((one.folder for one in settings if one.folder), None),
    )


def _lowest(limits: Iterable[N | None]) -> N | None:
    return min((limit for limit in limits if limit is not None), default=None)
