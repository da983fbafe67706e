"""Self-consistency over any strategy."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from reasoning import Budget, Journal, Problem, kinds, strategies
from reasoning.errors import AuthenticationFailed, BudgetExhausted, CallFailed
from reasoning.testing import ScriptedLLM

PENS = Problem("Three pens cost 4.50. What do seven cost?", kinds.Number(), id="pens")
FIVE = ["The answer is 10.5.", "The answer is $10.50.", "The answer is 31.5.", "No idea.", "The answer is 10.5."]


def test_the_majority_wins_and_unparsed_samples_do_not_vote() -> None:
    llm = ScriptedLLM(FIVE)
    strategy = strategies.get("self_consistency(cot(shots=2), samples=5)")
    answer = strategy.run(PENS, llm)
    assert answer.value == 10.5
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {10.5: 3, 31.5: 1}
    assert (answer.votes.valid, answer.votes.total) == (4, 5)
    assert answer.confidence == 0.75
    assert llm.calls == strategy.calls() == 5
    assert len(llm.requests) == 1  # n = 5
    assert llm.requests[0].sampling["temperature"] == 0.7


def test_the_formula_counts_the_base() -> None:
    assert strategies.get("sc(cot(stages=1), samples=7)").calls() == 7
    assert strategies.get("sc(cot, samples=7)").calls(e=1) == 14
    assert strategies.get("sc").calls(e=0) == 40


def test_the_second_stage_of_a_base_stays_greedy_and_runs_side_by_side() -> None:
    counter = itertools.count()
    llm = ScriptedLLM(lambda turns: "3" if len(turns) > 1 else f"chain {next(counter)}", latency=0.01)
    strategies.get("sc(cot, samples=4)").run(PENS, llm)
    assert [request.sampling["temperature"] for request in llm.requests] == [0.7, 0, 0, 0, 0]
    assert llm.peak == 4
    assert len({request.messages[1] for request in llm.requests[1:]}) == 4  # four distinct chains


def test_twenty_samples_after_five_buy_fifteen(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    strategies.get("sc(cot(shots=1), samples=5)").run(PENS, ScriptedLLM(lambda m: FIVE[0], journal=journal))
    more = ScriptedLLM(lambda m: FIVE[0], journal=journal)
    answer = strategies.get("sc(cot(shots=1), samples=20)").run(PENS, more)
    assert more.calls == 15
    assert answer.usage.calls == 20


def test_a_single_chain_shares_its_draw_with_the_vote() -> None:
    journal = Journal()
    first = ScriptedLLM(["The answer is 1."], journal=journal, temperature=0.7)
    strategies.get("cot(shots=1)").run(PENS, first)
    rest = ScriptedLLM(["The answer is 2."] * 2, journal=journal)
    answer = strategies.get("sc(cot(shots=1), samples=3)").run(PENS, rest)
    assert (rest.calls, answer.value) == (2, 2)


def test_a_program_as_base() -> None:
    llm = ScriptedLLM(["```python\nans = 4.5 / 3 * 7\n```"] * 3)
    answer = strategies.get("sc(pot, samples=3)").run(PENS, llm)
    assert answer.value == 10.5
    assert len(llm.requests) == 1


def test_a_failed_sample_lets_the_others_vote() -> None:
    answer = strategies.get("sc(cot(shots=1), samples=3)").run(
        PENS, ScriptedLLM([CallFailed("lost"), FIVE[0], FIVE[0]], max_choices=1)
    )
    assert answer.value == 10.5
    assert answer.votes is not None
    assert answer.votes.valid == 2


def test_all_failed_is_failed_and_all_unread_is_unparsed() -> None:
    strategy = strategies.get("sc(cot(shots=1), samples=3)")
    assert strategy.run(PENS, ScriptedLLM([CallFailed("lost")] * 3, max_choices=1)).state == "failed"
    answer = strategy.run(PENS, ScriptedLLM(["No idea."] * 3))
    assert answer.state == "unparsed"
    assert answer.value is None
    assert "none of 3 samples" in answer.why


def test_what_must_stop_the_run_stops_it() -> None:
    strategy = strategies.get("sc(cot(shots=1), samples=3)")
    with pytest.raises(AuthenticationFailed):
        strategy.run(PENS, ScriptedLLM([AuthenticationFailed("no key")] * 3, max_choices=1))
    with pytest.raises(BudgetExhausted):
        strategy.run(PENS, ScriptedLLM(lambda m: FIVE[0], max_choices=1, budget=Budget(calls=2)))


def test_the_vote_does_not_depend_on_who_comes_first() -> None:
    counter = itertools.count()
    forward = strategies.get("sc(cot(shots=1), samples=4)").run(
        PENS, ScriptedLLM(lambda m: f"The answer is {next(counter) // 2}.", max_choices=1)
    )
    assert forward.votes is not None
    assert forward.votes.tied
    assert forward.value == 0  # a tie goes to the earliest draw
