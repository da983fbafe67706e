"""Outages and limits with their real numbers of minutes, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from reasoning.engine import retry
from reasoning.engine.budget import Budget
from reasoning.engine.circuit_breaker import CircuitBreaker
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.engine.single_flight import CallContext
from reasoning.errors import AuthenticationFailed, BudgetExhausted, CallFailed, EndpointDown
from reasoning.messages import Completion, Conversation, Message, Request, Usage
from reasoning.providers.client import Client
from tests.faults import clock
from tests.faults.clock import Clock

BACKOFF = retry._BACKOFF


@pytest.fixture(autouse=True)
def _real_waits(_no_long_waits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_BACKOFF", BACKOFF)


@dataclass(eq=False)
class Endpoint(Client):
    """A client of an endpoint that answers after a second, but for the times at which it is down."""

    clock: Clock
    down: tuple[float, float] = (0, 0)
    wait: float | None = None
    status: int | None = None
    billed: Usage | None = None
    attempts: list[float] = field(default_factory=list)
    tokens: int = 100
    model: str = "mock"
    endpoint: str | None = None
    max_n: int = 1
    concurrency: int | None = None
    free: bool = True

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        self.attempts.append(self.clock.now)
        await asyncio.sleep(1)
        if self.down[0] <= self.clock.now < self.down[1]:
            how: dict[str, Any] = {"retry_after": self.wait, "status": self.status, "usage": self.billed}
            raise CallFailed("out of order", retryable=True, **how)
        return [Completion("4", usage=Usage(1, self.tokens, 1))]

    async def close(self) -> None: ...


async def ask(llm: LLM, *questions: str) -> list[Any]:
    requests = [llm.request(Conversation((Message("user", question),)), {}) for question in questions]
    return await asyncio.gather(*(llm.draw(request, [0]) for request in requests), return_exceptions=True)


def texts(drawn: Sequence[Any]) -> list[Any]:
    return [one if isinstance(one, Exception) else one[0].text for one in drawn]


def test_an_outage_of_nine_minutes_costs_waiting_and_little_else() -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock, (clock.now + 2, clock.now + 542))
        llm = LLM(end, limits=RateLimiter(8))
        assert texts(await ask(llm, "first?")) == ["4"]
        assert texts(await ask(llm, *map(str, range(100)))) == ["4"] * 100
        closed = [at for at in end.attempts if end.down[0] + 62 < at < end.down[1] - 1]
        assert 40 <= len(closed) <= 48  # one after the other, every ten seconds
        assert min(after - before for before, after in pairwise(closed)) >= 10
        assert clock.now < end.down[1] + 10 + 1 + 100 / 8 + 3  # one more trial, and the rest of the work
        assert llm.usage.calls == 101

    clock.run(scene)


@pytest.mark.parametrize(("down", "waits"), [(1.5, True), (12, False)])
def test_the_first_answer_ends_the_waits_of_an_outage_and_no_others(
    down: float, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock)
        llm = LLM(end, limits=RateLimiter(8))
        await ask(llm, "first?")
        end.down = (clock.now, clock.now + down)
        monkeypatch.setattr(retry, "_BACKOFF", lambda state: 2.0 if clock.now < end.down[1] - 3.5 else 100.0)
        first = asyncio.create_task(ask(llm, "a?"))
        await asyncio.sleep(down + 1)
        began = clock.now
        assert texts(await ask(llm, "b?")) == ["4"]
        assert texts(await first) == ["4"]
        assert (clock.now - began > 90) is waits

    clock.run(scene)


def test_one_failure_is_no_outage_while_nobody_else_has_ended() -> None:
    async def scene(clock: Clock) -> None:
        circuit = CircuitBreaker()
        circuit.record_success(clock.now)
        circuit.record_failure(CallFailed("reset", retryable=True))
        await asyncio.sleep(90)  # slow calls are under way
        assert (circuit.is_open, str(circuit)) == (False, "")
        circuit.record_failure(CallFailed("reset", retryable=True))
        assert circuit.is_open
        assert "every call has failed for 90 s, 2 times (reset)" in str(circuit)
        circuit.record_success(clock.now)
        assert not circuit.is_open

    clock.run(scene)


@pytest.mark.parametrize("questions", [1, 100])
def test_after_ten_minutes_of_nothing_but_failures_the_run_is_ended(questions: int) -> None:
    async def scene(clock: Clock) -> None:
        llm = LLM(Endpoint(clock, (clock.now + 2, clock.now + 10_000)), limits=RateLimiter(8))
        await ask(llm, "first?")
        began = clock.now
        for error in await ask(llm, *map(str, range(questions))):
            assert isinstance(error, EndpointDown), error
        assert 600 <= clock.now - began <= 660
        assert (llm.in_flight, llm.limits.in_flight) == (0, 0)

    clock.run(scene)


@pytest.mark.parametrize("questions", [1, 20])
def test_a_request_is_paid_for_eight_times_at_most(questions: int) -> None:
    async def scene(clock: Clock) -> None:
        billed = Usage(0, 100, 1)
        end = Endpoint(clock, (clock.now + 2, clock.now + 10_000), status=200, billed=billed)
        llm = LLM(end, limits=RateLimiter(8))
        await ask(llm, "first?")
        for error in await ask(llm, *map(str, range(questions))):
            assert str(error) == "out of order"
        assert len(end.attempts) == 1 + questions * retry.ATTEMPTS
        assert llm.usage.prompt_tokens == 100 * len(end.attempts)

    clock.run(scene)


def test_two_failures_with_a_long_pause_between_are_no_outage() -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock)
        llm = LLM(end, limits=RateLimiter(1))
        await ask(llm, "first?")
        end.down = (clock.now, clock.now + 1.5)
        first = asyncio.create_task(ask(llm, "gone?"))
        await asyncio.sleep(1.1)
        first.cancel()  # the one that failed is not tried again
        await asyncio.gather(first, return_exceptions=True)
        await asyncio.sleep(900)
        end.down = (clock.now, clock.now + 1.5)
        assert texts(await ask(llm, "a?", "b?", "c?")) == ["4", "4", "4"]

    clock.run(scene)


def test_a_time_to_wait_is_kept_by_everybody_also_in_an_outage() -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock, (clock.now + 2, clock.now + 400), wait=120, status=429)
        llm = LLM(end, limits=RateLimiter(4))
        await ask(llm, "first?")
        assert texts(await ask(llm, *map(str, range(20)))) == ["4"] * 20
        refused = [at + 1 for at in end.attempts if end.down[0] <= at + 1 < end.down[1]]
        for told in refused:
            assert not [at for at in end.attempts if told < at < told + 120]

    clock.run(scene)


def test_tokens_a_minute_are_those_of_the_prompt_too() -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock, tokens=1000)
        llm = LLM(end, limits=RateLimiter(8, tokens_per_minute=60_000), sampling={"max_tokens": 10})
        began = clock.now
        await ask(llm, *("word " * 1000 + str(k) for k in range(90)))
        minutes = (clock.now - began) / 60
        assert llm.usage.tokens <= 60_000 * max(1, minutes) + 2_000

    clock.run(scene)


def test_what_nobody_waits_for_any_more_takes_nothing_of_a_minutes_share() -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock)
        llm = LLM(end, limits=RateLimiter(8, requests_per_minute=60))
        gone = asyncio.create_task(ask(llm, *map(str, range(100))))
        await asyncio.sleep(0.5)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        began = clock.now
        assert texts(await ask(llm, "now?")) == ["4"]
        assert clock.now - began <= 3
        assert len(end.attempts) == 2

    clock.run(scene)


@pytest.mark.parametrize("turns", range(8))
@pytest.mark.parametrize("warm", [False, True])
def test_closing_at_any_moment_leaves_nobody_waiting(turns: int, warm: bool) -> None:
    async def scene(clock: Clock) -> None:
        llm = LLM(Endpoint(clock), limits=RateLimiter(2), warm_prefix_cache=warm)
        request = llm.request(Conversation((Message("user", "Why?"),)), {})
        asked = asyncio.create_task(llm.draw(request, range(5)))
        for _ in range(turns):
            await asyncio.sleep(0)
        await llm.close()
        await asyncio.gather(asked, return_exceptions=True)
        assert (llm.in_flight, llm.limits.in_flight) == (0, 0)

    clock.run(scene)


def test_whoever_goes_when_a_run_is_ended_gives_back_no_place_that_it_never_had() -> None:
    async def scene(clock: Clock) -> None:
        limits = RateLimiter(1)
        entered = await limits.acquire(1)
        waits = asyncio.create_task(limits.acquire(1))
        await asyncio.sleep(0)
        limits.on_failure(AuthenticationFailed("no such key", status=401), entered)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        assert limits.in_flight == 1

    clock.run(scene)


def test_after_the_seconds_of_a_budget_nothing_is_sent_that_waited_for_a_place() -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock)
        llm = LLM(end, limits=RateLimiter(1), budget=Budget(seconds=2.5))
        began = clock.now
        drawn = await ask(llm, *map(str, range(10)))
        assert texts(drawn[:3]) == ["4"] * 3
        assert all(isinstance(one, BudgetExhausted) and one.budget is llm.budget for one in drawn[3:])
        assert [at - began for at in end.attempts] == [0, 1, 2]
        assert (llm.usage.calls, llm.in_flight, llm.limits.in_flight) == (3, 0, 0)

    clock.run(scene)


@pytest.mark.parametrize(("status", "wait"), [(503, None), (503, 5.0), (None, None), (None, 100.0)])
def test_the_seconds_of_a_budget_end_an_outage_before_the_patience_does(status: int | None, wait: float | None) -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock, (clock.now + 2, clock.now + 10_000), wait=wait, status=status)
        llm = LLM(end, limits=RateLimiter(4))
        await ask(llm, "first?")
        budget = Budget(seconds=90, within=Budget(seconds=300))
        began = clock.now
        requests = [llm.request(Conversation((Message("user", f"{k}?"),)), {}) for k in range(20)]
        asked = (llm.draw(request, [0], CallContext(budget, llm.journal)) for request in requests)
        for error in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(error, BudgetExhausted), error
            assert error.budget is budget
        assert end.attempts[-1] < began + 90 <= clock.now + 0.001
        assert clock.now <= began + 92
        assert (llm.in_flight, llm.limits.in_flight) == (0, 0)

    clock.run(scene)


def test_the_seconds_of_a_budget_end_also_what_waits_for_calls_that_others_hold() -> None:
    async def scene(clock: Clock) -> None:
        end = Endpoint(clock)
        llm = LLM(end, budget=Budget(calls=1, seconds=0.5))
        first, began = asyncio.create_task(ask(llm, "a?")), clock.now
        await asyncio.sleep(0.1)
        [second] = await ask(llm, "b?")
        assert "0.5 seconds have passed" in str(second)
        assert clock.now == pytest.approx(began + 0.5)
        assert texts(await first) == ["4"]  # what is under way comes all the same
        assert len(end.attempts) == llm.usage.calls == 1

    clock.run(scene)
