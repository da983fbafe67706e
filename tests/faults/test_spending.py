"""What is counted against a budget is what the server billed, whatever it adds to prompts and completions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import Budget, Problem, event_loop
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, CallFailed
from reasoning.kinds import Number
from reasoning.messages import Conversation, Message, Usage
from reasoning.strategies import SelfConsistency, Vanilla
from tests.faults.conftest import Serve
from tests.faults.server import Server, always, first

CONCURRENCY = 8
INPUT, CACHED, OUTPUT = 2e-6, 0.5e-6, 8e-6
"""US dollars per token."""


@pytest.fixture
def connect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LLM]:
    """Models of a server, with a price; each test closes them."""
    prices = tmp_path / "models.toml"
    prices.write_text("[mock]\ninput = 2\ncached_input = 0.5\noutput = 8\n")
    monkeypatch.setenv("REASONING_MODELS", str(prices))

    def connected(server: Server, *, max_n: int = 1, **settings: Any) -> LLM:
        given = {"concurrency": CONCURRENCY, "timeout": 30, "journal": False, "max_tokens": 1024, **settings}
        llm = reasoning.connect("mock", base_url=server.url, **given)
        llm.client.max_n = max_n
        return llm

    return connected


def spend(llm: LLM, *, draws: int = 1, words: Callable[[int], int] = lambda number: 10, most: int = 500) -> str:
    """Ask different things until the budget is used up, and return what the error says."""

    async def asked() -> list[Any]:
        def draw(number: int) -> Any:
            text = f"{number}" + " word" * words(number)
            return llm.draw(llm.request(Conversation((Message("user", text),)), {}), range(draws))

        return await asyncio.gather(*(draw(number) for number in range(most)), return_exceptions=True)

    outcomes = event_loop.run_sync(asked())
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert errors
    assert all(isinstance(error, BudgetExhausted) for error in errors), errors
    return str(errors[0])


def agree(llm: LLM, server: Server) -> None:
    """Check that the budget, the model's usage and the server count the same."""
    billed = Usage(0, sum(prompt for prompt, _ in server.billed), sum(reply for _, reply in server.billed))
    spent = llm.budget.spent
    assert (spent.prompt_tokens, spent.completion_tokens) == (billed.prompt_tokens, billed.completion_tokens)
    assert (llm.usage.prompt_tokens, llm.usage.completion_tokens) == (billed.prompt_tokens, billed.completion_tokens)
    assert spent.calls == server.completions
    if spent.usd is not None:
        rate = CACHED if server.cached else INPUT
        assert spent.usd == pytest.approx(billed.prompt_tokens * rate + billed.completion_tokens * OUTPUT)


