"""What a results folder says of what made it."""

from __future__ import annotations

import json
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from reasoning import Budget, __version__
from reasoning.benchmarks import compare
from reasoning.benchmarks.results.provenance import git_state, provenance
from reasoning.testing import ScriptedLLM


def _git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)


def test_the_commit_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state() == ""
    assert "git" not in provenance()
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
        return json.loads((tmp_path / "run.json").read_text())["metadata"]

    first = about()
    assert (first["library"], first["python"]) == (__version__, provenance()["python"])
    assert about() == first


def test_every_plan_is_kept_with_its_budgets_and_prices(
    sums: Any, adds: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(limit: int, **more: Any) -> list[dict[str, Any]]:
        llm = ScriptedLLM(adds(), budget=Budget(calls=50))
        monkeypatch.setattr(type(llm.client), "prices", "table 7")
        compare(["vanilla"], sums(3), llm, limit=limit, out=tmp_path, progress=False, **more)
        plans: list[dict[str, Any]] = json.loads((tmp_path / "run.json").read_text())["metadata"]["invocations"]
        return plans

    first = {"strategies": ["vanilla"], "concurrency": 32, "limit": 2, "epochs": 1}
    first |= {"budget": "calls=50", "prices": "table 7"}
    assert asked(2) == [first]
    more = {
        "epochs": 2,
        "race": True,
        "margin": 2.0,
        "concurrency": 3,
        "time_limit": 540.0,
        "strategy_budget": Budget(tokens=50_000),
    }
    stored = {name: value for name, value in more.items() if name not in ("race", "margin")}
    second = {**first, **stored, "race_margin": 2.0, "limit": 3, "strategy_budget": "tokens=50000"}
    assert asked(3, **more) == [first, second]
    assert asked(2) == [first, second]


def test_the_packages_that_problems_depend_on() -> None:
    for package in ("datasets", "reasoning-gym"):
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
        assert provenance()[package] == version
