"""Outages with every order of the last successes and the first failures: on a clock that jumps, and with a server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from reasoning.engine import retry
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.errors import EndpointDown
from reasoning.messages import Conversation, Message
from reasoning.strategies import Vanilla
from tests.faults import clock
from tests.faults.clock import Clock
from tests.faults.conftest import Serve
from tests.faults.outages import FORMS, Endpoint, storm
from tests.faults.test_faults import agree, connect, problems, solve

__all__ = ["connect"]
BACKOFF = retry._BACKOFF


@pytest.fixture
def real_waits(_no_long_waits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_BACKOFF", BACKOFF)


@pytest.mark.usefixtures("real_waits")
@pytest.mark.parametrize("drains", [True, False])
@pytest.mark.parametrize("form", FORMS)
def test_no_result_is_lost_in_outages_of_a_minute(form: str, drains: bool) -> None:
    done = storm(600, form=form, drains=drains)
    assert done.errors == {}
    assert done.outages >= 2
    assert done.attempts > 1.05


@pytest.mark.usefixtures("real_waits")
@pytest.mark.parametrize("form", ["500", "refused", "reset"])
def test_no_result_is_lost_when_a_few_calls_succeed_in_an_outage(form: str) -> None:
    """One replica of thirty is up, or the server comes and goes."""
    done = storm(600, form=form, trickle=0.03, seed=1)
    assert done.errors == {}
    assert done.outages >= 2


@pytest.mark.usefixtures("real_waits")
@pytest.mark.parametrize(("minutes", "first"), [(1, True), (9, True), (1, False)])
@pytest.mark.parametrize("form", FORMS)
def test_the_only_request_left_survives_although_another_succeeded_after_its_first_failure(
    form: str, minutes: int, first: bool
) -> None:
    async def scene(clock: Clock) -> None:
        endpoint = Endpoint(clock, form, up=5, down=60 * minutes, outages=1, noise=0)
        endpoint._random.expovariate = lambda rate: 4.0  # type: ignore[method-assign]
        llm = LLM(endpoint, limits=RateLimiter(8))

        async def ask(question: str, after: float) -> str:
            await asyncio.sleep(after)
            request = llm.request(Conversation((Message("user", question),)), {})
            return (await llm.draw(request, [0]))[0].text

        if first:
            assert await ask("first?", 0) == "4"
        began = clock.now - 1000
        # The first request succeeds in the outage, 4 s after it began, since it was under way before.
        assert await asyncio.gather(ask("in flight?", 4.9 - began), ask("late?", 5.1 - began)) == ["4", "4"]
        # A request waits for the timeout, 30 s before a retry, and 10 s before a probe, at most.
        assert 60 * minutes < clock.now - 1000 < 60 * minutes + 80
        assert len(endpoint.attempts) > 2

    clock.run(scene)


@pytest.mark.usefixtures("real_waits")
@pytest.mark.parametrize(
    ("results", "workers", "poison"),
    [(400, 32, [0]), (100, 32, [30]), (30, 2, [7]), (600, 32, range(0, 300, 10))],
)
def test_a_request_that_fails_for_its_own_reason_ends_within_minutes_while_others_succeed(
    results: int, workers: int, poison: Any
) -> None:
    wrong = frozenset(f"question {number}" for number in poison)
    done = storm(results, workers, up=1e9, poison=wrong)
    assert set(done.errors) == wrong
    assert not any(isinstance(error, EndpointDown) for error in done.errors.values())
    assert max(done.longest[prompt] for prompt in wrong) < 240


@pytest.mark.usefixtures("real_waits")
def test_a_request_that_fails_for_its_own_reason_ends_where_everything_else_fails_often() -> None:
    wrong = frozenset(["question 5"])
    done = storm(1500, up=1e9, noise=0.4, poison=wrong)
    assert "question 5" in done.errors
    assert done.longest["question 5"] < 700


@pytest.mark.parametrize("form", ["500", "503", "429", "429 bare", "hang", "reset", "broken", "empty", "error 200"])
def test_a_server_that_completes_its_last_calls_while_it_goes_down_loses_no_request(
    form: str, serve: Serve, connect: Callable[..., LLM]
) -> None:
    arrived: list[float] = []

    def fault(body: str, attempt: int) -> str:
        arrived.append(time.monotonic())
        is_down = len(arrived) >= 20 and time.monotonic() < arrived[19] + 0.6
        # Requests that arrived before the outage succeed in it, after others have failed.
        server.latency = 0.02 if is_down else 0.2
        return form if is_down else ""

    server = serve(faults=fault, retry_after=0.02)
    with connect(server, timeout=0.3 if form == "hang" else 30) as llm:
        answers = solve(llm, Vanilla(), problems(26))
        assert [answer.state for answer in answers] == ["answered"] * 26
        agree(server, llm, answers, 26)
    assert sum(asked.fault != "" for asked in server.asked) >= 8
