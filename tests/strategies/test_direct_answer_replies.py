"""Defined terms, guideline prompting and instructed prompting: the forms in which chat models answer without "
"reasoning."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Completion
from reasoning.testing import ScriptedLLM

SPECS = [
    "defined_terms(terms={'DVT': 'a blood clot in a deep vein'})",
    "guided(task='Name the category of a complaint.', guideline='Decide by what must be put right.')",
    "instructed(vanilla)",
]
CATEGORY = Problem(
    "The DVT patient's invoice was wrong. Which category is it?", kinds.Label(["network", "billing", "other"])
)
OPTION = Problem("Which drug treats a DVT?", options=["aspirin", "apixaban"])
NUMBER = Problem("How many patients have a DVT?", kinds.Number())
YES = Problem("Is a DVT a clot?", kinds.YesNo())
CITY = Problem("Where was the DVT clinic founded?")
ITEMS = Problem("Which drugs does the DVT patient take?", kinds.Items())

REPLIES = [
    (CATEGORY, "billing", "billing"),
    (CATEGORY, "**Billing**", "billing"),
    (CATEGORY, "Category: billing", "billing"),
    (CATEGORY, "**Category:** billing", "billing"),
    (CATEGORY, "### Answer\nBilling", "billing"),
    (CATEGORY, "Sure! The category is billing.", "billing"),
    (CATEGORY, '```json\n{"answer": "billing"}\n```', "billing"),
    (CATEGORY, "“billing”", "billing"),
    (CATEGORY, "| Complaint | Category |\n|---|---|\n| invoice | billing |", "billing"),
    (CATEGORY, "The answer is **billing**, since the invoice is wrong.\n\nLet me know if you have more!", "billing"),
    (CATEGORY, "network or billing", None),
    (CATEGORY, "pricing", None),
    (CATEGORY, "I'm sorry, but I can't help with that.", None),
    (OPTION, "B", "B"),
    (OPTION, "**(B) apixaban**", "B"),
    (OPTION, "Option B: apixaban", "B"),
    (OPTION, "apixaban", "B"),
    (OPTION, "The correct answer is **B. apixaban**.", "B"),
    (OPTION, "\\boxed{\\text{B}}", "B"),
    (OPTION, "A and B", None),
    (OPTION, "warfarin", None),
    (NUMBER, "**12**", 12),
    (NUMBER, "12 patients", 12),
    (NUMBER, "１２", 12),
    (NUMBER, "\\[ 12 \\]", 12),
    (NUMBER, "Answer: 12.", 12),
    (NUMBER, "```\n12\n```", 12),
    (NUMBER, "twelve", 12),
    (NUMBER, "10 to 12", None),
    (NUMBER, "It cannot be determined.", None),
    (YES, "**Yes.**", True),
    (YES, "Yes, a DVT is a clot in a deep vein.", True),
    (YES, "Answer: no", False),
    (YES, "yes and no", None),
    (CITY, "**Brno**", "Brno"),
    (CITY, "The clinic was founded in Brno.\n\n**Answer:** Brno", "Brno"),
    (CITY, "„Brno“", "Brno"),
    (ITEMS, "apixaban; metformin", ("apixaban", "metformin")),
    (ITEMS, "- apixaban\n- metformin", ("apixaban", "metformin")),
    (ITEMS, "1. **apixaban**\n2. **metformin**", ("apixaban", "metformin")),
    (ITEMS, '["apixaban", "metformin"]', ("apixaban", "metformin")),
]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("problem", "reply", "value"), REPLIES)
def test_one_reply_is_read_in_many_forms(spec: str, problem: Problem, reply: str, value: object) -> None:
    llm = ScriptedLLM([reply])
    answer = strategies.get(spec).run(problem, llm)
    assert llm.calls == 1
    if value is None:
        assert answer.state == "unparsed"
    else:
        assert problem.kind.same(answer.value, problem.kind.target(value))


@pytest.mark.parametrize("spec", SPECS)
def test_a_reply_that_was_cut_off_states_nothing(spec: str) -> None:
    reply = Completion("The patients with a DVT number 1", finish_reason="length")
    assert strategies.get(spec).run(NUMBER, ScriptedLLM([reply])).state == "unparsed"
