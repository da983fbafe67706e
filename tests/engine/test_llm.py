"""The layers below a session: journal, single flight, n, top-up, budget, limits, retries."""

from __future__ import annotations

import asyncio
import gc
import itertools
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reasoning import Budget, Journal, connect, strategies
from reasoning.benchmarks import compare
from reasoning.engine.llm import LLM
from reasoning.engine.rate_limiter import RateLimiter
from reasoning.errors import (
    AuthenticationFailed,
    BudgetExhausted,
    CallFailed,
    JournalError,
    PriceUnknown,
    UnknownName,
    UsageError,
)
from reasoning.messages import Completion, Conversation, Message, Request, Usage
from reasoning.providers.client import Client
from reasoning.session import Session
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace


def numbered() -> ScriptedLLM:
    counter = itertools.count()
    return ScriptedLLM(lambda messages: f"text {next(counter)}")


def ask(llm: LLM, draws: Sequence[int], question: str = "why?") -> list[Completion]:
    return asyncio.run(llm.draw(request(llm, question), draws))


def request(llm: LLM, question: str = "why?", **sampling: object) -> Request:
    return llm.request(Conversation((Message("user", question),)), sampling)


def test_draws_of_one_request_leave_together_and_are_distinct() -> None:
    llm = numbered()
    assert [one.text for one in ask(llm, range(5))] == [f"text {i}" for i in range(5)]
    assert len(llm.requests) == 1


def test_branches_that_ask_the_same_at_once_share_one_request() -> None:
    llm = numbered()

    async def side_by_side() -> list[list[Completion]]:
        return await asyncio.gather(*(llm.draw(request(llm), [place]) for place in range(5)))

    texts = [drawn[0].text for drawn in asyncio.run(side_by_side())]
    assert texts == [f"text {i}" for i in range(5)]
    assert len(llm.requests) == 1


def test_equal_draws_in_flight_are_one() -> None:
    llm = ScriptedLLM(lambda messages: "x", latency=0.01)

    async def hundred() -> None:
        await asyncio.gather(*(llm.draw(request(llm), [0]) for _ in range(100)))

    asyncio.run(hundred())
    assert llm.calls == 1


def test_a_cancelled_waiter_takes_nobody_along_and_the_draw_is_recorded() -> None:
    llm = ScriptedLLM(lambda messages: "x", latency=0.02)

    async def scene() -> str:
        first = asyncio.create_task(llm.draw(request(llm), [0]))
        second = asyncio.create_task(llm.draw(request(llm), [0]))
        await asyncio.sleep(0.005)
        first.cancel()
        return (await second)[0].text

    assert asyncio.run(scene()) == "x"
    assert len(llm.journal) == 1


def test_a_failure_reaches_all_who_wait_and_nobody_adds_to_its_traceback() -> None:
    llm = ScriptedLLM([CallFailed("bad request")], latency=0.001)

    async def twenty() -> list[list[Completion] | BaseException]:
        return await asyncio.gather(*(llm.draw(request(llm), [0]) for _ in range(20)), return_exceptions=True)

    failures = set(asyncio.run(twenty()))
    (failure,) = failures
    assert isinstance(failure, CallFailed)
    assert len(list(traceback.walk_tb(failure.__traceback__))) < 15
    assert llm.in_flight == 0


def test_a_rerun_gets_the_same_draws_and_spends_nothing(tmp_path: Path) -> None:
    first = ScriptedLLM(["a", "b", "c"], journal=Journal(tmp_path / "journal.sqlite"))
    bought = ask(first, range(3))
    again = ScriptedLLM([], journal=Journal(tmp_path / "journal.sqlite"))
    found = ask(again, range(3))
    assert [one.text for one in found] == ["a", "b", "c"]
    assert [one.usage for one in found] == [one.usage for one in bought]
    assert [one.is_new for one in found] == [False] * 3
    assert again.calls == 0
    assert again.usage == Usage()


