"""Complexity-based prompting: the examples and the voters with the most steps."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import BudgetExhausted, SpecError, UsageError
from reasoning.strategies.demonstrations import shipped_examples
from reasoning.strategies.sampling.complex_cot import ComplexCoT
from reasoning.testing import ScriptedLLM
from reasoning.voting import count_steps
from tests import call_counts

PENS = Problem("Three pens cost 4.50. What do seven cost?", kinds.Number())


def chain(lines: int, answer: int) -> str:
    return "\n".join(f"Step {line} is done." for line in range(lines)) + f"\nThe answer is {answer}."


SIX = [chain(9, 42), chain(8, 42), chain(7, 40), chain(7, 40), chain(3, 40), chain(2, 40)]


@pytest.mark.parametrize(
    ("spec", "calls"),
    [
        ("complex_cot(samples=1)", 1),
        ("complex_cot(samples=6, most_complex=3, shots=2)", 6),
        ("complexity(samples=12, most_complex=12)", 12),
        ("complex_cot", 50),
    ],
)
def test_the_number_of_calls(spec: str, calls: int) -> None:
    llm = ScriptedLLM(lambda messages: chain(3, 7))
    strategy = strategies.get(spec)
    assert strategy.run(PENS, llm).value == 7
    assert llm.calls == call_counts.calls(strategy) == calls
    assert llm.rounds == call_counts.rounds(strategy)
    assert strategy.calls_range() == (calls, calls)


def test_only_the_most_complex_vote() -> None:
    few = strategies.get("complex_cot(samples=6, most_complex=3)").run(PENS, ScriptedLLM(SIX))
    assert few.value == 42
    assert few.votes.valid == 3
    assert few.confidence == pytest.approx(2 / 3)
    every = strategies.get("complex_cot(samples=6, most_complex=6)").run(PENS, ScriptedLLM(SIX))
    assert every.value == 40


def test_steps_count_and_characters_do_not() -> None:
    long = "One step that goes on and on " + "and on " * 200 + "\nThe answer is 1."
    answer = strategies.get("complex_cot(samples=3, most_complex=1)").run(PENS, ScriptedLLM([long, chain(4, 2), long]))
    assert answer.value == 2


def test_chains_without_an_answer_take_no_place() -> None:
    lost = "\n".join(f"Thought {line} leads nowhere." for line in range(20)) + "\nI am not sure."
    answer = strategies.get("complex_cot(samples=3, most_complex=1)").run(PENS, ScriptedLLM([lost, chain(4, 2), lost]))
    assert answer.value == 2
    answer = strategies.get("complex_cot(samples=3, most_complex=1)").run(PENS, ScriptedLLM([lost] * 3))
    assert (answer.state, answer.value) == ("unparsed", None)


def test_the_examples_are_those_with_the_most_steps_one_a_line() -> None:
    llm = ScriptedLLM([chain(2, 1)])
    strategies.get("complex_cot(samples=1)").run(PENS, llm)
    replies = [turn.content for turn in llm.requests[0].messages if turn.role == "assistant"]
    every = [*shipped_examples("number"), *shipped_examples("complex_number")]
    counts = sorted((count_steps(worked.rationale) for worked in every), reverse=True)
    assert min(counts[:8]) >= 9  # the paper's have about nine
    assert [count_steps(reply) for reply in replies] == counts[:8]
    assert all(reply.count("\n") == count for reply, count in zip(replies, counts, strict=False))
    assert llm.requests[0].messages[-1].content == f"Question: {PENS.question}"
    assert "step" in llm.requests[0].messages[0].content


@pytest.mark.parametrize(
    "problem",
    [
        PENS,
        Problem("Which?", options=["x", "y"]),
        Problem("Is it?", kinds.YesNo()),
        Problem("What colour?", kinds.Text()),
    ],
    ids=lambda problem: problem.kind.name,
)
def test_the_examples_of_each_kind_are_more_complex_than_those_of_few_shot_chain_of_thought(problem: Problem) -> None:
    llm = ScriptedLLM(lambda messages: chain(2, 1))
    strategies.get("complex_cot(samples=1)").run(problem, llm)
    strategies.get("cot(shots=8)").run(problem, llm)
    means = []
    for request in llm.requests:
        replies = [turn.content for turn in request.messages if turn.role == "assistant"]
        means.append(sum(map(count_steps, replies)) / len(replies))
    assert means[0] >= 8 > 4 >= means[1]


def test_the_sentence_of_the_paper_stands_behind_each_question_if_it_is_given() -> None:
    llm = ScriptedLLM([chain(2, 1)])
    sentence = "Let's think step by step"
    strategies.get(f"complex_cot(samples=1, shots=2, trigger={sentence!r})").run(PENS, llm)
    asked = [turn.content for turn in llm.requests[0].messages if turn.role == "user"]
    assert len(asked) == 3
    assert all(turn.startswith("Question: ") and turn.endswith(f"\n{sentence}") for turn in asked)


def test_a_pool_chooses_by_its_own_rule() -> None:
    llm = ScriptedLLM([chain(2, 1)])
    strategies.get("complex_cot(shots=1, samples=1, demonstrations=Pool(select='first'))").run(PENS, llm)
    assert shipped_examples("number")[0].question in llm.prompts[0]


def test_the_chains_are_drawn_side_by_side() -> None:
    llm = ScriptedLLM(lambda messages: chain(2, 1), latency=0.02, max_n=1)
    strategies.get("complex_cot(samples=6, most_complex=3)").run(PENS, llm)
    assert llm.peak_concurrency == 6
    assert llm.requests[0].sampling["temperature"] == 0.7


@pytest.mark.parametrize(
    ("spec", "voters"),
    [
        ("complex_cot", 30),  # of 50, as in the paper
        ("complex_cot(samples=10)", 6),
        ("complex_cot(samples=2)", 1),
        ("complex_cot(samples=10, most_complex=0.8)", 8),
        ("complex_cot(samples=10, most_complex=0.01)", 1),
        ("complex_cot(samples=10, most_complex=1)", 1),
        ("complex_cot(samples=10, most_complex=10)", 10),
    ],
)
def test_a_share_or_a_number_of_the_chains_votes(spec: str, voters: int) -> None:
    strategy = strategies.get(spec)
    answer = strategy.run(PENS, ScriptedLLM(lambda messages: chain(3, 7)))
    assert answer.votes is not None
    assert answer.votes.valid == strategy.voters == voters


@pytest.mark.parametrize("most", [0, -1, 1.5, -0.5, float("inf"), float("nan")])
def test_neither_a_number_nor_a_share_of_the_chains_is_refused(most: float) -> None:
    with pytest.raises(UsageError, match=r"most_complex must be a number of chains from 1, or a share|at most samples"):
        ComplexCoT(samples=10, most_complex=most)


def test_more_voters_than_samples_make_no_sense() -> None:
    with pytest.raises(SpecError, match="most_complex must be at most samples"):
        strategies.get("complex_cot(samples=10, most_complex=30)")


def test_a_budget_that_ends_in_the_middle() -> None:
    strategy = strategies.get("complex_cot(samples=6, most_complex=3)")
    llm = ScriptedLLM(lambda messages: chain(2, 1), max_n=1)
    answer = strategy.run(PENS, llm, budget=Budget(calls=4))
    assert answer.state == "answered"
    assert "4 of at most 6 samples, since the budget is used up" in str(answer.votes)
    with pytest.raises(BudgetExhausted):
        strategy.run(PENS, ScriptedLLM(lambda messages: chain(2, 1), max_n=1, budget=Budget(calls=4)))
