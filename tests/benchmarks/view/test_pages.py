"""The data of the pages, as the browser gets it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.chains.run_history import RecordedRun, save_run
from reasoning.benchmarks.chains.runner import END, PartScore
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.view import chain_pages, problem_pages, run_pages
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.list_page import list_page
from reasoning.benchmarks.view.problem_pages import Query, matches
from reasoning.errors import InputError, UnknownName, UsageError
from tests.benchmarks.report.synthetic import made
from tests.benchmarks.view.conftest import Run, Viewer

Going = Callable[..., Run]


def entries(root: Path) -> dict[str, Any]:
    return {row["name"]: row for row in list_page(Library(root))["entries"]}


def test_the_list_has_every_run_output_and_evaluation(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "deep/er/run")
    run.add("p0", "cot", "r")
    row = '{"id": "a", "state": "answered", "value": 1, "steps": {"one": 1}}\n'
    (tmp_path / "out.jsonl").write_text(row + row.replace("answered", "unparsed"), encoding="utf-8")
    (tmp_path / "out.csv").write_text("id,state,value,one,reason,fallbacks\na,failed,,,no,\n", encoding="utf-8")
    (tmp_path / ".long.jsonl.part").write_text(row, encoding="utf-8")
    (tmp_path / "other.jsonl").write_text('{"question": "1 + 1", "answer": 2}\n', encoding="utf-8")
    save_run(RecordedRun("chain", 1, "d", "m", {}, {}), _folder(tmp_path / "chain"))
    found = entries(tmp_path)
    assert set(found) == {"deep/er/run", "out.jsonl", "out.csv", ".long.jsonl.part", "chain"}
    assert next(iter(found)) == "deep/er/run"  # a run that is going comes first
    one = found["deep/er/run"]
    assert (one["state"], one["done"], one["total"], one["accuracy"]) == ("running", 1, 8, [["cot", 1, 1]])
    assert found["out.jsonl"]["counts"] == {"answered": 1, "unparsed": 1}
    assert (found["out.csv"]["counts"], found["out.csv"]["state"]) == ({"failed": 1}, "done")
    assert found[".long.jsonl.part"]["state"] == "stopped"
    assert found["chain"]["done"] == 1


def test_broken_and_foreign_folders_are_listed_with_the_reason(view: Callable[[Path], Viewer], tmp_path: Path) -> None:
    contents = {
        "empty": "",
        "foreign": '{"name": "of another program"}',
        "half": '{"format": 1, "settings": {"ta',
        "newer": '{"format": 99}',
        "list": "[1]",
        "types": '{"format": 1, "settings": [], "metadata": {}, "strategies": []}',
        "old": '{"format": 1, "settings": {}, "metadata": {"invocations": 7, "race": 7}, "strategies": ["cot"]}',
    }
    for name, content in contents.items():
        _folder(tmp_path / name)
        (tmp_path / name / "run.json").write_text(content, encoding="utf-8")
    (tmp_path / "old/results.jsonl").write_text('{"problem": 7}\nnothing\n', encoding="utf-8")
    (tmp_path / "old/problems.jsonl").write_bytes(b'\xff\xfe\n{"id": "a"}\n')
    server = view(tmp_path)
    found = {row["name"]: row for row in server.json("/api/list")["entries"]}
    assert set(found) == set(contents)
    for name in contents:
        page = server.json(f"/api/run?run={name}")
        if name != "old":
            assert "run.json: " in found[name]["error"]
            assert "run.json: " in page["trouble"]
    assert "damaged" in found["old"]["warning"]
    old = server.json("/api/run?run=old")
    assert len(old["warnings"]) == 4
    assert server.json("/api/problems?run=old")["matched"] == 0
    assert "trouble" in server.json("/api/problem?run=old&id=a")
    assert "trouble" in server.json("/api/compare?before=old&after=newer")


def test_a_run_page_has_the_sentences_and_tables_of_the_report(tmp_path: Path) -> None:
    made(tmp_path / "run", 30, 3)
    library = Library(tmp_path)
    _, analysis = library.run("run")
    analysis.current()
    page = run_pages.run_page(library, "run")
    comparison = Comparison.from_folder(ResultsFolder.read(tmp_path / "run"))
    assert page["headline"] == comparison.conclusion.headline()
    assert page["analysed"] == page["version"]
    assert [table["name"] for table in page["tables"]][:3] == ["strategies", "differences", "pairs"]
    assert [row["correct"] for row in page["rows"]] == [row.correct for row in comparison.rows]
    assert page["unfinished"] == ""


def test_a_run_that_is_going_says_that_its_numbers_change(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run")
    run.add("p0", "cot", "r")
    library = Library(tmp_path)
    library.run("run")[1].current()
    page = run_pages.run_page(library, "run")
    assert "not finished" in page["unfinished"]
    assert page["title"] == "ones · 1 of 4 problems so far · m"
    for k in range(1, 4):
        run.add(f"p{k}", "cot", "r")
    run.store.close()
    library.run("run")[1].current()
    page = run_pages.run_page(library, "run")
    assert (page["unfinished"], page["title"]) == ("", "ones · 4 problems · m")


def test_problems_are_paged_filtered_and_searched(going: Going, tmp_path: Path) -> None:
    run = going(tmp_path / "run", 12)
    for k in range(12):
        run.add(f"p{k}", "vanilla", "rwuf"[k % 4])
        run.add(f"p{k}", "cot", "r", reply="A needle in it." if k == 5 else "The answer is 1.")
    library = Library(tmp_path)

    def found(first: int = 0, count: int = 500, **query: Any) -> tuple[int, list[str]]:
        page = problem_pages.problems_page(library, "run", Query(**query), first, count)
        return page["matched"], [row[0] for row in page["rows"]]

    assert found(first=10, count=5) == (12, ["p10", "p11"])
    assert found(show="right") == (3, ["p0", "p4", "p8"])
    assert found(show="unparsed", of=0) == (3, ["p2", "p6", "p10"])
    assert found(show="wrong", of=1) == (0, [])
    assert found(text="TIMES 11") == (1, ["p11"])
    assert found(text="needle") == (0, [])
    assert found(text="needle", traces=True) == (1, ["p5"])
    page = problem_pages.problems_page(library, "run", Query(), 0, 1)
    assert page["rows"] == [["p0", "1", [["r", "1"], ["r", "1"]]]]


@pytest.mark.parametrize(
    ("states", "show", "of", "expected"),
    [
        (["r", "r"], "right", None, True),
        (["r", "w"], "right", None, False),
        (["w", "f"], "wrong", None, False),
        (["w", "u"], "wrong", None, True),
        (["f", "r"], "alone", None, True),
        (["rw", "w"], "alone", None, True),
        (["r", "f"], "disagree", None, False),
        (["r", "u"], "disagree", None, True),
        (["r", "", "w"], "disagree", 1, False),
        (["r", "w", "w"], "disagree", 1, True),
        (["rf", "r"], "failed", 0, True),
        (["", ""], "wrong", None, False),
    ],
)
def test_filters(states: list[str], show: str, of: int | None, expected: bool) -> None:
    assert matches(states, show, of) is expected


def test_a_problem_has_its_traces_neighbours_and_its_answers_in_other_runs(going: Going, tmp_path: Path) -> None:
    first, second = going(tmp_path / "a"), going(tmp_path / "b", specs=("cot",), model="n")
    for run in (first, second):
        for k in range(4):
            run.add(f"p{k}", "cot", "rwrr"[k], reply=f"reply {k} of {run.store.settings['model']}")
    going(tmp_path / "c").store.add_examples([])
    shutil.copytree(tmp_path / "a", tmp_path / "d")
    problems = tmp_path / "d/problems.jsonl"
    problems.write_text(problems.read_text(encoding="utf-8").replace("One,", "Two,"), encoding="utf-8")
    library = Library(tmp_path)
    page = problem_pages.problem_page(library, ["a", "b"], "p2", Query("right", 1))
    assert (page["before"], page["after"], page["position"], page["matched"]) == ("p0", "p3", 2, 3)
    assert [other["name"] for other in page["others"]] == ["b", "c"]  # the problem in d is another one
    assert [run["name"] for run in page["runs"]] == ["a", "b"]
    assert page["runs"][0]["states"] == ["", "r"]
    replies = [run["traces"][0][2][2][0]["replies"][0][0] for run in page["runs"]]
    assert replies == ["reply 2 of m", "reply 2 of n"]
    with pytest.raises(UnknownName, match="unknown problem 'p9' in a"):
        problem_pages.problem_page(library, ["a"], "p9", Query())


def test_two_runs_are_compared_problem_by_problem(going: Going, tmp_path: Path) -> None:
    first, second = going(tmp_path / "a"), going(tmp_path / "b")
    for k in range(4):
        first.add(f"p{k}", "cot", "wwrr"[k])
        second.add(f"p{k}", "cot", "rrrw"[k])
    page = run_pages.compare_page(Library(tmp_path), "a", "b")
    changes = {change["name"]: change for change in page["changes"]}
    assert (changes["cot"]["gained"], changes["cot"]["lost"]) == (["p0", "p1"], ["p3"])
    assert [row[:4] for row in page["table"]["rows"]] == [["cot", "4", "2", "1"]]
    assert page["notes"][0] == "a → b: 4 problems in both"
    assert page["unfinished"]
    made(tmp_path / "other", 3, 2)
    with pytest.raises(UsageError, match="no problem in common"):
        run_pages.compare_page(Library(tmp_path), "a", "other")


def test_several_runs_are_one_table(going: Going, tmp_path: Path) -> None:
    for name, letters in {"a": "rrww", "b": "rrrw", "c": "wwww"}.items():
        run = going(tmp_path / name, model=f"model {name}")
        for k, letter in enumerate(letters):
            run.add(f"p{k}", "cot", letter)
        run.store.close()
    page = run_pages.matrix_page(Library(tmp_path), ["a", "b", "c"])
    assert page["table"]["header"] == ["strategy", "model a", "model b", "model c"]
    assert [cell.partition(" %")[0] for cell in page["table"]["rows"][0]] == ["cot", "50.0", "75.0", "0.0"]
    assert (page["title"], page["unfinished"]) == ("ones · 4 problems", "")


def test_charts_and_the_report_as_a_file(view: Callable[[Path], Viewer], tmp_path: Path) -> None:
    made(tmp_path / "run", 20, 2)
    server = view(tmp_path)
    charts = server.json("/api/charts?run=run")["charts"]
    assert [chart["svg"].count("<svg") for chart in charts] == [2] * len(charts)
    assert len(charts) >= 2
    _, headers, body = server.ask("/report?run=run")
    assert headers["Content-Disposition"] == 'attachment; filename="report.html"'
    assert body.startswith(b"<!doctype html>")
    assert b'id="traces-0"' in body


def test_rows_of_an_output_are_paged_filtered_and_shown_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    lines = [
        {"id": f"i{k}", "state": "unparsed" if k % 10 == 3 else "answered", "value": k, "steps": {"a": "x" * 500}}
        for k in range(40)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"id": "half', encoding="utf-8")
    library = Library(tmp_path)
    page = chain_pages.output_page(library, "out.jsonl", "", "", 10, 5, 39)
    assert [row[1] for row in page["rows"]] == ["i10", "i11", "i12", "i13", "i14"]
    assert (page["total"], page["whole"]["step a"]) == (40, "x" * 500)
    assert chain_pages.output_page(library, "out.jsonl", "unparsed", "", 0, 1)["matched"] == 4
    assert chain_pages.output_page(library, "out.jsonl", "", "I39", 0, 1)["matched"] == 1
    with path.open("a", encoding="utf-8") as file:
        file.write('", "state": "failed", "reason": "no", "steps": {}}\n')
    assert chain_pages.output_page(library, "out.jsonl", "", "", 0, 0)["counts"]["failed"] == 1


def test_versions_of_a_chain_are_shown_and_compared(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "chain")
    for version, passed in ((1, False), (2, True)):
        scores = [PartScore(f"c{k}", "d", END, "answered", float(passed), passed, ("why",), k) for k in range(12)]
        run = RecordedRun("chain", version, f"d{version}", "m", {}, {"a.md": str(version)}).with_scores(scores)
        save_run(run, folder)
    (folder / ".runs/damaged.json").write_text("{}", encoding="utf-8")
    page = chain_pages.evaluation_page(Library(tmp_path), "chain")
    assert [run["run"] for run in page["runs"]] == ["chain@2", "chain@1"]
    assert page["runs"][0]["tables"][0]["rows"][0][:3] == [END, "12", "100%"]
    assert page["runs"][1]["cases"][0] == ["c0", [[0, "w", 0.0, ["why"], "0"]]]
    assert "damaged.json: not a recorded run" in page["warnings"][0]
    compared = chain_pages.versions_page(Library(tmp_path), "chain", 1, 0)
    assert compared["verdict"].startswith("chain@2 is better than chain@1")
    with pytest.raises(UnknownName):
        chain_pages.versions_page(Library(tmp_path), "chain", 1, 2)


def test_nothing_outside_the_folder_is_opened(tmp_path: Path) -> None:
    made(tmp_path / "secret/run", 2, 1)
    root = _folder(tmp_path / "root")
    (root / "linked").symlink_to(tmp_path / "secret/run")
    shutil.copytree(tmp_path / "secret/run", root / "run")
    (root / "run/traces.jsonl").unlink()
    (root / "run/traces.jsonl").symlink_to(tmp_path / "secret/run/traces.jsonl")
    (root / "out.jsonl").symlink_to(tmp_path / "secret/run/results.jsonl")
    library = Library(root)
    page = list_page(library)
    assert page["links"] == ["linked"]
    [entry] = page["entries"]
    assert "leads out of" in entry["error"]
    for name in ("run", "linked", "../secret/run", str(tmp_path / "secret/run"), ".", "", "run/../../secret/run"):
        with pytest.raises((InputError, UnknownName)):
            library.run(name)
    _folder(root / "pipes")
    os.mkfifo(root / "pipes/run.json")
    assert {entry["name"] for entry in list_page(Library(root))["entries"]} == {"run"}


def test_a_run_itself_can_be_viewed(tmp_path: Path) -> None:
    made(tmp_path / "run", 3, 1)
    library = Library(tmp_path / "run")
    assert [entry["name"] for entry in list_page(library)["entries"]] == ["."]
    assert problem_pages.problems_page(library, ".", Query(), 0, 10)["matched"] == 3


def test_only_a_folder_can_be_viewed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must be a folder"):
        Library(tmp_path / "missing")


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path
