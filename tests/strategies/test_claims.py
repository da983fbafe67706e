"""The shipped chain `claims`: no claim is invented, no verdict without a quotation, no mark is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reasoning import Chain, Problem
from reasoning.answer import Answer
from reasoning.benchmarks.chains import runner
from reasoning.benchmarks.chains.evaluation import summarize_evaluation
from reasoning.benchmarks.chains.suite import load_suite
from reasoning.chain.lint import lint_folder
from reasoning.chain.scaffold import create_chain
from reasoning.registry import bundled_chains
from reasoning.strategies.domain.claims.checks import check_summary
from reasoning.testing import ScriptedLLM

DOCUMENT = "The pump moves 40 litres a minute. It was tested in Bern."
SOURCES = "The pump moves 35 litres a minute. The pump was tested in Bern in May."
CLAIMS = ["The pump moves 40 litres a minute.", "The pump was tested in Bern.", "The pump costs 90 francs."]
QUOTE = "The pump moves 35 litres a minute."


def run(claims: Any, verdict: Any, summary: str) -> tuple[Answer, ScriptedLLM]:
    def say(messages: Any) -> str:
        asked = messages[-1].content
        if "Document: " in asked or "is not in the document" in asked:
            return json.dumps(claims)
        if "Claim: " in asked or "is not in the sources" in asked:
            said = verdict(asked) if callable(verdict) else verdict
            return json.dumps(said)
        return summary

    llm = ScriptedLLM(say)
    chain = Chain.load(bundled_chains()["claims"])
    return chain.run(Problem("", inputs={"document": DOCUMENT, "sources": SOURCES}), llm), llm


def by_claim(asked: str) -> dict[str, str]:
    if "40 litres" in asked.rpartition("Claim: ")[2]:
        return {"verdict": "contradicted", "quote": QUOTE}
    return {"verdict": "supported", "quote": "tested in BERN in May"}


def test_a_claim_that_is_not_in_the_document_is_dropped_and_verdicts_are_marked() -> None:
    summary = "The pump was tested in Bern. The pump is said to move 40 litres a minute [contradicted]."
    answer, llm = run(CLAIMS, by_claim, summary)
    assert answer.value == summary
    assert answer.steps["claims"] == CLAIMS[:2]
    assert [one["verdict"] for one in answer.steps["verdicts"]] == ["contradicted", "supported"]
    assert answer.steps["marked"].split("\n") == [f"{CLAIMS[0]} [contradicted]", CLAIMS[1]]
    assert '"The pump costs 90 francs." is not in the document' in llm.prompts[1]


@pytest.mark.parametrize(
    "summary",
    [
        "The pump was tested in Bern. The pump moves 40 litres a minute.",
        "The pump was tested in Bern.",
        "The pump moves 40 litres a minute. The pump was tested in Bern [contradicted].",
        "All is well.",
        "The pump was tested in Bern [unsupported]. The pump moves 40 litres a minute [contradicted].",
        "The pump was tested in Bern. The pump moves 40 litres a minute [contradicted]. Martians built a dam in 1402.",
        "The pump was tested in Bern. It moves 40 litres a minute, the pump. "
        "The pump moves 40 litres a minute [contradicted].",
        "The pump was tested in Bern and moves 40 litres a minute [contradicted].",
    ],
)
def test_a_summary_cannot_lose_a_mark_or_a_claim(summary: str) -> None:
    answer, _ = run(CLAIMS[:2], by_claim, summary)
    assert answer.value == f"{CLAIMS[0]} [contradicted]\n{CLAIMS[1]}"


@pytest.mark.parametrize(
    "summary",
    [
        "The library is open on Sundays. The library is open on holidays [unsupported].",
        "The library is open on holidays [unsupported]. On Sundays the library is open as well.",
    ],
)
def test_two_claims_with_many_words_in_common_keep_their_own_marks(summary: str) -> None:
    marked = {"marked": "The library is open on Sundays.\nThe library is open on holidays. [unsupported]"}
    assert check_summary(summary, marked) is None
    assert check_summary(summary.replace(" [unsupported]", ""), marked) is not None
    assert check_summary(summary.replace("Sundays", "Sundays [unsupported]"), marked) is not None


def test_one_sentence_for_two_claims_with_the_same_mark() -> None:
    marked = "The bridge is 212 metres long.{0}\nThe bridge carries two tracks.{0}"
    for mark in ("", " [unsupported]"):
        said = {"marked": marked.format(mark)}
        assert check_summary(f"The bridge is 212 metres long and carries two tracks{mark}.", said) is None
        items = f"1. The bridge is 212 metres long.{mark}\n2. The bridge carries two tracks{mark}."
        assert check_summary(items, said) is None


def test_a_quotation_that_is_not_in_the_sources_supports_nothing() -> None:
    invented = {"verdict": "supported", "quote": "The pump moves 40 litres a minute, says the maker."}
    answer, llm = run(CLAIMS[:1], invented, "The pump moves 40 litres a minute [unsupported].")
    assert answer.steps["verdicts"] == ({"verdict": "not found", "quote": ""},)
    assert answer.value == "The pump moves 40 litres a minute [unsupported]."
    assert any("is not in the sources" in prompt for prompt in llm.prompts)
    answer, _ = run(CLAIMS[:1], {"verdict": "supported", "quote": "the"}, "no")
    assert answer.value == f"{CLAIMS[0]} [unsupported]"  # one word is no quotation


def test_a_new_chain_of_it_has_its_cases(tmp_path: Path) -> None:
    create_chain(tmp_path / "mine", "claims")
    chain, findings = lint_folder(tmp_path / "mine")
    assert (chain.name, findings) == ("mine", [])
    found = load_suite(tmp_path / "mine", "trusted")
    gold = {text: case for case in found.cases for text in map(str, case.inputs.values())}

    def right(messages: Any) -> str:
        asked = messages[-1].content
        case = next((case for text, case in gold.items() if text in asked), None)
        if "Document: " in asked:
            return json.dumps(case.gold["claims"]) if case else "[]"
        if "Claim: " in asked and case:
            claim = asked.rpartition("Claim: ")[2].partition("\n")[0]
            claims = [*case.gold.get("claims", case.inputs.get("claims", ()))]
            return json.dumps(case.gold["verdicts"][claims.index(claim)])
        return asked.partition("Recap")[0].replace("Summary:", "").strip()

    done = runner.run_suite(list(runner.plan_evaluation(found.chain, found.cases)), ScriptedLLM(right))
    assert [(one.case, one.part, one.reasons) for one in done.scores if not one.passed] == []
    assert len(done.scores) > 20
    table = summarize_evaluation(done.scores, found.chain, "mine@1", "scripted")
    assert ([one.step for one in table.losses], table.not_attributed) == (
        ["claims", "verdicts", "marked", "summary"],
        {},
    )
