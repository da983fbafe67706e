"""Shards as processes of their own, one of which is killed and started again as on another machine."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning.benchmarks import compare
from reasoning.benchmarks.shards.merge import merge_shards
from reasoning.cli.output import CALLS_FAILED
from tests.benchmarks.shards.folders import assert_same

MAIN = "from reasoning.cli.app import main; main()"
STRATEGIES = "cot(stages=1), self_consistency(cot(stages=1), samples=2)"


@pytest.fixture
def start(tmp_path: Path, problems_file: Path, server: Any) -> Callable[..., subprocess.Popen[str]]:
    """Starts a shard as a process, with the local disk of a machine."""

    def begin(shard: str, machine: str, *more: str) -> subprocess.Popen[str]:
        options = ["--task", f"jsonl:{problems_file}", "--model", "four", "--base-url", server.url]
        options += ["--strategies", STRATEGIES, "--out", str(tmp_path / "many")]
        options += ["--shard", shard, "--local-dir", str(tmp_path / machine), *more]
        command = [sys.executable, "-c", MAIN, "bench", "run", *options]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    return begin


def one_process(tmp_path: Path, problems_file: Path, server: Any) -> Path:
    llm = reasoning.connect("four", base_url=server.url, journal=False)
    compare(reasoning.strategies.split(STRATEGIES), str(problems_file), llm, out=tmp_path / "one", progress=False)
    return tmp_path / "one"


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
def test_eight_processes_some_of_which_are_killed(
    tmp_path: Path, problems_file: Path, server: Any, start: Callable[..., subprocess.Popen[str]]
) -> None:
    server.latency = 0.5
    processes = {index: start(f"{index}/8", f"machine {index}") for index in range(8)}
    for index, lines in ((2, 1), (5, 2)):
        draws = tmp_path / "many" / "shards" / f"{index}-of-8" / "spending.jsonl"
        while not (draws.is_file() and draws.read_bytes().count(b"\n") > lines) and processes[index].poll() is None:
            time.sleep(0.01)
        processes[index].kill()
        processes[index].communicate()
        processes[index] = start(f"{index}/8", f"another machine {index}")
    for process in processes.values():
        _, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors
    # Each killed shard had at most its two requests, of three draws, in flight.
    assert 24 <= sum(body.get("n", 1) for body in server.asked) <= 24 + 2 * 3
    assert merge_shards(tmp_path / "many").is_complete
    server.latency = 0.0
    assert_same(one_process(tmp_path, problems_file, server), tmp_path / "many", interrupted=True)


def test_a_shard_that_is_killed_and_requeued_buys_nothing_twice(
    tmp_path: Path, problems_file: Path, server: Any, start: Callable[..., subprocess.Popen[str]]
) -> None:
    server.latency = 0.15
    first = start("0/2", "node 1", "--concurrency", "2")
    results = tmp_path / "many" / "shards" / "0-of-2" / "results.jsonl"
    while not (results.is_file() and results.stat().st_size) and first.poll() is None:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    shutil.rmtree(tmp_path / "node 1")
    bought = sum(body.get("n", 1) for body in server.asked)
    server.latency = 0.0
    again, other = start("0/2", "node 2", "--concurrency", "2"), start("1/2", "node 1", "--concurrency", "2", "--json")
    for process in (again, other):
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert "reasoning bench merge" in errors
    draws = sum(body.get("n", 1) for body in server.asked)
    # Each shard has one call in flight: what was in flight when it was killed is bought again.
    assert 24 <= draws <= 24 + 2
    assert bought < 24
    assert merge_shards(tmp_path / "many").is_complete
    assert_same(one_process(tmp_path, problems_file, server), tmp_path / "many", interrupted=True)


def test_merging_says_what_is_missing(tmp_path: Path, problems_file: Path, server: Any) -> None:
    from click.testing import CliRunner

    from reasoning.benchmarks.shards.api import compare_shard
    from reasoning.cli.app import app

    llm = reasoning.connect("four", base_url=server.url, journal=False)
    compare_shard("1/2", ["vanilla"], str(problems_file), llm, out=tmp_path / "many", progress=False)
    found = CliRunner().invoke(app(), ["bench", "merge", str(tmp_path / "many")])
    assert found.exit_code == CALLS_FAILED, found.output
    assert "missing shards: 0/2" in found.stderr
    assert "4 problems" in found.stdout
