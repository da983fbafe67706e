"""Budgets of strategies and problems, fresh draws, the folder's own journal, and the forecast."""

from __future__ import annotations

from pathlib import Path

import pytest

import reasoning
from reasoning import Budget, Example, Journal, Problem
from reasoning.benchmarks import compare
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.cost_estimate import estimate_cost
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Number
from reasoning.messages import Completion, Usage
from reasoning.testing import ScriptedLLM

EXAMPLES = [Example(Problem(f"What is {i} + {i}?", Number(), id=str(i)), 2 * i) for i in range(6)]


def counting() -> ScriptedLLM:
    """Every reply is a new one and takes 10 tokens of a prompt and 10 of a reply."""
    numbers = iter(range(10_000))
    return ScriptedLLM(lambda messages: Completion(f"The answer is {next(numbers)}.", usage=Usage(1, 10, 10)), max_n=1)


def test_a_strategy_that_has_used_up_its_own_budget_ends_alone() -> None:
    llm = counting()
    found = compare(
        ["vanilla", "self_consistency(cot(stages=1), samples=3)"],
        EXAMPLES,
        llm,
        strategy_budget=Budget(calls=7),
        concurrency=1,
        progress=False,
    )
    assert [row.n for row in found.rows] == [6, 2]
    assert llm.calls == 6 + 7
    assert found.stopped is not None
    assert found.stopped.exit_code == 3


def test_the_models_budget_stops_all() -> None:
    numbers = iter(range(100))
    llm = ScriptedLLM(lambda messages: f"The answer is {next(numbers)}.", budget=Budget(calls=5), max_n=1)
    found = compare(["vanilla", "cot"], EXAMPLES, llm, concurrency=1, progress=False)
    assert llm.calls == 5
    assert sum(row.n for row in found.rows) == 5
    assert found.stopped is not None


def test_a_problem_whose_budget_is_used_up_has_the_votes_that_it_bought_and_the_budget_is_a_setting(
    tmp_path: Path,
) -> None:
    found = compare(
        ["vanilla", "self_consistency(cot(stages=1), samples=3)"],
        EXAMPLES,
        counting(),
        problem_budget=Budget(calls=2),
        out=tmp_path / "run",
        progress=False,
    )
    assert [(row.n, row.unparsed) for row in found.rows] == [(6, 0), (6, 0)]
    assert found.stopped is None
    assert all(sum(votes for _, votes in one.votes) == 2 for one in found.results if "samples=3" in one.strategy)
    with pytest.raises(UsageError, match="problem_budget calls=2 → none"):
        compare(["vanilla"], EXAMPLES, counting(), out=tmp_path / "run", progress=False)


def test_a_folder_has_the_draws_it_used_and_needs_no_other_journal(tmp_path: Path) -> None:
    llm = counting()
    llm.journal = Journal(tmp_path / "mine.sqlite")
    first = compare(["cot(stages=1)"], EXAMPLES, llm, out=tmp_path / "run", progress=False)
    assert len(Journal(tmp_path / "run" / "journal.sqlite")) == 6
    assert len(Journal(tmp_path / "mine.sqlite")) == 6
    (tmp_path / "run" / "results.jsonl").unlink()  # as on the machine of someone else who has another journal
    elsewhere = counting()
    again = compare(["cot(stages=1)"], EXAMPLES, elsewhere, out=tmp_path / "run", progress=False)
    assert elsewhere.calls == 0
    assert [one.value for one in again.results] == [one.value for one in first.results]
    assert again.spent.calls == 0


def test_what_a_run_takes_from_the_users_journal_is_copied_into_its_folder(tmp_path: Path) -> None:
    llm = counting()
    llm.journal = Journal(tmp_path / "mine.sqlite")
    compare(["cot(stages=1)"], EXAMPLES, llm, progress=False)
    compare(["cot(stages=1)"], EXAMPLES, llm, out=tmp_path / "run", progress=False)
    assert llm.calls == 6
    assert len(Journal(tmp_path / "run" / "journal.sqlite")) == 6


def test_fresh_draws_are_new_and_the_same_call_goes_on_with_them(tmp_path: Path) -> None:
    llm = counting()
    compare(["vanilla"], EXAMPLES, llm, out=tmp_path / "old", progress=False)
    assert llm.calls == 6
    fresh = compare(["vanilla"], EXAMPLES[:3], llm, out=tmp_path / "new", new_samples=True, progress=False)
    assert llm.calls == 9
    assert [one.value for one in fresh.results] == ["6", "7", "8"]
    compare(["vanilla"], EXAMPLES[:3], llm, out=tmp_path / "new", new_samples=True, progress=False)
    assert llm.calls == 9
    with pytest.raises(UsageError, match="give another folder for new samples"):
        compare(["vanilla"], EXAMPLES, llm, out=tmp_path / "old", new_samples=True, progress=False)


