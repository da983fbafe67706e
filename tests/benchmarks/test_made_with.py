"""What a results folder says of what made it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import compare
from benchmarks.made_with import git_state, made_with
from reasoning import __version__
from reasoning.testing import ScriptedLLM


def _git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)


def test_the_commit_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state() == ""
    assert "git" not in made_with()
    _git("init")
    assert git_state() == ""
    (tmp_path / "prompt.md").write_text("one")
    _git("add", ".")
    _git("commit", "-m", "one")
    clean = git_state()
    assert len(clean) == 40
    (tmp_path / "new.md").write_text("untracked")
    assert git_state() == clean
    (tmp_path / "prompt.md").write_text("two")
    assert git_state() == f"{clean}, changed"


def test_a_repository_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _git("init")
    (tmp_path / "a").write_text("a")
    _git("add", ".")
    _git("commit", "-m", "one")
    watcher = tmp_path / "watcher.sh"
    watcher.write_text("#!/bin/sh\ntouch started\n")
    watcher.chmod(0o755)
    _git("config", "core.fsmonitor", str(watcher))
    assert git_state()
    assert not (tmp_path / "started").exists()


def test_it_is_kept_from_the_first_run(sums: Any, adds: Any, tmp_path: Path) -> None:
    def about() -> dict[str, Any]:
        compare(["vanilla"], sums(3), ScriptedLLM(adds()), out=tmp_path, progress=False)
        return json.loads((tmp_path / "run.json").read_text())["about"]

    first = about()
    assert (first["library"], first["python"]) == (__version__, made_with()["python"])
    assert about() == first
