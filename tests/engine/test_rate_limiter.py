"""Rate limits and circuit breakers, with the clock of the test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import pytest

from reasoning.engine.circuit_breaker import CircuitBreaker
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.errors import CallFailed, EndpointDown, QuotaExhausted


@dataclass
class Clock:
    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("reasoning.engine.rate_limiter.time", clock)
    monkeypatch.setattr("reasoning.engine.circuit_breaker.time", clock)
    return clock


def overloaded(after: float | None = None) -> CallFailed:
    return CallFailed("too many requests", retryable=True, retry_after=after, status=429)


def test_groups_take_turns() -> None:
    limits, order = RateLimiter(1), []

    async def call(group: str) -> None:
        await limits.acquire(1, group)
        order.append(group)
        await asyncio.sleep(0)
        limits.release()

    async def scene() -> None:
        await asyncio.gather(*(call("wide") for _ in range(5)), call("slow"))

    asyncio.run(scene())
    assert order == ["wide", "wide", "slow", "wide", "wide", "wide"]
    assert limits.in_flight == 0


def test_a_time_that_comes_while_one_looks_lets_the_waiter_in(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ticking(Clock):
        def monotonic(self) -> float:
            self.now += 0.01
            return self.now

    monkeypatch.setattr("reasoning.engine.rate_limiter.time", Ticking())

    async def scene() -> None:
        limits = RateLimiter(1)
        limits._delay(0.025)  # over between the second look and the third
        await asyncio.wait_for(limits.acquire(1), timeout=5)

    asyncio.run(scene())


def test_a_waiter_that_is_cancelled_leaves_its_place_to_the_next() -> None:
    limits = RateLimiter(1)

    async def scene() -> None:
        await limits.acquire(1)
        gone, stays = asyncio.create_task(limits.acquire(1)), asyncio.create_task(limits.acquire(1))
        await asyncio.sleep(0)
        gone.cancel()
        limits.release()
        await stays

    asyncio.run(scene())
    assert limits.in_flight == 1


def test_a_waiter_that_is_cancelled_in_the_moment_of_its_turn_gives_the_place_back() -> None:
    limits = RateLimiter(1)

    async def scene() -> None:
        await limits.acquire(1)
        waiter = asyncio.create_task(limits.acquire(1))
        await asyncio.sleep(0)
        limits.release()  # the place is the waiter's from now on
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)

    asyncio.run(scene())
    assert limits.in_flight == 0


def test_overload_halves_once_for_all_that_were_under_way_and_grows_back(clock: Clock) -> None:
    limits = RateLimiter(16)
    for _ in range(5):
        limits.on_failure(overloaded(), admitted_at=1000.0)
        clock.now += 0.01
    assert limits.window == 8
    limits.on_failure(overloaded(), admitted_at=clock.now)
    assert limits.window == 4
    for _ in range(3):
        limits.on_success(clock.now)
    assert limits.window == 7
    for _ in range(20):
        limits.on_success(clock.now)
    assert limits.window == 16


def test_retry_after_and_the_headers_hold_everybody_back(clock: Clock) -> None:
    limits = RateLimiter(4)
    limits.on_failure(overloaded(after=3.0), admitted_at=1000.0)
    assert not limits._may_send(clock.now)
    assert str(limits) == ""  # too short to tell anybody
    clock.now += 3
    assert limits._may_send(clock.now)
    limits.on_headers({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m30s"})
    assert not limits._may_send(clock.now)
    assert str(limits) == "the provider asks to wait 60 s"
    clock.now += 60
    assert limits._may_send(clock.now)
    limits.on_headers({"x-ratelimit-remaining-requests": "12", "x-ratelimit-reset-requests": "1m30s"})
    assert limits._may_send(clock.now)


@pytest.mark.parametrize(("text", "seconds"), [("20ms", 0.02), ("6m0s", 360), ("1h2m", 3720), ("7", 7), ("soon", 1)])
def test_reset_headers(text: str, seconds: float) -> None:
    from reasoning.engine.rate_limit_headers import parse_duration as read

    assert read(text) == seconds


def test_tokens_a_minute_space_requests(clock: Clock) -> None:
    limits = RateLimiter(4, tokens_per_minute=600)

    async def scene() -> None:
        await limits.acquire(100)

    asyncio.run(scene())
    clock.now += 9.9
    assert not limits._may_send(clock.now)
    clock.now += 0.2
    assert limits._may_send(clock.now)


async def _ask_during(pause: Coroutine[Any, Any, None], ask: Callable[[], str]) -> str:
    waiting = asyncio.ensure_future(pause)
    await asyncio.sleep(0)
    said = ask()
    waiting.cancel()
    return said


def test_the_circuit_lets_one_try_at_a_time_after_a_minute_and_ends_the_run_when_patience_is_over(clock: Clock) -> None:
    limits = RateLimiter(8, circuit=CircuitBreaker(open_after=60, probe_interval=10, max_outage_seconds=600))
    limits.on_success(clock.now)
    down = CallFailed("nothing answers", retryable=True)
    limits.on_failure(down, clock.now)
    clock.now += 7
    assert str(limits) == ""  # other calls may be under way
    limits.on_failure(down, clock.now, is_retry=True)
    said = "waiting: every call has failed for 7 s, 2 times (nothing answers); trying again, for at most 600 s"
    assert str(limits) == said
    retry = asyncio.run(_ask_during(limits.circuit.pause(3), lambda: str(limits)))
    assert retry == said.replace("again,", "again in 3 s,")
    clock.now += 52
    assert limits._may_send(clock.now)
    clock.now += 2
    limits.on_failure(down, clock.now)
    assert not limits._may_send(clock.now)
    said = "waiting: every call has failed for 61 s, 3 times (nothing answers); trying again in 10 s, for at most 600 s"
    assert str(limits) == said
    clock.now += 10
    assert limits._may_send(clock.now)
    before = limits.circuit.now
    clock.now += 1
    limits.on_success(before.time - 1)
    assert not limits.circuit.worked_since(before)  # that call began earlier
    limits.on_success(clock.now)
    assert limits.circuit.worked_since(before)
    assert str(limits) == ""
    limits.on_failure(down, clock.now)

    async def scene() -> None:
        for _ in range(12):
            clock.now += 49
            limits.on_failure(down, clock.now)
        waiter = asyncio.create_task(limits.acquire(1))
        await asyncio.sleep(0)
        clock.now += 12
        limits.on_failure(down, clock.now)
        with pytest.raises(EndpointDown, match="every call has failed for 600 s, the last with: nothing answers"):
            await waiter

    asyncio.run(scene())


def test_a_time_to_wait_beyond_the_patience_ends_the_run_and_says_so(clock: Clock) -> None:
    limits = RateLimiter(1, circuit=CircuitBreaker(max_outage_seconds=600))

    async def scene() -> None:
        admitted_at = await limits.acquire(1)
        waiter = asyncio.create_task(limits.acquire(1))
        await asyncio.sleep(0)
        raised = limits.on_failure(overloaded(after=7200.0), admitted_at)
        said = r"asks to wait 7,200 s \(Retry-After\), longer than the 600 s .*--max-outage \(patience=…\).*too many"
        assert isinstance(raised, EndpointDown)
        assert re.search(said, str(raised))
        with pytest.raises(EndpointDown, match=said):
            await waiter

    asyncio.run(scene())
    error = overloaded(after=600.0)
    assert limits.on_failure(error, clock.now) is error


def test_a_request_that_was_admitted_in_the_moment_in_which_another_ends_the_run_is_not_sent(clock: Clock) -> None:
    limits = RateLimiter(2)
    no_credit = QuotaExhausted("no credit", status=429)

    async def scene() -> None:
        entered = [await limits.acquire(1), await limits.acquire(1)]
        waiter = asyncio.create_task(limits.acquire(1))
        await asyncio.sleep(0)
        limits.release()  # admits the one that waits
        limits.on_failure(no_credit, entered[1])
        limits.release()
        with pytest.raises(QuotaExhausted):
            await waiter
        assert limits.in_flight == 0
        with pytest.raises(QuotaExhausted):
            await limits.acquire(1)
        clock.now += 1.1
        await limits.acquire(1)
        assert limits.in_flight == 1

    asyncio.run(scene())


def test_a_rare_success_does_not_show_that_the_endpoint_works(clock: Clock) -> None:
    circuit = CircuitBreaker()
    for succeed, works in ((1, False), (8, True)):
        before = circuit.now
        clock.now += 1
        for _ in range(20):
            circuit.record_failure(overloaded())
        for _ in range(succeed):
            circuit.record_success(clock.now)
        assert circuit.worked_since(before) is works


def test_a_refused_request_says_nothing_against_the_endpoint(clock: Clock) -> None:
    limits = RateLimiter(8)
    limits.on_failure(CallFailed("bad request", status=400), clock.now)
    clock.now += 1000
    assert not limits.circuit.is_open
    assert limits.circuit.fatal_error is None
