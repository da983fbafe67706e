"""A circuit breaker, which distinguishes an outage of an endpoint from a fault of one request."""

from __future__ import annotations

import asyncio
import math
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from reasoning.errors import CallFailed, EndpointDown
from reasoning.logs import Log

MAX_OUTAGE_SECONDS = 600.0
"""The default number of seconds of nothing but failures after which a run ends."""
_LONGEST_BACKOFF = 30.0
"""Seconds that a call may wait before a retry."""
_INTERRUPTIBLE_AFTER = 5.0
"""Seconds of nothing but failures after which the first success ends all waits for a retry."""
_SHOWN_AFTER = 1.0
"""Seconds of nothing but failures after which users are told."""
_MIN_SUCCESS_SHARE = 0.25
"""The share of successful attempts below which the endpoint is down, although some succeed."""
_log = Log(__name__)


class Moment(NamedTuple):
    """A time, and the numbers of attempts at the endpoint that had succeeded and failed until then."""

    time: float
    successes: int
    failures: int


@dataclass
class CircuitBreaker:
    """Watches every attempt at one endpoint. While it is open, calls wait and one at a time probes.

    Attributes:
        open_after: seconds of nothing but failures after which it opens.
        probe_interval: seconds between two probes while it is open.
        max_outage_seconds: seconds of nothing but failures after which the run ends.
        name: the name of the endpoint in warnings, where there are several; empty for the only one.
        has_succeeded: whether any attempt has succeeded.
        last_failure: the latest failure in a few words; empty before one.
    """

    open_after: float = 60.0
    probe_interval: float = 10.0
    max_outage_seconds: float = MAX_OUTAGE_SECONDS
    name: str = ""
    has_succeeded: bool = field(default=False, init=False)
    last_failure: str = field(default="", init=False)
    _successes: int = field(default=0, init=False)
    _failures: int = field(default=0, init=False)
    _latest_start: float = field(default=0.0, init=False)
    _last_success: float = field(default=0.0, init=False)
    _last_first_failure: float = field(default=-math.inf, init=False)
    _failing_since: float | None = field(default=None, init=False)
    _last_failure: float = field(default=0.0, init=False)
    _retry_allowed_at: float = field(default=0.0, init=False)
    _reason: str = field(default="", init=False)
    _failed_in_a_row: int = field(default=0, init=False)
    _is_reported: bool = field(default=False, init=False)
    _retries_at: dict[object, float] = field(default_factory=dict, init=False)
    _pauses: set[asyncio.Event] = field(default_factory=set, init=False)

    def reset_after_fork(self) -> None:
        """Leave the waiting calls to the parent process; see `reasoning.forks`."""
        self._pauses.clear()
        self._retries_at.clear()

    def record_success(self, started: float) -> None:
        """Record a response to an attempt that was sent at the time `started`: there is no outage."""
        if self._is_reported:
            self._is_reported = False
            _log.warning("the outage%s is over after %d failed calls", self._place, self._failed_in_a_row)
        self.has_succeeded, self._failing_since, self._failed_in_a_row = True, None, 0
        self._last_success = time.monotonic()
        self._successes += 1
        self._latest_start = max(self._latest_start, started)
        for pause in self._pauses:
            pause.set()

    def record_failure(self, error: CallFailed, *, is_retry: bool = False) -> None:
        """Record a failed attempt.

        A refusal of the request says nothing about the endpoint, and a reply that is billed is no
        outage.
        """
        if not error.retryable or error.usage is not None:
            return
        now = time.monotonic()
        # After a long time without attempts, for which the provider did not ask, nothing is known about the time
        # between. So the outage begins now.
        if (
            self._failing_since is None
            or now > self._retry_allowed_at + self.open_after + self.probe_interval + _LONGEST_BACKOFF
        ):
            self._failing_since = now
            self._failed_in_a_row = 0
        self._failures += 1
        self._failed_in_a_row += 1
        if not is_retry:
            self._last_first_failure = now
        self._last_failure, self._retry_allowed_at = now, now + (error.retry_after or 0.0)
        self._reason, self.last_failure = str(error), error.brief
        if not self._is_reported and now - self._failing_since >= _INTERRUPTIBLE_AFTER:
            self._is_reported = True
            _log.warning(
                "outage%s: every call has failed for %.0f s, %d times, the last with %s",
                *(self._place, now - self._failing_since, self._failed_in_a_row, error.brief),
            )
            _log.debug("outage: the last call failed with: %s", error)

    @property
    def _place(self) -> str:
        return f" of {self.name}" if self.name else ""

    @property
    def now(self) -> Moment:
        """The present moment, for `worked_since`."""
        return Moment(time.monotonic(), self._successes, self._failures)

    def worked_since(self, moment: Moment) -> bool:
        """Return whether the endpoint has worked since a moment at which one request failed.

        A response to an attempt that began earlier says nothing: a server that shuts down completes the calls in
        flight. Nor does a rare success, as of one working replica among many.
        """
        succeeded = self._successes - moment.successes
        # The failure of the request itself is not counted.
        failed = self._failures - moment.failures - 1
        return self._latest_start > moment.time and succeeded >= _MIN_SUCCESS_SHARE * (succeeded + failed)

    def fails_others(self, first_failure: Moment) -> bool:
        """Return whether other requests than one that fails since `first_failure` have begun to fail, too.

        They have done so since the last success, or in the last minute. Otherwise all that fail now
        had failed before the last success.
        """
        latest = self._last_first_failure
        is_recent = time.monotonic() - latest < self.open_after
        return latest > self._last_success or (is_recent and latest > first_failure.time)

    async def pause(self, seconds: float) -> None:
        """Wait before a retry; in an outage, until the first success at the latest."""
        retry = object()
        self._retries_at[retry] = time.monotonic() + seconds
        try:
            await self._pause(seconds)
        finally:
            self._retries_at.pop(retry, None)

    async def _pause(self, seconds: float) -> None:
        if self._failing_since is None or time.monotonic() - self._failing_since < _INTERRUPTIBLE_AFTER:
            await asyncio.sleep(seconds)
            return
        recovered = asyncio.Event()
        self._pauses.add(recovered)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await recovered.wait()
        finally:
            self._pauses.discard(recovered)

    @property
    def is_open(self) -> bool:
        """True if everything has failed for so long that calls wait.

        A single failure while other calls are under way is no outage.
        """
        return self._failing_since is not None and self._last_failure - self._failing_since >= self.open_after

    def has_failed_within(self, seconds: float) -> bool:
        """Return whether the latest attempt failed, and did so within this time."""
        return self._failing_since is not None and time.monotonic() - self._last_failure < seconds

    @property
    def next_probe_at(self) -> float:
        """The time of the next probe on the monotonic clock, while the breaker is open."""
        return self._last_failure + self.probe_interval

    @property
    def fatal_error(self) -> EndpointDown | None:
        """The error that ends the run if every call has failed for `max_outage_seconds`, else None."""
        now = time.monotonic()
        if (
            self._failing_since is None
            or now - self._failing_since < self.max_outage_seconds
            or now >= self.next_probe_at
        ):
            return None
        return EndpointDown(f"every call has failed for {self.max_outage_seconds:g} s, the last with: {self._reason}")

    def __str__(self) -> str:
        """Return a line for users: what fails, how often, and when it is tried again; empty after a single failure."""
        if self._failing_since is None or self._last_failure - self._failing_since < _SHOWN_AFTER:
            return ""
        now = time.monotonic()
        seconds = now - self._failing_since
        # Another thread may change it meanwhile.
        retries = [self.next_probe_at] if self.is_open else list(self._retries_at.values())
        left = min(retries, default=now) - now
        retry = "trying again" + (f" in {left:.0f} s" if left >= 0.5 else "")
        # The end is noticed at the next failure.
        is_last = seconds >= self.max_outage_seconds
        end = "for the last time" if is_last else f"for at most {self.max_outage_seconds:g} s"
        return (
            f"waiting: every call has failed for {seconds:.0f} s, {self._failed_in_a_row:,} times ({self._reason}); "
            f"{retry}, {end}"
        )
