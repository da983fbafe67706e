"""Budgets under faults: never exceeded at any moment, and no call waits for ever for what could be afforded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from reasoning.answer import Answer
from reasoning.engine.budget import Budget
from reasoning.engine.circuit_breaker import CircuitBreaker
from reasoning.engine.cost_bounds import max_prompt_tokens
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.engine.single_flight import CallContext, Waiter
from reasoning.errors import BudgetExhausted, CallFailed
from reasoning.messages import Completion, Conversation, Message, Request, Usage
from reasoning.problem import Problem
from reasoning.providers.client import Client
from reasoning.session import Session
from reasoning.strategy import Strategy, technique
from reasoning.testing import ScriptedLLM
from tests.faults import clock
from tests.faults.clock import Clock

MAX_TOKENS = 40
HAIR = 1e-9
"""Dollars that adding up floats may be off by."""


@dataclass(frozen=True)
class Asking:
    """One call: when it comes, whose it is, what it wants, and what it turns out to use."""

    at: float
    account: int
    words: int
    draws: int
    latency: float
    failures: int
    of_prompt: float
    of_reply: float


ASKINGS = some.lists(
    some.builds(
        Asking,
        at=some.floats(0, 5),
        account=some.integers(0, 2),
        words=some.integers(0, 30),
        draws=some.integers(1, 9),
        latency=some.floats(0, 5),
        failures=some.integers(0, 2),
        of_prompt=some.floats(0.01, 1),
        of_reply=some.floats(0, 1),
    ),
    min_size=1,
    max_size=25,
)
BUDGETS = some.builds(
    Budget,
    usd=some.none() | some.floats(0, 0.02),
    tokens=some.none() | some.integers(0, 3_000),
    calls=some.none() | some.integers(0, 60),
    seconds=some.none() | some.floats(0, 30),
)


class Told(Client):
    """Answers as it is told, and looks at the budgets whenever it is asked and whenever it answers.

    Args:
        askings: what is asked, by the number at the beginning of its prompt.
        budgets: the whole, and its parts by account.
        choices: how many draws one request may ask for.
        gives: how many come, at most, and `more` beyond what was asked for.
        hidden: tokens that the provider adds to each prompt, which is then as long as it can be.
        counts: whether usage is reported.
    """

    model = "mock"

    clock: Clock

    def __init__(
        self,
        askings: Sequence[Asking],
        budgets: Sequence[Budget],
        *,
        choices: int,
        gives: int,
        more: int,
        hidden: int,
        counts: bool,
        concurrency: int,
    ) -> None:
        self.concurrency = concurrency
        self.askings, self.budgets, self.max_n, self.gives = askings, budgets, choices, gives
        self.more, self.hidden, self.counts = more, hidden, counts
        self.failed: dict[tuple[int, int], int] = {}
        self.used = [Usage() for _ in budgets]

    def price(self, usage: Usage) -> float:
        return 3e-6 * usage.prompt_tokens + 15e-6 * usage.completion_tokens

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        self.look()
        number = int(request.messages[0].content.split()[0])
        asking = self.askings[number]
        for budget in (self.budgets[0], self.budgets[1 + asking.account]):
            assert budget.seconds is None or self.clock.now < (budget._started or self.clock.now) + budget.seconds
        await asyncio.sleep(asking.latency)
        self.look()
        place = (number, draws[0])
        if self.failed.get(place, 0) < asking.failures:
            self.failed[place] = self.failed.get(place, 0) + 1
            raise CallFailed("not now", retryable=True, status=429)
        drawn: list[Completion] = []
        for _ in draws[: self.gives]:
            bound = max_prompt_tokens(request)
            whole = bound + self.hidden if self.hidden else max(1, int(asking.of_prompt * bound))
            prompt = 0 if drawn else whole
            used = Usage(1, prompt, int(asking.of_reply * MAX_TOKENS))
            used = replace(used, usd=self.price(used))
            for account in (0, 1 + asking.account):  # the whole, and the part
                self.used[account] = self.used[account] + used
            drawn.append(Completion("4", usage=used if self.counts else Usage(1)))
        if len(drawn) == len(draws):
            unasked = replace(Usage(1, 0, MAX_TOKENS), usd=15e-6 * MAX_TOKENS) if self.counts else Usage(1)
            drawn += [Completion("5", usage=unasked)] * self.more
            for account in (0, 1 + asking.account):
                self.used[account] = sum([replace(unasked, calls=0)] * self.more, self.used[account])
        return drawn

    async def close(self) -> None: ...

    def look(self) -> None:
        """Check that no budget is exceeded, even if all calls in flight use their worst case.

        Excepted are the tokens that the provider hides in the first prompt of a budget, and the surplus choices of the
        calls under way when the first of them came.
        """
        first = Usage(0, self.hidden, (self.concurrency + 1) * self.more * MAX_TOKENS * self.counts)
        for budget, truly in zip(self.budgets, self.used, strict=True):
            for used in (truly, budget.spent, budget.spent + held(budget)):
                assert budget.calls is None or used.calls <= budget.calls
                assert budget.tokens is None or used.tokens <= budget.tokens + first.tokens
                assert budget.usd is None or (used.usd or 0) <= budget.usd + self.price(first) + HAIR


def held(budget: Budget) -> Usage:
    """What is held back for calls under way; its tokens are those of prompt and completion together."""
    return Usage(budget.queue.calls, budget.queue.tokens, usd=budget.queue.usd)


def fits(budget: Budget, worst: Usage) -> bool:
    total = budget.spent + worst
    return (
        (budget.calls is None or total.calls <= budget.calls)
        and (budget.tokens is None or total.tokens <= budget.tokens)
        and (budget.usd is None or (total.usd or 0) <= budget.usd - HAIR)
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    askings=ASKINGS,
    outer=BUDGETS,
    inner=some.lists(BUDGETS, min_size=3, max_size=3),
    concurrency=some.integers(1, 6),
    choices=some.integers(1, 5),
    gives=some.integers(1, 5),
    more=some.integers(0, 3),
    hidden=some.just(0) | some.integers(0, 4000),
    counts=some.booleans(),
)
def test_no_budget_is_passed_and_what_could_be_afforded_was_bought(
    askings: list[Asking],
    outer: Budget,
    inner: list[Budget],
    concurrency: int,
    choices: int,
    gives: int,
    more: int,
    hidden: int,
    counts: bool,
) -> None:
    whole = outer.nested_in(Budget())  # fresh ones: hypothesis may give the same object again
    parts = [one.nested_in(whole) for one in inner]
    client = Told(
        askings,
        [whole, *parts],
        choices=choices,
        gives=gives,
        more=more,
        hidden=hidden,
        counts=counts or hidden > 0,
        concurrency=concurrency,
    )
    llm = LLM(
        client,
        limits=RateLimiter(concurrency, circuit=CircuitBreaker(open_after=10**9, max_outage_seconds=10**9)),
        sampling={"max_tokens": MAX_TOKENS},
        budget=whole,
    )
    accounts = [CallContext(part, llm.journal, str(place)) for place, part in enumerate(parts)]

    async def ask(number: int, asking: Asking) -> Any:
        await asyncio.sleep(asking.at)
        request = llm.request(Conversation((Message("user", f"{number}" + " word" * asking.words),)), {})
        try:
            drawn: Any = await llm.draw(request, range(asking.draws), accounts[asking.account])
        except BudgetExhausted as error:
            drawn = error
        client.look()
        return request, drawn

    async def scene(clock: Clock) -> list[Any]:
        client.clock = clock
        ended = await asyncio.gather(*(ask(number, asking) for number, asking in enumerate(askings)))
        # What was on the way when another draw of the same call was refused comes all the same.
        if llm.pending:
            party = Waiter(len(llm.pending))
            for flight in llm.pending.values():
                flight.join(party)
            await party.done
        return ended

    for asking, (request, drawn) in zip(askings, clock.run(scene), strict=True):
        if isinstance(drawn, BudgetExhausted):
            worst = Usage(1, max_prompt_tokens(request) + hidden, MAX_TOKENS * (1 + more))
            assert isinstance(drawn.budget, Budget)
            assert "seconds" in str(drawn) or not fits(drawn.budget, replace(worst, usd=client.price(worst)))
        else:
            assert len(drawn) == asking.draws
    client.look()
    assert client.used[0].calls == whole.spent.calls == llm.usage.calls == len(llm.journal)
    assert whole.spent.calls == sum(part.spent.calls for part in parts)
    assert all(held(budget) == Usage(usd=0.0) and not len(budget.queue) for budget in client.budgets)
    assert llm.limits.in_flight == 0


def ask(llm: LLM, draws: int) -> list[Completion]:
    return asyncio.run(llm.draw(llm.request(Conversation((Message("user", "Why?"),)), {}), range(draws)))


def test_what_a_provider_hides_in_prompts_passes_a_budget_once_at_most() -> None:
    hiding = Completion("4", usage=Usage(1, 8_000, 5))
    llm = ScriptedLLM(lambda turns: hiding, max_n=1, budget=Budget(tokens=3_000), max_tokens=100)
    with pytest.raises(BudgetExhausted, match="8005 of 3000 tokens"):
        ask(llm, 3)
    assert (llm.calls, llm.peak_concurrency) == (1, 1)
    for calls, tokens in ((2, 17_000), (9, 90_000)):
        llm = ScriptedLLM(lambda turns: hiding, max_n=1, budget=Budget(tokens=tokens), max_tokens=100)
        with pytest.raises(BudgetExhausted):
            ask(llm, 50)
        assert llm.calls >= calls
        assert llm.budget.spent.tokens <= tokens


def test_what_is_hidden_is_known_in_the_next_problems_budget_too() -> None:
    hiding = Completion("4", usage=Usage(1, 500, 5))
    llm = ScriptedLLM(lambda turns: hiding, max_n=1, latency=0.001, max_tokens=100)
    request = llm.request(Conversation((Message("user", "Why?"),)), {})

    async def problem(first: int) -> list[Completion]:
        budget = Budget(tokens=1_205, within=llm.budget)
        return await llm.draw(request, [first, first + 1], CallContext(budget, llm.journal))

    asyncio.run(problem(0))
    assert llm.peak_concurrency == 1  # 8,192 tokens more did not fit, so the first went alone
    asyncio.run(problem(10))
    assert llm.peak_concurrency == 2  # 600 each


def test_a_small_budget_for_a_server_without_usage_is_not_spent_one_call_after_the_other() -> None:
    llm = ScriptedLLM(lambda turns: Completion("4"), max_n=1, latency=0.001, max_tokens=9, budget=Budget(tokens=500))
    ask(llm, 10)
    assert llm.peak_concurrency > 5
    assert llm.budget.spent.tokens == 10 * (9 + 20)


def test_choices_that_nobody_asked_for_are_no_calls() -> None:
    llm = ScriptedLLM(lambda turns: "4", budget=Budget(calls=2))
    complete = llm.client.complete

    async def four(request: Request, draws: Sequence[int]) -> list[Completion]:
        return await complete(request, range(4))

    llm.client.complete = four  # type: ignore[method-assign]
    ask(llm, 1)
    assert llm.budget.spent.calls == llm.usage.calls == len(llm.journal) == 1
    ask(llm, 2)
    assert llm.budget.spent.calls == 2


@technique(title="Five draws", calls="5", use_when="", avoid_when="")
class Five(Strategy):
    """Asks for five draws at once."""

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return problem.parse((await session.sample(problem.question, 5))[-1])


@pytest.mark.parametrize("end", ["budget", "failure"])
def test_draws_that_came_are_in_the_answer_though_others_of_their_call_did_not(end: str) -> None:
    replies: list[str | Exception] = ["one", "two", "three", "four", CallFailed("lost") if end == "failure" else "five"]
    llm = ScriptedLLM(replies, max_n=1)
    answer = Five().run("Which?", llm, budget=Budget(calls=4) if end == "budget" else None)
    assert answer.state == ("unparsed" if end == "budget" else "failed")
    assert answer.trace is not None
    (call,) = answer.trace.calls()
    assert [draw.text for draw in call.completions] == ["one", "two", "three", "four"]
    assert answer.usage.calls == llm.usage.calls == len(llm.journal) == 4
    assert answer.usage.completion_tokens == llm.usage.completion_tokens > 0