@pytest.mark.parametrize("hidden", [(8_400, 0), (0, 7_000), (8_400, 7_000), (60_000, 0)])
@pytest.mark.parametrize("max_n", [1, 4])
def test_only_the_calls_under_way_at_the_first_surprise_exceed_a_budget_in_tokens(
    hidden: tuple[int, int], max_n: int, serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(hide=lambda prompt, requests: hidden)
    with connect(server, budget=Budget(tokens=100_000), max_n=max_n) as llm:
        said = spend(llm, draws=max_n)
        agree(llm, server)
        assert f"{server.billed_tokens} of 100000 tokens are spent" in said
        most = max(prompt + reply for prompt, reply in server.billed)
        assert server.billed_tokens <= 100_000 + CONCURRENCY * most
        # What came after the first replies fits.
        first_replies = sum(prompt + reply for prompt, reply in server.billed[:CONCURRENCY])
        assert server.billed_tokens <= max(100_000, first_replies)


def test_a_budget_in_dollars_counts_what_was_hidden(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(hide=lambda prompt, requests: (3_000, 5_000))
    with connect(server, budget=Budget(usd=0.5)) as llm:
        said = spend(llm)
        agree(llm, server)
        assert "of 0.5 US dollars are spent" in said
        # The calls under way at the first surprise had reserved less; one that is slower than two later ones lets
        # one more begin.
        most = max(prompt * INPUT + reply * OUTPUT for prompt, reply in server.billed)
        assert 0.4 < (llm.budget.spent.usd or 0) <= 0.5 + most


@pytest.mark.parametrize("seed", range(4))
def test_reasoning_of_any_length_exceeds_a_budget_by_one_call_at_most(
    seed: int, serve: Serve, connect: Callable[..., LLM]
) -> None:
    chance = random.Random(seed)
    server = serve(hide=lambda prompt, requests: (0, int(chance.lognormvariate(8, 1))))
    with connect(server, budget=Budget(tokens=400_000)) as llm:
        spend(llm)
        agree(llm, server)
        most = max(prompt + reply for prompt, reply in server.billed)
        assert 400_000 - 3 * most <= server.billed_tokens <= 400_000 + most


def test_what_is_hidden_may_grow_with_the_prompt(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(hide=lambda prompt, requests: (len(prompt) * 10, 0))
    with connect(server, budget=Budget(tokens=400_000)) as llm:
        spend(llm, words=lambda number: 1 + 3 * number)
        agree(llm, server)
        most = max(prompt + reply for prompt, reply in server.billed)
        assert server.billed_tokens <= 400_000 + most


def test_each_model_is_known_by_itself(serve: Serve, connect: Callable[..., LLM]) -> None:
    honest, hiding = serve(), serve(hide=lambda prompt, requests: (20_000, 0))
    budget = Budget(tokens=100_000)
    with connect(hiding, budget=budget, concurrency=1) as llm, connect(honest, budget=budget) as other:
        spend(llm)
        left = 100_000 - budget.spent.tokens
        assert 0 < left < 21_000
        spend(other, words=lambda number: 1_200, most=100)  # the same name at another address
        assert budget.spent.tokens == honest.billed_tokens + hiding.billed_tokens > 100_000 - 7_200


def test_a_problem_and_the_run_around_it_count_the_same(serve: Serve, connect: Callable[..., LLM]) -> None:
    server, vote = serve(hide=lambda prompt, requests: (500, 3_000)), SelfConsistency(Vanilla(), samples=4)
    with connect(server, budget=Budget(tokens=50_000), max_n=4) as llm:
        counted, said = 0, ""
        for number in range(50):
            own = Budget(tokens=20_000, within=llm.budget)
            before = server.billed_tokens
            try:
                vote.run(Problem(f"What is {number} + 1?", Number()), llm, budget=own)
            except BudgetExhausted as error:
                said = str(error)
            assert own.spent.tokens == server.billed_tokens - before
            counted += own.spent.tokens
        assert "of 50000 tokens" in said
        assert counted == llm.budget.spent.tokens == server.billed_tokens <= 50_000


def test_cached_prompts_cost_what_the_provider_asks_for_them(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(cached=True, hide=lambda prompt, requests: (9_000, 0))
    with connect(server, budget=Budget(usd=0.1), concurrency=1) as llm:
        spend(llm)
        agree(llm, server)
        assert llm.budget.spent.cached_tokens == llm.budget.spent.prompt_tokens


@pytest.mark.parametrize(
    "budget", [Budget(calls=3), Budget(tokens=3 * 50 + 30), Budget(usd=3 * 50 * OUTPUT + 30 * INPUT)]
)
def test_the_last_part_of_a_budget_buys_as_many_choices_as_fit(
    budget: Budget, serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(hide=lambda prompt, requests: (0, 40))
    with connect(server, budget=budget, max_n=10, max_tokens=50) as llm:
        with pytest.raises(BudgetExhausted):
            event_loop.run_sync(llm.draw(llm.request(Conversation((Message("user", "Why?"),)), {}), range(10)))
        assert [asked.n for asked in server.asked] == [3]
        assert budget.spent.calls == len(llm.journal) == 3
        agree(llm, server)


def test_an_empty_reply_has_no_tokens(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(say=lambda prompt, nth, place: "")
    with connect(server, budget=Budget(calls=20, tokens=10**6)) as llm:
        spend(llm)
        agree(llm, server)


def test_a_bill_for_a_reply_that_is_no_use_is_counted(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(faults=always("filter"))
    with connect(server, budget=Budget(usd=1)) as llm:
        with pytest.raises(CallFailed, match="content filter"):
            event_loop.run_sync(llm.draw(llm.request(Conversation((Message("user", "Why?"),)), {}), [0]))
        assert llm.budget.spent.tokens == llm.usage.tokens == server.billed_tokens == 9
        assert llm.budget.spent.usd == pytest.approx(9 * INPUT)
        assert llm.budget.spent.calls == 0


def test_calls_that_wait_for_their_turn_are_not_sent_on_an_old_estimate(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(hide=lambda prompt, requests: (0, 7_000))
    with connect(server, budget=Budget(tokens=100_000), concurrency=1) as llm:
        spend(llm)  # 90 calls of 1,100 tokens fit at first
        agree(llm, server)
        assert 80_000 < server.billed_tokens <= 100_000


def test_a_failed_attempt_costs_nothing_and_its_retry_is_counted_once(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=first("500", "broken", "reset"))
    with connect(server, budget=Budget(calls=10)) as llm:
        spend(llm, most=20)
        agree(llm, server)
        assert llm.budget.spent.calls == 10
