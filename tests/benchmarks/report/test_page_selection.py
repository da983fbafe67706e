"""The problems on the page of a large run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reasoning.benchmarks.report import ReportData, html_page, page_selection
from reasoning.benchmarks.report.page_selection import PageSelection
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.kinds import Number
from reasoning.problem import Example, Problem
from reasoning.trace import Note, Trace

Kept = Callable[..., ResultsFolder]


def test_a_page_has_all_problems_of_a_usual_run_in_their_order(kept: Kept) -> None:
    data = ReportData.from_folder(kept(cot="rwr.", vanilla="rrw."))
    selection = PageSelection.of(data)
    assert selection.problems == ["p0", "p1", "p2"]
    assert selection.is_whole
    assert selection.note == ""


def test_disagreements_come_first_then_what_went_wrong(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    #                                    p0 all right, p1 none, p2 disagree, p3 unparsed, p4 failed, p5 disagree
    data = ReportData.from_folder(kept(cot="rwrufr", vanilla="rwwwrw"))
    monkeypatch.setattr(page_selection, "_RESULTS_OF_SELECTION", 10)
    selection = PageSelection.of(data, most=11)
    assert selection.problems == ["p2", "p5", "p3", "p4", "p1"]
    assert (selection.total, selection.disagreements) == (6, 2)
    assert "has 5 of 6 problems" in selection.note
    assert "disagree (2 in all)" in selection.note
    assert "reasoning bench show DIR --id ID" in selection.note
    assert selection.halved().problems == ["p2", "p5", "p3"]


def test_repetitions_that_differ_are_a_disagreement(kept: Kept) -> None:
    data = ReportData.from_folder(kept(cot="rr,rw", vanilla="rr,rr"))
    assert PageSelection.of(data, most=1).problems[0] == "p1"


def large(folder: Path, problems: int) -> ReportData:
    """Return the report of a run whose traces do not compress."""
    store = ResultsFolder.open(folder, {"task": "ones", "model": "m"}, {"free": True})
    examples = [Example(Problem(f"One {k}? {k**99}", Number(), id=f"p{k}"), 1) for k in range(problems)]
    store.add_examples(examples)
    store.register_strategies(["cot", "vanilla"])
    for k in range(problems):
        for spec in ("cot", "vanilla"):
            right = (k % 3 > 0) == (spec == "cot")
            trace = Trace(spec, [Note(str(7 ** (k + 500)))], 1.0)
            store.add(Result(f"p{k}", spec, "f", "answered", right, value=str(int(right)), rule="stated"), trace)
    store.close()
    return ReportData.from_folder(ResultsFolder.read(folder))


def test_the_page_of_a_large_run_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = large(tmp_path / "run", 300)
    whole = "".join(html_page.page_of(data))
    monkeypatch.setattr(page_selection, "MAX_RESULTS", 100)
    monkeypatch.setattr(page_selection, "_RESULTS_OF_SELECTION", 400)
    monkeypatch.setattr(html_page, "_MAX_DETAILS", 10_000)
    monkeypatch.setattr(html_page, "_MAX_DATA", 40_000)
    page = "".join(html_page.page_of(data))
    assert "of 300 problems: first those" in page
    assert "of 300 problems: first those" not in whole
    # The frame of a page has about 45 kB.
    assert len(page) < 45_000 + 40_000 < len(whole)
    assert 'id="traces-0"' in page
