"""The results folder that the documents show: it opens."""

from __future__ import annotations

import shutil
from pathlib import Path

from click.testing import CliRunner

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.folder import Store
from reasoning.cli.app import app


def test_the_example_of_the_documents_opens_without_its_journal_and_traces(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(Path(__file__).parents[2] / "docs/example", tmp_path / "example"))
    found = Comparison.from_folder(Store.read(folder))
    assert len(found.rows) == 16
    assert {row.n for row in found.rows} == {20}
    shown = CliRunner().invoke(app(), ["bench", "report", str(folder), "--write", str(tmp_path / "report.html")])
    assert shown.exit_code == 0, shown.output
    assert "Best: pal, 7 of 20 right." in shown.output
