"""Waiting for a budget: FIFO order, waiters that leave, and no needless wake-ups."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from reasoning.engine import reservation as reservations
from reasoning.engine.budget import Budget
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.errors import BudgetExhausted
from reasoning.messages import Message, Request, Usage
from tests.faults import clock
from tests.faults.clock import Clock

MAX_TOKENS = 40
HAIR = 1e-9
"""Dollars that adding up floats may be off by."""


def request(words: int = 1) -> Request:
    return Request("mock", (Message("user", "word " * words),), {"max_tokens": MAX_TOKENS})


def price(usage: Usage) -> float:
    return 3e-6 * usage.prompt_tokens + 15e-6 * usage.completion_tokens


async def call(budget: Budget, seconds: float = 1, draws: int = 1, words: int = 1) -> None:
    """Reserve, take so long, and use next to nothing."""
    reservation = await budget.reserve(request(words), draws, price)
    await asyncio.sleep(seconds)
    reservation.settle(Usage(reservation.draws, 1, 1, usd=0.0))


@dataclass(frozen=True)
class Asking:
    """One call: when it arrives and what it takes; its caller may leave while it waits or is in flight."""

    at: int
    part: int
    words: int
    draws: int
    latency: int
    of_reply: float
    leaves_after: int | None


@settings(max_examples=150, deadline=None)
@given(
    askings=some.lists(
        some.builds(
            Asking,
            at=some.integers(0, 3),
            part=some.integers(0, 3),
            words=some.integers(0, 30),
            draws=some.sampled_from([1, 1, 1, 2, 9]),
            latency=some.integers(0, 4),
            of_reply=some.sampled_from([0.02, 0.1, 1]),
            leaves_after=some.none() | some.none() | some.integers(0, 7),
        ),
        min_size=1,
        max_size=30,
    ),
    limits=some.lists(
        some.builds(
            Budget,
            usd=some.none() | some.none() | some.floats(0, 0.02),
            tokens=some.none() | some.integers(0, 3_000),
            calls=some.none() | some.none() | some.integers(0, 30),
        ),
        min_size=5,
        max_size=5,
    ),
)
def test_in_order_within_every_limit_and_nobody_waits_for_whoever_has_left(
    askings: Sequence[Asking], limits: Sequence[Budget]
) -> None:
    whole = limits[0].nested_in(Budget())
    half = limits[1].nested_in(whole)
    parts = [limits[2].nested_in(whole), limits[3].nested_in(half), limits[4].nested_in(half), half]
    everything = [whole, half, *parts[:3]]
    came: list[list[int]] = [[] for _ in parts]
    went: list[list[int]] = [[] for _ in parts]

    def look() -> None:
        for one in everything:
            assert one.calls is None or one.spent.calls + one.queue.calls <= one.calls
            assert one.tokens is None or one.spent.tokens + one.queue.tokens <= one.tokens
            assert one.usd is None or (one.spent.usd or 0) + one.queue.usd <= one.usd + HAIR

    async def ask(number: int, one: Asking) -> None:
        await asyncio.sleep(one.at)
        came[one.part].append(number)
        asked = request(one.words)
        worst = Usage(1, max_prompt_tokens(asked), MAX_TOKENS)
        try:
            reservation = await parts[one.part].reserve(asked, one.draws, price)
        except BudgetExhausted as error:
            used_up = error.budget
            assert isinstance(used_up, Budget)
            total = used_up.spent + Usage(worst.calls, worst.prompt_tokens, worst.completion_tokens, usd=price(worst))
            assert (
                (used_up.calls is not None and total.calls > used_up.calls)
                or (used_up.tokens is not None and total.tokens > used_up.tokens)
                or (used_up.usd is not None and (total.usd or 0) > used_up.usd - HAIR)
            )
            return
        went[one.part].append(number)
        look()
        used = Usage()
        try:
            await asyncio.sleep(one.latency)
            draws = reservation.draws
            used = Usage(draws, max(1, max_prompt_tokens(asked) // 4), int(one.of_reply * MAX_TOKENS * draws))
            used = Usage(used.calls, used.prompt_tokens, used.completion_tokens, usd=price(used))
        finally:
            reservation.settle(used)
            look()

    async def leaving(number: int, one: Asking) -> None:
        if one.leaves_after is None:
            await ask(number, one)
            return
        task = asyncio.create_task(ask(number, one))
        await asyncio.sleep(one.leaves_after)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or task.exception() is None

    async def scene(clock: Clock) -> None:
        await asyncio.gather(*(leaving(number, one) for number, one in enumerate(askings)))

    clock.run(scene)  # it fails in a deadlock
    for arrived, let_in in zip(came, went, strict=True):
        assert let_in == [number for number in arrived if number in let_in]
    assert all((one.queue.calls, one.queue.tokens, one.queue.usd, len(one.queue)) == (0, 0, 0, 0) for one in everything)


def test_a_big_call_is_not_passed_by_small_ones_for_ever_and_gets_what_is_left() -> None:
    async def scene(clock: Clock) -> None:
        budget = Budget(calls=10)
        small = [asyncio.create_task(call(budget, seconds=1 + place / 10)) for place in range(8)]
        await asyncio.sleep(0)
        big, began = asyncio.create_task(call(budget, draws=9)), clock.now
        for _ in range(3):
            await asyncio.sleep(0.25)
            small.append(asyncio.create_task(call(budget)))
        await big
        assert clock.now == pytest.approx(began + 1.7 + 1)
        ended = await asyncio.gather(*small, return_exceptions=True)
        refused = [one for one in ended if one is not None]
        assert [str(one) for one in refused] == [
            "the budget is used up: 10 of 10 calls are spent, and the next call may need 1"
        ] * 3
        assert budget.spent.calls == 10

    clock.run(scene)


@pytest.mark.parametrize(
    ("limits", "draws"),
    [
        ({"calls": 4}, 4),
        ({"calls": 1}, 1),
        ({"tokens": max_prompt_tokens(request()) + 7 * MAX_TOKENS + 39}, 7),
        ({"usd": price(Usage(1, max_prompt_tokens(request()), 3 * MAX_TOKENS)) + HAIR}, 3),
        ({"calls": 9, "tokens": max_prompt_tokens(request()) + 5 * MAX_TOKENS}, 5),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_call_for_ten_gets_as_many_as_fit(limits: dict[str, Any], draws: int, nested: bool) -> None:
    budget = Budget(**limits)
    if nested:
        budget = Budget(calls=8, within=budget)
    reservation = asyncio.run(budget.reserve(request(), 10, price))
    assert reservation.draws == draws
    reservation.settle(Usage())
    with pytest.raises(BudgetExhausted, match=r"the next call may need 1$"):
        asyncio.run(Budget(calls=0).reserve(request(), 10, price))


def test_the_parts_of_a_whole_take_turns() -> None:
    async def scene(clock: Clock) -> None:
        whole = Budget(tokens=max_prompt_tokens(request()) + MAX_TOKENS + 20)  # one call, and what ten use
        parts = {name: Budget(calls=100, within=whole) for name in ("one", "other")}
        order: list[str] = []

        async def asks(name: str) -> None:
            await call(parts[name])
            order.append(name)

        await asyncio.gather(*(asks(name) for name in parts for _ in range(5)))
        assert order == ["one", *["one", "other"] * 4, "other"]

    clock.run(scene)


@pytest.mark.parametrize("nested", [False, True])
def test_a_settlement_wakes_no_more_than_can_go_on(nested: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    looked, lets = 0, reservations._admits

    def counted(*given: object) -> bool:
        nonlocal looked
        looked += 1
        return lets(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(reservations, "_admits", counted)
    waiting = 2_000
    worst = max_prompt_tokens(request()) + MAX_TOKENS

    async def scene(clock: Clock) -> None:
        budget = Budget(tokens=4 * worst + 2 * waiting)
        if nested:
            budget = Budget(tokens=3 * worst + 2 * waiting, within=budget)
        await call(budget)
        await asyncio.gather(*(call(budget) for _ in range(waiting)))
        assert budget.spent == Usage(waiting + 1, waiting + 1, waiting + 1, usd=0.0)

    clock.run(scene)
    assert looked < waiting * (10 if nested else 5)


def test_a_budget_is_written_as_parse_reads_it() -> None:
    budget = Budget(usd=0.00001, tokens=1_234_567, calls=10**9, seconds=0.5)
    assert str(budget) == "usd=0.00001, tokens=1234567, calls=1000000000, seconds=0.5"
    assert str(Budget.parse(str(budget))) == str(budget)
