"""How fast calls go out: requests in flight, requests and tokens a minute; less when the provider says so."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reasoning.engine.circuit_breaker import MAX_OUTAGE_SECONDS, CircuitBreaker
from reasoning.engine.process_registry import ProcessRegistry
from reasoning.engine.rate_limit_headers import reset_delays
from reasoning.errors import CallFailed, UsageError

CONCURRENCY = 32
"""Requests in flight where nobody says how many."""
_EVERY = 1.0
"""Seconds after which processes that share their limits are counted again."""
OVERLOAD_STATUSES = frozenset([429, 503, 529])
"""The statuses of an endpoint that has too much to do: nothing is wrong with the request."""


@dataclass(frozen=True)
class LimitSettings:
    """Numbers of `RateLimiter` that somebody gave; None where nobody did.

    Attributes:
        folder: all processes that give this one share the numbers evenly; see `ProcessRegistry`.

    Raises:
        UsageError: one that is 0 or less.
    """

    concurrency: int | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    patience: float | None = None
    folder: Path | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "requests_per_minute", "tokens_per_minute"):
            if (limit := getattr(self, name)) is not None and limit <= 0:
                raise UsageError(f"{name}={limit} makes no sense: it must be more than 0")


@dataclass
class RateLimiter:
    """Lets calls through, in turn between the groups that ask, so that a wide strategy does not starve a slow one.

    Requests in flight start at `concurrency`, are halved when the provider is overloaded (once for all that were under
    way) and grow again as answers come. Retry-After and the x-ratelimit headers hold everybody back.

    Attributes:
        concurrency: requests in flight at once, at most.
        requests_per_minute, tokens_per_minute: None is no limit. Requests are spaced evenly, so that no shorter window
            of the provider refuses a burst. Tokens are counted when a request goes out, with all that it may take.
        circuit: whether the endpoint answers anybody.
        allowed: requests in flight that the provider seems to bear now.
        in_flight: requests in flight.
    """

    concurrency: int = CONCURRENCY
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    circuit: CircuitBreaker = field(default_factory=CircuitBreaker)
    window: float = field(init=False)
    in_flight: int = field(default=0, init=False)
    _queues: dict[str, deque[_Waiter]] = field(default_factory=dict, init=False, repr=False)
    _not_before: float = field(default=0.0, init=False, repr=False)
    _halved: float = field(default=0.0, init=False, repr=False)
    _held: bool = field(default=False, init=False, repr=False)
    _waking: asyncio.TimerHandle | None = field(default=None, init=False, repr=False)
    _given: dict[int, LimitSettings] = field(default_factory=dict, init=False, repr=False)
    _company: ProcessRegistry | None = field(default=None, init=False, repr=False)
    _counted: float = field(default=0.0, init=False, repr=False)
    _place: tuple[str | None, str, int] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        LimitSettings(self.concurrency, self.requests_per_minute, self.tokens_per_minute)
        self.window = float(self.concurrency)

    @classmethod
    def shared(cls, endpoint: str | None, model: str, key: str | None = None) -> RateLimiter:
        """The limits of a model at an endpoint: the same object for everybody in this process who has the same key."""
        return _at((endpoint, model, hash(key)))

    def for_model(self, endpoint: str | None, model: str) -> RateLimiter:
        """Those of another model under the same key; these themselves where they are not shared."""
        return self if self._place is None else _at((endpoint, model, self._place[2]))

    def settings_of(self, owner: object) -> LimitSettings | None:
        """Return what this owner has applied; None where it applied nothing."""
        return self._given.get(id(owner))

    def apply(self, owner: object, given: LimitSettings) -> None:
        """Add numbers to those that were given before. The strictest hold, each until its owner is gone or `let_go`."""
        weakref.finalize(owner, self._forget, id(owner)).atexit = False
        with _sharing:
            self._given[id(owner)] = given
            self._agree()

    def remove(self, owner: object) -> None:
        """What this owner gave holds no longer."""
        self._forget(id(owner))

    def _forget(self, owner: int) -> None:
        with _sharing:
            if self._given.pop(owner, None) is None:
                return
            if self._given:
                self._agree()
            else:  # the next begins anew
                self._processes(None)
                if self._place and _shared.get(self._place) is self:
                    del _shared[self._place]

    def _agree(self) -> None:
        before = self.concurrency
        all_given = self._given.values()
        processes = self._processes(next((one.folder for one in all_given if one.folder), None))
        concurrency = min((one.concurrency for one in all_given if one.concurrency), default=CONCURRENCY)
        self.concurrency = max(1, concurrency // processes)
        for name in ("requests_per_minute", "tokens_per_minute"):
            least = _least(getattr(one, name) for one in all_given)
            setattr(self, name, None if least is None else least / processes)
        patience = _least(one.patience for one in all_given)
        self.circuit.max_outage_seconds = MAX_OUTAGE_SECONDS if patience is None else patience
        self.window = float(self.concurrency) if self.window == before else min(self.window, self.concurrency)

    def _processes(self, folder: Path | None) -> int:
        """How many processes share what was given; one that gives a folder joins those that gave the same."""
        own = folder and folder / hashlib.sha256(repr((self._place or ())[:2]).encode()).hexdigest()[:16]
        if self._company is not None and self._company.folder != own:
            self._company.leave()
            self._company = None
        if own and self._company is None:
            self._company = ProcessRegistry(own)
        self._counted = time.monotonic()
        return 1 if self._company is None else self._company.count()

    async def acquire(self, tokens: int, group: str = "", is_wanted: Callable[[], bool] = lambda: True) -> float:
        """Wait for a place; give it back with `leave`.

        Args:
            tokens: what the request may take, prompt and completion.
            group: who asks; groups take turns.
            is_wanted: asked when it would be let in: False where nobody waits for the answer any more.

        Returns:
            The time of entry, for `failed`.

        Raises:
            EndpointDown: everything has failed for too long.
            CancelledError: it is not wanted any more.
        """
        if (lost := self.circuit.fatal_error) is not None:
            raise lost
        if self._queues or not self._admits(time.monotonic()):
            waiter = _Waiter(asyncio.get_running_loop().create_future(), tokens, is_wanted)
            self._queues.setdefault(group, deque()).append(waiter)
            self._admit()
            try:
                await waiter.place
            except asyncio.CancelledError:
                place = waiter.place
                if place.done() and not place.cancelled() and place.exception() is None:  # it was given just now
                    self.release()
                raise
        else:
            self._take(tokens)
        return time.monotonic()

    def release(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
        if self._queues:
            self._admit()

    def on_success(self) -> None:
        """A call came through: let more through, one for each answer, as long as that goes well."""
        self.circuit.record_success()
        if self.window < self.concurrency:
            self.window = min(self.concurrency, self.window + 1)

    def on_failure(self, error: CallFailed, entered: float) -> None:
        """An attempt that began at `entered` failed."""
        self.circuit.record_failure(error)
        if error.status in OVERLOAD_STATUSES and entered > self._halved:
            self._halved = time.monotonic()
            self.window = max(1.0, self.window / 2)
        if error.retryable and error.retry_after and error.retry_after <= self.circuit.max_outage_seconds:
            self._hold(error.retry_after)
        ends = error if error.ends_run else self.circuit.fatal_error
        if ends is not None:
            self._end(ends)

    def on_headers(self, headers: Mapping[str, str]) -> None:
        """Obey the headers in which providers tell what is left of a minute's share."""
        for seconds in reset_delays(headers):
            self._hold(min(seconds, 60.0))

    def __str__(self) -> str:
        """Why nothing goes out, for people; empty where calls go out."""
        wait = self._not_before - time.monotonic()
        return str(self.circuit) or (f"the provider asks to wait {wait:.0f} s" if wait > 5 and self._held else "")

    def _hold(self, seconds: float) -> None:
        self._not_before = max(self._not_before, time.monotonic() + seconds)
        self._held = True

    def _admits(self, now: float) -> bool:
        if self._company is not None and now - self._counted > _EVERY:
            with _sharing:
                self._agree()
        if self.circuit.is_open:
            return self.in_flight == 0 and now >= max(self.circuit.next_probe_at, self._not_before)
        return self.in_flight < int(self.window) and now >= self._not_before

    def _take(self, tokens: int) -> None:
        self.in_flight += 1
        gap = 60 / self.requests_per_minute if self.requests_per_minute else 0.0
        if self.tokens_per_minute:
            gap = max(gap, 60 * tokens / self.tokens_per_minute)
        if gap:
            self._not_before, self._held = max(self._not_before, time.monotonic()) + gap, False

    def _admit(self) -> None:
        """Let waiters in, group by group in turn; come back when only time is in the way."""
        now = time.monotonic()  # once: what is refused now for the time's sake has a time to come back at
        while self._queues and self._admits(now):
            group, queue = next(iter(self._queues.items()))
            waiter = queue.popleft()
            del self._queues[group]
            if queue:
                self._queues[group] = queue  # to the end of the row
            if waiter.place.done():  # it was cancelled
                continue
            if not waiter.wanted():
                waiter.place.cancel()
            else:
                self._take(waiter.tokens)
                waiter.place.set_result(None)
        until = max(self.circuit.next_probe_at, self._not_before) if self.circuit.is_open else self._not_before
        if self._queues and (wait := until - now) > 0:
            if self._waking is not None:
                self._waking.cancel()
            self._waking = asyncio.get_running_loop().call_later(wait, self._admit)

    def _end(self, error: CallFailed) -> None:
        for queue in self._queues.values():
            for waiter in queue:
                if not waiter.place.done():
                    waiter.place.set_exception(error)
        self._queues.clear()


_shared: weakref.WeakValueDictionary[tuple[str | None, str, int], RateLimiter] = weakref.WeakValueDictionary()
_sharing = threading.RLock()  # what a client gave may be forgotten in the midst of anything


def _at(place: tuple[str | None, str, int]) -> RateLimiter:
    with _sharing:
        limits = _shared.setdefault(place, RateLimiter())
        limits._place = place
        return limits


@dataclass
class _Waiter:
    place: asyncio.Future[None]
    tokens: int
    wanted: Callable[[], bool]


def _least(numbers: Iterable[float | None]) -> float | None:
    return min((one for one in numbers if one is not None), default=None)
