"""Runs on a Ray cluster of this machine, one of whose workers is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning.benchmarks import compare
from reasoning.benchmarks.shards import compare_on_ray
from reasoning.benchmarks.shards.ray_cluster import RayCluster
from reasoning.errors import InputError, UsageError
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM
from tests.benchmarks.shards.folders import assert_same
from tests.faults.server import Server as FaultyServer

Sums = Callable[[int], list[Example]]
MAIN = "from reasoning.cli.app import main; main()"
STRATEGIES = "cot(stages=1), self_consistency(cot(stages=1), samples=2)"


def test_models_and_addresses_that_workers_cannot_reach(tmp_path: Path, sums: Sums) -> None:
    with pytest.raises(UsageError, match="by its name, without batches"):
        compare_on_ray(["vanilla"], sums(2), ScriptedLLM([]), out=tmp_path / "run", progress=False)
    with pytest.raises(UsageError, match="started on a machine of the cluster"):
        compare_on_ray(["vanilla"], sums(2), "m", out=tmp_path / "run", address="ray://head:10001", progress=False)
    with pytest.raises(UsageError, match="workers must be at least 1"):
        compare_on_ray(["vanilla"], sums(2), "m", out=tmp_path / "run", workers=0, progress=False)


def test_an_address_where_nothing_listens_is_named_at_once() -> None:
    with pytest.raises(UsageError, match="no Ray cluster answers at 127"):
        RayCluster("127.0.0.1:1").check_reachable()
    for address in ("head", "head:x", ":6379", "head:99999", "local", ""):
        with pytest.raises(UsageError, match=f"must be auto, or HOST:PORT .*, got '{address}'"):
            RayCluster(address).check_reachable()


def test_a_damaged_file_of_leases_is_named_before_the_cluster_begins(tmp_path: Path, sums: Sums) -> None:
    (tmp_path / "run" / "shards").mkdir(parents=True)
    (tmp_path / "run" / "shards" / "leases.jsonl").write_text("{damaged\n")
    llm = reasoning.connect("m", base_url="http://127.0.0.1:1/v1", journal=False)
    with llm, pytest.raises(InputError, match=r"leases\.jsonl:1: not JSON"):
        compare_on_ray(["vanilla"], sums(2), llm, out=tmp_path / "run", progress=False)


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
def test_a_killed_worker_is_replaced_and_the_run_is_that_of_one_process(
    tmp_path: Path, problems_file: Path, server: Any
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'reasoning-strategies[ray]'")
    server.latency = 0.4
    options = ["--task", f"jsonl:{problems_file}", "--model", "four", "--base-url", server.url, "--concurrency", "2"]
    options += ["--strategies", STRATEGIES, "--out", str(tmp_path / "many"), "--ray", "auto", "--workers", "2"]
    command = [sys.executable, "-c", MAIN, "bench", "run", *options, "--budget-calls", "60"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not server.asked and process.poll() is None:
        time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.kill(_workers()[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    server.latency = 0.0
    llm = reasoning.connect("four", base_url=server.url, journal=False)
    compare(reasoning.strategies.split(STRATEGIES), str(problems_file), llm, out=tmp_path / "one", progress=False)
    assert_same(tmp_path / "one", tmp_path / "many", interrupted=True)


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
def test_workers_divide_their_requests_among_several_servers(tmp_path: Path, problems_file: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'reasoning-strategies[ray]'")
    with FaultyServer() as one, FaultyServer() as other:
        options = ["--task", f"jsonl:{problems_file}", "--model", "m", "--base-url", one.url, "--base-url", other.url]
        options += ["--strategies", STRATEGIES, "--out", str(tmp_path / "run"), "--ray", "auto", "--workers", "2"]
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "bench", "run", *options, "--json"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        asked = {server.url: len(server.asked) for server in (one, other)}
    assert min(asked.values()) > 0
    assert {use["base_url"]: use["requests"] for use in json.loads(done.stdout)["servers"]} == asked


@pytest.mark.long
@pytest.mark.usefixtures("selected_by_mark")
def test_a_chain_on_workers_gives_the_rows_of_one_process(tmp_path: Path, server: Any) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'reasoning-strategies[ray]'")
    chain = tmp_path / "chain"
    chain.mkdir()
    (chain / "chain.toml").write_text(
        'name = "sums"\n[inputs]\ntext = "text"\n[[step]]\nname = "answer"\nreads = ["text"]\nprompt = "p.md"\n'
        'returns = "number"\ncheck = "code:check"\n'
    )
    (chain / "p.md").write_text("# Instructions\n\nAnswer.\n\n# Input\n\n{text}\n")
    (chain / "code.py").write_text("def check(value, **more):\n    return None\n")
    (tmp_path / "in.jsonl").write_text("".join(f'{{"id": "i{k}", "text": "What is {k} + {k}?"}}\n' for k in range(9)))

    def run(name: str, *more: str) -> str:
        options = [
            "--model",
            "four",
            "--base-url",
            server.url,
            "--allow-code",
            "--journal",
            str(tmp_path / f"{name}.db"),
        ]
        command = [sys.executable, "-c", MAIN, "chain", "run", str(chain), str(tmp_path / "in.jsonl"), *options, *more]
        done = subprocess.run(
            [*command, "--out", str(tmp_path / f"{name}.csv")], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return (tmp_path / f"{name}.csv").read_text()

    plain = run("plain")
    asked = len(server.asked)
    assert run("workers", "--ray", "auto", "--workers", "1", "--budget-calls", "9") == plain
    assert len(server.asked) == 2 * asked
    assert [path.name for path in tmp_path.glob(".workers*")] == []


def _workers() -> list[int]:
    lines = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(line.split()[0]) for line in lines if "ray::RayWorker" in line]
