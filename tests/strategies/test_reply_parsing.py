"""What other prompts take from a reply."""

from __future__ import annotations

import time

import pytest

from reasoning import Problem, kinds
from reasoning.strategies.reply_parsing import folded, listed, with_answer
from reasoning.strategies.verification.verification_questions import planned


def test_items_are_numbered_or_bulleted_lines_each_once() -> None:
    text = (
        "Sure:\n1. How many?\n\n  2) **What for?**\n- Who?\n10: how many\nQ4. Where?\n11. ?\nThat is all.\n12. "
        + "x" * 401
    )
    assert listed(text) == ["how many", "What for?", "Who?", "Where?"]
    assert listed("") == listed("How many?\nWho?") == []
    assert folded("How many?") == folded(" how MANY")


@pytest.mark.parametrize(
    "text", ["\n" * 200_000, "1. " * 70_000, "-" * 200_000, "=>" * 100_000 + "?", "1. **" * 40_000]
)
def test_reading_takes_linear_time(text: str) -> None:
    started = time.process_time()
    listed(text)
    planned(f"1. {text}", "a passage")
    assert time.process_time() - started < 20  # squares would take hours


def test_an_answer_is_added_where_the_chain_alone_is_not_read_as_that() -> None:
    number = Problem("How many?", kinds.Number())
    assert with_answer("2 and 3 make 5.\n5", 5, number) == "2 and 3 make 5.\n5"
    assert with_answer("The answer is 5.", 5.0, number) == "The answer is 5."
    assert with_answer("x = 2 + 3", 5, number) == "x = 2 + 3\nThe answer is 5."
    assert with_answer("I cannot say.", None, number) == "I cannot say."
    assert with_answer("print(1 + 1)", "B", Problem("?", options=("1", "2"))) == "print(1 + 1)\nThe answer is B."
