"""The two back-offs of the paper, and what each of them does when the other has no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reasoning import Budget, kinds, strategies
from reasoning.errors import CallFailed, SpecError
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM
from tests import call_counts
from tests.strategies.acting.encyclopaedia import problem

NUMBER = problem(kinds.Number())
TO_VOTE = "back_off(react(tools='python'), self_consistency(cot(stages=1), samples=5))"
TO_REACT = "back_off(self_consistency(cot(stages=1), samples=21), react(tools='python'))"


def replies(acted: list[str], voted: list[int]) -> Callable[[tuple[Message, ...]], str]:
    """Return a script: actions in order for ReAct, and answers in order for the chains of thought."""
    actions, answers = iter(acted), iter(voted)

    def reply(messages: tuple[Message, ...]) -> str:
        if "Thought" in messages[-1].content:
            return next(actions)
        return f"The answer is {next(answers)}."

    return reply


def test_a_trajectory_that_finishes_needs_no_vote() -> None:
    llm = ScriptedLLM(replies(["a\nAction 1: Finish[7]"], []))
    strategy = strategies.get(TO_VOTE)
    answer = strategy.run(NUMBER, llm)
    assert (answer.value, answer.votes, llm.calls) == (7, None, 1)
    assert answer.trace is not None
    assert not answer.trace.has_stage("second")


def test_a_trajectory_without_finish_backs_off_to_the_vote() -> None:
    acted = [f"a\nAction {n}: Python[{n}]" for n in range(1, 8)]
    llm = ScriptedLLM(replies(acted, [4, 4, 5, 4, 6]), latency=0.001)
    strategy = strategies.get(TO_VOTE)
    answer = strategy.run(NUMBER, llm)
    assert (answer.value, answer.confidence) == (4, 0.6)
    assert (llm.calls, llm.rounds) == (7 + 5, 7 + 1)
    assert call_counts.calls(strategy, s=7, a=0, b=1, t=0, e=0) >= llm.calls
    assert answer.trace is not None
    assert "back-off to self_consistency" in str(answer.trace.to_json())
    assert "no Finish within 7 steps" in str(answer.trace.to_json())


@pytest.mark.parametrize(
    ("votes", "backs_off"),
    [
        ([1] * 11 + [2] * 10, False),
        ([1] * 10 + [2] * 9 + [3] * 2, True),
        ([1] * 10 + [2] * 11, False),
        ([1] * 21, False),
        ([*range(21)], True),
    ],
)
def test_a_vote_with_fewer_than_half_of_the_samples_backs_off_to_react(votes: list[int], backs_off: bool) -> None:
    llm = ScriptedLLM(replies(["a\nAction 1: Finish[99]"], votes))
    answer = strategies.get(TO_REACT).run(NUMBER, llm)
    assert (answer.value == 99, llm.calls) == (backs_off, 21 + backs_off)


def test_samples_without_an_answer_count_among_all() -> None:
    numbers = iter(range(21))

    def reply(messages: tuple[Message, ...]) -> str:
        if "Thought" in messages[-1].content:
            return "a\nAction 1: Finish[99]"
        return "The answer is 1." if next(numbers) < 10 else "I cannot tell."

    assert strategies.get(TO_REACT).run(NUMBER, ScriptedLLM(reply)).value == 99


def test_the_vote_remains_if_react_has_no_answer() -> None:
    acted = [f"a\nAction {n}: Python[{n}]" for n in range(1, 8)]
    llm = ScriptedLLM(replies(acted, [1] * 8 + [2] * 7 + [3] * 6))
    answer = strategies.get(TO_REACT).run(NUMBER, llm)
    assert (answer.value, llm.calls) == (1, 28)
    assert answer.trace is not None
    assert "the first answer remains" in str(answer.trace.to_json())


def test_a_failed_call_is_no_reason_to_back_off() -> None:
    llm = ScriptedLLM([CallFailed("gone")])
    answer = strategies.get(TO_VOTE).run(NUMBER, llm)
    assert (answer.state, llm.calls) == ("failed", 0)
    second = ScriptedLLM([*(f"a\nAction {n}: Python[{n}]" for n in range(1, 8)), *[CallFailed("gone")] * 5])
    assert strategies.get(TO_VOTE).run(NUMBER, second).state == "failed"


def test_the_budget_ends_either_strategy() -> None:
    acted = [f"a\nAction {n}: Python[{n}]" for n in range(1, 8)]
    for calls, words in ((3, "Action 3"), (7, "Action 7"), (9, "")):
        llm = ScriptedLLM(replies(acted, [4, 4, 5, 4, 6]), max_n=1)
        answer = strategies.get(TO_VOTE).run(NUMBER, llm, budget=Budget(calls=calls))
        assert answer.usage.calls == calls
        assert words in answer.text or answer.votes is not None


def test_specs_and_ranges() -> None:
    assert repr(strategies.get("back_off")) == "back_off(react, second=self_consistency(cot, samples=21))"
    assert strategies.get(repr(strategies.get(TO_REACT))) == strategies.get(TO_REACT)
    assert strategies.get("back_off").calls_range() == (1, 14 + 42)
    assert strategies.get("back_off").rounds_range() == (1, 14 + 2)
    assert strategies.get("back_off(vanilla, decomposed)").rounds_range() is None
    with pytest.raises(SpecError, match="majority must be from 0 to 1"):
        strategies.get("back_off(majority=2)")


def test_no_vote_is_looked_at_with_a_majority_of_0() -> None:
    llm = ScriptedLLM(replies([], [*range(21)]))
    answer: Any = strategies.get(TO_REACT).replace(majority=0.0).run(NUMBER, llm)
    assert (answer.value, llm.calls) == (0, 21)
