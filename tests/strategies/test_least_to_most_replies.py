"""Least-to-most: the forms in which chat models write decompositions and answers."""

from __future__ import annotations

import time

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Completion
from reasoning.strategies.decomposition.sub_questions import parse_sub_questions
from reasoning.testing import ScriptedLLM

TRAYS, ROLLS = "How many rolls are baked?", "How many are left after the morning?"


@pytest.mark.parametrize(
    "reply",
    [
        f"1. {TRAYS}\n2. {ROLLS}",
        f"Sure! To solve this problem:\n\n1. **{TRAYS}**\n2. **{ROLLS}**\n\nLet me know if you want the answers!",
        f"**Sub-questions:**\n\n**1. {TRAYS}**\n\n**2. {ROLLS}**",
        f"### Step 1: {TRAYS}\n\n### Step 2: {ROLLS}",
        f"**Question 1:**\n{TRAYS}\n\n**Question 2:**\n{ROLLS}",
        f"Q1: {TRAYS}\nQ2: {ROLLS}",
        f"| # | Question |\n|---|---|\n| 1 | {TRAYS} |\n| 2 | {ROLLS} |",
        f"| # | Topic | Question |\n|---|---|---|\n| 1 | Baking | {TRAYS} |\n| 2 | Morning | {ROLLS} |",
        f'```json\n["{TRAYS}", "{ROLLS}"]\n```',
        f'```json\n{{"sub_questions": [{{"id": 1, "question": "{TRAYS}"}}, {{"id": 2, "question": "{ROLLS}"}}]}}\n```',
        # With answers, which count for nothing.
        f"1. {TRAYS} 6 × 12 = 72 rolls.\n2. {ROLLS} (72 - 45 = 27)",
        f"1. {TRAYS}\n   - \\(6 \\times 12 = 72\\)\n2. {ROLLS}\n   - **Answer:** 27",
        f"1. {TRAYS}\n   \\[ 6 \\times 12 = 72 \\]\n2. {ROLLS}",
        # With statements, headings and topics.
        f"1. The bakery bakes 6 trays.\n2. {TRAYS}\n3. It sells 45 rolls.\n4. {ROLLS}\n5. 27 rolls are left.",
        f"1. **Baking**\n   - {TRAYS}\n2. **The morning**\n   - {ROLLS}",
        # The paper's form, and running text.
        f'To solve "How many rolls are left?", we need to first solve: "{TRAYS}", "{ROLLS}"',
        f"{TRAYS}\n{ROLLS}\n\nWould you like me to solve them?",
        f"Let's see. {TRAYS} {ROLLS} Shall I go on?",
    ],
)
def test_decompositions(reply: str) -> None:
    assert parse_sub_questions(reply) == [TRAYS, ROLLS]


@pytest.mark.parametrize(
    ("item", "asked"),
    [
        ("Calculate the total number of rolls.", ["Calculate the total number of rolls."]),
        ("First, find the number of rolls.", ["First, find the number of rolls."]),
        ("**Morning**: how many are left?", ["Morning: how many are left?"]),
        ("In which month does it end", ["In which month does it end"]),
        ("Ann has 3 pens. How many has Bob?", ["Ann has 3 pens. How many has Bob?"]),
        ('What does "Who?" mean?', ['What does "Who?" mean?']),
        ("Wie viele Brötchen sind übrig？", ["Wie viele Brötchen sind übrig？"]),
        ("In 5 years, Elizabeth will be 40 years old.", []),
        ("John's current age is 8 years.", []),
        ("6 × 12 = 72", []),
        ("Answer: 72", []),
        ("Total rolls baked", []),
        ("Find:", []),
    ],
)
def test_items_that_ask(item: str, asked: list[str]) -> None:
    assert parse_sub_questions(f"1. {item}") == asked


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't help with that.",
        "Would you like me to solve the problem?",
        "The bakery bakes 72 rolls and sells 45, so 27 are left.",
        "1. The bakery bakes 6 * 12 = 72 rolls.\n2. It sells 45.\n\nThe answer is 27.",
        "\\boxed{27}",
        "",
    ],
)
def test_replies_that_ask_nothing(reply: str) -> None:
    assert parse_sub_questions(reply) == []


def test_a_truncated_list_loses_its_last_item() -> None:
    plan = Completion(f"1. {TRAYS}\n2. How many are le", finish_reason="length")
    llm = ScriptedLLM([plan, "72", "The answer is 18."])
    problem = Problem("A bakery bakes 6 trays of 12 rolls. How many rolls are left?", kinds.Number())
    answer = strategies.get("least_to_most").run(problem, llm)
    assert answer.value == 18
    assert llm.calls == 3


@pytest.mark.parametrize(
    ("item", "calls"),
    [
        ("**Final question:** If each bag is full, how many rolls are left?", 3),
        ("How many rolls are left?", 3),
        ("**How many rolls are left**", 3),
        ("Are left?", 4),
        ("How many rolls are left in the morning?", 4),
    ],
)
def test_the_final_question_is_not_asked_twice(item: str, calls: int) -> None:
    llm = ScriptedLLM([f"1. {TRAYS}\n2. {item}", *["72"] * (calls - 2), "The answer is 18."])
    problem = Problem("A bakery bakes 6 trays. If each bag is full, how many rolls are left?", kinds.Number())
    assert strategies.get("least_to_most").run(problem, llm).value == 18
    assert llm.calls == calls


@pytest.mark.parametrize(
    "text",
    ["?" * 100_000, "1. how " * 20_000, '"' * 100_000, "need to solve:" * 10_000, "a? " * 50_000, "  \n" * 50_000],
)
def test_reading_takes_linear_time(text: str) -> None:
    started = time.process_time()
    parse_sub_questions(text)
    assert time.process_time() - started < 20  # squares would take hours
