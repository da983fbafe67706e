"""Chain of verification: the forms in which chat models write plans, answers, verdicts and revisions."""

from __future__ import annotations

import json

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Message
from reasoning.strategies.verification.verification_plan import parse_plan
from reasoning.testing import ScriptedLLM

PASSAGE = "Ada Berg; Bo Cole"
ADA, BO = "Ada Berg was born in Riga", "Bo Cole wrote Marsh Songs"
WHERE, WHAT = "Where was Ada Berg born?", "What did Bo Cole write?"
PAIRS = [(ADA, WHERE), (BO, WHAT)]
TABLE = "\n".join(
    [
        "Here is the plan:",
        "",
        "| # | Claim | Question |",
        "|---|:------|---------:|",
        f"| 1 | {ADA} | {WHERE} |",
        f"| 2 | {BO} | {WHAT} |",
    ]
)

PLANS = {
    "as asked for": f"1. {ADA} => {WHERE}\n2. {BO} => {WHAT}",
    "a table": TABLE,
    "a table with bold cells": TABLE.replace(ADA, f"**{ADA}**").replace(WHAT, f"**{WHAT}**"),
    "a table without numbers": f"| Claim | Question |\n|---|---|\n| {ADA} | {WHERE} |\n| {BO} | {WHAT} |",
    "a table with other titles": TABLE.replace("Claim", "Factual claim").replace("Question", "Verification question"),
    "a table with the question first": (
        f"| Question | Claim |\n|---|---|\n| {WHERE} | {ADA} |\n| {WHAT} | {BO} |"
    ),
    "labels in bold": (
        f"1. **Claim:** {ADA}\n   - **Question:** {WHERE}\n2. **Claim:** {BO}\n   - **Question:** {WHAT}"
    ),
    "questions below as bullets": f"1. {ADA}\n   - {WHERE}\n2. {BO}\n   - {WHAT}",
    "questions below after an arrow": f"1. {ADA}\n   => {WHERE}\n2. {BO}\n   => {WHAT}",
    "questions below, indented": f"1. {ADA}\n   {WHERE}\n\n2. {BO}\n   {WHAT}",
    "arrows below plain lines": f"{ADA}\n=> {WHERE}\n\n{BO}\n→ {WHAT}",
    "numbered labels": f"**Claim 1:** {ADA}\n**Question 1:** {WHERE}\n\n**Claim 2:** {BO}\n**Question 2:** {WHAT}",
    "labels before their bold": f"- Claim: {ADA}\n- Q: {WHERE}\n- Claim: {BO}\n- Q: {WHAT}",
    "headings": f"### Claim 1: {ADA}\n- Question: {WHERE}\n\n### Claim 2: {BO}\n- Question: {WHAT}",
    "titles above": (
        f"**1. Birthplace**\n- Claim: {ADA}\n- Question: {WHERE}\n\n**2. Works**\n- Claim: {BO}\n- Question: {WHAT}"
    ),
    "two lists": f"Claims:\n1. {ADA}\n2. {BO}\n\nQuestions:\n1. {WHERE}\n2. {WHAT}",
    "two lists, the second in another order": f"Claims:\n1. {ADA}\n2. {BO}\n\nQuestions:\n2. {WHAT}\n1. {WHERE}",
    "two lists of bullets": f"**Claims**\n- {ADA}\n- {BO}\n\n**Questions**\n- {WHERE}\n- {WHAT}",
    "questions above their claims": f"1. Question: {WHERE}\n   Claim: {ADA}\n2. Question: {WHAT}\n   Claim: {BO}",
    "JSON in a fence": "Sure!\n```json\n"
    + json.dumps([{"claim": ADA, "question": WHERE}, {"claim": BO, "question": WHAT}], indent=1)
    + "\n```",
    "JSON in an object": json.dumps({"checks": [{"fact": ADA, "question": WHERE}, {"fact": BO, "question": WHAT}]}),
    "other numbers": f"Sure! Here they are:\n\n(1) {ADA} → {WHERE}\n(2) {BO} → {WHAT}\n\nLet me know if you need more!",
    "circled numbers": f"① {ADA} ⇒ {WHERE}\n② {BO} ⇒ {WHAT}",
    "full-width colons": f"Claim：{ADA}\nQuestion：{WHERE}\nClaim：{BO}\nQuestion：{WHAT}",
    "quotes": f"1. “{ADA}” => “{WHERE}”\n2. “{BO}” => “{WHAT}”",
}  # fmt: skip


@pytest.mark.parametrize("form", PLANS)
def test_plans(form: str) -> None:
    checks = parse_plan(PLANS[form], PASSAGE)
    assert sorted((check.claim.strip("“”"), check.question) for check in checks) == sorted(PAIRS)


@pytest.mark.parametrize("form", PLANS)
def test_the_verifier_gets_the_question_alone_and_each_fact_is_judged_by_its_own_answer(form: str) -> None:
    asked: list[str] = []
    compared: list[str] = []

    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        if "From another source:" in said:
            return "Ada Berg"
        if "Claims and questions:" in said:
            return PLANS[form]
        if said.startswith("Claim:"):
            compared.append(said)
            return "The answer is consistent."
        if said.startswith((WHERE, WHAT)):
            asked.append(said)
            return "Riga" if said.startswith(WHERE) else "Reed"
        return PASSAGE

    problem = Problem("Name two poets.", kinds.Items())
    strategies.get("cove(variant='factor_revise')").run(problem, ScriptedLLM(reply))
    assert len(asked) == len(compared) == 2
    assert not any(text in said for said in asked for text in (ADA, BO, PASSAGE))
    [ada] = [said for said in compared if "says: Riga" in said]
    [bo] = [said for said in compared if "says: Reed" in said]
    assert ADA in ada.partition("The source")[0]
    assert BO in bo.partition("The source")[0]


