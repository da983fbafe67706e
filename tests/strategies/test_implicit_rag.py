"""Implicit RAG: quotations are checked against the context, and the answer follows them."""

from __future__ import annotations

import time

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import AuthenticationFailed, CallFailed
from reasoning.messages import Completion
from reasoning.strategies.knowledge.copied_text import find_in_context
from reasoning.strategies.knowledge.quotations import parse_sections
from reasoning.testing import ScriptedLLM
from tests import call_counts

CONTEXT = (
    "A man of 70 came with a broken hip. He took apixaban\nfor his heart. On day 1, “apixaban was stopped 48 h before” "
    "the operation. Metformin went on as before."
)
DRUG = Problem("Which drug was withheld before surgery?", context=CONTEXT)
TRUE = 'Section 1: "He took apixaban for his heart."'
TOO = 'Section 2: "Apixaban was stopped 48 h before" the operation'
MADE_UP = "Section 2: The surgeon stopped apixaban two days earlier."


@pytest.mark.parametrize(
    ("spec", "replies", "r", "confidence"),
    [
        ("implicit_rag", [f"{TRUE}\n{TOO}\nAnswer: apixaban"], 0, 1.0),
        ("irag(sections=1)", [f"{TRUE}\n{MADE_UP}\nAnswer: apixaban"], 0, 1.0),
        ("implicit_rag", [f"{TRUE}\n{MADE_UP}\nAnswer: apixaban"], 0, 0.5),
        ("implicit_rag(words=20)", [f"{MADE_UP}\nAnswer: heparin", f"{TRUE}\nAnswer: apixaban"], 1, 1.0),
        ("implicit_rag", [f"{MADE_UP}\nAnswer: heparin", f"{MADE_UP}\nAnswer: apixaban"], 1, 0.0),
        ("implicit_rag", ["Answer: heparin", "Answer: apixaban"], 1, 0.0),
        ("implicit_rag", ["heparin", "apixaban"], 1, 0.0),
        ("implicit_rag", ["Answer: apixaban", "None of these sections stands in the text."], 1, 0.0),
        ("implicit_rag", [f"{TRUE}\nSo the answer is apixaban."], 0, 1.0),
    ],
)
def test_calls_answer_and_confidence(spec: str, replies: list[str], r: int, confidence: float) -> None:
    llm = ScriptedLLM(replies)
    strategy = strategies.get(spec)
    answer = strategy.run(DRUG, llm)
    assert (answer.value, answer.confidence) == ("apixaban", confidence)
    assert llm.calls == call_counts.calls(strategy, r=r) == 1 + r
    assert llm.rounds == call_counts.rounds(strategy, r=r)


def test_a_quotation_that_is_not_in_the_context_is_dropped_and_said_to_be() -> None:
    answer = strategies.get("implicit_rag").run(DRUG, ScriptedLLM([f"{TRUE}\n{MADE_UP}\nAnswer: apixaban"]))
    assert answer.steps == {"sections": ("He took apixaban\nfor his heart",)}
    assert all(section in CONTEXT for section in answer.steps["sections"])
    assert "dropped" in str(answer.trace.to_json())
    assert "two days earlier" in str(answer.trace.to_json())


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ("HE TOOK  apixaban for his heart.", "He took apixaban\nfor his heart"),
        ('"apixaban was stopped 48 h before"', "“apixaban was stopped 48 h before”"),
        ("Metformin went on …", "Metformin went on"),
        ("… for his heart ...", "for his heart"),
        ("for his hear", "for his heart"),  # the last word is cut off
        ("He took metformin", None),
        ("apixaban … Metformin", None),  # two places are no section
        ("...", None),
    ],
)
def test_spaces_case_and_quotation_marks_of_a_short_quotation_may_differ(section: str, place: str | None) -> None:
    assert find_in_context(section, CONTEXT) == place


def test_a_section_that_is_too_long_is_dropped_and_said_to_be() -> None:
    llm = ScriptedLLM([f"{TRUE}\nSection 2: on day 1\nAnswer: heparin"])
    answer = strategies.get("implicit_rag(words=3)").run(DRUG, llm)
    assert (answer.steps["sections"], answer.confidence) == (("On day 1",), 0.5)
    assert "dropped, since it has 6 words (maximum 3): He took" in str(answer.trace.to_json())
    llm = ScriptedLLM([f"{TRUE}\nAnswer: heparin", "Section 1: took apixaban\nAnswer: apixaban"])
    answer = strategies.get("implicit_rag(words=3)").run(DRUG, llm)
    assert (answer.value, answer.confidence) == ("apixaban", 1.0)
    assert "in at most 3 words" in llm.requests[1].messages[-1].content


def test_the_sections_of_a_reply() -> None:
    text = '**Section 1:** "one\ntwo"\n\nsection 2 : three\nAnswer: x\nSection 3: after the answer'
    assert parse_sections(text) == ["one\ntwo", "three"]
    assert parse_sections("No section.") == parse_sections("") == []


