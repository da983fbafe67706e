"""What other prompts take from a reply."""

from __future__ import annotations

import time

import pytest

from reasoning import Problem, kinds
from reasoning.strategies.reply_parsing import append_answer, normalize_question, parse_items, parse_numbered
from reasoning.strategies.verification.verification_plan import parse_plan


def test_items_are_numbered_or_bulleted_lines_each_once() -> None:
    text = (
        "Sure:\n1. How many?\n\n  2) **What for?**\n- Who?\n10: how many\nQ4. Where?\n11. ?\nThat is all.\n12. "
        + "x" * 401
    )
    assert parse_items(text) == ["how many", "What for?", "Who?", "Where?"]
    assert parse_items("") == parse_items("How many?\nWho?") == []
    assert normalize_question("How many?") == normalize_question(" how MANY")


@pytest.mark.parametrize(
    "reply",
    [
        "Sure! Here are the questions:\n\n**1. How many trays?**\n**2. How many rolls?**\n\nHope this helps!",
        "1. **How many trays?**\n2. **How many rolls?**",
        "**1.** How many trays?\n**2.** How many rolls?",
        "**1** How many trays?\n**2** How many rolls?",
        "### 1. How many trays?\n### 2. How many rolls?",
        "### **Step 1: How many trays?**\n\n### **Step 2: How many rolls?**",
        "### Step 1\nHow many trays?\n\n### Step 2\nHow many rolls?",
        "**Question 1**: How many trays?\n**Question 2**: How many rolls?",
        "**Question 1:**\nHow many trays?\n\n**Question 2:**\nHow many rolls?",
        "Q1: How many trays?\nQ2: How many rolls?",
        "- **Q1:** How many trays?\n- **Q2:** How many rolls?",
        "Sub-question 1: How many trays?\nSub-question 2: How many rolls?",
        "Step 1 – How many trays?\nStep 2 – How many rolls?",
        "1) How many trays?\n2) How many rolls?",
        "(1) How many trays?\n(2) How many rolls?",
        "a) How many trays?\nb) How many rolls?",
        "(i) How many trays?\n(ii) How many rolls?",
        "① How many trays?\n② How many rolls?",
        "1\ufe0f\u20e3 How many trays?\n2\ufe0f\u20e3 How many rolls?",
        "１．How many trays?\n２．How many rolls?",
        "1：How many trays?\n2：How many rolls?",
        "1\\. How many trays?\n2\\. How many rolls?",
        "1.1. How many trays?\n1.2. How many rolls?",
        "* How many trays?\n+ How many rolls?",
        "- [ ] How many trays?\n- [x] How many rolls?",
        "– How many trays?\n• How many rolls?",
        "> 1. How many trays?\n> 2. How many rolls?",
        "1. “How many trays?”\n2. „How many rolls?“",
        "| # | Question |\n|---|---|\n| 1 | How many trays? |\n| 2 | How many rolls? |",
        '```json\n["How many trays?", "How many rolls?"]\n```',
        '{"questions": ["How many trays?", "How many rolls?"]}',
        '{"1": "How many trays?", "2": "How many rolls?"}',
        '[{"id": 1, "question": "How many trays?"}, {"id": 2, "question": "How many rolls?"}]',
        "```\n1. How many trays?\n2. How many rolls?\n```",
    ],
)
def test_lists_as_chat_models_write_them(reply: str) -> None:
    assert parse_items(reply) == ["How many trays?", "How many rolls?"]


@pytest.mark.parametrize(
    "line",
    [
        "1.5 litres are left.",
        "12:30 is the time.",
        "-5 degrees were measured.",
        "2024. That was the year.",
        "5 eggs break.",
        "5 - 3 = 2 remain",
        "A. Smith wrote it.",
        "**Sub-questions:**",
        "*Emma*",
        "---",
        "- - -",
        "1. ***",
        "I cannot help with that.",
        "Sure! Here is the list.",
        "[1] a source",
        "f(x) = [a, b]",
    ],
)
def test_lines_that_are_no_items(line: str) -> None:
    assert parse_items(line) == []


@pytest.mark.parametrize(
    "reply",
    [
        "1. Add 2 and 3.\n2. Double it.",
        "**1.** Add 2 and 3.\n**2.** Double it.",
        "**Step 1:** Add 2 and 3.\n**Step 2:** Double it.",
        "**Step 1**: Add 2 and 3.\n**Step 2**: Double it.",
        "### Step 1: Add 2 and 3.\n### Step 2: Double it.",
        "### **Step 1:** Add 2 and 3.\n### **Step 2:** Double it.",
        "### Step 1\nAdd 2 and 3.\n\n### Step 2\nDouble it.",
        "#### Step 1.\nAdd 2 and 3.\n#### Step 2.\nDouble it.",
        "- **Step 1:** Add 2 and 3.\n- **Step 2:** Double it.",
        "(1) Add 2 and 3.\n(2) Double it.",
        "① Add 2 and 3.\n② Double it.",
        "１．Add 2 and 3.\n２．Double it.",
        "1：Add 2 and 3.\n2：Double it.",
        "> 1. Add 2 and 3.\n> 2. Double it.",
        "#1. Add 2 and 3.\n#2. Double it.",
    ],
)
def test_numbered_steps_as_chat_models_write_them(reply: str) -> None:
    assert parse_numbered(reply) == [(1, "Add 2 and 3."), (2, "Double it.")]


@pytest.mark.parametrize(
    "text", ["1.5 litres are left.", "12:30 it is", "- 5 eggs", "Step by step", "(a) one", "2024. So", "- 3 = 2"]
)
def test_lines_that_are_no_numbered_steps(text: str) -> None:
    assert parse_numbered(text) == []


def test_bold_words_and_quotations_within_an_item_stay_readable() -> None:
    assert parse_items('1. **Trays**: how many?\n2. Who said "No" to "Yes"?\n3. What is 2 ** 3?') == [
        "Trays: how many?",
        'Who said "No" to "Yes"?',
        "What is 2 ** 3?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 200_000,
        "1. " * 70_000,
        "-" * 200_000,
        "=>" * 100_000 + "?",
        "1. **" * 40_000,
        "1. " + "**a" * 70_000,
        "[" * 100_000,
        "| 1 " * 50_000,
        "> " * 100_000,
        "# " + " " * 100_000,
        '["' * 50_000,
    ],
)
def test_reading_takes_linear_time(text: str) -> None:
    started = time.process_time()
    parse_items(text)
    parse_numbered(text)
    parse_plan(f"1. {text}", "a passage")
    assert time.process_time() - started < 20  # squares would take hours


def test_an_answer_is_added_where_the_chain_alone_is_not_read_as_that() -> None:
    number = Problem("How many?", kinds.Number())
    assert append_answer("2 and 3 make 5.\n5", 5, number) == "2 and 3 make 5.\n5"
    assert append_answer("The answer is 5.", 5.0, number) == "The answer is 5."
    assert append_answer("x = 2 + 3", 5, number) == "x = 2 + 3\nThe answer is 5."
    assert append_answer("I cannot say.", None, number) == "I cannot say."
    assert append_answer("print(1 + 1)", "B", Problem("?", options=("1", "2"))) == "print(1 + 1)\nThe answer is B."
