"""Decomposed prompting: the forms in which chat models write lines, and the handlers that fit a question."""

from __future__ import annotations

import time

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.strategies.decomposition.handlers import DEFAULT_HANDLERS, Handler, NoAnswer
from reasoning.strategies.decomposition.shown_handlers import lacks_numbers, suited_handlers
from reasoning.strategies.decomposition.subquestion_program import SubProgram
from reasoning.testing import ScriptedLLM

EGGS = Problem("Each of 2 boxes holds 3 rows of 4 eggs. How many eggs are there?", kinds.Number())
NAMES = [handler.name for handler in DEFAULT_HANDLERS]
ASKED = "How many eggs are 2 boxes of 12?"


def program(*answers: object) -> SubProgram:
    return SubProgram(EGGS.question, 0, 40, answers=list(answers))


@pytest.mark.parametrize(
    "reply",
    [
        f"QS: [math] {ASKED}",
        f"**QS:** [math] {ASKED}",
        f"**QS: [math] {ASKED}**",
        f"QS: **[math]** {ASKED}",
        f"QS: `[math]` {ASKED}",
        f"`QS: [math] {ASKED}`",
        f"```\nQS: [math] {ASKED}\n```",
        f"> QS: [math] {ASKED}",
        f"1. QS: [math] {ASKED}",
        f"- QS: [Math] {ASKED}",
        f"QS1: [math] {ASKED}",
        f"QS: [math]: {ASKED}",
        f"QS: [handler: math] {ASKED}",
        f"QS：[math] {ASKED}",
        f"Sub-question: [math] {ASKED}",
        f"Next sub-question 2: [math] {ASKED}",
        f"[math] {ASKED}",
        f"Sure! Here is the next line:\n\nQS: [math] {ASKED}\nA: 24\nQS: [EOQ]",
        f"\\[ \\text{{first}} \\]\nQS: [math] {ASKED}",
    ],
)
def test_lines(reply: str) -> None:
    line = program().parse_next(reply, NAMES)
    assert line is not None
    assert (line.handler, line.questions) == ("math", [ASKED])


@pytest.mark.parametrize(
    "reply",
    ["QS: [EOQ]", "[EOQ]", "**QS: [EOQ]**", "QS: EOQ", "`[EOQ]`", "QS: [eoq]", "EOQ", "QS: [EOQ].", "**[EOQ]**"],
)
def test_ends(reply: str) -> None:
    assert program(24).parse_next(reply, NAMES) is None


@pytest.mark.parametrize(
    "reply",
    [
        "The answer is [24].",
        "I can't help with that.",
        f"QS: {ASKED}",
        "\\boxed{24}",
        "We need to find the EOQ of the order.",
        "A: 24",
        "",
    ],
)
def test_replies_that_are_no_line(reply: str) -> None:
    with pytest.raises(NoAnswer, match="no line of the form"):
        program(24).parse_next(reply, NAMES)


def test_marks_that_are_a_question_of_their_own_stay() -> None:
    for question in ("**", "2 ** 3", "a * b", "What is `x`?"):
        line = program().parse_next(f"QS: [merge] {question}", NAMES)
        assert line is not None
        assert line.questions[0] in (question, question.replace("`", ""))


@pytest.mark.parametrize(
    ("kind", "question", "shown"),
    [
        (kinds.Number(), "How many eggs are left of 5?", ["math", "qa"]),
        (kinds.Number(), 'How many letters has "egg"?', ["math", "qa", "split", "letters", "merge"]),
        (kinds.Number(), "How many words has the sentence?", ["math", "qa", "split", "letters", "merge"]),
        (kinds.Text(), "What do 5 eggs cost?", NAMES),
        (kinds.YesNo(), "Are 5 eggs left?", NAMES),
    ],
)
def test_handlers_that_are_shown(kind: kinds.Kind, question: str, shown: list[str]) -> None:
    assert [handler.name for handler in suited_handlers(DEFAULT_HANDLERS, kind, question)] == shown


