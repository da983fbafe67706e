"""Rewordings in the forms of chat models, and answers to them; what changes the question does not vote."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Message
from reasoning.strategies.sampling.rewordings import parse_rewordings
from reasoning.testing import ScriptedLLM
from tests.strategies.chat_answers import NO_ANSWER, SIXTY_SEVEN

QUESTION = "A hall has 12 rows of 9 chairs. If 7 chairs are removed, how many chairs are left?"
A = "How many chairs are left in a hall with 12 rows of 9 chairs if 7 are removed?"
B = "There are 12 rows of 9 chairs in a hall, and 7 chairs are removed. How many chairs are left?"


@pytest.mark.parametrize(
    "reply",
    [
        f"1. {A}\n2. {B}",
        f"1) {A}\n2) {B}",
        f"(1) {A}\n(2) {B}",
        f"**1. {A}**\n\n**2. {B}**",
        f"**1.** {A}\n**2.** {B}",
        f"### 1. {A}\n### 2. {B}",
        f"### Version 1\n{A}\n\n### Version 2\n{B}",
        f"**Rewording 1:** {A}\n\n**Rewording 2:** {B}",
        f"Rephrasing 1: {A}\nRephrasing 2: {B}",
        f"**Alternative 1:**\n{A}\n\n**Alternative 2:**\n{B}",
        f"**Variation 1**: {A}\n**Variation 2**: {B}",
        f"Question 1: {A}\nQuestion 2: {B}",
        f"Q1: {A}\nQ2: {B}",
        f'1. "{A}"\n2. "{B}"',
        f"1. “{A}”\n2. „{B}“",
        f"1. *{A}*\n2. *{B}*",
        f"- {A}\n- {B}",
        f"1. **Version 1:**\n   - {A}\n2. **Version 2:**\n   - {B}",
        f"1. Rewording: {A}\n2. Rewording: {B}",
        f"1. **Direct:** {A}\n2. **As a story:** {B}",
        f"Sure! Here are 2 other wordings of the question:\n\n1. {A}\n2. {B}\n\nLet me know if you'd like more!",
        f'```json\n["{A}", "{B}"]\n```',
        f'{{"wordings": ["{A}", "{B}"]}}',
        f'[{{"id": 1, "question": "{A}"}}, {{"id": 2, "question": "{B}"}}]',
        f"| # | Wording |\n|---|---|\n| 1 | {A} |\n| 2 | {B} |",
        f"① {A}\n② {B}",
        f"\uff11\uff0e {A}\n\uff12\uff0e {B}",
        f"a) {A}\nb) {B}",
        f"```\n1. {A}\n2. {B}\n```",
        f"1. {A.replace('12', '**12**').replace('9', '**9**')}\n2. {B}",
        f"1. {A} (Answer: 101)\n2. {B} *(Same answer.)*",
        f"1. {A}\n2. There are 12 rows of 9 chairs in a hall, and 7 chairs are removed.\n   How many chairs are left?",
        f"{A}\n{B}",
        f"Here are two:\n\n{A}\n\n{B}",
        f"<think>1. How many chairs are 12 rows of 9 chairs less 7?</think>\n1. {A}\n2. {B}",
    ],
)
def test_two_rewordings_are_read(reply: str) -> None:
    assert parse_rewordings(reply, QUESTION, 0.5) == ([A, B], 2) or sorted(
        parse_rewordings(reply, QUESTION, 0.5)[0]
    ) == sorted([A, B])


@pytest.mark.parametrize(
    "reply",
    [
        *NO_ANSWER,
        "1. A hall has 12 rows of 9 chairs, and 7 are removed.",  # asks nothing
        "1. There are 12 rows of 9 chairs; after 7 are removed, 101 chairs are left.",
        "1. How many chairs are left in a hall with 12 rows of 8 chairs if 7 are removed?",
        "1. How many chairs are left in a hall with 12 rows of 9 chairs?",
        "1. How many chairs are not left in a hall with 12 rows of 9 chairs if 7 are removed?",
        "12 * 9 = 108 and 108 - 7 = 101, so 101 chairs are left.",
        "Would you like me to use 12, 9 and 7?",
        "The answer is 101.",
    ],
)
def test_what_asks_something_else_or_nothing_is_no_rewording(reply: str) -> None:
    assert parse_rewordings(reply, QUESTION, 0.5)[0] == []


def test_a_request_without_a_question_mark_is_a_rewording() -> None:
    request = "Calculate how many chairs are left in a hall with 12 rows of 9 chairs once 7 are removed."
    assert parse_rewordings(f"1. {request}", QUESTION, 0.5)[0] == [request]
    told = "Say how many chairs 12 rows of 9 chairs are."
    assert parse_rewordings("1. Give the number of chairs in 12 rows of 9 chairs.", told, 0.5)[0] != []


@pytest.mark.parametrize("mark", ["1. ", "**1.** ", "? ", "Version 1: ", "(answer: ", '["', "| 1 | "])
def test_long_replies_are_read_in_linear_time(mark: str) -> None:
    parse_rewordings(mark * (100_000 // len(mark)), QUESTION, 0.5)
    parse_rewordings(f"{mark}x\n" * 10_000, "How many?", 0.5)


EGGS = Problem("6 trays hold 12 eggs each, and 5 eggs break. How many eggs are left?", kinds.Number())
SAME = "How many eggs are left of 6 trays with 12 eggs each if 5 eggs break?"
TWIN = "8 trays hold 10 eggs each, and 4 eggs break. How many eggs are left?"


@pytest.mark.parametrize("reply", SIXTY_SEVEN)
def test_each_wording_votes_with_what_its_reply_states(reply: str) -> None:
    llm = ScriptedLLM(lambda turns: reply)
    answer = strategies.get("federated(cot(stages=1), paraphrases=1)").replace(pool=(SAME,)).run(EGGS, llm)
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {67: 2}


@pytest.mark.parametrize("reply", NO_ANSWER)
def test_a_wording_without_an_answer_does_not_vote(reply: str) -> None:
    llm = ScriptedLLM(lambda turns: reply if SAME in turns[-1].content else "The answer is 67.")
    answer = strategies.get("federated(cot(stages=1), paraphrases=1)").replace(pool=(SAME,)).run(EGGS, llm)
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {67: 1}


@pytest.mark.parametrize("reply", [*SIXTY_SEVEN, *NO_ANSWER])
def test_the_answer_behind_demonstrations_is_read_as_it_is_stated(reply: str) -> None:
    def script(turns: tuple[Message, ...]) -> str:
        return reply if EGGS.question in turns[-1].content else "8 * 10 = 80 and 80 - 4 = 76 of the 80 are left: **76**"

    again = TWIN.replace("How many eggs are left?", "How many are left of the eggs?")
    strategy = strategies.get("federated(cot(stages=1), paraphrases=1, twins=1)").replace(pool=(TWIN, again))
    llm = ScriptedLLM(script)
    answer = strategy.run(EGGS, llm)
    assert answer.votes is None
    assert answer.value == (67 if reply in SIXTY_SEVEN else None)
    shown = [turn.content for turn in llm.requests[-1].messages if turn.role == "assistant"]
    assert [text.splitlines()[-1] for text in shown] == ["The answer is 76."]
