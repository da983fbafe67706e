"""Logical thoughts: the forms in which chat models write steps and verdicts."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Message
from reasoning.strategies.reply_parsing import new_steps, parse_numbered
from reasoning.strategies.verification.logical_thoughts import step_stands
from reasoning.testing import ScriptedLLM

STEPS = ["3 x 8 = 24 pens.", "24 - 4 = 20 pens."]


@pytest.mark.parametrize(
    "form",
    [
        "#1. {}\n#2. {}",
        "1. {}\n2. {}",
        "1) {}\n2) {}",
        "(1) {}\n(2) {}",
        "① {}\n② {}",
        "Step 1: {}\nStep 2: {}",
        "Step 1 – {}\nStep 2 – {}",
        "**Step 1:** {}\n**Step 2:** {}",
        "### Step 1: {}\n\n### Step 2: {}",
        "#### 1. {}\n#### 2. {}",
        "**#1.** {}\n**#2.** {}",
        "- #1. {}\n- #2. {}",
        "- **Step 1:** {}\n- **Step 2:** {}",
        "1． {}\n2． {}",
        "Step 1： {}\nStep 2： {}",
        "Sure! Here are the steps:\n\n#1. {}\n\n#2. {}",
    ],
)
def test_steps(form: str) -> None:
    assert new_steps(form.format(*STEPS)) == STEPS
    assert [number for number, _ in parse_numbered(form.format(*STEPS))] == [1, 2]


@pytest.mark.parametrize(
    "text", ["3.5 pens", "3 - 1 = 2", "24 pens", "- 24 pens", "12:30", "2 x (1) = 2", "I can't say."]
)
def test_what_is_no_number_of_a_step(text: str) -> None:
    assert parse_numbered(text) == []


@pytest.mark.parametrize(
    ("review", "stands"),
    [
        ("VERDICT: TRUE", True),
        ("**VERDICT: FALSE**", False),
        ("**Verdict:** True", True),
        ("### Verdict\n\n**FALSE**", False),
        ("**Verdict**: ✅ True", True),
        ("Verdict: ❌ False", False),
        ("Verdict: ✅", True),
        ("Verdict: ❌", False),
        ("VERDICT: The step is true.", True),
        ("VERDICT: Step #2 is false.", False),
        ("My verdict is that this step is **not** true.", False),
        ("Verdict: Not true.", False),
        ("Verdict: incorrect", False),
        ("Verdict: correct", True),
        (r"VERDICT: \boxed{\text{FALSE}}", False),
        (r"\[ \text{VERDICT: } \textbf{FALSE} \]", False),
        ("| Step | Verdict |\n|---|---|\n| 2 | False |\n\nVERDICT: FALSE", False),
        ('```json\n{"quote": "8 pens", "verdict": "FALSE"}\n```', False),
        ('{"verdict": true}', True),
        ("Review Y miscounts.\n\n**FALSE**", False),
        ("The premises say so.\nTrue.", True),
        ("ＶＥＲＤＩＣＴ aside: VERDICT： FALSE", False),
        ("It is not the case that step 2 is true, as review X says.\nVERDICT: FALSE", False),
        # Not verdicts:
        ("VERDICT: TRUE/FALSE", True),
        ("VERDICT: TRUE or FALSE? Step 2 is false.", False),
        ("VERDICT: FALSE if it does not stand. I think that the step is true.", True),
        ("Review Y says: false.\nThe step is true, however.", True),
        ("I'm sorry, I can't decide that.", True),
    ],
)
def test_verdicts(review: str, stands: bool) -> None:
    assert step_stands(review) is stands


@pytest.mark.parametrize("mark", ["verdict ", "verdict: the step is ", "verdict" + "*" * 12, "is the ", "\n", "*true "])
def test_long_reviews_end(mark: str) -> None:
    step_stands(mark * (100_000 // len(mark)))
    parse_numbered(mark * (100_000 // len(mark)))


PENS = Problem("A box holds 8 pens. Ann buys 3 and loses 4. How many are left?", kinds.Number())


def judged(spec: str, defence: str) -> str:
    """The prompt that asks for the verdict."""
    seen = []

    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[-1].content
        if "reviewers disagree" in turns[0].content + said:
            seen.append("\n".join(turn.content for turn in turns))
            return "VERDICT: TRUE"
        return (
            defence
            if "is true because" in said
            else "it is wrong."
            if "is false because" in said
            else "#1. 24 - 4 = 20."
        )

    strategies.get(spec).run(PENS, ScriptedLLM(reply))
    return seen[0]


def test_the_order_of_the_reviews_is_shuffled_by_their_texts() -> None:
    prompts = {defence: judged("lot(shuffle=True)", defence) for defence in (f"reason {n}." for n in range(12))}
    reversed_ = [defence for defence, prompt in prompts.items() if "Review X says that it is false" in prompt]
    assert 0 < len(reversed_) < len(prompts)
    for defence, prompt in prompts.items():
        assert judged("lot(shuffle=True)", defence) == prompt  # a rerun asks the same
        first = defence in reversed_
        assert (prompt.index("it is wrong.") < prompt.index(defence)) is first
        assert (prompt.index("VERDICT: FALSE") < prompt.index("VERDICT: TRUE")) is first
        assert "Review X says that it is true" in judged("lot", defence)


def test_a_reversed_verdict_is_read_as_written() -> None:
    def reply(turns: tuple[Message, ...]) -> str:
        said = turns[0].content + turns[-1].content
        if "reviewers disagree" in said:
            return "VERDICT: FALSE" if "24 - 4 = 19" in said else "VERDICT: TRUE"
        if "Write this one step anew" in said:
            return "#1. 24 - 4 = 20."
        if "Therefore" in turns[-1].content:
            return "20" if "= 20" in "".join(turn.content for turn in turns) else "19"
        return (
            "#1. 24 - 4 = 19." if "step by step" in said else "#2. The answer is 20." if "Go on with" in said else "so."
        )

    for shuffle in (True, False):
        answer = strategies.get(f"lot(shuffle={shuffle})").run(PENS, ScriptedLLM(reply))
        assert (answer.value, answer.steps["chain"][0]) == (20, "24 - 4 = 20.")
