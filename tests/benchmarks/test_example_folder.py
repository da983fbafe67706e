"""The results folder of the documentation, in every command that reads one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.cli.app import app

EXAMPLE = Path(__file__).parents[2] / "docs/research/example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "run"))


def test_every_command_opens_it(folder: Path, tmp_path: Path) -> None:
    for words in (
        ["report", folder, "--parse-rules", "--write", tmp_path / "report.html", "--write", tmp_path / "report.md"],
        ["show", folder],
        ["show", folder, "--id", "gsm_symbolic-3-0001"],
        ["compare", folder, folder, "--fail-if-worse", "0"],
        ["matrix", folder, folder],
        ["power", "--pilot", folder],
    ):
        done = CliRunner().invoke(app(), ["bench", *map(str, words)])
        assert done.exit_code == 0, done.output
        assert done.stdout


def test_it_opens_without_its_journal_and_traces(folder: Path, tmp_path: Path) -> None:
    found = Comparison.from_folder(ResultsFolder.read(folder))
    assert len(found.rows) == 16
    assert {row.n for row in found.rows} == {20}
    shown = CliRunner().invoke(app(), ["bench", "report", str(folder), "--write", str(tmp_path / "report.html")])
    assert shown.exit_code == 0, shown.output
    assert "Best: pal, 7 of 20 right." in shown.output
