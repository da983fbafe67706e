"""Rationales: sentences and numbered reasons of chains of thought, in the forms of today's chat models."""

from __future__ import annotations

import pytest

from reasoning.strategies.rationales import format_rationales, new_rationale, parse_rationales, parse_sentences

BUILT, BORN = "Luis Orn built the bridge.", "He was born in 1866."

FORMS = [
    f"{BUILT} {BORN} The answer is 1866.",
    f"First, {BUILT} Second, {BORN} So the answer is **1866**.",
    f"Sure! Let me see:\n\n1. {BUILT}\n2. {BORN}\n\n**Answer:** 1866",
    f"### Step 1\n{BUILT}\n\n### Step 2\n{BORN}\n\n### Final answer\n\\boxed{{1866}}",
    f"**Step 1:** {BUILT}\n\n**Step 2:** {BORN}\n\n#### 1866",
    f"- **{BUILT}**\n- {BORN}\n\nTherefore, the answer (arabic numerals) is 1866.",
    f"<think>Who built it? I think Karl.</think>\n{BUILT} {BORN}\nThe answer is 1866.",
    f"<reasoning>{BUILT} {BORN}</reasoning> The answer is 1866.",
    f"\\text{{First, {BUILT}}}\n\\text{{Second, {BORN}}}",
    f"> {BUILT}\n> {BORN}\n\nWhat is asked? The correct option is: 1866",
    f"{BUILT}\n| who | when |\n|---|---|\n| Orn | 1866 |\n{BORN}\nAnswer: 1866",
]


@pytest.mark.parametrize("chain", FORMS)
def test_sentences_are_read_without_the_answer(chain: str) -> None:
    assert [sentence.rstrip("}") for sentence in parse_sentences(chain)][-2:] == [BUILT, BORN]
    assert "answer" not in " ".join(parse_sentences(chain)).lower()


@pytest.mark.parametrize("chain", ["", "1866", "The answer is 1866.", "Why not?", "Sure!", "\\boxed{1866}", "###\n---"])
def test_a_chain_of_an_answer_alone_has_no_sentences(chain: str) -> None:
    assert parse_sentences(chain) == parse_rationales(chain) == []


@pytest.mark.parametrize(
    ("chain", "reasons"),
    [
        (f"First, {BUILT} It is old and long. Second, {BORN}", [f"{BUILT} It is old and long.", BORN]),
        (f"1. {BUILT}\n   It is old and long.\n2. {BORN}", [f"{BUILT} It is old and long.", BORN]),
        (f"Second, {BORN} First, {BUILT}", [BORN, BUILT]),
        (f"{BUILT} It is old and long. {BORN}", [BUILT, "It is old and long.", BORN]),
        (f"First, {BUILT} {BORN}", [BUILT, BORN]),
        (f"First, the answer is 7. Second, {BORN}", [BORN]),
    ],
)
def test_numbered_reasons_are_units_and_other_chains_are_sentences(chain: str, reasons: list[str]) -> None:
    assert parse_rationales(chain) == reasons


def test_the_next_reason_is_the_first_new_one() -> None:
    assert new_rationale(f"First, {BUILT.upper()} Second, {BORN}", [BUILT]) == BORN
    assert new_rationale(BUILT, [BUILT]) == ""
    assert new_rationale("The answer is 7.", []) == ""


def test_the_papers_form() -> None:
    assert format_rationales([BUILT, BORN]) == f"First, {BUILT}\nSecond, {BORN}"
    assert format_rationales(["a"] * 8).splitlines()[-2:] == ["Next, a", "Next, a"]


@pytest.mark.parametrize("text", ["a b c. " * 15_000, "First, " * 15_000, "1. " * 30_000, "**" * 50_000, "<" * 100_000])
def test_long_chains_take_linear_time_and_short_room(text: str) -> None:
    assert all(len(sentence) <= 500 for sentence in parse_sentences(text))
    assert all(len(reason) <= 1_000 for reason in parse_rationales(text))
