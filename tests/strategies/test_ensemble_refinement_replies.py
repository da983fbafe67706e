"""Drafts and refined answers in the forms of chat models: drafts are shown as they are, refined answers vote."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Message
from reasoning.testing import ScriptedLLM
from tests.strategies.chat_answers import NO_ANSWER, OPTION_B, SIXTY_SEVEN

EGGS = Problem("6 trays hold 12 eggs each, and 5 eggs break. How many eggs are left?", kinds.Number())
DRUG = Problem("Which drug first?", options=("rest", "aspirin", "surgery"))
# What models write about the drafts before their own answer; each draft's number or letter is not the answer.
WEIGHED = [
    "**Draft 1** counts 72 and forgets the broken eggs. **Draft 2** is sound.\n\n**My explanation:** 72 - 5 = 67.\n\n"
    "The answer is **67**.",
    "| Draft | Answer | Sound? |\n|---|---|---|\n| 1 | 72 | no |\n| 2 | 67 | yes |\n\n### Final Answer\n67",
    "Draft 1: The answer is 72. It is wrong.\nDraft 2: The answer is 67. It is right.\n\nTherefore, the answer is 67.",
    "Drafts 1 and 3 agree on 72, but Draft 2 subtracts the 5 broken eggs.\n\\[ \\boxed{67} \\]",
    "Here is my weighing of the 3 drafts:\n- Draft 1: 72 (wrong)\n- Draft 2: 67 (right)\n- Draft 3: 72 (wrong)\n\n"
    "**Answer: 67 eggs**\n\nLet me know if you want more detail!",
]


def script(reply: str, draft: str):
    def say(turns: tuple[Message, ...]) -> str:
        return reply if "Draft 1:" in turns[-1].content else draft

    return say


@pytest.mark.parametrize("reply", [*SIXTY_SEVEN, *WEIGHED])
def test_a_refined_number_is_read(reply: str) -> None:
    llm = ScriptedLLM(script(reply, "72 eggs. The answer is 72."))
    answer = strategies.get("er(cot(stages=1), drafts=3, samples=2)").run(EGGS, llm)
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {67: 2}
    assert answer.steps["drafts"] == 72


@pytest.mark.parametrize("reply", OPTION_B)
def test_a_refined_option_is_read(reply: str) -> None:
    llm = ScriptedLLM(script(reply, "It is surgery. The answer is C."))
    answer = strategies.get("er(cot(stages=1), drafts=3, samples=2)").run(DRUG, llm)
    assert answer.votes is not None
    assert dict(answer.votes.counts) == {"B": 2}


@pytest.mark.parametrize(
    "reply",
    [
        *NO_ANSWER,
        "All drafts may be wrong, and I cannot tell which one is right.",
        "Which draft do you mean?",
    ],
)
def test_what_weighs_and_does_not_answer_leaves_the_drafts(reply: str) -> None:
    llm = ScriptedLLM(script(reply, "The answer is 72."))
    answer = strategies.get("er(cot(stages=1), drafts=3, samples=2)").run(EGGS, llm)
    assert (answer.value, answer.rule) == (72, "vote of the drafts")


@pytest.mark.parametrize("reply", [*SIXTY_SEVEN, *OPTION_B])
def test_a_draft_is_shown_as_it_was_written(reply: str) -> None:
    problem = EGGS if reply in SIXTY_SEVEN else DRUG
    llm = ScriptedLLM(script("The answer is A." if problem is DRUG else "The answer is 67.", reply))
    strategies.get("er(cot(stages=1), drafts=1, samples=1)").run(problem, llm)
    shown = llm.prompts[-1].partition("Draft 1:\n")[2]
    lines = [line for line in reply.rpartition("</think>")[2].splitlines() if line.strip()]
    assert all(line.strip() in shown for line in lines)