def test_the_prompt_asks_for_sections_first() -> None:
    llm = ScriptedLLM([f"{TRUE}\nAnswer: apixaban"])
    strategies.get("irag(sections=2, words=30)").run(DRUG, llm)
    asked = llm.prompts[0]
    assert "at most 2 sections, each at most 30 words" in asked
    assert asked.index("Section 1") < asked.index("Answer:")
    assert CONTEXT in asked
    assert kinds.Text().direct_instruction() in asked


def test_a_section_with_marks_and_letters_of_two_parts_is_found() -> None:
    assert parse_sections("Section 1: - «He took it»\nSection 2: > `10 mg`\nSection 3: -5 degrees") == [
        "He took it",
        "10 mg",
        "-5 degrees",
    ]
    for text in ("Στις 3 Μαΐου ήταν ΐσος", "İstanbul"):
        assert find_in_context(text, f"Ja. {text}.") == text


def test_a_text_that_is_itself_the_answer_has_no_label() -> None:
    problem = Problem("Tell.", kinds.Text(whole=True), context=CONTEXT)
    assert strategies.get("irag").run(problem, ScriptedLLM([f"{TRUE}\nAnswer: He took it."])).value == "He took it."


def test_the_second_request_shows_the_first_reply() -> None:
    llm = ScriptedLLM([f"{MADE_UP}\nAnswer: heparin", f"{TRUE}\nAnswer: apixaban"])
    strategies.get("irag").run(DRUG, llm)
    assert llm.requests[1].messages[-2] == ("assistant", f"{MADE_UP}\nAnswer: heparin")
    assert llm.requests[1].messages[-1].content.startswith("None of these sections stands in the text")


def test_every_kind_reads_its_answer() -> None:
    reply = f"{TRUE}\n**Answer:** "
    number = Problem("How old is he?", kinds.Number(), context=CONTEXT)
    assert strategies.get("irag").run(number, ScriptedLLM([reply + "70 years"])).value == 70
    choice = Problem("Which?", options=["apixaban", "metformin"], context=CONTEXT)
    assert strategies.get("irag").run(choice, ScriptedLLM([reply + "(A) apixaban"])).value == "A"
    yes = Problem("Did he take apixaban?", kinds.YesNo(), context=CONTEXT)
    assert strategies.get("irag").run(yes, ScriptedLLM([reply + "Yes."])).value is True


@pytest.mark.parametrize(
    "reply",
    [
        f"{TRUE}\n{TOO}",  # no answer
        f"{TRUE}\nAnswer:",
        f"{TRUE}\nAnswer: it cannot be determined",
        Completion(f"{TRUE}\n{TOO}", finish_reason="length"),
    ],
)
def test_no_answer_is_none_and_the_sections_are_kept(reply: str | Completion) -> None:
    answer = strategies.get("irag").run(DRUG, ScriptedLLM([reply]))
    assert (answer.state, answer.value) == ("unparsed", None)
    assert len(answer.steps["sections"]) >= 1


def test_without_a_context_the_question_is_quoted() -> None:
    problem = Problem("Ann is 7 and Bob is 9. How old is Bob?", kinds.Number())
    answer = strategies.get("irag").run(problem, ScriptedLLM(["Section 1: Bob is 9.\nAnswer: 9"]))
    assert (answer.value, answer.steps["sections"]) == (9, ("Bob is 9",))


def test_a_long_reply_and_context_are_checked_fast() -> None:
    started = time.monotonic()
    assert find_in_context("a b " * 20_000 + "c", "a b " * 50_000) is None
    assert parse_sections("Section 1: " * 20_000)
    assert time.monotonic() - started < 30


def test_a_budget_that_ends_before_the_second_request() -> None:
    llm = ScriptedLLM([f"{MADE_UP}\nAnswer: heparin"])
    answer = strategies.get("irag").run(DRUG, llm, budget=Budget(calls=1))
    assert (answer.state, answer.value, answer.usage.calls) == ("unparsed", None, 1)
    assert answer.text.endswith("Answer: heparin")
    assert "budget" in answer.reason


def test_a_second_request_that_fails_leaves_the_answer_that_is_there() -> None:
    answer = strategies.get("implicit_rag").run(DRUG, ScriptedLLM([f"{MADE_UP}\nAnswer: heparin", CallFailed("gone")]))
    assert (answer.value, answer.confidence, answer.steps) == ("heparin", 0.0, {"sections": ()})
    assert "the first answer is used, since the call failed: gone" in str(answer.trace.to_json())
    with pytest.raises(AuthenticationFailed):
        strategies.get("irag").run(DRUG, ScriptedLLM(["Answer: heparin", AuthenticationFailed("no key")]))
