"""A real model on this machine: a run that is killed half way, and the same command again."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reasoning.journal import Journal

pytest.importorskip("xllamacpp")
pytestmark = pytest.mark.model

MAIN = "from reasoning.cli.app import main; main()"
STRATEGIES = "vanilla, cot(shots=2), self_consistency(cot(shots=2), samples=2)"


def test_killed_half_way_a_real_run_goes_on(tmp_path: Path, problems_file: Path) -> None:
    journal, folder = tmp_path / "journal.sqlite", tmp_path / "run"
    arguments = [sys.executable, "-c", MAIN, "bench", "run", "--task", f"jsonl:{problems_file}", "--json"]
    arguments += ["--model", "local:smollm2-135m", "--strategies", STRATEGIES, "--limit", "4", "--max-tokens", "12"]
    arguments += ["--out", str(folder), "--journal", str(journal), "--concurrency", "2"]
    results = folder / "results.jsonl"
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and not (results.exists() and results.read_bytes().count(b"\n") >= 3):
            time.sleep(0.01)
        running.kill()
    kept = results.read_bytes().count(b"\n")
    assert 3 <= kept < 12
    bought = len(Journal(journal))

    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["n"] for row in found["results"]] == [4, 4, 4]
    assert [row["calls"] for row in found["results"]] == [4, 4, 8]
    assert all(row["completion_tokens"] > 0 and row["seconds"] > 0 for row in found["results"])
    assert found["spent"]["calls"] == 16 - bought  # what was recorded before the kill was not bought again
    assert len(Journal(journal)) == 16

    again = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert again["spent"]["calls"] == 0
    assert again["results"] == found["results"]
    anew = [*arguments, "--out", str(tmp_path / "anew")]  # another folder, the same journal
    elsewhere = json.loads(subprocess.run(anew, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert elsewhere["spent"]["calls"] == 0
    assert elsewhere["results"] == found["results"]
