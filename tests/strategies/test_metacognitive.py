"""Metacognitive prompting: the decision is read, not the first judgement, and the confidence with it."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.messages import Completion
from reasoning.testing import ScriptedLLM
from tests import call_counts

PAIR = Problem("Do 'reset the router' and 'factory-reset a router' ask for the same?", kinds.YesNo())
PARTS = (
    "1. Understanding: two requests about a router.\n"
    "2. First judgement: the answer is yes, both reset.\n"
    "3. Criticism: a factory reset also deletes settings.\n"
    "4. Decision: they differ{decision}.\n"
    "5. Confidence: {confidence}, since the words are close.\n{last}"
)


def parts(decision: str = "", confidence: str = "about 80%", last: str = "") -> str:
    return PARTS.format(decision=decision, confidence=confidence, last=last)


@pytest.mark.parametrize("spec", ["metacognitive", "mp", "sc(mp, samples=3)"])
def test_one_call(spec: str) -> None:
    llm = ScriptedLLM(lambda messages: parts(last="The answer is no."))
    strategy = strategies.get(spec)
    assert strategy.run(PAIR, llm).value is False
    assert llm.calls == call_counts.calls(strategy)
    assert llm.rounds == call_counts.rounds(strategy)


def test_the_prompt_has_five_parts_and_the_form_of_the_answer() -> None:
    llm = ScriptedLLM([parts(last="The answer is no.")])
    strategies.get("mp").run(PAIR, llm)
    system, user = llm.requests[0].messages
    assert [f"{number}. " in system.content for number in range(1, 7)] == [True] * 5 + [False]
    assert user.content.endswith(kinds.YesNo().instruction())


@pytest.mark.parametrize(
    ("text", "value", "confidence"),
    [
        (parts(last="The answer is no."), False, 0.8),
        (parts(decision=": no"), False, 0.8),  # nothing is stated behind part 4, so part 4 itself counts
        (parts(confidence="100 %", last="The answer is no."), False, 1.0),
        (parts(confidence="62.5 percent, not 90%", last="The answer is no."), False, 0.625),
        (parts(confidence="quite high", last="The answer is no."), False, None),
        (parts(confidence="250%", last="The answer is no."), False, None),
        (parts(last="The answer is no.").replace("4. Decision", "## 4) **Decision**"), False, 0.8),
        (parts(last="The answer is no.").replace("4. Decision", "Part 4: Decision"), False, 0.8),
        (parts(decision="no, they differ").replace(": they differno", ": no"), False, 0.8),
        (parts(decision=": no", confidence="80%: the answer is yes at first sight"), False, 0.8),
        (parts(decision=": no", confidence="The answer is yes with 80%"), False, 0.8),
        (parts(confidence="how sure you are, from 0% to 100%: 90%", last="The answer is no."), False, 0.9),
        (parts(confidence="On a scale from 0 to 100%, I am 85\\% sure", last="The answer is no."), False, 0.85),
        ("I think so. The answer is yes.", True, None),  # no parts at all
    ],
)
def test_the_decision_and_the_confidence_are_read(text: str, value: bool, confidence: float | None) -> None:
    answer = strategies.get("mp").run(PAIR, ScriptedLLM([text]))
    assert answer.value is value
    assert answer.confidence == confidence


def test_a_percentage_is_no_number_that_was_asked_for() -> None:
    text = parts().replace("they differ", "it takes 12 days")
    assert strategies.get("mp").run(Problem("How many days?", kinds.Number()), ScriptedLLM([text])).value == 12


@pytest.mark.parametrize(
    ("kind", "value"),
    [(kinds.Text(), "Paris"), (kinds.Items(), ("Paris",)), (kinds.Text(whole=True), "Paris.")],
)
def test_the_mark_behind_a_heading_is_no_part_of_the_answer(kind: kinds.Kind, value: object) -> None:
    text = parts().replace("they differ.", "Paris.")
    answer = strategies.get("mp").run(Problem("Where?", kind), ScriptedLLM([text]))
    assert answer.value == value


def test_what_is_no_answer_has_no_confidence() -> None:
    answer = strategies.get("mp").run(PAIR, ScriptedLLM([parts(last="I cannot tell.")]))
    assert (answer.state, answer.confidence) == ("unparsed", None)


@pytest.mark.parametrize(
    "reply",
    [
        Completion(parts(decision=" (no)").partition("3.")[0], finish_reason="length"),  # only the first judgement
        parts(),  # part 4 does not say yes or no
        parts(last="The answer cannot be determined."),
        "",
    ],
)
def test_no_decision_is_no_answer(reply: str | Completion) -> None:
    answer = strategies.get("mp").run(PAIR, ScriptedLLM([reply]))
    assert (answer.state, answer.value) == ("unparsed", None)


def test_a_used_up_budget_is_a_clear_state() -> None:
    answer = strategies.get("mp").run(PAIR, ScriptedLLM([]), budget=Budget(calls=0))
    assert answer.state == "unparsed"
    assert "budget" in answer.reason
