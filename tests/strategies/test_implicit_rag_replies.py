"""Implicit RAG: the forms in which chat models quote sections and answer, and quotations that are nearly copies."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.strategies.knowledge.copied_text import find_in_context
from reasoning.strategies.knowledge.quotations import parse_answer_part, parse_sections
from reasoning.testing import ScriptedLLM

CONTEXT = (
    "A man of 70 came with a broken hip. He took apixaban for his heart.\nOn day 1, “apixaban was stopped 48 h before” "
    "the operation, which took two hours. Metformin was not stopped and went on as before. He left on day 9 in good "
    "health, and he was told to take apixaban again after 72 h."
)
DRUG = Problem("Which drug was withheld before surgery?", context=CONTEXT)
TOOK, STOPPED = "He took apixaban for his heart.", "apixaban was stopped 48 h before” the operation"
REPLIES = {
    "labels": f"Section 1: {TOOK}\nSection 2: {STOPPED}\nAnswer: apixaban",
    "a remark before and after": f"Sure! Here is the answer.\n\nSection 1: {TOOK}\nSection 2: {STOPPED}\n\n"
    "Answer: apixaban\n\nLet me know if you need more.",
    "bold": f"**Section 1:** *“{TOOK}”*\n\n**Section 2:** *“{STOPPED}”*\n\n**Answer:** **apixaban**",
    "headings without a colon": f"### Section 1\n> {TOOK}\n\n### Section 2\n> {STOPPED}\n\n### Answer\napixaban",
    "bold without a colon": f"**Section 1**\n\n{TOOK}\n\n**Section 2**\n\n{STOPPED}\n\n**Answer**\n\napixaban",
    "dashes": f"Section 1 – „{TOOK}“\nSection 2 – „{STOPPED}“\nAnswer – apixaban",
    "quotes without a colon": f'Section 1 "{TOOK}"\nSection 2 "{STOPPED}"\nFinal answer: apixaban',
    "full-width": f"Section 1：{TOOK}\nSection 2：{STOPPED}\nAnswer：apixaban",
    "numbered labels": f"1. **Section 1:** {TOOK}\n2. **Section 2:** {STOPPED}\n3. **Answer:** apixaban",
    "other words": f"**Quote 1:** {TOOK}\n**Quote 2:** {STOPPED}\nSo the answer is apixaban",
    "fences": f"Section 1:\n```\n{TOOK}\n```\nSection 2:\n```text\n{STOPPED}\n```\nAnswer: `apixaban`",
    "a list": f'Relevant sections:\n1. "{TOOK}"\n2. "{STOPPED}"\n\nAnswer: apixaban',
    "bullets": f"**Relevant sections:**\n- {TOOK}\n- {STOPPED}\n\n**Answer:** apixaban",
    "quoted lines": f"> {TOOK}\n\n> {STOPPED}\n\n**Answer:** apixaban",
    "a table": f"| Section | Text |\n|---|---|\n| 1 | {TOOK} |\n| 2 | {STOPPED} |\n\nAnswer: apixaban",
    "JSON": '```json\n{"sections": ["He took apixaban for his heart.", "apixaban was stopped 48 h '
    'before” the operation"],\n"answer": "apixaban"}\n```',
    "JSON on several lines": '{\n  "sections": [\n    "He took apixaban for his heart.",\n    "apixaban was stopped '
    '48 h before” the operation"\n  ],\n  "answer": "apixaban"\n}',
    "JSON objects": '{"sections": [{"id": 1, "text": "He took apixaban for his heart."}, {"id": 2, "text": '
    '"apixaban was stopped 48 h before” the operation"}], "answer": "apixaban"}',
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_sections_and_answer_are_read_in_many_forms(reply: str) -> None:
    llm = ScriptedLLM([reply])
    answer = strategies.get("implicit_rag").run(DRUG, llm)
    assert (answer.value, answer.confidence, llm.calls) == ("apixaban", 1.0, 1)
    assert len(answer.steps["sections"]) == 2
    assert all(section in CONTEXT for section in answer.steps["sections"])


@pytest.mark.parametrize("reply", ["I'm sorry, but I can't help with that.", "", "Section 1 of the report says it."])
def test_a_refusal_has_no_sections(reply: str) -> None:
    assert parse_sections(reply) == []
    assert parse_answer_part(reply) is None


def test_a_number_is_read_from_json() -> None:
    problem = Problem("On which day did he leave?", kinds.Number(), context=CONTEXT)
    llm = ScriptedLLM(['{"sections": ["He left on day 9"], "answer": 9}'])
    assert (strategies.get("irag").run(problem, llm).value, llm.calls) == (9, 1)


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ("apixaban was stopped 48 hours before the operation", "apixaban was stopped 48 h before” the operation"),
        ("**apixaban** was stopped 48 h before the operation", "apixaban was stopped 48 h before” the operation"),
        (
            "He took apixaban ... the operation, which took two hours",
            "He took apixaban … the operation, which took two hours",
        ),
        (
            "He took apixaban … stopped 48 h before” the operation",
            "He took apixaban … stopped 48 h before” the operation",
        ),
        (
            "came with a broken hip [...] apixaban was stopped 48 h",
            "came with a broken hip … apixaban was stopped 48 h",
        ),
        ("[…] Metformin was not stopped and went on […]", "Metformin was not stopped and went on"),
        (
            "The man of 70 came with his broken hip. He took apixaban",
            "man of 70 came with a broken hip. He took apixaban",
        ),
        ("Metformin was not stopped, and it went on as before", "Metformin was not stopped and went on as before"),
    ],
)
def test_quotations_that_are_nearly_copies_are_found(section: str, place: str | None) -> None:
    assert find_in_context(section, CONTEXT) == place


@pytest.mark.parametrize(
    "section",
    [
        "apixaban was stopped 72 h before the operation",  # another number of the context
        "apixaban was not stopped 48 h before the operation",
        "Metformin was stopped and went on as before",
        "The surgeon stopped apixaban two days earlier because of the bleeding risk",
        "the operation before 48 h stopped was apixaban",  # another order
        "good health … two hours",
        "stopped 48 h before” the operation … He took apixaban for his heart",  # another order
        "He was healthy when he left on the day after the operation",
        "s heart",
        "",
        "…",
    ],
)
def test_other_texts_are_no_quotations(section: str) -> None:
    assert find_in_context(section, CONTEXT) is None


@pytest.mark.parametrize("piece", ["the drug was ", "a b ", "x", ". ", "…", "1 2 ", "not "])
def test_long_contexts_and_sections_are_searched_quickly(piece: str) -> None:
    long = piece * (100_000 // len(piece))
    assert find_in_context("a drug that was stopped before the " + "long operation " * 40, long) is None
    find_in_context(f"{long}end", f"{long}beginning")
    find_in_context((piece * 400)[:3_000] + " end", long)


@pytest.mark.parametrize("marker", ["Section 1", "> ", "Answer", "1. ", "| a ", '{"', "**", "\n- "])
def test_long_replies_are_read_quickly(marker: str) -> None:
    text = marker * (100_000 // len(marker))
    parse_sections(text)
    parse_answer_part(text)
