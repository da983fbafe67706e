"""Explanations and answers in the forms of chat models, with and without a wrong explanation behind them."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.testing import ScriptedLLM
from tests.strategies.chat_answers import NO_ANSWER, OPTION_B, SIXTY_SEVEN

APPLES = Problem("Tom has 9 apples and gives 4 away. How many are left?", kinds.Number())
EGGS = Problem("6 trays hold 12 eggs each, and 5 eggs break. How many eggs are left?", kinds.Number())
DRUG = Problem("Which drug first?", options=("rest", "aspirin", "surgery"))


@pytest.mark.parametrize(
    "reply",
    [
        "Explanation: 9 - 4 = 5.\n\nAnswer: 5\n\nWrong explanation: 9 + 4 = 13.\n\nWrong answer: 13",
        "**Explanation:** 9 - 4 = 5.\n\n**Answer:** 5\n\n**Wrong explanation:** 9 + 4 = 13.\n\n**Wrong answer:** 13",
        "### Explanation\n9 - 4 = 5\n\n### Answer\n5\n\n### Wrong explanation\n13\n\n### Wrong answer\n13",
        "1. **Explanation**: 9 - 4 = 5\n2. **Answer**: 5\n3. **Wrong explanation**: 9 + 4\n4. **Wrong answer**: 13",
        "| Part | Text |\n|---|---|\n| Explanation | 9 - 4 = 5 |\n| Answer | 5 |\n| Wrong explanation | 9 + 4 = 13 |\n"
        "| Wrong answer | 13 |",
        '{"explanation": "9 - 4 = 5", "answer": 5, "wrong_explanation": "9 + 4 = 13", "wrong_answer": 13}',
        '```json\n{"explanation": "9 - 4 = 5",\n "answer": 5,\n "wrong_explanation": "13",\n "wrong_answer": 13}\n```',
        "9 - 4 = 5.\n\nAnswer: **5**\n\nIncorrect explanation: 9 + 4 = 13.\nIncorrect answer: 13",
        "9 - 4 = 5.\n\nAnswer: 5\n\nWrong Reasoning: 9 + 4 = 13\nWrong answer: 13",
        "9 - 4 = 5.\n\n\\[\\boxed{5}\\]\n\n**Wrong explanation (to avoid):** 9 + 4 = 13. \\boxed{13}",
        "9 - 4 = 5.\nAnswer: 5\n\nWrong explanation\uff1a 13\nWrong answer\uff1a13",
        "Sure! 9 - 4 = 5.\n\n**Answer: 5 apples**\n\n*Wrong explanation: one might add, 9 + 4 = 13.*",
        "9 - 4 = 5\n\nAnswer: 5\n\n(Wrong explanation: 13. Wrong answer: 13)",
        "9 - 4 = 5.\n\nAnswer: 5\n\nWrong explanation 1: 9 + 4 = 13\nWrong answer 1: 13",
        "**Correct explanation:** 9 - 4 = 5\n**Correct answer:** 5\n\n**Wrong explanation:** 13\n**Wrong answer:** 13",
        "> Explanation: 9 - 4 = 5\n> Answer: 5\n> Wrong explanation: 13\n> Wrong answer: 13",
        "9 - 4 = 5. Answer: 5 Wrong explanation: 9 + 4 = 13. Wrong answer: 13",
        "The wrong explanation would be to add: 9 + 4 = 13. The right way: 9 - 4 = 5.\n\nAnswer: 5",
        "A wrong answer would be 13.\n9 - 4 = 5.\n\nAnswer: 5",
        "Answer: 5\n\nI have written no wrong explanation.",
    ],
)
def test_the_right_answer_is_read(reply: str) -> None:
    assert strategies.get("contrastive_cot").run(APPLES, ScriptedLLM([reply])).value == 5


@pytest.mark.parametrize(
    "reply",
    [
        "Tom's points for a wrong answer: 2 less.\n9 - 4 = 5.\n\nAnswer: 5",
        "There is 1 point per incorrect answer: 4 of them.\n9 - 4 = 5.\n\nAnswer: 5",
        "| Wrong answers | 4 |\n|---|---|\n| Right answers | 5 |\n\nAnswer: 5",
        "Each wrong answer\ncosts 1 point.\n\nAnswer: 5",
    ],
)
def test_a_question_about_wrong_answers_is_not_cut(reply: str) -> None:
    assert strategies.get("contrastive_cot").run(APPLES, ScriptedLLM([reply])).value == 5


@pytest.mark.parametrize("reply", ["Wrong explanation: 9 + 4 = 13. Answer: 13", "**Wrong answer:** 13", *NO_ANSWER])
def test_what_is_only_wrong_or_says_nothing_is_no_answer(reply: str) -> None:
    assert strategies.get("contrastive_cot").run(APPLES, ScriptedLLM([reply])).state == "unparsed"


@pytest.mark.parametrize("reply", [*SIXTY_SEVEN, *OPTION_B])
def test_every_form_of_an_answer_is_read(reply: str) -> None:
    problem, value = (EGGS, 67) if reply in SIXTY_SEVEN else (DRUG, "B")
    wrong = (
        f"{reply}\n\nWrong explanation: 6 + 12 = 18, which is option C.\n\nWrong answer: {18 if value == 67 else 'C'}"
    )
    for said in (reply, wrong):
        assert strategies.get("contrastive_cot").run(problem, ScriptedLLM([said])).value == value


@pytest.mark.parametrize("part", ["wrong ", "Wrong answer ", "\n**", "\nwrong explanation (", '"wrong_'])
def test_long_replies_are_read_in_linear_time(part: str) -> None:
    strategies.get("contrastive_cot").run(APPLES, ScriptedLLM([part * (100_000 // len(part))]))