def test_a_forecast_calls_nobody_and_holds() -> None:
    llm = counting()
    strategies = {
        spec: reasoning.strategies.get(spec) for spec in ("vanilla", "cot", "self_consistency(cot, samples=3)")
    }
    found = estimate_cost(strategies, ExampleList(tuple(EXAMPLES)), llm, RunConfig(limit=6))
    assert llm.requests == []
    assert [(row.least.calls, row.most.calls) for row in found.rows] == [(6, 6), (6, 12), (18, 36)]
    assert found.rows[0].most.completion_tokens == 6 * 64
    compare(list(strategies), EXAMPLES, llm, progress=False)
    assert found.least.calls <= llm.calls <= found.most.calls
    assert "The journal has" not in found.notes
    again = estimate_cost(strategies, ExampleList(tuple(EXAMPLES)), llm, RunConfig(limit=6))
    assert "The journal has 30 of the 30 draws that are asked for first" in again.notes
    new = estimate_cost(strategies, ExampleList(tuple(EXAMPLES)), llm, RunConfig(limit=6, new_samples=True))
    assert "The journal has" not in new.notes


def test_a_forecast_counts_every_repetition() -> None:
    llm, specs = counting(), ["vanilla", "self_consistency(cot(stages=1), samples=3)"]
    strategies = {spec: reasoning.strategies.get(spec) for spec in specs}
    once, thrice = (
        estimate_cost(strategies, ExampleList(tuple(EXAMPLES)), llm, RunConfig(limit=6, epochs=n)) for n in (1, 3)
    )
    assert "6 problems × 3 repetitions" in thrice.title
    for few, many in ((once.least, thrice.least), (once.most, thrice.most)):
        assert (many.calls, many.completion_tokens) == (3 * few.calls, 3 * few.completion_tokens)
        assert many.prompt_tokens == pytest.approx(3 * few.prompt_tokens, abs=3 * 6)
    compare(specs, EXAMPLES, llm, epochs=3, progress=False)
    assert thrice.least.calls == llm.calls == thrice.most.calls == 3 * 6 * 4
    again = estimate_cost(strategies, ExampleList(tuple(EXAMPLES)), llm, RunConfig(limit=6, epochs=3))
    assert "The journal has 72 of the 72 draws" in again.notes


def test_a_forecast_says_how_many_replies_follow_one_another() -> None:
    most = {
        "vanilla": 1,
        "self_consistency(cot, samples=3)": 2,
        "least_to_most(max_subproblems=5)": 6,
        "chain_of_verification(cot, verifier=least_to_most)": 2 + 1 + (1 + 8) + 1,
        "tree_of_thoughts(task='steps', depth=3)": 6,
        "decomposed": None,  # how many lines a controller writes is unknown
        "self_consistency(decomposed, samples=3)": None,
    }
    strategies = {spec: reasoning.strategies.get(spec) for spec in most}
    found = estimate_cost(strategies, ExampleList(tuple(EXAMPLES)), counting(), RunConfig(limit=1))
    assert {row.strategy: row.rounds for row in found.rows} == most
    assert [one["rounds"] for one in found.to_json()["strategies"]] == list(most.values())
    assert [row[1] for row in found.table().rows] == ["1", "2", "6", "13", "6", "–", "–", ""]


def test_the_calls_of_a_dry_run_follow_the_cards() -> None:
    get = reasoning.strategies.get
    assert get("least_to_most(max_subproblems=5)").calls_range() == (2, 6)
    assert get("least_to_most(one_pass=True)").calls_range() == (1, 1)
    assert get("self_consistency(program_of_thoughts, samples=5)").calls_range() == (5, 10)
    assert get("telecom_feedback").calls_range()[0] == 3


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("token=5", UnknownName, "did you mean 'tokens'"),
        ("tokens=many", UsageError, "lacks a number: write tokens=NUMBER"),
        ("usd=nan", UsageError, "the budget's usd must be at least 0 or None, got nan"),
        ("calls=1, calls=3", UsageError, "calls has two limits in the budget 'calls=1, calls=3'"),
        ("tokens", UsageError, "'=NUMBER' after tokens"),
        ("calls=-1", UsageError, "calls must be at least 0"),
    ],
)
def test_a_budget_in_words_that_makes_no_sense(text: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        Budget.parse(text)
    assert str(Budget.parse("usd=1.5, tokens=20_000")) == "usd=1.5, tokens=20000"
