"""The runner: order, concurrency, what stops a run and what does not, and what a rerun does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import reasoning
from reasoning import event_loop
from reasoning.answer import Answer, Answered
from reasoning.benchmarks.experiment import named_strategies
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import ResultKey
from reasoning.benchmarks.results.result_table import ResultTable
from reasoning.benchmarks.runs import runner
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.engine.budget import Budget
from reasoning.errors import (
    AuthenticationFailed,
    BudgetExhausted,
    CallFailed,
    JournalError,
    PriceUnknown,
    ReasoningError,
    UsageError,
)
from reasoning.kinds import Text
from reasoning.messages import Message
from reasoning.problem import Example, Problem
from reasoning.session import Session
from reasoning.strategy import Strategy, technique
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]
Adds = Callable[..., Callable[[tuple[Message, ...]], str]]
SETTINGS = {"task": "t", "model": "m"}


@technique(title="A bug", calls="1")
class Broken(Strategy):
    """Has a bug."""

    how: str = "raises"

    async def solve(self, problem: Problem, session: Session) -> Answer:
        await session.ask(f"{problem.question} and break")
        if self.how == "raises":
            raise ZeroDivisionError("one by nothing")
        if self.how == "usage":
            raise UsageError("this prompt lacks something")
        return Answered(object()) if self.how == "value" else None  # type: ignore[return-value]


@technique(title="Texts only", calls="1", kinds=(Text,))
class Texts(Strategy):
    """Serves texts."""

    async def solve(self, problem: Problem, session: Session) -> Answer:
        raise AssertionError("never asked")


def run(
    store: ResultsFolder, llm: ScriptedLLM, *strategies: str | Strategy, n: int = 4, concurrency: int | None = None
) -> ReasoningError | None:
    named = named_strategies(strategies)
    pairs = runner.missing_keys(store, list(store.examples)[:n], named)
    return event_loop.run_sync(runner.run(pairs, named, llm, store, config=RunConfig(concurrency=concurrency)))


@pytest.fixture
def store(sums: Sums) -> ResultsFolder:
    made = ResultsFolder.open(None, SETTINGS, {})
    made.add_examples(sums(8))
    return made


def test_every_pair_is_solved_once_and_scored(store: ResultsFolder, adds: Adds) -> None:
    llm = ScriptedLLM(adds(2))
    assert run(store, llm, "vanilla", "cot") is None
    assert {key: result.correct for key, result in store.results.items()} == {
        ResultKey(f"sum-{k}", spec): k != 2 for k in range(1, 5) for spec in ("vanilla", "cot")
    }
    one = store.results[ResultKey("sum-3", "cot")]
    assert (one.state, one.value, one.usage.calls, one.spent.calls) == ("answered", "6", 1, 1)
    assert run(store, llm, "vanilla", "cot") is None
    assert llm.calls == 8


def test_problems_come_one_after_the_other_with_all_their_strategies(store: ResultsFolder, adds: Adds) -> None:
    run(store, ScriptedLLM(adds()), "vanilla", "cot", concurrency=1)
    assert list(store.results) == [ResultKey(f"sum-{k}", spec) for k in range(1, 5) for spec in ("vanilla", "cot")]


@pytest.mark.parametrize("concurrency", [1, 3, 100])
def test_as_many_are_under_way_as_asked(store: ResultsFolder, adds: Adds, concurrency: int) -> None:
    llm = ScriptedLLM(adds(), latency=0.02)
    run(store, llm, "vanilla", "cot", concurrency=concurrency)
    assert llm.peak_concurrency == min(concurrency, 8)


def test_votes_and_confidence_are_kept(store: ResultsFolder, adds: Adds) -> None:
    store.examples = dict(list(store.examples.items())[:1])
    run(store, ScriptedLLM(adds(1)), "self_consistency(cot, samples=3)")
    (result,) = store.results.values()
    assert (result.votes, result.confidence, result.correct) == ((("3", 3),), 1.0, False)
    trace = store.trace(result.problem, result.strategy)
    assert trace is not None
    assert trace.usage == result.usage


def test_an_answer_that_is_no_value_of_the_kind_is_wrong(store: ResultsFolder, adds: Adds) -> None:
    assert run(store, ScriptedLLM(adds()), Broken("value"), "cot") is None
    assert all(result.correct is (spec == "cot") for (_, spec, _), result in store.results.items())


@pytest.mark.parametrize(
    ("how", "said"),
    [("raises", "ZeroDivisionError: one by nothing"), ("nothing", "TypeError")],
)
def test_a_bug_in_one_strategy_is_its_own_failure(store: ResultsFolder, adds: Adds, how: str, said: str) -> None:
    assert run(store, ScriptedLLM(adds()), Broken(how), "cot") is None
    broken = [result for (_, spec, _), result in store.results.items() if spec != "cot"]
    assert len(broken) == 4
    assert all(result.failed and said in result.reason and result.correct is None for result in broken)
    # What was paid before the bug is shown.
    assert all(result.usage.calls == result.spent.calls == 1 for result in broken)
    traces = [store.trace(result.problem, result.strategy) for result in broken]
    assert all(trace is not None and trace.usage.calls == 1 for trace in traces)
    assert all(result.correct for (_, spec, _), result in store.results.items() if spec == "cot")


def test_wrong_usage_stops_the_run_as_long_as_nothing_is_answered(store: ResultsFolder, adds: Adds) -> None:
    with pytest.raises(UsageError, match=r"^sum-1: .*lacks something"):
        run(store, ScriptedLLM(adds()), Broken("usage"), "cot", concurrency=1)
    assert store.results == {}
    assert run(store, ScriptedLLM(adds()), "cot", Broken("usage"), concurrency=1) is None
    assert sum(result.failed for result in store.results.values()) == 4


def test_a_kind_that_is_not_served_is_refused_before_any_call(store: ResultsFolder, adds: Adds) -> None:
    llm = ScriptedLLM(adds())
    with pytest.raises(UsageError, match="texts gives answers of the kind Text"):
        run(store, llm, "vanilla", Texts())
    assert llm.requests == []


def test_failed_calls_are_kept_apart_and_tried_again(store: ResultsFolder, adds: Adds) -> None:
    def stumbles(messages: tuple[Message, ...]) -> str | Exception:
        return CallFailed("the server is on fire") if "3 + 3" in messages[-1].content else adds()(messages)

    assert run(store, ScriptedLLM(stumbles), "vanilla", "cot") is None
    failed = {key for key, result in store.results.items() if result.failed}
    assert failed == {ResultKey("sum-3", "vanilla"), ResultKey("sum-3", "cot")}
    assert "on fire" in store.results[ResultKey("sum-3", "cot")].reason
    llm = ScriptedLLM(adds())
    assert run(store, llm, "vanilla", "cot") is None
    assert llm.calls == 2
    assert all(result.correct for result in store.results.values())


def test_nothing_but_failures_ends_early(store: ResultsFolder) -> None:
    def fails(messages: tuple[Message, ...]) -> Exception:
        return CallFailed("nothing answers at http://h")

    stopped = run(store, ScriptedLLM(fails), "vanilla", "cot", "least_to_most", n=8, concurrency=1)
    assert isinstance(stopped, CallFailed)
    assert "the first 8 results all failed, the last with: nothing answers at" in str(stopped)
    assert len(store.results) == 8


@pytest.mark.parametrize("error", [AuthenticationFailed("no key"), JournalError("disk full")])
def test_what_no_pair_gets_around_stops_at_once(store: ResultsFolder, adds: Adds, error: ReasoningError) -> None:
    def later(messages: tuple[Message, ...]) -> str | Exception:
        return error if "3 + 3" in messages[-1].content else adds()(messages)

    stopped = run(store, ScriptedLLM(later), "vanilla", "cot", concurrency=1)
    assert stopped is error
    assert list(store.results) == [ResultKey(f"sum-{k}", spec) for k in (1, 2) for spec in ("vanilla", "cot")]


def test_the_budget_stops_cleanly_and_more_of_it_goes_on(store: ResultsFolder, adds: Adds) -> None:
    llm = ScriptedLLM(adds(), budget=Budget(calls=5))
    stopped = run(store, llm, "vanilla", "cot", concurrency=2)
    assert isinstance(stopped, BudgetExhausted)
    assert llm.calls == 5
    assert len(store.results) == 5
    more = ScriptedLLM(adds())
    assert run(store, more, "vanilla", "cot") is None
    assert more.calls == 3


def test_dollars_for_a_model_without_a_price_end_the_run_before_a_draw_of_the_journal(
    store: ResultsFolder, adds: Adds, tmp_path: Path
) -> None:
    journal = reasoning.Journal(tmp_path / "journal.sqlite")
    run(store, ScriptedLLM(adds(), journal=journal), "vanilla", n=1)
    store.results = ResultTable()
    llm = ScriptedLLM(adds(), journal=journal, budget=Budget(usd=1))
    llm._purchaser.price = lambda usage: None  # as of a model that no table knows
    stopped = run(store, llm, "vanilla", "cot", concurrency=1)
    assert isinstance(stopped, PriceUnknown)
    assert not store.results
    assert llm.calls == 0


def test_cancelling_keeps_what_is_finished_and_leaves_no_task(store: ResultsFolder, adds: Adds) -> None:
    llm = ScriptedLLM(adds(), latency=0.05)
    named = named_strategies(["vanilla", "cot"])
    pairs = runner.missing_keys(store, list(store.examples), named)

    async def stop_after_three() -> int:
        seen: list[object] = []
        third = asyncio.Event()

        def watch(result: object) -> None:
            seen.append(result)
            if len(seen) == 3:
                third.set()

        work = asyncio.ensure_future(runner.run(pairs, named, llm, store, watch, RunConfig(concurrency=1)))
        await third.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await asyncio.sleep(0.1)
        return len(seen)

    seen = event_loop.run_sync(stop_after_three())
    assert seen == len(store.results) == 3


def test_a_strategy_whose_code_changed_runs_again_from_the_journal(store: ResultsFolder, adds: Adds) -> None:
    llm = ScriptedLLM(adds())
    run(store, llm, "cot", "vanilla")
    now = store.results[ResultKey("sum-1", "vanilla")].fingerprint
    for key in list(store.results):
        if key[1] == "vanilla":
            store.results[key] = replace(store.results[key], fingerprint="of older code")
    assert run(store, llm, "cot", "vanilla") is None
    assert llm.calls == 8  # nothing was bought again
    again = [result for (_, spec, _), result in store.results.items() if spec == "vanilla"]
    assert all(result.fingerprint == now and result.spent.calls == 0 and result.usage.calls == 1 for result in again)


def test_results_do_not_depend_on_latency_or_concurrency(sums: Sums, tmp_path: Path) -> None:
    said = iter(range(10**6))

    def varied(messages: tuple[Message, ...]) -> str:
        return f"The answer is {next(said) % 3}."

    found = []
    journal = reasoning.Journal(tmp_path / "journal.sqlite")
    for concurrency in (1, 32):
        store = ResultsFolder.open(None, SETTINGS, {})
        store.add_examples(sums(4))
        llm = ScriptedLLM(varied, journal=journal)
        run(store, llm, "self_consistency(cot(stages=1), samples=4)", "least_to_most", concurrency=concurrency)
        found.append({key: (result.value, result.votes) for key, result in store.results.items()})
    assert found[0] == found[1]
