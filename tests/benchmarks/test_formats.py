"""Results folders as earlier versions wrote them: every later one opens them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.rescore import rescore
from reasoning.benchmarks.results.folder import Store
from reasoning.benchmarks.results.result import Key
from reasoning.cli.app import app
from reasoning.journal import Journal
from reasoning.kinds import Choice, Date

DATA = Path(__file__).parent / "data"
VOTE = "self_consistency(cot(stages=1), samples=3)"


@pytest.fixture(params=sorted(DATA.glob("format-*")), ids=lambda folder: str(folder.name))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / "run"))


def test_the_first_format_says_what_it_said(tmp_path: Path) -> None:
    store = Store.read(DATA / "format-1")
    found = Comparison.of(store)
    assert [(row.strategy, row.n, row.correct, row.unparsed, row.failed) for row in found.rows] == [
        ("vanilla", 11, 9, 1, 1),
        (VOTE, 12, 11, 0, 0),
    ]
    assert [row.usage.calls for row in found.rows] == [11, 35]
    by_id = store.examples
    assert list(by_id) == ["pens", "cork", "odd", "day", "won", "cities"]
    assert by_id["cork"].problem.kind == Choice(["a stone", "a cork"])
    assert by_id["day"].problem.kind == Date("%m/%d/%Y")
    assert (by_id["won"].problem.context, by_id["won"].family) == ("Ben lost to Ann at chess.", "chess")
    assert by_id["cities"].problem.inputs == {"column": "city"}
    assert store.results[Key("cities", VOTE)].votes == (("3", 2), ("2", 1))
    trace = store.trace("pens", "vanilla", 1)
    assert trace is not None
    assert [draw.text for call in trace.calls() for draw in call.completions] == ["Let me see.\nThe answer is 7."]
    assert store.about["asked"][0]["epochs"] == 2
    assert len(Journal(shutil.copy(DATA / "format-1" / "journal.sqlite", tmp_path))) == 11 + 35


def test_every_command_opens_it(folder: Path, tmp_path: Path) -> None:
    for words in (
        ["report", folder, "--how", "--write", tmp_path / "report.html", "--write", tmp_path / "report.md"],
        ["show", folder],
        ["show", folder, "--id", "cities", "--strategy", VOTE],
        ["compare", folder, folder, "--fail-if-worse", "0"],
        ["matrix", folder, folder],
        ["plan", "--pilot", folder],
    ):
        done = CliRunner().invoke(app(), ["bench", *map(str, words)])
        assert done.exit_code == 0, done.output
        assert done.stdout


def test_its_replies_can_be_read_again(folder: Path) -> None:
    """Prompts that have changed since are left as they were, and counted; nothing is lost."""
    answered = [result for result in Store.read(folder).results.values() if not result.failed]
    found = rescore(folder)
    assert found.read + sum(many for _, many in found.left) == len(answered) > 0


def test_the_example_of_the_documents_opens_without_its_journal_and_traces(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(Path(__file__).parents[2] / "docs/example", tmp_path / "example"))
    found = Comparison.of(Store.read(folder))
    assert len(found.rows) == 16
    assert {row.n for row in found.rows} == {20}
    shown = CliRunner().invoke(app(), ["bench", "report", str(folder), "--write", str(tmp_path / "report.html")])
    assert shown.exit_code == 0, shown.output
    assert "Best: pal, 7 of 20 right." in shown.output
