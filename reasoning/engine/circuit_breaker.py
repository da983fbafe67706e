"""Whether an endpoint answers anybody: tells an outage from a request that fails by its own fault."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from reasoning.errors import CallFailed, EndpointDown

MAX_OUTAGE_SECONDS = 600.0
"""Seconds of nothing but failures after which a run is ended, where nobody says how many."""
_BACKOFF = 30.0
"""Seconds that a call may wait by itself before it is tried again."""
_SURE = 5.0
"""Seconds of nothing but failures from which on a wait for another try ends when somebody gets through."""


@dataclass
class CircuitBreaker:
    """Watches every attempt at one endpoint.

    Attributes:
        after: seconds of nothing but failures after which calls wait, and one at a time tries.
        every: seconds from one trial to the next while calls wait.
        patience: seconds of nothing but failures after which the run is ended.
    """

    open_after: float = 60.0
    probe_interval: float = 10.0
    max_outage_seconds: float = MAX_OUTAGE_SECONDS
    _failing_since: float | None = field(default=None, init=False)
    _last_answer: float | None = field(default=None, init=False)
    _last_trial: float = field(default=0.0, init=False)
    _told: float = field(default=0.0, init=False)
    _why: str = field(default="", init=False)
    _pausing: set[asyncio.Event] = field(default_factory=set, init=False)

    def record_success(self) -> None:
        """An answer came: there is no outage."""
        self._failing_since, self._last_answer = None, time.monotonic()
        for one in self._pausing:
            one.set()

    def record_failure(self, error: CallFailed) -> None:
        """An attempt failed. A refusal of this very request says nothing against the endpoint."""
        if not error.retryable:
            return
        now = time.monotonic()
        # Where nobody has tried for long, though nobody was told to wait, nothing is known of the time between.
        if self._failing_since is None or now > self._told + self.open_after + self.probe_interval + _BACKOFF:
            self._failing_since = now
        self._last_trial, self._told = now, now + (error.retry_after or 0.0)
        self._why = str(error)

    def is_outage(self, since: float) -> bool:
        """Whether nobody has got through since that moment, at an endpoint that answered before."""
        return self._last_answer is not None and self._last_answer < since

    async def pause(self, seconds: float) -> None:
        """Wait so long before another try; in an outage no longer than until somebody gets through."""
        if self._failing_since is None or time.monotonic() - self._failing_since < _SURE:
            await asyncio.sleep(seconds)
            return
        back = asyncio.Event()
        self._pausing.add(back)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await back.wait()
        finally:
            self._pausing.discard(back)

    @property
    def is_open(self) -> bool:
        """Whether all has failed for so long that calls wait; one failure, while others are under way, is no outage."""
        return self._failing_since is not None and self._last_trial - self._failing_since >= self.open_after

    @property
    def next_probe_at(self) -> float:
        """When the next call may try while calls wait, on the monotonic clock."""
        return self._last_trial + self.probe_interval

    @property
    def fatal_error(self) -> EndpointDown | None:
        """The error that ends the run, where everything has failed for longer than the patience, and did just now."""
        now = time.monotonic()
        if (
            self._failing_since is None
            or now - self._failing_since < self.max_outage_seconds
            or now >= self.next_probe_at
        ):
            return None
        return EndpointDown(f"every call has failed for {self.max_outage_seconds:g} s, the last with: {self._why}")

    def __str__(self) -> str:
        """Why calls wait, for people; empty where they do not."""
        if self._failing_since is None or not self.is_open:
            return ""
        seconds = time.monotonic() - self._failing_since
        retry = f"trying again every {self.probe_interval:g} s"
        return f"waiting: every call has failed for {seconds:.0f} s ({self._why}); {retry}"
