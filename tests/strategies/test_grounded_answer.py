"""The shipped chain `grounded_answer`: what is found in a folder, and that an answer quotes what is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from reasoning import Chain, Problem
from reasoning.answer import Answer
from reasoning.benchmarks.chains import runner
from reasoning.benchmarks.chains.evaluation import summarize_evaluation
from reasoning.benchmarks.chains.suite import load_suite
from reasoning.chain.scaffold import create_chain
from reasoning.errors import InputError
from reasoning.registry import bundled_chains
from reasoning.testing import ScriptedLLM

pytest.importorskip("bm25s")

from reasoning.strategies.domain.grounded_answer.search import PASSAGE_CHARS, search

QUESTION = "How long may I keep a drill?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    texts = tmp_path / "texts"
    (texts / "more").mkdir(parents=True)
    (texts / "tools.md").write_text("Tools are lent for seven days.\n\nDrills go back after two days.\n")
    (texts / "more" / "fees.txt").write_text("A lost card costs four euros.")
    (texts / "picture.png").write_bytes(b"\xff drill")
    return texts


def run(folder: Path, *replies: Any) -> tuple[Answer, ScriptedLLM]:
    llm = ScriptedLLM([one if isinstance(one, str) else json.dumps(one) for one in replies])
    chain = Chain.load(bundled_chains()["grounded_answer"])
    return chain.run(Problem(QUESTION, inputs={"question": QUESTION, "folder": str(folder)}), llm), llm


def said(quote: str, passage: int = 1) -> dict[str, Any]:
    return {"answer": "Two days.", "quotations": [{"passage": passage, "quote": quote}]}


def test_from_a_question_to_a_quotation(folder: Path) -> None:
    answer, llm = run(folder, "drill; days; lend", said("drills go back after two days"))
    assert answer.value == said("drills go back after two days")
    [first] = [one for one in answer.steps["passages"] if one["passage"] == 1]
    assert (first["file"], "Drills go back" in first["text"]) == ("tools.md", True)
    assert "Drills go back after two days." in llm.prompts[1]
    assert "lost card" not in llm.prompts[1]


def test_a_quotation_that_is_not_there_is_asked_for_again_and_then_dropped(folder: Path) -> None:
    answer, llm = run(folder, "drill", said("drills go back after nine days"), said("Drills go back after two days."))
    assert "is not in passage 1: copy it letter by letter" in llm.prompts[2]
    assert answer.value["answer"] == "Two days."
    invented = said("drills are kept for ever")
    answer, _ = run(folder, "drill", invented, invented)
    assert answer.value == {"answer": "not in the folder", "quotations": []}
    answer, _ = run(folder, "drill", said("two days", 7), {"answer": "Ten days.", "quotations": []})
    assert answer.value["answer"] == "not in the folder"


def test_where_nothing_is_found_the_answer_needs_no_call(folder: Path) -> None:
    answer, llm = run(folder, "zebra; savannah")
    assert answer.steps["passages"] != []  # the question's own words count too
    (folder / "tools.md").unlink()
    answer, llm = run(folder, "zebra; savannah")
    assert (answer.value["answer"], llm.calls) == ("not in the folder", 1)


def test_terms_that_are_none_are_those_of_the_question(folder: Path) -> None:
    long = "I would look for all texts that speak of drills and of how long they may be kept by a person"
    answer, _ = run(folder, long, long, said("Drills go back after two days."))
    assert answer.steps["terms"] == ("long", "keep", "drill")


def test_search_gives_the_best_passages_first(tmp_path: Path) -> None:
    texts = [f"Paragraph {n} speaks of gardens and of tea." for n in range(60)]
    texts[41] = "The heron eats frogs."
    (tmp_path / "long.txt").write_text("\n\n".join(texts) + "\n\n" + "word " * 2_000)
    found = search(str(tmp_path), "What do herons eat?", ("heron", "frog"))
    assert "The heron eats frogs." in found[0]["text"]
    assert all(len(one["text"]) <= PASSAGE_CHARS for one in found)
    assert search(str(tmp_path), "?", ("…",)) == []


def test_a_folder_that_is_none_and_files_that_are_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        search(str(tmp_path / "gone"), "a", ("b",))
    (tmp_path / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.txt: not UTF-8"):
        search(str(tmp_path), "a", ("b",))


def test_links_that_lead_out_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("The drill's secret number is 7.")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert not any("secret" in one["text"] for one in search(str(folder), "secret number", ("drill",)))


def test_a_new_chain_of_it_has_its_cases(tmp_path: Path) -> None:
    create_chain(tmp_path / "mine", "grounded_answer")
    found = load_suite(tmp_path / "mine", "trusted")
    llm = ScriptedLLM(lambda messages: "book; borrow" if "Words:" in messages[-1].content else "BANANA")
    done = runner.run_suite(list(runner.plan_tests(found.chain, [case for case in found.cases if case.step])), llm)
    assert {one.case: one.passed for one in done.scores} == {
        "a-number": False,
        "not-there": True,
        "injection-in-a-passage": False,
        "terms-are-words": True,
    }


def test_its_cases_go_from_a_question_to_an_answer_and_each_step_has_its_blame(tmp_path: Path) -> None:
    create_chain(tmp_path / "mine", "grounded_answer")
    found = load_suite(tmp_path / "mine", "trusted")
    whole = [case for case in found.cases if case.step is None]

    def right(messages: Any) -> str:
        asked = messages[-1].content
        case = next(case for case in whole if case.inputs["question"] in asked)
        if "Words:" in asked:
            return "; ".join(case.gold["terms"])
        value = case.gold["answer"]
        given, _ = json.JSONDecoder().raw_decode(asked[asked.index("[{") :])
        passages = {one["passage"] for one in given for said in value["quotations"] if said["quote"] in one["text"]}
        quotations = [{**one, "passage": n} for one, n in zip(value["quotations"], passages, strict=False)]
        return json.dumps({**value, "quotations": quotations})

    done = runner.run_suite(list(runner.plan_evaluation(found.chain, whole)), ScriptedLLM(right))
    assert [(one.case, one.part, one.reasons) for one in done.scores if not one.passed] == []
    table = summarize_evaluation(done.scores, found.chain, "mine@1", "scripted")
    assert ([one.step for one in table.losses], table.not_attributed) == (["terms", "passages", "answer"], {})


def test_a_path_of_a_case_counts_from_the_chains_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        create_chain(tmp_path / name, "grounded_answer")
    one, two = (load_suite(tmp_path / name, "trusted", pattern="drill").cases[0] for name in ("one", "two"))
    assert one.inputs["folder"] == str((tmp_path / "one/tests/texts").resolve())
    assert one.digest == two.digest  # wherever it lies
    (tmp_path / "two/tests/texts/tools.md").write_text("Drills are kept for ever.")
    assert load_suite(tmp_path / "two", "trusted", pattern="drill").cases[0].digest != one.digest
    shutil.rmtree(tmp_path / "two/tests/texts")
    with pytest.raises(InputError, match=r"answers\.toml:\d+: 'folder': .*two/tests/texts does not exist"):
        load_suite(tmp_path / "two", "trusted")
