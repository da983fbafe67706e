"""Each fault of a server, with exact counts: nothing is lost, nothing is bought twice, no answer is changed."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import Answer, Budget, Journal, Problem, Strategy, event_loop
from reasoning.answer import Failed
from reasoning.branches import gather
from reasoning.engine.circuit_breaker import CircuitBreaker
from reasoning.engine.llm import LLM
from reasoning.errors import AuthenticationFailed, BudgetExhausted, EndpointDown, UsageError
from reasoning.journal.maintenance import verify
from reasoning.kinds import Number
from reasoning.messages import Completion, Conversation, Message
from reasoning.session import Session
from reasoning.strategies import SelfConsistency, Vanilla
from reasoning.strategy import technique
from tests.faults.conftest import Serve
from tests.faults.server import PASSING, Server, always, by_now, by_place, first, given_by_now, rates, read_ledger

VANILLA = Vanilla()
PLACES = 8


@technique(title="A width of calls", calls="width", use_when="", avoid_when="")
class Wide(Strategy):
    """Ask a number of different things at once."""

    width: int = 200

    def calls_range(self) -> tuple[int, int]:
        return self.width, self.width

    async def solve(self, problem: Problem, session: Session) -> Answer:
        asked = (session.ask(f"{problem.question} {place}") for place in range(self.width))
        return problem.parse((await gather([*asked]))[-1])


@technique(title="A line of calls", calls="length", use_when="", avoid_when="")
class Slow(Strategy):
    """Ask one thing after the other."""

    length: int = 10

    def calls_range(self) -> tuple[int, int]:
        return self.length, self.length

    async def solve(self, problem: Problem, session: Session) -> Answer:
        for place in range(self.length):
            reply = await session.ask(f"{problem.question} {place}")
        return problem.parse(reply)


@pytest.fixture
def connect(tmp_path: Path) -> Callable[..., LLM]:
    """Models of a server, with a journal in a file; the test closes them."""

    def connected(server: Server, **settings: Any) -> LLM:
        given = {"concurrency": PLACES, "timeout": 30, "journal": tmp_path / "journal.sqlite", **settings}
        llm = reasoning.connect("mock", base_url=server.url, **given)
        llm.client.max_n = 8
        return llm

    return connected


def problems(number: int) -> list[Problem]:
    return [Problem(f"What is {k} + {k}?", Number(), id=f"sum-{k}") for k in range(number)]


def solve(llm: LLM, strategy: Strategy, asked: Sequence[Problem], **settings: Any) -> list[Answer]:
    """The answers to problems that are asked all at once."""

    async def all_at_once() -> list[Answer]:
        return await asyncio.gather(*(strategy.arun(problem, llm, **settings) for problem in asked))

    return asyncio.run(asyncio.wait_for(all_at_once(), 120))


def drawn(answers: Sequence[Answer]) -> Iterator[tuple[str, Completion]]:
    """The prompts of these solves and what was drawn from them."""
    for answer in answers:
        assert answer.trace is not None
        for call in answer.trace.calls():
            for one in call.completions:
                yield call.messages[-1].content, one


def agree(server: Server, llm: LLM, answers: Sequence[Answer], draws: int) -> None:
    """What the strategies saw is what the journal has and what the server gave out: no more, no less, nothing else."""
    seen: dict[tuple[str, int], tuple[str, str]] = {}
    for prompt, one in drawn(answers):
        assert seen.setdefault((one.key, one.draw), (prompt, one.text))[1] == one.text
    assert len(seen) == len(llm.journal) == llm.usage.calls == server.completions == draws
    for (key, draw), (_, text) in seen.items():
        assert llm.journal.read(key, [draw])[draw].text == text
    assert Counter(seen.values()) == Counter((prompt, text) for prompt, said in server.given.items() for text in said)
    assert server.peak <= llm.limits.concurrency
    assert (llm.in_flight, llm.limits.in_flight) == (0, 0)


def asked_by_now(server: Server, number: int) -> None:
    by_now(lambda: len(server.asked) >= number, f"fewer than {number} requests have arrived")


# one fault at a time


@pytest.mark.parametrize("fault", [*PASSING, "patchy"])
def test_a_fault_that_passes_costs_one_retry(fault: str, serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(faults=first(fault))
    with connect(server, timeout=3 if fault in ("hang", "drip") else 30) as llm:
        answers = solve(llm, VANILLA, problems(6))
        assert [answer.state for answer in answers] == ["answered"] * 6
        agree(server, llm, answers, 6)
        assert (len(server.asked), llm.retries) == (12, 6)
        assert [one.retries for _, one in drawn(answers)] == [1] * 6
        status = int(fault[:3]) if fault[:3].isdigit() else 0 if fault in ("reset", "hang", "drip") else 200
        assert server.statuses == Counter([200] * 6 + [status] * 6)
        again = solve(llm, VANILLA, problems(6))
    assert [one.text for one in again] == [one.text for one in answers]
    assert len(server.asked) == 12  # all of it came from the journal


@pytest.mark.parametrize("fault", ["400", "overflow", "filter"])
def test_a_fault_of_the_request_is_not_tried_again_and_not_recorded(
    fault: str, serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=lambda body, attempt: fault if "3 + 3" in body else "")
    with connect(server) as llm:
        answers = solve(llm, VANILLA, problems(6))
        failed = [place for place, answer in enumerate(answers) if isinstance(answer, Failed)]
        assert failed == [3]
        assert answers[3].reason
        agree(server, llm, answers, 5)
        assert (len(server.asked), llm.retries) == (6, 0)


def test_a_request_that_always_fails_is_given_up_while_others_come_through(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=lambda body, attempt: "500" if "3 + 3" in body else "", latency=0.02)
    with connect(server) as llm:
        poison, *others = solve(llm, VANILLA, [problems(4)[3], *[Problem(f"{k}?", Number()) for k in range(60)]])
        assert isinstance(poison, Failed)
        assert "broken on purpose" in poison.error
        assert sum("3 + 3" in asked.prompt for asked in server.asked) == 8
        agree(server, llm, others, 60)


def test_a_refused_key_stops_at_once(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(faults=always("401"), latency=0.01)
    with connect(server) as llm:
        with pytest.raises(AuthenticationFailed, match="status 401"):
            Wide().run("Why?", llm)
        with pytest.raises(AuthenticationFailed, match="status 401"):
            SelfConsistency(VANILLA, samples=400).run(problems(1)[0], llm)
        time.sleep(0.1)  # whatever still wanted to go out would do so now
        assert len(server.asked) <= 2 * PLACES
        assert len(llm.journal) == llm.in_flight == llm.limits.in_flight == 0


@pytest.mark.parametrize("usage", ["missing", "negative", "words", "huge"])
def test_a_wrong_usage_harms_neither_the_answers_nor_the_budget(
    usage: str, serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(usage=usage)
    with connect(server, concurrency=2, budget=Budget(tokens=2_000)) as llm:
        answers: list[Answer] = []
        spent, error = [0], ""
        while not error and len(answers) < 500:
            try:
                answers.append(VANILLA.run(problems(500)[len(answers)], llm))
                spent.append(llm.budget.spent.tokens)
            except BudgetExhausted as exhausted:
                error = str(exhausted)
        assert "tokens are spent" in error
        assert spent == sorted(set(spent))  # every answer costs something
        assert max(spent) <= 2_000
        assert sum(len(prompt) // 4 + len(text) // 4 for prompt, (text,) in server.given.items()) <= 2_000
        agree(server, llm, answers, len(answers))


def test_replies_with_the_same_id_are_different_draws(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(same_id=True)
    with connect(server) as llm:
        answers = solve(llm, SelfConsistency(VANILLA, samples=12), problems(3))
        agree(server, llm, answers, 36)


def test_of_a_reply_with_malformed_choices_the_good_ones_are_kept_and_only_the_others_bought_again(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=first("patchy"))
    with connect(server) as llm:
        answers = solve(llm, SelfConsistency(VANILLA, samples=20), problems(3))
        agree(server, llm, answers, 60)
        # Of 8 and 4 choices half are malformed, and of those that are asked for again.
        assert Counter(asked.n for asked in server.asked) == Counter({8: 6, 4: 6, 2: 3, 1: 6})
        assert llm.retries == 3  # where nothing else was in the reply
        assert llm.usage.tokens == sum(map(sum, server.billed))
        assert all(one.text for _, one in drawn(answers))


def test_a_request_whose_choices_are_always_malformed_fails_within_the_limit_of_retries(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=lambda body, attempt: "patchy" if "0 + 0" in body else "", latency=0.02)
    with connect(server) as llm:
        wrong, *others = solve(llm, VANILLA, [problems(1)[0], *[Problem(f"{k}?", Number()) for k in range(60)]])
        assert isinstance(wrong, Failed)
        assert "cannot be parsed: the content of a choice must be a text, got None" in wrong.error
        assert sum("0 + 0" in asked.prompt for asked in server.asked) == 8
        agree(server, llm, others, 60)


# n


@pytest.mark.parametrize(
    ("how", "asked_for", "afterwards"),
    [
        ("honoured", [8, 8, 4], [8, 8, 4]),
        ("ignored", [8, 8, 4, *[1] * 17], [1] * 20),
        ("refused", [8, 8, 4, *[1] * 20], [1] * 20),
        ("short", [8, 8, 4, 1, 1, 1], [8, 8, 4, 1, 1, 1]),
    ],
)
def test_what_n_leaves_out_is_topped_up_and_no_more(
    how: str, asked_for: list[int], afterwards: list[int], serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(n=how)
    with connect(server) as llm:
        before = solve(llm, SelfConsistency(VANILLA, samples=20), problems(1))
        assert sorted((asked.n for asked in server.asked), reverse=True) == asked_for
        after = solve(llm, SelfConsistency(VANILLA, samples=20), [Problem("What else?", Number())])
        assert sorted((asked.n for asked in server.asked[len(asked_for) :]), reverse=True) == afterwards
        agree(server, llm, [*before, *after], 40)
        assert llm.retries == 0


def test_a_warm_prefix_sends_the_first_request_alone(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(latency=0.02)
    with connect(server, warm_prefix=True) as llm:
        agree(server, llm, solve(llm, SelfConsistency(VANILLA, samples=40), problems(1)), 40)
    alone, *others = server.asked
    assert [asked.n for asked in server.asked] == [8] * 5
    assert all(asked.at >= alone.ended for asked in others)


def test_a_warm_prefix_that_fails_keeps_the_others_waiting_until_it_is_there(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=first("500"), n="ignored")
    with connect(server, warm_prefix=True) as llm:
        agree(server, llm, solve(llm, SelfConsistency(VANILLA, samples=20), problems(1)), 20)
    assert [asked.n for asked in server.asked[:2]] == [8, 8]
    assert all(asked.at >= server.asked[1].ended for asked in server.asked[2:])


# everything at once


@pytest.mark.parametrize(("how", "seed"), [("honoured", 1), ("ignored", 2), ("refused", 3), ("short", 4)])
def test_in_a_storm_of_faults_nothing_is_lost_and_nothing_bought_twice(
    how: str, seed: int, serve: Serve, connect: Callable[..., LLM]
) -> None:
    rare = {"hang": 0.01, "drip": 0.01, "429 date": 0.0}
    server = serve(faults=rates(seed, {fault: rare.get(fault, 0.03) for fault in PASSING}), n=how)
    with connect(server, timeout=2) as llm:
        first_asked = solve(llm, SelfConsistency(VANILLA, samples=5), problems(30))
        more_asked = solve(llm, SelfConsistency(VANILLA, samples=12), problems(30))  # 5 of the 12 are there
        agree(server, llm, [*first_asked, *more_asked], 30 * 12)
        failed = sum(asked.fault != "" for asked in server.asked)
        assert llm.retries == failed > 20
        assert all(asked.fault or asked.status in (200, 400) for asked in server.asked)


GARBAGE = ("broken", "html", "empty", "error 200", "no choices", "nonsense")
OFTEN: dict[str, dict[str, float]] = {
    "429 with Retry-After at 30 %": {"429": 0.3},
    "429 without Retry-After at 30 %": {"429 bare": 0.3},
    "500 at 20 %": {"500": 0.2},
    "garbage at 30 %": dict.fromkeys(GARBAGE, 0.05),
    "resets half way at 20 %": {"reset": 0.2},
    "hangs and drips at 10 %": {"hang": 0.05, "drip": 0.05},
    "429, 500, garbage and resets at 60 %": {"429": 0.15, "429 bare": 0.15, "500": 0.1, "broken": 0.1, "reset": 0.1},
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    """What is answered where nothing goes wrong."""
    journal = tmp_path_factory.mktemp("undisturbed") / "journal.sqlite"
    with Server(say=by_place) as server, reasoning.connect("mock", base_url=server.url, journal=journal) as llm:
        llm.client.max_n = 8
        return solve(llm, SelfConsistency(VANILLA, samples=12), problems(40))


@pytest.mark.parametrize("often", OFTEN)
def test_a_fault_that_is_frequent_costs_one_retry_each_time_and_changes_no_answer(
    often: str, undisturbed: list[Answer], serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=rates(11, OFTEN[often]), say=by_place)
    with connect(server, timeout=2 if "hang" in OFTEN[often] else 30, budget=Budget(calls=480)) as llm:
        answers = solve(llm, SelfConsistency(VANILLA, samples=12), problems(40))
        agree(server, llm, answers, 480)
        assert llm.budget.spent.calls == 480  # to the last one of the budget
        failed = Counter(asked.fault for asked in server.asked if asked.fault)
        assert set(failed) == set(OFTEN[often])
        assert llm.retries == failed.total() == len(server.asked) - 80 >= 5
        assert sum(server.statuses.values()) == len(server.asked)
    for answer, expected in zip(answers, undisturbed, strict=True):
        assert (answer.value, answer.votes, answer.confidence) == (expected.value, expected.votes, expected.confidence)


# the provider's limits


def test_nobody_calls_before_the_time_that_the_provider_asks_to_wait(serve: Serve, connect: Callable[..., LLM]) -> None:
    turned_away = [f"is {k} + {k}?" for k in range(4)]

    def fault(body: str, attempt: int) -> str:
        return "429" if attempt == 0 and any(one in body for one in turned_away) else ""

    server = serve(faults=fault, retry_after=0.4)
    with connect(server, concurrency=4) as llm:
        agree(server, llm, solve(llm, VANILLA, problems(30)), 30)
    assert [asked.status for asked in server.asked] == [429] * 4 + [200] * 30
    told = min(asked.ended for asked in server.asked[:4])
    assert all(asked.at >= told + 0.4 for asked in server.asked[4:])


def test_a_time_to_wait_holds_also_while_nothing_comes_through(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(faults=lambda body, attempt: "429" if attempt == 0 else "", retry_after=0.5)
    with connect(server, concurrency=1) as llm:
        llm.limits.circuit = CircuitBreaker(open_after=0.01, probe_interval=0.02)  # an outage is told at once
        agree(server, llm, solve(llm, VANILLA, problems(3)), 3)
    for refused, after in itertools.pairwise(server.asked):
        assert refused.status != 429 or after.at >= refused.ended + 0.5


def test_a_date_to_wait_for_is_told_by_the_clock_of_the_provider(
    serve: Serve, connect: Callable[..., LLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(faults=first("429 date"))
    here = time.time
    with connect(server) as llm:
        for hours in (-5, 5):
            monkeypatch.setattr(time, "time", lambda hours=hours: here() + 3600 * hours)
            server.faults = first("429 date")
            began = time.monotonic()
            assert VANILLA.run(Problem(f"What is {hours} + 0?", Number()), llm).state == "answered"
            assert time.monotonic() - began < 60


def test_what_is_left_of_a_minute_is_obeyed(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(faults=lambda body, attempt: "remaining 0" if "0 + 0" in body else "")
    with connect(server, concurrency=1) as llm:
        agree(server, llm, solve(llm, VANILLA, problems(6)), 6)
    used_up = next(place for place, asked in enumerate(server.asked) if asked.fault)
    assert used_up == 0
    assert server.asked[1].at >= server.asked[0].ended + 0.4


def test_too_many_requests_halve_what_goes_out_once_and_it_grows_again(
    serve: Serve, connect: Callable[..., LLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(faults=first("429 bare"), latency=0.1)
    with connect(server, concurrency=16) as llm:
        windows: dict[str, list[float]] = {"on_failure": [], "on_success": []}
        for name, seen in windows.items():
            original = getattr(llm.limits, name)

            def told(*words: Any, do: Any = original, seen: list[float] = seen, **more: Any) -> Any:
                done = do(*words, **more)
                seen.append(llm.limits.window)
                return done

            monkeypatch.setattr(llm.limits, name, told)
        agree(server, llm, solve(llm, VANILLA, problems(16)), 16)
    assert windows["on_failure"] == [8] * 16  # all of them were under way when the first was refused
    assert windows["on_success"] == [*range(9, 17), *[16] * 8]
    assert server.peak == 16


def test_a_wide_strategy_does_not_starve_a_slow_one(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(latency=0.02)
    with connect(server) as llm:

        async def both() -> list[Answer]:
            wide = asyncio.create_task(Wide().arun("Wide?", llm))
            await asyncio.to_thread(asked_by_now, server, PLACES)  # the rest of it stands in the queue
            before.append(len(server.asked))
            return [await Slow().arun("Slow?", llm), await wide]

        before: list[int] = []
        agree(server, llm, asyncio.run(both()), 210)
    last = max(place for place, asked in enumerate(server.asked) if asked.prompt.startswith("Slow?"))
    # A step waits for one turn of the eight places at most, and is under way during the next.
    assert last - before[0] <= 10 * 2 * PLACES < 210 - PLACES
    assert server.peak == PLACES


# who waits for what


def test_cancelling_one_of_two_who_wait_for_a_draw_leaves_the_other_alone(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(latency=0.25)
    with connect(server) as llm:

        async def scene() -> Answer:
            gone, stays = (asyncio.create_task(VANILLA.arun(problems(1)[0], llm)) for _ in range(2))
            await asyncio.to_thread(asked_by_now, server, 1)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
            return await stays

        agree(server, llm, [asyncio.run(scene())], 1)
    assert len(server.asked) == 1


def test_what_nobody_waits_for_any_more_is_not_sent(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(latency=0.25)
    with connect(server) as llm:

        async def scene() -> None:
            gone = asyncio.create_task(Wide().arun("Why?", llm))
            await asyncio.to_thread(asked_by_now, server, PLACES)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone

        asyncio.run(scene())
        by_now(lambda: not llm.in_flight, "some are still in flight")
        assert len(server.asked) == PLACES  # those on the way come, and are kept
        assert len(llm.journal) == server.completions == PLACES
        assert (llm.in_flight, llm.limits.in_flight) == (0, 0)


def test_two_models_that_share_a_journal_ask_for_a_draw_once(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(latency=0.25)
    with connect(server) as one, connect(server) as other:

        async def both() -> list[Answer]:
            return await asyncio.gather(*(VANILLA.arun(problems(1)[0], llm) for llm in (one, other)))

        mine, theirs = asyncio.run(both())
        assert mine.text == theirs.text
        assert (len(server.asked), len(one.journal)) == (1, 1)
        assert one.usage.calls + other.usage.calls == 1


def test_two_models_at_one_endpoint_do_not_ask_more_of_it_than_one(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(latency=0.02)
    with connect(server, concurrency=2, journal=False) as one, connect(server, concurrency=2, journal=False) as other:

        async def both() -> None:
            asked = (VANILLA.arun(problem, llm) for problem in problems(12) for llm in (one, other))
            await asyncio.gather(*asked)

        asyncio.run(both())
        assert (len(server.asked), server.peak) == (24, 2)
        assert one.limits.in_flight == 0


def test_a_model_that_is_closed_leaves_the_draw_to_the_other_that_waits_for_it(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=first("hang"))
    with connect(server) as stays:
        goes = connect(server)

        async def scene() -> Answer:
            first_to_ask = asyncio.create_task(VANILLA.arun(problems(1)[0], goes))
            await asyncio.to_thread(asked_by_now, server, 1)
            waits = asyncio.create_task(VANILLA.arun(problems(1)[0], stays))
            await asyncio.sleep(0.02)
            await goes.aclose()
            with pytest.raises(asyncio.CancelledError):
                await first_to_ask
            return await waits

        assert asyncio.run(asyncio.wait_for(scene(), 60)).state == "answered"
        assert len(stays.journal) == stays.usage.calls == 1
        assert stays.in_flight == 0


def test_closing_leaves_nobody_waiting(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(latency=0.25)
    for warm in (False, True):
        llm = connect(server, warm_prefix=warm, concurrency=2)

        async def scene(llm: LLM = llm) -> None:
            asked = asyncio.create_task(SelfConsistency(VANILLA, samples=40).arun(problems(1)[0], llm))
            await asyncio.to_thread(asked_by_now, server, 1 + len(server.asked))
            await llm.aclose()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(asked, 60)

        asyncio.run(scene())
        assert (llm.in_flight, llm.limits.in_flight) == (0, 0)


@pytest.mark.parametrize("how", ["with", "close", "aclose"])
def test_a_closed_model_says_so_and_calls_nobody(how: str, serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve()
    llm = connect(server)
    other = llm.sibling("other")
    asked = problems(2)
    with llm:
        assert [VANILLA.run(asked[0], one).state for one in (llm, other)] == ["answered"] * 2
        if how == "close":
            event_loop.run_sync(llm.close())
        elif how == "aclose":
            asyncio.run(llm.aclose())
    assert other.client._sessions.by_loop == {}  # type: ignore[attr-defined]
    said = r"the model (mock|other) is closed, so it cannot be called: .* connect again with reasoning\.connect"
    for model, problem in itertools.product((llm, other), asked):
        with pytest.raises(UsageError, match=said):
            VANILLA.run(problem, model)
        with pytest.raises(UsageError, match=said):
            asyncio.run(VANILLA.arun(problem, model))
        with pytest.raises(UsageError, match=said):
            VANILLA.map([problem], model)
    with pytest.raises(UsageError, match=said):
        llm.sibling("third")
    with pytest.raises(UsageError, match=said), llm:
        pass
    event_loop.run_sync(llm.close())
    assert len(server.asked) == 2
    with connect(server) as again:
        assert VANILLA.run(asked[0], again).usage.calls == 1
    assert len(server.asked) == 2  # it was in the journal


def test_who_waits_for_the_same_draw_of_a_model_that_is_closed_gets_an_error(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(faults=first("hang"))
    llm = connect(server)

    async def scene() -> list[Any]:
        both = [asyncio.create_task(VANILLA.arun(problems(1)[0], llm)) for _ in range(2)]
        await asyncio.to_thread(asked_by_now, server, 1)
        await llm.aclose()
        return await asyncio.wait_for(asyncio.gather(*both, return_exceptions=True), 30)

    owner, other = asyncio.run(scene())
    assert isinstance(owner, asyncio.CancelledError)
    assert isinstance(other, UsageError)
    assert len(server.asked) == 1


def test_threads_with_the_same_question_ask_once(serve: Serve, connect: Callable[..., LLM]) -> None:
    server = serve(latency=0.25)
    with connect(server) as llm, ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: VANILLA.run(problems(1)[0], llm), range(4)))
        agree(server, llm, answers, 1)
    assert len(server.asked) == 1


def test_a_budget_that_is_used_up_is_not_that_of_whoever_waits_for_the_same_draw(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve(latency=0.02)
    with connect(server) as llm:

        async def both() -> list[Answer]:
            poor = VANILLA.arun(problems(1)[0], llm, budget=Budget(tokens=1))
            rich = VANILLA.arun(problems(1)[0], llm, budget=Budget(tokens=10_000))
            return await event_loop.run_async(_gathered(poor, rich))

        poor, rich = asyncio.run(both())
        assert "1 tokens are spent" in poor.reason
        assert rich.state == "answered"
        agree(server, llm, [poor, rich], 1)


async def _gathered(*work: Any) -> Any:
    return await asyncio.gather(*work)


def test_whoever_waits_for_the_draw_of_another_keeps_a_copy_of_it(
    serve: Serve, connect: Callable[..., LLM], tmp_path: Path
) -> None:
    server = serve(latency=0.02)
    with connect(server) as llm:
        mine, theirs = (Journal(tmp_path / name, parent=llm.journal) for name in ("mine", "theirs"))

        async def both() -> list[Answer]:
            return await asyncio.gather(*(VANILLA.arun(problems(1)[0], llm, journal=one) for one in (mine, theirs)))

        agree(server, llm, asyncio.run(both()), 1)
        for journal in (mine, theirs):
            journal.close()
            assert len(journal) == 1
            journal.close()


# budgets, under faults


@pytest.mark.parametrize("how", ["honoured", "ignored", "short"])
def test_no_budget_is_passed_whatever_the_faults(how: str, serve: Serve, connect: Callable[..., LLM]) -> None:
    passing = ("429", "500", "broken", "reset", "error 200")
    server = serve(faults=rates(5, dict.fromkeys(passing, 0.08)), n=how)
    with connect(server, budget=Budget(calls=50)) as llm:

        async def many() -> list[Any]:
            asked = (SelfConsistency(VANILLA, samples=4).arun(problem, llm) for problem in problems(40))
            return await asyncio.gather(*asked, return_exceptions=True)

        results = asyncio.run(asyncio.wait_for(many(), 120))
        answers = [one for one in results if isinstance(one, Answer)]
        assert all(isinstance(one, Answer | BudgetExhausted) for one in results)
        assert 50 >= server.completions == llm.budget.spent.calls == len(llm.journal) > 46
        assert len(answers) <= 12
        assert (llm.in_flight, llm.limits.in_flight) == (0, 0)


# the journal


def test_a_damaged_record_is_named_drawn_anew_and_replaced(
    serve: Serve, connect: Callable[..., LLM], tmp_path: Path
) -> None:
    server = serve()
    with connect(server) as llm:
        VANILLA.run(problems(1)[0], llm)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as damaged:
        damaged.execute("UPDATE draws SET tokens = '[[damaged'")
        damaged.commit()
    with connect(server) as llm, pytest.warns(UserWarning, match="the draw 0 of request .* is damaged: it is not used"):
        VANILLA.run(problems(1)[0], llm)
    assert server.completions == 2
    with connect(server) as llm:
        VANILLA.run(problems(1)[0], llm)
    assert server.completions == 2
    assert list(verify(tmp_path / "journal.sqlite")) == []


def test_where_a_draw_is_recorded_does_not_depend_on_what_was_asked_before(
    serve: Serve, connect: Callable[..., LLM]
) -> None:
    server = serve()
    with connect(server) as llm:

        def keys(*temperatures: float) -> list[str]:
            turns = Conversation((Message("user", "Why?"),))
            return [llm.request(turns, {"temperature": one}).key for one in temperatures]

        assert keys(1.0, 1, 0.5) == [keys(0.5, one)[1] for one in (1.0, 1, 0.5)]


# outages and clocks


def test_a_server_that_dies_and_comes_back_costs_no_more_than_what_was_on_the_way(
    spawn: Callable[..., Any], connect: Callable[..., LLM], tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    process, port = spawn(ledger=ledger, latency=0.02)
    with connect(Server(port=port)) as llm:
        llm.limits.circuit = CircuitBreaker(open_after=0.3, probe_interval=0.2, max_outage_seconds=30)

        async def scene() -> list[Answer]:
            strategy = SelfConsistency(VANILLA, samples=4)
            working = [asyncio.create_task(strategy.arun(problem, llm)) for problem in problems(150)]
            await asyncio.to_thread(given_by_now, ledger, 100)
            process.kill()
            await asyncio.to_thread(by_now, lambda: "every call has failed for" in str(llm.limits), "no outage is seen")
            assert "nothing answers at" in str(llm.limits)
            await asyncio.sleep(1)  # those that were under way have failed, too
            before, began = llm.retries, time.monotonic()
            await asyncio.sleep(0.5)
            assert llm.retries - before <= 1 + (time.monotonic() - began) / 0.2  # one at a time
            spawn(ledger=ledger, latency=0.02, port=port)
            return await asyncio.gather(*working)

        answers = asyncio.run(scene())
        assert [answer.state for answer in answers] == ["answered"] * 150
        given = Counter(read_ledger(ledger))
        seen = Counter((prompt, one.text) for prompt, one in drawn(answers))
        assert seen.total() == len(llm.journal) == llm.usage.calls == 600
        assert not seen - given
        assert (given - seen).total() <= PLACES * 4


def test_patience_with_a_dead_server_ends(spawn: Callable[..., Any], connect: Callable[..., LLM]) -> None:
    process, port = spawn()
    with connect(Server(port=port)) as llm:
        llm.limits.circuit = CircuitBreaker(open_after=0.1, probe_interval=0.05, max_outage_seconds=0.6)
        assert VANILLA.run(problems(1)[0], llm).state == "answered"
        process.kill()
        process.wait()
        with pytest.raises(EndpointDown, match=r"every call has failed for 0\.6 s, the last with: nothing answers"):
            Slow().run("Why?", llm)
        with pytest.raises(EndpointDown):
            Wide().run("Why?", llm)
        assert llm.limits.in_flight == 0


def test_a_server_that_never_was_is_no_outage(connect: Callable[..., LLM]) -> None:
    with Server() as server:
        pass
    with connect(server) as llm:
        answer = VANILLA.run(problems(1)[0], llm)
        assert "is the server running?" in answer.reason
        assert llm.retries == 0


def test_a_clock_that_jumps_by_hours_changes_nothing(
    serve: Serve, connect: Callable[..., LLM], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(faults=rates(9, dict.fromkeys(("429", "500", "reset"), 0.1)))
    jumps, here = itertools.cycle([0, 3600, -7200, 86_400, -86_400]), time.time
    monkeypatch.setattr(time, "time", lambda: here() + next(jumps))
    with connect(server, budget=Budget(seconds=60)) as llm:
        answers = solve(llm, SelfConsistency(VANILLA, samples=4), problems(30))
        agree(server, llm, answers, 120)
        assert llm.retries == sum(asked.fault != "" for asked in server.asked)
        assert sum(answer.usage.seconds for answer in answers) < 60
