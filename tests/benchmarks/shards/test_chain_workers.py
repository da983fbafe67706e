"""The options of `chain run` that go with `--ray`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from reasoning.cli.app import app


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--workers", "2"], "give --ray auto, too"),
        (["--ray", "auto"], "--ray needs --out FILE"),
        (["--ray", "auto", "--out", "rows.csv", "--new-samples"], "--new-samples and --ray exclude each other"),
        (["--ray", "auto", "--out", "rows.csv", "--together"], "--together and --ray exclude each other"),
        (["--ray", "auto", "--out", "rows.csv", "--no-journal"], "--no-journal and --ray exclude each other"),
        (["--out", "begun.csv"], "this run was begun with --ray"),
    ],
)
def test_options_that_do_not_go_with_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("feedback\nslow\n")
    Path(".begun.csv.shards").mkdir()
    found: Any = CliRunner().invoke(app(), ["chain", "run", "telecom_feedback", "in.csv", *options])
    assert found.exit_code != 0
    assert said in str(found.exception)
