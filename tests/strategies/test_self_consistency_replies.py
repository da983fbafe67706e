"""Samples in the forms of chat models are votes: equal answers are one candidate, and other replies do not vote."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.testing import Reply, ScriptedLLM
from tests.strategies.chat_answers import NO_ANSWER, OPTION_B, SIXTY_SEVEN

EGGS = Problem("6 trays hold 12 eggs each, and 5 eggs break. How many eggs are left?", kinds.Number())
DRUG = Problem("Which drug first?", options=("rest", "aspirin", "surgery"))
TRUE = Problem("Is a pile of 100 coins taller than a chair?", kinds.YesNo())
NO = [
    "The answer is no.",
    "**Answer:** No",
    "**No**, it is not.",
    "### Final Answer\n**No.**",
    "\\boxed{\\text{No}}",
    '{"reasoning": "20 cm", "answer": "no"}',
    "Step 1: It is 20 cm tall.\nStep 2: A chair is 90 cm tall.\n\nTherefore, the answer is **no**.",
    "Answer: False",
    "<think>Yes? No.</think>No.",
]


@pytest.mark.parametrize(
    ("problem", "replies", "value"), [(EGGS, SIXTY_SEVEN, 67), (DRUG, OPTION_B, "B"), (TRUE, NO, False)]
)
def test_all_forms_of_one_answer_are_one_candidate(problem: Problem, replies: list[str], value: object) -> None:
    llm = ScriptedLLM([*replies])
    answer = strategies.get(f"sc(cot(stages=1), samples={len(replies)})").run(problem, llm)
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {value: len(replies)}
    assert answer.confidence == 1


@pytest.mark.parametrize("problem", [EGGS, DRUG, TRUE], ids=lambda problem: problem.kind.name)
def test_replies_without_an_answer_do_not_vote(problem: Problem) -> None:
    stated = {"number": SIXTY_SEVEN, "choice": OPTION_B, "yesno": NO}[problem.kind.name][1]
    llm = ScriptedLLM([*NO_ANSWER, stated])
    answer = strategies.get(f"sc(cot(stages=1), samples={len(NO_ANSWER) + 1})").run(problem, llm)
    assert answer.state == "answered"
    assert answer.votes is not None
    assert (answer.votes.valid, answer.votes.total) == (1, len(NO_ANSWER) + 1)
    none = strategies.get(f"sc(cot(stages=1), samples={len(NO_ANSWER)})").run(problem, ScriptedLLM([*NO_ANSWER]))
    assert none.state == "unparsed"


def test_several_options_and_ranges_do_not_vote() -> None:
    replies: list[Reply] = ["The answer is A or B.", "Both A and B.", "The answer is (D).", "(B)"]
    answer = strategies.get("sc(cot(stages=1), samples=4)").run(DRUG, ScriptedLLM(replies))
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {"B": 1}
    replies = [
        "The answer is 60-70.",
        "The answer is between 6 and 7.",
        "The answer is 66 or 67.",
        "The answer is 67.",
    ]
    answer = strategies.get("sc(cot(stages=1), samples=4)").run(EGGS, ScriptedLLM(replies))
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {67: 1}
