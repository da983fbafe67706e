"""Chains in the forms of chat models: their steps are counted alike, and the most complex ones vote."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.testing import ScriptedLLM
from reasoning.voting import count_steps
from tests.strategies.chat_answers import NO_ANSWER, SIXTY_SEVEN

EGGS = Problem("6 trays hold 12 eggs each, and 5 eggs break. How many eggs are left?", kinds.Number())
FOUR = [
    "There are 6 trays.\nEach holds 12 eggs.\n6 * 12 = 72 eggs.\n72 - 5 = 67 eggs.\nThe answer is 67.",
    "1. There are 6 trays.\n2. Each holds 12 eggs.\n3. 6 * 12 = 72 eggs.\n4. 72 - 5 = 67 eggs.\n\n**Answer: 67**",
    "**Step 1:** There are 6 trays.\n\n**Step 2:** Each holds 12 eggs.\n\n**Step 3:** 6 * 12 = 72 eggs.\n\n"
    "**Step 4:** 72 - 5 = 67 eggs.\n\n**The answer is 67.**",
    "## Solution\n- There are 6 trays.\n- Each holds 12 eggs.\n- 6 * 12 = 72 eggs.\n- 72 - 5 = 67 eggs.\n\n\\boxed{67}",
    "# Steps\n\n(1) There are 6 trays.\n(2) Each holds 12 eggs.\n(3) 6 * 12 = 72.\n(4) 72 - 5 = 67.\n\n#### 67",
    "① There are 6 trays.\n② Each holds 12 eggs.\n③ 6 * 12 = 72 eggs.\n④ 72 - 5 = 67 eggs.\nSo the answer is 67.",
    "### Step 1\nThere are 6 trays.\n\n### Step 2\nEach holds 12 eggs.\n\n### Step 3\n6 * 12 = 72 eggs.\n\n### Step 4\n"
    "72 - 5 = 67 eggs.\n\n### Final Answer: 67",
    "**Step 1:**\nThere are 6 trays.\n**Step 2:**\nEach holds 12 eggs.\n**Step 3:**\n6 * 12 = 72 eggs.\n**Step 4:**\n"
    "72 - 5 = 67 eggs.\n**Final Answer:** 67",
    "Step 1:\nThere are 6 trays.\nStep 2:\nEach holds 12 eggs.\nStep 3:\n\\[\n6 * 12 = 72\n\\]\nStep 4:\n"
    "\\[\n72 - 5 = 67\n\\]\n\\boxed{67}",
    "**The trays:**\nThere are 6 trays.\nEach holds 12 eggs.\n**The eggs**:\n6 * 12 = 72 eggs.\n72 - 5 = 67 eggs.\n"
    "The answer is 67.",
    "```\nThere are 6 trays.\nEach holds 12 eggs.\n6 * 12 = 72 eggs.\n72 - 5 = 67 eggs.\n```\nThe answer is 67.",
    "There are 6 trays. Each holds 12 eggs. 6 * 12 = 72 eggs. 72 - 5 = 67 eggs.\nFinal answer: 67",
]
"""A chain of four steps."""


@pytest.mark.parametrize("reply", FOUR)
def test_the_steps_of_a_chain_are_counted_whatever_their_marks(reply: str) -> None:
    assert count_steps(reply) == 4


def test_a_step_that_begins_in_bold_or_ends_in_a_colon_is_a_step() -> None:
    assert (
        count_steps("**Trays:** there are 6.\n**72 - 5 = 67**\nThis is what is left:\n67 eggs.\nThe answer is 67.") == 4
    )


def test_counting_takes_linear_time() -> None:
    for part in ("**", "step 1", "# ", "**a:", "_" * 90, "Step 1:\n"):
        count_steps(part * (100_000 // len(part)))


@pytest.mark.parametrize("reply", FOUR)
def test_the_longer_chain_votes(reply: str) -> None:
    short = "6 * 12 = 72.\nThat is all.\nThe answer is 72."
    llm = ScriptedLLM([short, reply, short])
    answer = strategies.get("complex_cot(samples=3, most_complex=1)").run(EGGS, llm)
    assert answer.value == 67


@pytest.mark.parametrize("reply", SIXTY_SEVEN)
def test_every_form_of_an_answer_votes(reply: str) -> None:
    answer = strategies.get("complex_cot(samples=3)").run(EGGS, ScriptedLLM([reply] * 3))
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {67: 2}


@pytest.mark.parametrize("reply", NO_ANSWER)
def test_a_long_chain_without_an_answer_takes_no_place(reply: str) -> None:
    lost = "\n".join(f"Thought {number} leads nowhere." for number in "abcdefgh") + f"\n{reply}"
    answer = strategies.get("complex_cot(samples=3, most_complex=2)").run(EGGS, ScriptedLLM([lost, FOUR[0], lost]))
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {67: 1}
