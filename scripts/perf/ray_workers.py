"""Measure a run on two Ray workers of this machine against one process, and kill its workers.

    export PYTHONPATH=scripts
    .venv/bin/python -m perf.ray_workers overhead --problems 1500     # wall and CPU of both, on the same mock
    .venv/bin/python -m perf.ray_workers kills --kills 20             # a budget that runs out, then the rest

It needs the extra `ray`. CPU is that of all processes that a command starts, with Ray's own, read twice a second; the
mock server is apart. With fewer cores than processes, wall times say how much work there is, not how fast it can be.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from perf.mock import Mock, mock
from perf.virtualenvs import ROOT
from perf.workload import Workload, questions

MAIN = "from reasoning.cli.app import main; main()"
STRATEGIES = "vanilla, cot(stages=1), self_consistency(cot(stages=1), samples=5)"
REQUESTS, DRAWS = 3, 7
"""The requests and draws of these strategies on a problem."""
_MARK = "REASONING_PERF_MARK"
_TICKS = os.sysconf("SC_CLK_TCK")


def command(server: Mock, folder: Path, *options: str) -> list[str]:
    """Return the command of a run."""
    given = ["--task", f"jsonl:{folder / 'problems.jsonl'}", "--model", "mock", "--base-url", server.url, "--json"]
    return [sys.executable, "-c", MAIN, "bench", "run", *given, "--strategies", STRATEGIES, *options]


def write_problems(folder: Path, count: int) -> None:
    """Write problems with answers that the server never gives."""
    lines = [json.dumps({"id": f"p{k}", "question": text, "answer": -1}) for k, text in enumerate(questions(count))]
    (folder / "problems.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


class CPU(threading.Thread):
    """The CPU seconds of all processes with a mark in their environment, by kind."""

    def __init__(self, mark: str) -> None:
        super().__init__(daemon=True)
        self._mark, self._ended = f"{_MARK}={mark}".encode(), threading.Event()
        self.by_process: dict[int, tuple[str, float]] = {}
        self._known: dict[int, bool] = {}

    def run(self) -> None:
        while not self._ended.wait(0.5):
            self.read()

    def read(self) -> dict[str, float]:
        """Return the CPU seconds so far by kind of process."""
        for name in filter(str.isdigit, os.listdir("/proc")):
            pid = int(name)
            with suppress(OSError, ValueError, KeyError):
                if pid not in self._known:
                    self._known[pid] = self._mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if self._known[pid]:
                    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                    line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                    # A process that is ending has no command line.
                    kind = kind_of(line) if line else self.by_process[pid][0]
                    self.by_process[pid] = kind, (int(fields[11]) + int(fields[12])) / _TICKS
        totals = dict[str, float]()
        for kind, seconds in self.by_process.values():
            totals[kind] = round(totals.get(kind, 0.0) + seconds, 2)
        return totals

    def stop(self) -> dict[str, float]:
        """Stop reading, and return the CPU seconds by kind of process."""
        self._ended.set()
        self.join()
        return self.read()


def kind_of(line: str) -> str:
    """Return the kind of a process from its command line."""
    for name, kind in (("ray::RayWorker", "workers"), ("ray::Coordinator", "coordinator"), ("bench run", "command")):
        if name in line:
            return kind
    return "ray"


@contextmanager
def started(arguments: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], CPU]]:
    """Start a command, and count its CPU."""
    mark = uuid4().hex
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = {**os.environ, _MARK: mark, "HOME": str(home)}
    errors = (folder / "errors.txt").open("a", encoding="utf-8")
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=ROOT)
    cpu = CPU(mark)
    cpu.start()
    try:
        yield process, cpu
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        errors.close()


def measure(server: Mock, folder: Path, problems: int, *options: str) -> dict[str, Any]:
    """Run a command to its end, and return its figures: of the whole, and from the first request to the last reply."""
    server.reset()
    began = time.perf_counter()
    with started(command(server, folder, *options), folder) as (process, cpu):
        while server.stats()["requests"] < 1 and process.poll() is None:
            time.sleep(0.05)
        first, before = time.perf_counter(), cpu.read()
        while server.stats()["completions"] < problems * DRAWS and process.poll() is None:
            time.sleep(0.1)
        last, after = time.perf_counter(), cpu.read()
        process.communicate()
        ended, totals = time.perf_counter(), cpu.stop()
    stats, requests = server.stats(), problems * REQUESTS
    return {
        "exit_code": process.returncode,
        "wall_s": round(ended - began, 2),
        "calls_wall_s": round(last - first, 2),
        "cpu_s": totals,
        "cpu_ms_per_request": round(1000 * sum(totals.values()) / requests, 3),
        "calls_cpu_ms_per_request": round(1000 * (sum(after.values()) - sum(before.values())) / requests, 3),
        "calls_cpu_s": {kind: round(after[kind] - before.get(kind, 0.0), 2) for kind in after},
        "start_cpu_s": round(sum(before.values()), 2),
        "requests": stats["requests"],
        "completions": stats["completions"],
        "peak_in_flight": stats["peak_in_flight"],
    }


def overhead(problems: int, in_flight: int, rounds: int) -> None:
    """Print the figures of one process and of two workers, in turn."""
    with mock(Workload(problems, in_flight, 200)) as server:
        for number in range(rounds):
            for name, options in (("one process", []), ("two Ray workers", ["--ray", "auto", "--workers", "2"])):
                with tempfile.TemporaryDirectory(prefix="perf-", ignore_cleanup_errors=True) as state:
                    folder = Path(state)
                    write_problems(folder, problems)
                    journal = ["--journal", str(folder / "user.sqlite")] if name == "one process" else []
                    row = measure(
                        *(server, folder, problems, "--out", str(folder / "run"), "--concurrency", str(in_flight)),
                        *(*journal, "--yes", *options),
                    )
                print(json.dumps({"round": number, "setup": name, **row}), flush=True)


def workers_of(cpu: CPU) -> list[int]:
    """Return the processes of the workers that are alive."""
    cpu.read()
    return [pid for pid, (kind, _) in cpu.by_process.items() if kind == "workers" and Path(f"/proc/{pid}").exists()]


def kills(problems: int, in_flight: int, count: int) -> None:
    """Kill workers at random moments: in a run whose budget runs out, and in one that finishes it."""
    dice, needed = random.Random(3), problems * DRAWS
    budget = needed * 2 // 3
    with mock(Workload(problems, in_flight, 200)) as server, tempfile.TemporaryDirectory(prefix="perf-") as state:
        folder = Path(state)
        write_problems(folder, problems)
        shared = ["--out", str(folder / "run"), "--concurrency", str(in_flight), "--yes", "--ray", "auto"]
        for part, options in (("budget", ["--budget-calls", str(budget)]), ("rest", [])):
            killed, before = 0, server.stats()
            with started(command(server, folder, *shared, "--workers", "2", *options), folder) as (process, cpu):
                wanted = count // 2
                while process.poll() is None:
                    time.sleep(dice.uniform(1.0, 4.0))
                    alive = workers_of(cpu)
                    done = server.stats()["completions"] > before["completions"]
                    if killed < wanted and alive and done and process.poll() is None:
                        with suppress(ProcessLookupError):
                            os.kill(dice.choice(alive), signal.SIGKILL)
                            killed += 1
                process.communicate()
            stats = server.stats()
            entries = [
                json.loads(line)
                for path in (folder / "run" / "shards").glob("*-of-*/spending.jsonl")
                for line in path.read_text(encoding="utf-8").splitlines()
            ]
            sent = {(e["sent"]): e["calls"] for e in entries if "sent" in e}
            row = {"part": part, "exit_code": process.returncode, "killed": killed, "needed": needed}
            row |= {"budget": budget if options else None, "completions": stats["completions"]}
            row |= {"bought_twice": max(0, stats["completions"] - needed), "ledger_lines": len(sent)}
            print(json.dumps(row), flush=True)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m perf.ray_workers", description=__doc__.partition("\n")[0])
    parser.add_argument("part", choices=("overhead", "kills"))
    parser.add_argument("--problems", type=int, default=1500)
    parser.add_argument("--in-flight", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    if options.part == "overhead":
        overhead(options.problems, options.in_flight, options.rounds)
    else:
        kills(options.problems, options.in_flight, options.kills)


if __name__ == "__main__":
    main()
