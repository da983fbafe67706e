"""Analogical prompting: the forms in which chat models recall problems and solve the initial one."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.strategies.thought.recalled_problems import exemplar_error, recalled_problems
from reasoning.testing import ScriptedLLM

DICE = Problem("Three dice are thrown. In how many of the 216 cases do exactly two match?", kinds.Number())
COINS, CARDS, WHEEL = (
    "Two coins are tossed. In how many cases do both match?",
    "Four cards lie in a row. How many orders are there?",
    "A wheel has 6 fields and is turned twice. How often is the second larger?",
)
RECALLED = {
    "labels": f"Q: {COINS}\nA: 2\n\nQ: {CARDS}\nA: 24\n\nQ: {WHEEL}\nA: 15\n\n",
    "bold labels": f"**Q1:** {COINS}\n**A1:** 2\n\n**Q2:** {CARDS}\n**A2:** 24\n\n**Q3:** {WHEEL}\n**A3:** 15\n\n",
    "headings without a colon": f"### Problem 1\n{COINS}\n\n**Solution:** 2\n\n### Problem 2\n{CARDS}\n\n**Solution:** "
    f"24\n\n### Problem 3\n{WHEEL}\n\n**Solution:** 15\n\n",
    "headings with titles": f"### Problem 1: Tossing coins\n**Question:** {COINS}\n**Answer:** 2\n\n### "
    f"Problem 2: Cards "
    f"in a row\n**Question:** {CARDS}\n**Answer:** 24\n\n### Problem 3: The wheel\n**Question:** {WHEEL}\n\\[ "
    f"15 \\]\n\n",
    "bold lines": f"**Example 1**\n\n{COINS}\n\nSolution\n\n2\n\n**Example 2**\n\n{CARDS}\n\nSolution\n\n24\n\n"
    f"**Example 3**\n\n{WHEEL}\n\nSolution\n\n15\n\n",
    "numbered labels": f"Q1. {COINS}\nA1. 2\nQ2. {CARDS}\nA2. 24\nQ3. {WHEEL}\nA3. 15\n\n",
    "parentheses": f"Problem 1 (coins): {COINS}\nA: 2\nProblem 2 (cards): {CARDS}\nA: 24\nProblem 3 (a "
    f"wheel): {WHEEL}\n\n",
    "circled numbers": f"① Q: {COINS}\nA: 2\n② Q: {CARDS}\nA: 24\n③ Q: {WHEEL}\nA: 15\n\n",
    "full-width colons": f"Q1：{COINS}\nA1：2\nQ2：{CARDS}\nA2：24\nQ3：{WHEEL}\nA3：15\n\n",
    "relevant problems": f"**Relevant Problem 1:** {COINS}\n- 2\n**Relevant Problem 2:** {CARDS}\n- 24\n**Relevant "
    f"Problem 3:** {WHEEL}\n- 15\n\n",
    "a numbered list": f"1. {COINS}\n   - Solution: 2\n2. {CARDS}\n   - Solution: 24\n3) **{WHEEL}**\n   - "
    f"Solution: 15\n\n",
    "nested labels": f"1. **Problem:** {COINS}\n   **Solution:** 2\n2. **Problem:** {CARDS}\n   **Solution:** 24\n"
    f"3. **Problem:** {WHEEL}\n   **Solution:** 15\n\n",
    "a table": f"| # | Problem | Solution |\n|---|---|---|\n| 1 | {COINS} | 2 |\n| 2 | {CARDS} | 24 |\n| 3 | "
    f"{WHEEL} | 15 "
    "|\n\n",
}
HEADERS = [
    "## Solve the initial problem",
    "## Solution to the initial problem",
    "## Solution to the Initial Problem:",
    "### **Solution of the initial problem**",
    "**Solving the Initial Problem**",
    "## 2. Solve the Initial Problem",
    "## Part 2: Solution to the Initial Problem",
    "**Part 2 – Solve the initial problem:**",
    "② Solve the initial problem",
    "Now let's solve the initial problem:",
    "Let’s now solve the original problem.",
    "# Step-by-step solution to the initial problem",
    "## Initial Problem",
    "**Initial problem and its solution**",
    "## 2. The Initial Problem's Solution",
]
WORKED = "Choose the pair:\n\\[ 6 \\cdot 5 \\cdot 3 = 90 \\]\n\nThe answer is **90**.\n\nLet me know if it is unclear!"


@pytest.mark.parametrize("recalled", RECALLED.values(), ids=RECALLED)
def test_problems_are_recalled_in_many_forms(recalled: str) -> None:
    text = f"Sure! Here is the reply.\n\n## Relevant problems\n\n{recalled}## Solve the initial problem\n{WORKED}"
    llm = ScriptedLLM([text])
    assert strategies.get("analogical").run(DICE, llm).value == 90
    assert llm.calls == 1
    found = recalled_problems(recalled)
    assert len(found) == 3
    for part, problem in zip(found, (COINS, CARDS, WHEEL), strict=True):
        assert problem in part


@pytest.mark.parametrize("header", HEADERS)
def test_the_solution_has_many_headings(header: str) -> None:
    text = f"## Relevant problems\n{RECALLED['labels']}{header}\n\n**Problem:** {DICE.question}\n\n{WORKED}"
    llm = ScriptedLLM([text])
    assert strategies.get("analogical").run(DICE, llm).value == 90
    assert llm.calls == 1


@pytest.mark.parametrize(
    "text",
    [
        # The reply ends in the recalled problems, whose answers are not the answer.
        f"## Initial problem\n{DICE.question}\n\n## Relevant problems\n{RECALLED['labels']}",
        f"We will solve the initial problem later.\n{RECALLED['labels']}The answer is 15.",
        f"## Problems like the initial problem\n{RECALLED['labels']}The answer is 15.",
        f"{RECALLED['headings without a colon']}## Differences from the initial problem\nThe answer is 15.",
        f"Q: {COINS}\n## Initial problem\nQ: {CARDS}\nA: The answer is 24.\nQ: {WHEEL}\nA: The answer is 15.",
        f"{RECALLED['labels']}## Solution\nThe answer is 15.",
        "I'm sorry, but I can't help with that.",
        "",
    ],
)
def test_recalled_answers_are_not_read(text: str) -> None:
    assert strategies.get("analogical(repairs=0)").run(DICE, ScriptedLLM([text])).state == "unparsed"


@pytest.mark.parametrize(
    ("recalled", "fault"),
    [
        (f"### Problem 1: Coins\nQ: {COINS}\nA: 2\n### Problem 2: Cards\nQ: {CARDS}\nA: 24\n", "Only 2 of 3"),
        (f"1. First add.\n2. Then choose.\n3. So {COINS}\n", "Only 1 of 3"),
        ("Here are three problems.\nThe first: coins.\n", "Only 0 of 3"),
        (f"### Problem 1\n{COINS}\n### Problem 2\n{DICE.question}\n### Problem 3\n{CARDS}\n", "Problem 2 is almost"),
        (f"### Problem 1\n{COINS}\n### Problem 2\n{CARDS}\n### Problem 3\n{COINS}\n", "Problem 3 is almost"),
    ],
)
def test_too_few_and_equal_problems_are_still_found(recalled: str, fault: str) -> None:
    error = exemplar_error(f"{recalled}## Solve the initial problem\n{WORKED}", DICE, 3, 0.8)
    assert error is not None
    assert error.startswith(fault)


def test_examples_among_the_core_concepts_are_no_recalled_problems() -> None:
    concepts = "## Core concepts\n**Example:** A coin has two sides, so 2 outcomes.\nExample 2: A die has 6 sides.\n\n"
    few = f"{concepts}## Relevant problems\nQ: {COINS}\nA: 2\n\n## Solve the initial problem\n{WORKED}"
    assert exemplar_error(few, DICE, 3, 0.8) == "Only 1 of 3 problems were recalled."
    enough = f"{concepts}## Relevant Problems:\n{RECALLED['labels']}## Solve the initial problem\n{WORKED}"
    assert exemplar_error(enough, DICE, 3, 0.8) is None


def test_a_reply_with_core_concepts_has_three_parts() -> None:
    concepts = "## Core concepts\nCounting: choose the pair first.\n\n"
    text = f"{concepts}## Relevant problems\n{RECALLED['labels']}## Solve the initial problem\n{WORKED}"
    llm = ScriptedLLM([f"{concepts}## Solve the initial problem\n{WORKED}", text])
    assert strategies.get("analogical(tutorial=True)").run(DICE, llm).value == 90
    first, again = llm.prompts[0], llm.requests[1].messages[-1].content
    assert "three parts" in first
    assert "two parts" not in first
    assert first.index("Core concepts") < first.index("The second has the heading") < first.index("The third has")
    assert "all three parts again" in again


@pytest.mark.parametrize(
    "marker", ["## ", "| a ", "Q: ", "1. ", "**", "solution ", "Initial problem\n", "# Initial problem\n"]
)
def test_long_replies_are_read_quickly(marker: str) -> None:
    exemplar_error(f"Q: one two three\n{marker * (100_000 // len(marker))}", DICE, 3, 0.8)
