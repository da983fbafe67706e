"""Metacognitive prompting: the forms in which chat models write the five parts and their confidence."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.strategies.thought.confidence import parse_confidence
from reasoning.testing import ScriptedLLM

PAIR = Problem("Do 'reset the router' and 'factory-reset a router' ask for the same?", kinds.YesNo())
FORMS = {
    "lines": "1. Understanding: routers.\n2. First judgement: yes.\n3. Criticism: settings.\n4. Decision: no.\n"
    "5. Confidence: {confidence}",
    "bold": "**1. Understanding:** routers.\n\n**2. First judgement:** The answer is yes.\n\n**3. Criticism:** "
    "settings.\n\n**4. Decision:** **No**, they differ.\n\n**5. Confidence:** {confidence}",
    "headings": "### 1. Understanding\nrouters\n\n### 2. First judgement\nThe answer is yes.\n\n### 3. Criticism\n"
    "settings\n\n### 4. Decision\nNo.\n\n### 5. Confidence\n{confidence}",
    "parts": "## Part 1: Understanding\nrouters\n\n## Part 2: First Judgement\nyes\n\n## Part 3: "
    "Criticism\nsettings\n\n"
    "## Part 4: Decision\n\nNo, they differ.\n\n## Part 5: Confidence\n\n{confidence}",
    "headings without numbers": "## Understanding\nrouters\n\n## First judgement\nThe answer is yes.\n\n## Criticism\n"
    "settings\n\n## Decision\nno\n\n## Confidence\n{confidence}",
    "bold without numbers": "**Understanding:** routers.\n**First judgement:** The answer is yes.\n**Criticism:** "
    "settings.\n**Final decision:** no.\n**Confidence level:** {confidence}",
    "lists": "1. **Understanding**\n   - routers\n2. **First judgement**\n   - yes\n3. **Criticism**\n   - "
    "settings\n4. "
    "**Decision**\n   - No\n5. **Confidence**\n   - {confidence}",
    "circled numbers": "① Understanding: routers\n② First judgement: yes\n③ Criticism: settings\n④ Decision: no\n"
    "⑤ Confidence: {confidence}",
    "keycaps": "1️⃣ Understanding: routers\n2️⃣ First judgement: yes\n3️⃣ Criticism: settings\n4️⃣ Decision: no\n"
    "5️⃣ Confidence: {confidence}",
    "full-width colons": "1. Understanding：routers\n2. First judgement：yes\n3. Criticism：settings\n4. Decision：no\n"
    "5. Confidence：{confidence}",
    "other names": "1. Understanding: routers.\n2. Preliminary judgment: yes.\n3. Critical assessment: settings.\n"
    "4. Final answer: no.\n5. Confidence evaluation: {confidence}",
    "a table": "| Part | Text |\n|---|---|\n| 1. Understanding | routers |\n| 2. First judgement | yes |\n| 3. "
    "Criticism | "
    "settings |\n| 4. Decision | No |\n| 5. Confidence | {confidence} |",
    "a table with numbers": "| # | Part | Text |\n|---|---|---|\n| 1 | Understanding | routers |\n| 2 | First "
    "judgement | "
    "yes |\n| 3 | Criticism | settings |\n| 4 | **Decision** | No |\n| 5 | **Confidence** | {confidence} |",
    "JSON": '```json\n{{\n  "understanding": "routers",\n  "first_judgement": "yes",\n  "criticism": "settings",\n'
    '  "decision": "no",\n  "confidence": "{confidence}"\n}}\n```',
    "remarks": "Sure! Here are the five parts.\n\n1. Understanding: routers.\n2. First judgement: yes.\n3. Criticism: "
    "settings.\n4. Decision: no.\n5. Confidence: {confidence}\n\nThe answer is no.\n\nLet me know if this helps!",
}
CONFIDENCES = ["80%", "80 %", "80/100", "8/10", "0.8", "high (80 %)", "80 out of 100", "８０％", "about 80 percent"]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_five_parts_are_read_in_many_forms(form: str, confidence: str) -> None:
    answer = strategies.get("mp").run(PAIR, ScriptedLLM([form.format(confidence=confidence)]))
    assert (answer.value, answer.confidence) == (False, 0.8)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("I am 95\\% sure, since 3 of 4 agree", 0.95),
        ("$95\\%$", 0.95),
        ("80, because the words are close", None),
        ("**0.85** (very high)", 0.85),
        ("My confidence is 0,85.", 0.85),
        ("7.5/10", 0.75),
        ("(0-10): 9/10", 0.9),
        ("On a scale from 0 to 100: 85/100", 0.85),
        ("between 0 and 1: 0.9", 0.9),
        ("Level: high\nScore: 0.7", 0.7),
        ("100", None),
        ("0%", 0.0),
        ("quite high", None),
        ("from 0% to 100%", None),
        ("250%", None),
        ("12/10", None),
        ("8", None),
        ("it takes 12 days", None),
        ("it takes 0.5 hours", None),
        ("10 of 12 words agree", None),
        ("3/4 of the words agree", None),
        ("certain as of 2010", None),
        ("", None),
    ],
)
def test_confidences_and_other_numbers(text: str, share: float | None) -> None:
    found = parse_confidence(text)
    assert (found and found.share) == share


NUMBER = Problem("How much money has she left?", kinds.Number())
PERCENT = Problem("By what percentage did it fall?", kinds.Number())


@pytest.mark.parametrize(
    ("problem", "decision", "last", "value", "confidence"),
    [
        (
            NUMBER,
            "The answer is €77.54",
            "how sure I am.\n   - The answer is 100% confident in the decision.",
            77.54,
            1.0,
        ),
        (NUMBER, "She has 12 left.", "From 0% to 100%.\nAnswer: 80%", 12, 0.8),
        (
            NUMBER,
            "She has 12 left.",
            "How sure you are of the decision, from 0% to 100%, and why.\nAnswer: 90.",
            12,
            0.9,
        ),
        (NUMBER, "She has 12 left.", "How sure am I? Very.\nAnswer: 12 pens", 12, None),
        (NUMBER, "She has 11 left.", "Very sure.\nAnswer: 90.", 90, None),
        (NUMBER, "She has 12 left.", "90%.\n\nThe answer is 12.", 12, 0.9),
        (NUMBER, "She has 11 left.", "high.\n\nThe answer is 84.", 84, None),
        (NUMBER, "She has 11 left.", "0.9\n\n#### 12", 12, 0.9),
        (NUMBER, "She has none left.", "60%, since\nthe answer is 0.5", 0.5, 0.6),
        (PERCENT, "It fell by 25%.", "90%.\nThe answer is 25%.", 25, 0.9),
        (PERCENT, "It fell by a quarter.", "high.\nThe answer is 25%.", 25, None),
        (NUMBER, "I cannot tell.", "low.\nThe answer is 30% sure.", None, None),
    ],
)
def test_a_confidence_never_replaces_the_decision(
    problem: Problem, decision: str, last: str, value: object, confidence: float | None
) -> None:
    text = (
        f"1. Understanding: a\n2. First judgement: b\n3. Criticism: c\n4. Decision: {decision}\n5. Confidence: {last}"
    )
    answer = strategies.get("mp").run(problem, ScriptedLLM([text]))
    assert (answer.value, answer.confidence) == (value, confidence)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "1. Understanding: routers.\n2. First judgement: yes.\n3. Criticism: 4. settings\n4. Decision: I cannot "
        "decide.\n"
        "5. Confidence: 0%",
    ],
)
def test_a_refusal_is_no_answer(text: str) -> None:
    answer = strategies.get("mp").run(PAIR, ScriptedLLM([text]))
    assert (answer.state, answer.confidence) == ("unparsed", None)


def test_the_second_part_asks_for_the_calculation() -> None:
    llm = ScriptedLLM([FORMS["lines"].format(confidence="80%")])
    strategies.get("mp").run(PAIR, llm)
    second = llm.prompts[0].partition("2. First judgement:")[2].partition("3. Criticism")[0]
    assert "If it takes a calculation, show every step" in second


@pytest.mark.parametrize(
    "marker", ["4. Decision: ", "5. Confidence ", "0", "0.", "1 to ", "8/", "\nanswer ", "| 4 | ", "８"]
)
def test_long_replies_are_read_quickly(marker: str) -> None:
    text = marker * (100_000 // len(marker))
    parse_confidence(text)
    strategies.get("mp").run(PAIR, ScriptedLLM([f"4. Decision: no\n5. Confidence: {text}"]))