def test_twenty_after_five_buys_fifteen(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    ask(ScriptedLLM(lambda m: "x", journal=journal), range(5))
    more = ScriptedLLM(lambda m: "x", journal=journal)
    ask(more, range(20))
    assert more.calls == 15


def test_what_n_leaves_out_is_topped_up_and_no_more() -> None:
    class OneOfN(ScriptedLLM):
        async def one(self, request: Request, draws: Sequence[int]) -> list[Completion]:
            return await self._script.complete(request, draws[:1])

    llm = OneOfN(lambda messages: "x")
    sent: list[int] = []

    class One(Client):
        model, max_n, free = "one", 8, True

        async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
            sent.append(len(draws))
            return [Completion("x")]

    llm = LLM(One())
    assert len(ask(llm, range(5))) == 5
    assert sent == [5, 1, 1, 1, 1]
    ask(llm, range(3), "else?")
    assert sent[5:] == [1, 1, 1]  # the refusal is remembered


def test_the_key_of_a_request_holds_its_settings_and_not_the_hint() -> None:
    llm = numbered()
    one, hotter = request(llm), request(llm, temperature=0.7)
    assert one.key != hotter.key
    assert one.key == Request(one.model, one.messages, one.sampling, one.endpoint, static_prefix=1).key


def test_a_fault_that_can_pass_is_tried_again_and_no_other() -> None:
    llm = ScriptedLLM([CallFailed("busy", retryable=True, retry_after=0.01), "x"])
    assert ask(llm, [0])[0].text == "x"
    for lasting in (CallFailed("bad request"), AuthenticationFailed("no key")):
        llm = ScriptedLLM([lasting, "x"])
        with pytest.raises(type(lasting), match=str(lasting)):
            ask(llm, [0])
        assert len(llm.requests) == 1
        assert len(llm.journal) == 0  # a failed call is no record


def test_a_budget_is_never_passed_whatever_the_concurrency() -> None:
    budget = Budget(calls=7)
    llm = ScriptedLLM(lambda messages: "x", latency=0.001, budget=budget)

    async def many() -> list[object]:
        tasks = (llm.draw(request(llm, f"{i}?"), [0]) for i in range(64))
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(many())
    assert llm.calls == budget.spent.calls == 7
    assert sum(isinstance(one, BudgetExhausted) for one in results) == 57
    assert "7 of 7 calls are spent" in str(next(one for one in results if isinstance(one, BudgetExhausted)))


def test_a_budget_in_tokens_reserves_the_worst_case() -> None:
    llm = ScriptedLLM(lambda m: "one two", budget=Budget(tokens=150), max_tokens=100)
    ask(llm, [0])
    assert llm.budget.spent.tokens == 3
    ask(llm, [1])
    ask(llm, range(2, 4))  # 200 tokens could come, so that they are bought one after the other
    assert [len(llm.requests), llm.calls, llm.budget.spent.tokens] == [4, 4, 12]
    with pytest.raises(BudgetExhausted, match="33 of 150 tokens are spent, and the next call may need 120"):
        ask(llm, range(4, 24))


def test_a_budget_in_dollars_needs_a_price_before_anything_is_sent() -> None:
    with pytest.raises(PriceUnknown, match=r'(?s)no price is known for mock at .*\["mock"\]\n    input = 0\n'):
        connect("mock", base_url="http://127.0.0.1:9/v1", journal=False, budget=Budget(usd=1))
    with pytest.raises(PriceUnknown, match=r'(?s)\["acme/mock"\]\n    input = PRICE\n.*write numbers for PRICE'):
        connect("acme/mock", base_url="https://acme.example/v1", journal=False, budget=Budget(usd=1))
    with pytest.raises(UnknownName, match="unknown model 'nonsense'"):
        connect("nonsense", journal=False, budget=Budget(usd=1))
    llm = connect("mock", base_url="http://127.0.0.1:9/v1", journal=False)
    cot, dollars = strategies.get("cot"), Budget(usd=1)
    for solve in (
        lambda: cot.run("why?", llm, budget=dollars),
        lambda: cot.map(["why?"], llm, budget=dollars),
        lambda: cot.run("why?", llm, budget=Budget(calls=1, within=dollars)),
        lambda: compare(["cot"], "gsm_symbolic", llm, strategy_budget=dollars, progress=False),
        lambda: compare(["cot"], "gsm_symbolic", llm, problem_budget=dollars, progress=False),
    ):
        with pytest.raises(PriceUnknown):
            solve()
    assert llm.budget.spent.calls == llm.retries == 0
    assert connect("local", journal=False, budget=dollars).price(Usage(1, 9, 9)) == 0
    with pytest.raises(UsageError, match="usd must be at least 0"):
        Budget(usd=-1)


def test_a_model_that_costs_no_money_takes_nothing_of_a_budget_in_dollars() -> None:
    class Hosted(ScriptedLLM):
        """Costs a cent a call."""

        def __init__(self, budget: Budget) -> None:
            super().__init__(lambda m: Completion("x", usage=Usage(1, 5, 5, usd=0.01)), budget=budget, max_n=1)
            self._purchaser.price = self._purchaser._worst_price = lambda usage: 0.01

    budget = Budget(usd=0.02)
    local, hosted = ScriptedLLM(lambda m: "x", budget=budget), Hosted(budget)
    ask(local, range(3))
    ask(hosted, range(2))
    ask(local, range(3, 5))
    assert (budget.spent.calls, budget.spent.usd) == (7, 0.02)
    assert local.usage.usd is None  # what it has cost is not known to be nothing: a machine is not free
    with pytest.raises(BudgetExhausted, match=r"0\.02 of 0\.02 US dollars"):
        ask(hosted, range(2, 3))


def test_max_tokens_of_none_is_the_usual_number() -> None:
    llm = ScriptedLLM(lambda m: "x", max_tokens=None)
    ask(llm, [0])
    assert llm.requests[0].sampling["max_tokens"] == 1024
    assert request(llm, max_tokens=None).max_tokens == 1024
    for nonsense in (0, -5, "many"):
        with pytest.raises(UsageError, match="max_tokens must be a whole number of at least 1, got "):
            request(llm, max_tokens=nonsense)


def test_a_budget_knows_of_the_tokens_that_the_extra_body_asks_for() -> None:
    llm = ScriptedLLM(["x"], budget=Budget(tokens=500), max_tokens=9, extra_body={"max_tokens": 900})
    assert request(llm).max_tokens == 900
    with pytest.raises(BudgetExhausted, match="may need 9"):
        ask(llm, [0])
    assert llm.calls == 0


def test_limits_hold_requests_back() -> None:
    llm = ScriptedLLM(lambda messages: "x", latency=0.002)
    llm._purchaser.limits = RateLimiter(concurrency=3)

    async def many() -> None:
        await asyncio.gather(*(llm.draw(request(llm, f"{i}?"), [0]) for i in range(20)))

    asyncio.run(many())
    assert llm.peak_concurrency == 3
    with pytest.raises(UsageError, match="concurrency must be greater than 0"):
        RateLimiter(concurrency=0)


def test_all_who_connect_to_a_model_share_its_limits_and_the_strictest_number_holds() -> None:
    def at(model: str = "mock", port: int = 9, **given: Any) -> LLM:
        return connect(model, base_url=f"http://127.0.0.1:{port}/v1", journal=False, **given)

    one, other = at(concurrency=8, requests_per_minute=600, patience=900), at()
    assert one.limits is other.limits
    assert (one.limits.concurrency, one.limits.requests_per_minute, one.limits.circuit.max_outage_seconds) == (
        8,
        600,
        900,
    )
    with at(concurrency=2, requests_per_minute=6000, tokens_per_minute=100, patience=30) as strict:
        limits = strict.limits
        assert limits is one.limits
        assert (limits.concurrency, limits.window, limits.circuit.max_outage_seconds) == (2, 2, 30)
        assert (limits.requests_per_minute, limits.tokens_per_minute) == (600, 100)
    assert (limits.concurrency, limits.window, limits.circuit.max_outage_seconds) == (8, 8, 900)
    assert (limits.requests_per_minute, limits.tokens_per_minute) == (600, None)
    with pytest.raises(UsageError, match="concurrency must be greater than 0"):
        at(concurrency=0)
    del one
    gc.collect()
    assert (limits.concurrency, limits.requests_per_minute, limits.circuit.max_outage_seconds) == (32, None, 600)
    for stranger in (at("other"), at(port=10), at(api_key="another account")):
        assert stranger.limits is not limits


def test_a_door_that_a_session_opens_has_the_limits_of_its_model() -> None:
    there = connect("ollama/llama3", journal=False, concurrency=2)
    session = Session(connect("ollama/mistral", journal=False), Trace("test")).with_model("ollama/llama3")
    assert session._llm.limits is there.limits
    assert there.limits.concurrency == 2


def test_a_model_of_another_name_at_the_same_address_shares_the_limits_of_that_name() -> None:
    def at(model: str, **settings: Any) -> LLM:
        return connect(model, base_url="http://127.0.0.1:9/v1", journal=False, **settings)

    small, judge = at("small", concurrency=8, patience=30), at("judge", concurrency=4)
    named = small.sibling("judge")
    assert named.limits is judge.limits is not small.limits
    assert (judge.limits.concurrency, judge.limits.circuit.max_outage_seconds) == (4, 30)  # of both, the strictest
    assert (small.limits.concurrency, small.limits.circuit.max_outage_seconds) == (8, 30)
    del judge
    gc.collect()
    assert named.limits.concurrency == 8
    stranger = at("small", api_key="another account").sibling("judge")
    assert stranger.limits is at("judge", api_key="another account").limits is not named.limits
    session = Session(small, Trace("test")).with_model("judge")
    assert session._llm.limits is named.limits
    own = LLM(small.client, limits=RateLimiter(3))
    other = own.sibling("judge")
    assert other.limits is own.limits
    assert own.limits.concurrency == 3


def test_a_sibling_is_one_object_and_its_usage_counts() -> None:
    llm = ScriptedLLM(lambda messages: "x")
    judge = llm.sibling("judge")
    assert judge is llm.sibling("judge") is not llm.sibling("another")
    assert (judge.name, judge.journal, judge.budget) == ("judge", llm.journal, llm.budget)
    ask(llm, [0])
    ask(judge, range(2))
    assert (llm.usage.calls, judge.usage.calls, llm.total_usage.calls) == (1, 2, 3)


def test_a_minimal_client_has_defaults_and_knows_no_other_model() -> None:
    class Echo(Client):
        model = "echo"

        async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
            return [Completion(request.messages[-1].content)]

    llm = LLM(Echo())
    assert [draw.text for draw in ask(llm, range(3))] == ["why?"] * 3
    assert (llm.max_n, llm.client.prices, llm.client.price(Usage(1, 2, 3))) == (1, "", None)
    with pytest.raises(UsageError, match="the client of echo knows no model 'judge'"):
        llm.sibling("judge")


def test_a_draw_survives_a_kill_from_the_moment_it_is_seen(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from reasoning import Journal\n"
        "from reasoning.testing import ScriptedLLM\n"
        "from reasoning.messages import Message\n"
        "from reasoning.messages import Conversation\n"
        "llm = ScriptedLLM(lambda m: 'seen', journal=Journal(sys.argv[1]))\n"
        "asyncio.run(llm.draw(llm.request(Conversation((Message('user', 'why?'),)), {}), [0]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "journal.sqlite"
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -9
    llm = ScriptedLLM([], journal=Journal(path))
    assert ask(llm, [0])[0].text == "seen"


def test_what_is_wrong_with_a_journal_is_said_and_the_file_is_kept(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"not a database, but something that a user may want back" * 50)
    with pytest.raises(JournalError, match=r"damaged\.sqlite cannot be read"):
        ask(ScriptedLLM(["x"], journal=Journal(damaged)), [0])
    assert damaged.read_bytes().startswith(b"not a database")
    import sqlite3

    newer = tmp_path / "newer.sqlite"
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="another version"):
        ask(ScriptedLLM(["x"], journal=Journal(newer)), [0])


def test_odd_text_is_recorded(tmp_path: Path) -> None:
    odd = "\x00 \ud800 é \U0001f600"
    journal = Journal(tmp_path / "journal.sqlite")
    ask(ScriptedLLM([odd], journal=journal), [0])
    assert ask(ScriptedLLM([], journal=journal), [0])[0].text == "\x00 ? é \U0001f600"


def test_a_misspelt_setting_is_named_and_what_a_server_takes_beyond_goes_through() -> None:
    with pytest.raises(UnknownName, match="did you mean 'temperature'"):
        connect("mock", base_url="http://127.0.0.1:9/v1", tempreature=1)
    with pytest.raises(UsageError, match="extra_headers"):
        connect("mock", base_url="http://127.0.0.1:9/v1", extra_headers={"X": "y"})
    llm = connect("mock", base_url="http://127.0.0.1:9/v1", extra_body={"top_a": 1}, reasoning_effort="low")
    assert llm.sampling["extra_body"] == {"top_a": 1}
    with pytest.raises(UnknownName, match="'temperatur' of a call; did you mean 'temperature'"):
        request(llm, temperatur=1)
    with pytest.raises(UsageError, match="extra_body of a call must be a dict"):
        request(llm, extra_body="top_a=1")


@pytest.mark.parametrize("name", ["n", "best_of", "model", "messages", "stream", "stream_options"])
def test_the_extra_body_does_not_go_around_what_is_counted(name: str) -> None:
    extra = {"top_a": 1, name: 2}
    with pytest.raises(UsageError, match=rf"extra_body\['{name}'\] of connect would bypass the engine: "):
        connect("mock", base_url="http://127.0.0.1:9/v1", journal=False, extra_body=extra)
    llm = ScriptedLLM(["x"])
    with pytest.raises(UsageError, match=rf"extra_body\['{name}'\] of a call would bypass the engine: "):
        request(llm, extra_body=extra)
    assert llm.calls == 0


def test_a_view_has_its_own_budget_journal_and_siblings() -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 4.")
    budget, journal = Budget(calls=1), Journal()
    view = llm.within(budget, journal)
    assert view.sibling("judge").journal is journal
    assert llm.sibling("judge") is not view.sibling("judge")
    strategies.get("vanilla").run("2 + 2?", view)
    with pytest.raises(BudgetExhausted):
        strategies.get("vanilla").run("3 + 3?", view)
    assert (budget.spent.calls, llm.budget.spent.calls) == (1, 0)
    strategies.get("vanilla").run("2 + 2?", llm)
    assert llm.calls == 2, "the journal of the view is another one"