def test_functions_of_the_user_and_the_only_handlers_are_always_shown() -> None:
    double = Handler("double", "Doubles a number.", lambda value: 2 * value)
    assert [one.name for one in suited_handlers([*DEFAULT_HANDLERS, double], kinds.Number(), "?")][-1] == "double"
    texts = DEFAULT_HANDLERS[2:]
    assert suited_handlers(texts, kinds.Number(), "How many eggs?") == texts


def test_a_number_shows_its_handlers_and_programs_only() -> None:
    llm = ScriptedLLM(["QS: [math] How many eggs are 2 boxes of 3 rows of 4 eggs?", "ans = 24", "QS: [EOQ]"])
    assert strategies.get("decomposed").run(EGGS, llm).value == 24
    first = llm.prompts[0]
    assert first.index("- [math]") < first.index("- [qa]")
    assert "[split]" not in first
    assert "[merge]" not in first
    assert first.count("QC: ") == 3  # two demonstrated programs
    llm = ScriptedLLM(["QS: [split] a b", "QS: [EOQ]"])
    strategies.get("decomposed").run(Problem('Which words has "a b"?'), llm)
    assert llm.prompts[0].index("- [qa]") < llm.prompts[0].index("- [math]")
    assert llm.prompts[0].count("QC: ") == 4


def test_a_premature_end_asks_for_the_first_sub_question() -> None:
    llm = ScriptedLLM(["QS: [EOQ]", "QS: [math] How many eggs are 2 boxes of 3 rows of 4?", "ans = 24", "QS: [EOQ]"])
    assert strategies.get("decomposed").run(EGGS, llm).value == 24
    asked = llm.requests[1].messages
    assert asked[-1].content.endswith(f"{EGGS.question}\n\nWrite the first sub-question, which begins with QS: [math]")
    # Without any [EOQ], which a small model repeats.
    assert not any("[EOQ]" in message.content for message in asked if message.role == "assistant")
    assert [message.role for message in asked] == ["system", *["user", "assistant"] * 5, "user"]
    # The program that follows is the one of the question.
    assert asked[-1].content not in llm.requests[3].messages[-3].content


def test_two_premature_ends_are_no_answer() -> None:
    llm = ScriptedLLM(["QS: [EOQ]", "**QS: [EOQ]**"])
    answer = strategies.get("decomposed").run(EGGS, llm)
    assert (answer.state, answer.reason) == ("unparsed", "line 1: Nothing has been answered yet.")
    assert llm.calls == 2


def test_a_question_without_its_numbers_is_sent_back_once() -> None:
    llm = ScriptedLLM(
        ["QS: [math] How many eggs are there?", "QS: [math] How many eggs are 2 boxes of 12?", "ans = 24", "QS: [EOQ]"]
    )
    assert strategies.get("decomposed").run(EGGS, llm).value == 24
    assert "repeat its numbers in it. Write the line again" in llm.requests[1].messages[-1].content
    llm = ScriptedLLM(["QS: [math] How many eggs?", "QS: [math] How many eggs?", "ans = 24", "QS: [EOQ]"])
    assert strategies.get("decomposed").run(EGGS, llm).value == 24  # asked as it is
    llm = ScriptedLLM(["QS: [math] How many days has a week?", "ans = 7", "QS: [EOQ]"])
    strategies.get("decomposed").run(Problem("How many days has a week?", kinds.Number()), llm)
    assert llm.calls == 3  # no number to repeat


@pytest.mark.parametrize(
    ("question", "lacks"),
    [
        ("How many are left?", True),
        ("How many are left of 5?", False),
        ("How many is twice the sum?", False),
        ("What are three dozen?", False),
        ("How often is it?", True),
    ],
)
def test_numbers_in_a_question(question: str, lacks: bool) -> None:
    qa, math = DEFAULT_HANDLERS[:2]
    assert lacks_numbers(math, [question]) == lacks
    assert not lacks_numbers(qa, [question])


@pytest.mark.parametrize(
    "text", ["QS: " * 50_000, "QS1" * 50_000, "*" * 100_000, "(a) " * 50_000, "[" * 100_000, "1. " * 50_000]
)
def test_reading_takes_linear_time(text: str) -> None:
    started = time.process_time()
    with pytest.raises(NoAnswer):
        program().parse_next(text, NAMES)
    assert time.process_time() - started < 20  # squares would take hours
