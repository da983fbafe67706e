"""Rate limits for one endpoint: concurrency, requests and tokens per minute."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reasoning import forks
from reasoning.engine.circuit_breaker import MAX_OUTAGE_SECONDS, CircuitBreaker
from reasoning.engine.fair_queue import FairQueue, QueuedRequest
from reasoning.engine.limit_settings import LimitSettings, find_strictest
from reasoning.engine.process_registry import ProcessRegistry
from reasoning.engine.rate_limit_headers import reset_delays
from reasoning.errors import CallFailed, EndpointDown, UsageError
from reasoning.logs import Log

CONCURRENCY = 32
"""The default number of requests in flight."""
_RECOUNT_SECONDS = 1.0
"""Seconds between two counts of the processes that share their limits."""
_SECONDS_TO_END_A_RUN = 1.0
"""Seconds in which no further request is sent after an error that ends the run."""
OVERLOAD_STATUSES = frozenset([429, 503, 529])
"""The HTTP statuses of an overloaded endpoint: nothing is wrong with the request."""
_log = Log(__name__)


@dataclass
class RateLimiter:
    """Admits requests. Groups take turns, so that a wide strategy does not starve a sequential one.

    The window of requests in flight follows AIMD: it starts at `concurrency`, is halved when the
    provider is overloaded (once for all requests that were under way) and grows by one with each
    success. Retry-After and the x-ratelimit headers delay all requests.

    Attributes:
        concurrency: the maximum number of requests in flight.
        requests_per_minute, tokens_per_minute: None for no limit. Requests are spaced evenly, so
            that a provider with a shorter window does not refuse a burst. The tokens that a request
            may use are counted when it is sent.
        circuit: the endpoint's circuit breaker.
        window: the number of requests in flight that the provider seems to accept now.
        in_flight: the number of requests in flight.
    """

    concurrency: int = CONCURRENCY
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    circuit: CircuitBreaker = field(default_factory=CircuitBreaker)
    window: float = field(init=False)
    in_flight: int = field(default=0, init=False)
    _queue: FairQueue = field(default_factory=FairQueue, init=False, repr=False)
    _not_before: float = field(default=0.0, init=False, repr=False)
    _halved_at: float = field(default=0.0, init=False, repr=False)
    _delayed_by_provider: bool = field(default=False, init=False, repr=False)
    _wakeup: asyncio.TimerHandle | None = field(default=None, init=False, repr=False)
    _settings: dict[int, LimitSettings] = field(default_factory=dict, init=False, repr=False)
    _registry: ProcessRegistry | None = field(default=None, init=False, repr=False)
    _counted_at: float = field(default=0.0, init=False, repr=False)
    _identity: tuple[str | None, str, int] | None = field(default=None, init=False, repr=False)
    _ended_by: CallFailed | None = field(default=None, init=False, repr=False)
    _ended_at: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        LimitSettings(self.concurrency, self.requests_per_minute, self.tokens_per_minute)
        self.window = float(self.concurrency)
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the calls in flight to the parent process; see `reasoning.forks`."""
        self.in_flight = 0
        self._queue.clear()
        self._wakeup = None
        self.circuit.reset_after_fork()
        if self._registry is not None:
            folder = self._registry.folder
            self._registry.close()
            # Without locks nothing is shared.
            self._registry = None
            with suppress(UsageError):
                self._registry = ProcessRegistry(folder)

    @property
    def now(self) -> float:
        """The time on the monotonic clock, for `on_success` and `on_failure` of a request that is sent now."""
        return time.monotonic()

    @classmethod
    def shared(cls, endpoint: str | None, model: str, key: str | None = None) -> RateLimiter:
        """Return the limits of a model at an endpoint.

        Every caller in this process with the same API key gets the same object.
        """
        return _get_shared((endpoint, model, hash(key)))

    def for_model(self, endpoint: str | None, model: str) -> RateLimiter:
        """Return the limits of another model under the same key; this object if its limits are not shared."""
        return self if self._identity is None else _get_shared((endpoint, model, self._identity[2]))

    def settings_of(self, owner: object) -> LimitSettings | None:
        """Return the settings that an owner has applied; None if it has applied none."""
        return self._settings.get(id(owner))

    def apply(self, owner: object, settings: LimitSettings) -> None:
        """Add the settings of an owner.

        The strictest setting of each limit applies, until its owner is removed or garbage-collected.
        """
        weakref.finalize(owner, self._remove, id(owner)).atexit = False
        with _lock:
            self._settings[id(owner)] = settings
            self._apply_strictest()

    def remove(self, owner: object) -> None:
        """Remove the settings of an owner."""
        self._remove(id(owner))

    def _remove(self, owner: int) -> None:
        with _lock:
            if self._settings.pop(owner, None) is None:
                return
            if self._settings:
                self._apply_strictest()
            else:
                # The next owner gets a new limiter.
                self._count_processes(None)
                if self._identity and _shared.get(self._identity) is self:
                    del _shared[self._identity]

    def _apply_strictest(self) -> None:
        before = self.concurrency
        settings = find_strictest(self._settings.values())
        processes = self._count_processes(settings.folder)
        self.concurrency = max(1, (settings.concurrency or CONCURRENCY) // processes)
        for name in ("requests_per_minute", "tokens_per_minute"):
            limit = getattr(settings, name)
            setattr(self, name, None if limit is None else limit / processes)
        self.circuit.max_outage_seconds = MAX_OUTAGE_SECONDS if settings.patience is None else settings.patience
        self.window = float(self.concurrency) if self.window == before else min(self.window, self.concurrency)

    def _count_processes(self, folder: Path | None) -> int:
        """Join the processes that set the same folder, and return their number."""
        subfolder = folder and folder / hashlib.sha256(repr((self._identity or ())[:2]).encode()).hexdigest()[:16]
        if self._registry is not None and self._registry.folder != subfolder:
            self._registry.leave()
            self._registry = None
        if subfolder and self._registry is None:
            self._registry = ProcessRegistry(subfolder)
        self._counted_at = time.monotonic()
        return 1 if self._registry is None else self._registry.count()

    async def acquire(self, tokens: int, group: str = "", is_wanted: Callable[[], bool] = lambda: True) -> float:
        """Wait until a request may be sent; `release` must follow.

        Args:
            tokens: the maximum number of tokens of the request, prompt and completion together.
            group: the group of the request; groups take turns.
            is_wanted: called when the request would be admitted; False if no caller awaits the
                response any more.

        Returns:
            The time of admission on the monotonic clock, for `on_success` and `on_failure`.

        Raises:
            CallFailed: an error that ends the run: every call has failed for too long, or a request
                that was in flight with others has shown that none can succeed.
            CancelledError: the request is not wanted any more.
        """
        if (error := self._fatal_error) is not None:
            raise error
        if not self.try_acquire(tokens):
            queued = QueuedRequest(asyncio.get_running_loop().create_future(), tokens, is_wanted)
            self._queue.add(group, queued)
            self._admit()
            try:
                await queued.admitted
            except asyncio.CancelledError:
                admitted = queued.admitted
                # It was admitted at the same moment.
                if admitted.done() and not admitted.cancelled() and admitted.exception() is None:
                    self.release()
                raise
            if self._ended_by is not None:
                # Another request has ended the run since this one was admitted.
                error = self._ended_by
                self.release()
                raise error
        return time.monotonic()

    def try_acquire(self, tokens: int) -> bool:
        """Return whether a request may be sent now, and count it if so; `release` must follow."""
        if self._queue.groups or not self._may_send(time.monotonic()):
            return False
        self.count_sent(tokens)
        return True

    def release(self) -> None:
        """Report that an admitted request has ended."""
        self.in_flight -= 1
        if self._queue.groups:
            self._admit()

    def on_success(self, admitted_at: float) -> None:
        """Record a success of an attempt that was admitted at the time `admitted_at`: the window grows by one."""
        self.circuit.record_success(admitted_at)
        if self.window < self.concurrency:
            self.window = min(self.concurrency, self.window + 1)

    def on_failure(self, error: CallFailed, admitted_at: float, *, is_retry: bool = False) -> CallFailed:
        """Record a failure of an attempt that was admitted at the time `admitted_at`.

        Returns:
            The error to raise: `EndpointDown` if no request should be sent for a long time, else the
            same error.
        """
        self.circuit.record_failure(error, is_retry=is_retry)
        if error.status in OVERLOAD_STATUSES and admitted_at > self._halved_at:
            self._halved_at = time.monotonic()
            self.window = max(1.0, self.window / 2)
            _log.info("the provider is overloaded (%s): at most %d requests in flight", error.brief, int(self.window))
        patience = self.circuit.max_outage_seconds
        if error.retryable and error.retry_after:
            if error.retry_after <= patience:
                self._delay(error.retry_after)
            else:
                error = EndpointDown(
                    f"the provider asks to wait {error.retry_after:,.0f} s (Retry-After), longer than the "
                    f"{patience:g} s that a run waits: continue later, or allow more with --max-outage (patience=…). "
                    f"It said: {error}"
                )
        fatal = error if error.ends_run else self.circuit.fatal_error
        if fatal is not None:
            _log.warning("no further request is sent: %s", fatal.brief)
            self._fail_all(fatal)
        return fatal if fatal and error.retryable else error

    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Delay requests, by 60 s at most, if rate-limit headers report an exhausted limit."""
        for seconds in reset_delays(headers):
            self._delay(min(seconds, 60.0))

    def __str__(self) -> str:
        """Return a line for users that says why no request is sent; empty where some are."""
        wait = self._not_before - time.monotonic()
        return str(self.circuit) or (
            f"the provider asks to wait {wait:.0f} s" if wait > 5 and self._delayed_by_provider else ""
        )

    def _delay(self, seconds: float) -> None:
        if seconds >= 1:
            _log.info("the provider asks to wait %.0f s", seconds)
        self._not_before = max(self._not_before, time.monotonic() + seconds)
        self._delayed_by_provider = True

    def _may_send(self, now: float) -> bool:
        if self._registry is not None and now - self._counted_at > _RECOUNT_SECONDS:
            with _lock:
                self._apply_strictest()
        if self.circuit.is_open:
            return self.in_flight == 0 and now >= max(self.circuit.next_probe_at, self._not_before)
        return self.in_flight < int(self.window) and now >= self._not_before

    def count_sent(self, tokens: int) -> None:
        """Count a request as sent, whether or not the limits admit it; `release` must follow."""
        self.in_flight += 1
        gap = 60 / self.requests_per_minute if self.requests_per_minute else 0.0
        if self.tokens_per_minute:
            gap = max(gap, 60 * tokens / self.tokens_per_minute)
        if gap:
            self._not_before, self._delayed_by_provider = max(self._not_before, time.monotonic()) + gap, False

    def _admit(self) -> None:
        """Admit queued requests, in turn between groups, and schedule the next call if they wait for a time."""
        # The clock is read once, so that a request refused because of the time is always scheduled below.
        now = time.monotonic()
        while self._queue.groups and self._may_send(now):
            queued = self._queue.pop()
            if queued.admitted.done():
                # It was cancelled.
                continue
            if not queued.is_wanted():
                queued.admitted.cancel()
            else:
                self.count_sent(queued.tokens)
                queued.admitted.set_result(None)
        until = max(self.circuit.next_probe_at, self._not_before) if self.circuit.is_open else self._not_before
        if self._queue.groups and (wait := until - now) > 0:
            if self._wakeup is not None:
                self._wakeup.cancel()
            self._wakeup = asyncio.get_running_loop().call_later(wait, self._admit)

    @property
    def _fatal_error(self) -> CallFailed | None:
        """The error that ends the run, until those who make it have noticed; None otherwise.

        A later request belongs to another run: meanwhile the account may have credit again.
        """
        if (
            self._ended_by is not None
            and not self.in_flight
            and time.monotonic() > self._ended_at + _SECONDS_TO_END_A_RUN
        ):
            self._ended_by = None
        return self._ended_by or self.circuit.fatal_error

    def _fail_all(self, error: CallFailed) -> None:
        self._ended_by, self._ended_at = error, time.monotonic()
        for queued in self._queue:
            if not queued.admitted.done():
                queued.admitted.set_exception(error)
        self._queue.clear()


_shared: weakref.WeakValueDictionary[tuple[str | None, str, int], RateLimiter] = weakref.WeakValueDictionary()
# Reentrant, since the garbage collector may remove an owner's settings at any point.
_lock = threading.RLock()


def _get_shared(identity: tuple[str | None, str, int]) -> RateLimiter:
    with _lock:
        limits = _shared.setdefault(identity, RateLimiter())
        limits._identity = identity
        return limits


def _reset_after_fork() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
