"""Chains of symbols and their answers in the forms of chat models: symbols are not read as the answer."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.testing import ScriptedLLM
from tests.strategies.chat_answers import NO_ANSWER, OPTION_B, SIXTY_SEVEN

TINS = "The red tin stands on the green tin, and the green tin stands on the white tin. Which must be lifted off?"
LISTED = Problem(TINS, kinds.Items())
COMMA = Problem(TINS, kinds.Items(sep=","))
WHERE = Problem("Lars looks to the north and turns right. Where does he look?", kinds.Text())
BOXES = Problem("Box Q is on box R. Which one is at the bottom?", options=["Q", "R", "S"])
STEPS = Problem("A token goes from (1, 2) to (4, 4). How many moves?", kinds.Number())


@pytest.mark.parametrize(
    "reply",
    [
        "white//green//red; from the top: red, green\nThe answer is red{sep} green.",
        "white//green//red\n\n**The answer is red{sep} green.**",
        "```\nwhite//green//red\n```\n\n**Answer:** red{sep} green",
        "### Symbols\nwhite//green//red\n\n### Answer\nred{sep} green",
        "`white//green//red`\n\nThe answer is `red{sep} green`.",
        "$$white // green // red$$\n\nThe answer is \\boxed{{red{sep} green}}.",
        "white//green//red\nThe answer is:\n- red\n- green",
        "white//green//red\n\n**Answer:**\n1. red\n2. green",
        'white//green//red\nThe answer is ["red", "green"].',
        "Sure! Here are the symbols:\n\nwhite//green//red -> green//red\n\nSo the answer is **red{sep} green**.",
    ],
)
@pytest.mark.parametrize("problem", [LISTED, COMMA], ids=lambda problem: problem.kind.sep)
def test_items_are_read_behind_their_symbols(problem: Problem, reply: str) -> None:
    said = reply.format(sep=problem.kind.sep)  # type: ignore[attr-defined]
    assert strategies.get("cos").run(problem, ScriptedLLM([said])).value == ("red", "green")


@pytest.mark.parametrize(
    ("problem", "reply", "value"),
    [
        (WHERE, "N -> E; looks: east\nThe answer is east.", "east"),
        (WHERE, "N \u2192 E\n\n**Answer: east**", "east"),
        (WHERE, "\\[ N \\rightarrow E \\]\n\n\\boxed{east}", "east"),
        (WHERE, "```\nN -> E\n```\nThe answer is **east**.", "east"),
        (BOXES, "R//Q; bottom: R, option B\nThe answer is B.", "B"),
        (BOXES, "R//Q\n\n**Answer:** (B) R", "B"),
        (BOXES, "R//Q\n\nThe answer is (B).\n\nLet me know if you need anything else!", "B"),
        (STEPS, "(1, 2) -> (4, 2) (3) -> (4, 4) (2); 3 + 2 = 5\nThe answer is 5.", 5),
        (STEPS, "(1, 2) -> (4, 2) -> (4, 4); 3 + 2 = **5**\n\n**Answer: 5 moves**", 5),
        (STEPS, "\\((1, 2) \\to (4, 4)\\): \\(3 + 2 = 5\\)\n\n\\boxed{5}", 5),
    ],
)
def test_an_answer_is_read_behind_its_symbols(problem: Problem, reply: str, value: object) -> None:
    assert strategies.get("cos").run(problem, ScriptedLLM([reply])).value == value


@pytest.mark.parametrize("reply", [*SIXTY_SEVEN, *OPTION_B])
def test_every_form_of_an_answer_is_read(reply: str) -> None:
    number = reply in SIXTY_SEVEN
    problem = STEPS if number else BOXES
    assert strategies.get("cos").run(problem, ScriptedLLM([reply])).value == (67 if number else "B")


@pytest.mark.parametrize(
    ("problem", "reply"),
    [
        *((STEPS, reply) for reply in NO_ANSWER),
        (BOXES, "Q//R//S"),
        (BOXES, "The answer is Q and R."),
        (LISTED, "I cannot say."),
    ],
)
def test_symbols_alone_and_refusals_are_no_answer(problem: Problem, reply: str) -> None:
    assert strategies.get("cos").run(problem, ScriptedLLM([reply])).state == "unparsed"
