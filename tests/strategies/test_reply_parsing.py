"""What other prompts take from a reply."""

from __future__ import annotations

import time

import pytest

from reasoning import Problem, kinds
from reasoning.strategies.reply_parsing import append_answer, normalize_question, parse_items
from reasoning.strategies.verification.verification_questions import parse_plan


def test_items_are_numbered_or_bulleted_lines_each_once() -> None:
    text = (
        "Sure:\n1. How many?\n\n  2) **What for?**\n- Who?\n10: how many\nQ4. Where?\n11. ?\nThat is all.\n12. "
        + "x" * 401
    )
    assert parse_items(text) == ["how many", "What for?", "Who?", "Where?"]
    assert parse_items("") == parse_items("How many?\nWho?") == []
    assert normalize_question("How many?") == normalize_question(" how MANY")


@pytest.mark.parametrize(
    "text", ["\n" * 200_000, "1. " * 70_000, "-" * 200_000, "=>" * 100_000 + "?", "1. **" * 40_000]
)
def test_reading_takes_linear_time(text: str) -> None:
    started = time.process_time()
    parse_items(text)
    parse_plan(f"1. {text}", "a passage")
    assert time.process_time() - started < 20  # squares would take hours


def test_an_answer_is_added_where_the_chain_alone_is_not_read_as_that() -> None:
    number = Problem("How many?", kinds.Number())
    assert append_answer("2 and 3 make 5.\n5", 5, number) == "2 and 3 make 5.\n5"
    assert append_answer("The answer is 5.", 5.0, number) == "The answer is 5."
    assert append_answer("x = 2 + 3", 5, number) == "x = 2 + 3\nThe answer is 5."
    assert append_answer("I cannot say.", None, number) == "I cannot say."
    assert append_answer("print(1 + 1)", "B", Problem("?", options=("1", "2"))) == "print(1 + 1)\nThe answer is B."
