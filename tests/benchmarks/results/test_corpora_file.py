"""Corpora of problems in a results folder: stored once, found again, and not missed by reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reasoning import benchmarks
from reasoning.benchmarks import tasks
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.stored_problems import common_problems
from reasoning.benchmarks.view.live_run import LiveRun
from reasoning.errors import SettingsChanged
from reasoning.kinds import Number
from reasoning.problem import Example, Problem
from reasoning.retrieval import Corpus, Document
from reasoning.testing import ScriptedLLM

PAGES = Corpus("pages", [Document("Osk is a town.", "Osk", "osk.md"), Document("Hostile \ud800\x1b[2J\u2028</x>")])


def examples(*corpora: Corpus | None) -> list[Example]:
    return [
        Example(Problem(f"What is {number}?", Number(), id=f"n-{number}", corpus=corpus), number)
        for number, corpus in enumerate(corpora)
    ]


def opened(folder: Path | None) -> ResultsFolder:
    return ResultsFolder.open(folder, {"task": "t", "seed": 0, "model": "m"}, {})


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "corpora.jsonl").read_text().splitlines()]


def test_a_corpus_is_stored_once(tmp_path: Path) -> None:
    other = Corpus("other", PAGES.documents)
    store = opened(tmp_path / "run")
    store.add_examples(examples(PAGES, PAGES, None, other))
    store.close()
    [line] = lines(tmp_path / "run")
    assert line["sha256"] == PAGES.sha256
    stored = [json.loads(one) for one in (tmp_path / "run/problems.jsonl").read_text().splitlines()]
    assert stored[0]["corpus"] == {"name": "pages", "sha256": PAGES.sha256}
    assert "corpus" not in stored[2]
    again = ResultsFolder.read(tmp_path / "run")
    assert [one.problem.corpus for one in again.examples.values()] == [PAGES, PAGES, None, other]
    assert common_problems([again.examples, again.examples]) == ["n-0", "n-1", "n-2", "n-3"]


def test_a_folder_without_corpora_has_no_such_file(tmp_path: Path) -> None:
    store = opened(tmp_path / "run")
    store.add_examples(examples(None))
    store.close()
    assert not (tmp_path / "run/corpora.jsonl").exists()


def test_another_corpus_is_another_problem(tmp_path: Path) -> None:
    store = opened(tmp_path / "run")
    store.add_examples(examples(PAGES))
    store.close()
    store = opened(tmp_path / "run")
    with pytest.raises(SettingsChanged, match="'n-0' has changed"):
        store.add_examples(examples(Corpus("pages", [Document("Osk was a town.", "Osk")])))
    store.add_examples(examples(PAGES))
    store.close()
    assert len(lines(tmp_path / "run")) == 1


@pytest.mark.parametrize("damage", ["delete", "torn", "garbage", "changed", "shape", "folder"])
def test_a_damaged_corpus_is_stored_again(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "run"
    store = opened(folder)
    store.add_examples(examples(PAGES))
    store.close()
    path = folder / "corpora.jsonl"
    whole = path.read_text()
    if damage == "delete":
        path.unlink()
    else:
        texts = {
            "torn": whole[:-20],
            "garbage": "{{{\n",
            "changed": whole.replace("a town", "a city"),
            "shape": '{"documents": 7, "sha256": 1}\n[]\n',
            "folder": '{"name": "pages", "sha256": "…", "documents": [{"text": 7}]}\n',
        }
        path.write_text(texts[damage])
    # Reports do without it.
    assert ResultsFolder.read(folder).examples["n-0"].problem.corpus is None
    store = opened(folder)
    assert store.needs_examples(1, ["n-0"])
    store.add_examples(examples(PAGES))
    assert not store.needs_examples(1, ["n-0"])
    store.close()
    assert ResultsFolder.read(folder).examples["n-0"].problem.corpus == PAGES


def test_nothing_is_stored_without_a_folder() -> None:
    store = opened(None)
    store.add_examples(examples(PAGES))
    assert store.examples["n-0"].problem.corpus == PAGES
    store.close()


def test_a_run_over_an_encyclopaedia_is_reported_and_viewed(tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda _: "The answer is Osk.")
    table = benchmarks.compare(["vanilla"], "encyclopaedia", llm, limit=3, out=tmp_path / "run", progress=False)
    assert "encyclopaedia" in table.title
    assert [line["name"] for line in lines(tmp_path / "run")] == ["encyclopaedia medium-0-0"]
    assert (tmp_path / "run/problems.jsonl").stat().st_size < 3000
    store = ResultsFolder.read(tmp_path / "run")
    assert list(store.examples.values()) == tasks.get("encyclopaedia").load(3, 0)
    assert len(ReportData.from_folder(store).specs) == 1
    run = LiveRun(tmp_path / "run")
    run.refresh()
    assert not run.warnings
    assert len(run.store.examples) == 3
    again = benchmarks.compare(["vanilla"], "encyclopaedia", llm, limit=5, out=tmp_path / "run", progress=False)
    assert "5 problems" in again.title
    assert len(lines(tmp_path / "run")) == 1