@pytest.mark.parametrize(
    "plan",
    [
        f"| # | Claim | Question | Answer |\n|---|---|---|---|\n| 1 | {ADA} | {WHERE} | Vilnius |\n"
        f"| 2 | {BO} | {WHAT} | Reed |",
        f"1. {ADA} => {WHERE} => Vilnius\n2. {BO} => {WHAT} => Reed",
        f"1. **Claim:** {ADA}\n   - **Question:** {WHERE}\n   - **Answer:** Vilnius\n2. **Claim:** {BO}\n"
        f"   - **Question:** {WHAT}\n   - **Answer:** Reed",
        f"1. {ADA}\n   => {WHERE}\n   => Vilnius\n2. {BO}\n   => {WHAT}\n   => Reed",
        f"Claim 1: {ADA}\nQuestion 1: {WHERE}\nAnswer 1: Vilnius\n\nClaim 2: {BO}\nQuestion 2: {WHAT}\nAnswer 2: Reed",
        json.dumps(
            [{"claim": ADA, "question": WHERE, "answer": "Vilnius"}, {"claim": BO, "question": WHAT, "answer": "Reed"}]
        ),
    ],
)  # fmt: skip
def test_joint_plans(plan: str) -> None:
    checks = parse_plan(plan, PASSAGE, answers=True)
    assert [(check.claim, check.question, check.finding) for check in checks] == [
        (ADA, WHERE, "Vilnius"),
        (BO, WHAT, "Reed"),
    ]


@pytest.mark.parametrize(
    ("plan", "claims"),
    [
        (f"1. {WHERE}\n2. {WHAT}", [PASSAGE, PASSAGE]),  # no claim is stated
        (f"1. {ADA} => {WHERE}\n2. {WHAT}", [ADA, PASSAGE]),  # not that of the line above
        (f"1. {ADA}\n2. {BO}\n3. {WHERE}", [PASSAGE]),  # nothing says which
        (f"1. {ADA}\n   - {WHERE}\n   - {WHAT}", [ADA, ADA]),
        (f"Here is what I would check.\n\n1. {WHERE}", [PASSAGE]),
    ],
)
def test_a_question_whose_fact_is_not_told(plan: str, claims: list[str]) -> None:
    assert [check.claim for check in parse_plan(plan, PASSAGE)] == claims


@pytest.mark.parametrize(
    "plan",
    [
        "",
        "I'm sorry, but I can't verify this.",
        f"| # | Claim |\n|---|---|\n| 1 | {ADA} |",
        f"| # | Claim | Question |\n|---|---|---|\n| 1 | {ADA} | {ADA} |",
        f"| # | Claim | Question |\n|---|---|---|\n| 1 | {ADA} | Is it true that {ADA}? |",
        f"1. **Claim:** {ADA}\n   - **Question:** {ADA}.",
        '{"checks": []}',
        "1. Claims\n2. Questions",
    ],
)
def test_what_asks_nothing(plan: str) -> None:
    assert parse_plan(plan, PASSAGE) == []


@pytest.mark.parametrize(
    "mark", ["| a ", "=> ", "- Claim: ", "1. a?\n", "{", "[{", "Question: ", "|", "? ", "** ", "claim 1"]
)
def test_long_plans_end(mark: str) -> None:
    parse_plan(mark * (100_000 // len(mark)), PASSAGE)
    parse_plan(mark * (100_000 // len(mark)), PASSAGE, answers=True)


@pytest.mark.parametrize(
    ("verdict", "stands"),
    [
        ("The answer is consistent.", True),
        ("**Verdict:** Consistent", True),
        ("✅ Consistent", True),
        ("CONSISTENT", True),
        ("**CONSISTENT**. Both name Riga.", True),
        ("### Verdict\n\n**Inconsistent**", False),
        ("❌ **Inconsistent** – the source says Vilnius.", False),
        ("The claim is inconsistent with the source.", False),
        ("| Claim | Verdict |\n|---|---|\n| Ada Berg was born in Riga | Inconsistent |", False),
        ("Only the country is right.\n\n**Verdict: Partially consistent**", False),
        (r"\boxed{\text{consistent}}", True),
        ('```json\n{"verdict": "consistent"}\n```', True),
        ("I'm sorry, I can't tell.", False),
    ],
)
def test_verdicts(verdict: str, stands: bool) -> None:
    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        if "From another source:" in said:
            return ""
        if "Claims and questions:" in said:
            return f"1. {ADA} => {WHERE}"
        if said.startswith("Claim:"):
            return verdict
        return "Vilnius" if said.startswith(WHERE) else "Ada Berg"

    answer = strategies.get("cove(variant='factor_revise')").run(Problem("Who?", kinds.Items()), ScriptedLLM(reply))
    assert answer.value == ((ADA,) if stands else ("Ada Berg",))  # the claims that stand, else the first answer
