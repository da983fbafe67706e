"""A benchmark that is killed at fifty random moments, and what it costs: nothing but what was on the way."""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest

from tests.faults.server import Server, by_place

KILLS, ROUNDS_AT_ONCE = 50, 2
LIFE = 0.4
"""Seconds of work before a kill, at most."""
PROBLEMS, SAMPLES, PLACES = 200, 6, 4
NEEDED = PROBLEMS * (1 + SAMPLES)
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@dataclass
class Run:
    """One command with a server, a results folder and a journal of its own, that can be started again and again.

    Attributes:
        wasted: completions that were given out and did not come into the journal.
        hit: how often it was killed at work.
    """

    folder: Path
    server: Server
    wasted: int = 0
    hit: int = 0

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def start(self, out: Path | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "bench", "run", "--json"]
        command += ["--task", f"jsonl:{self.folder.parent / 'sums.jsonl'}", "--limit", str(PROBLEMS)]
        command += ["--model", "mock", "--base-url", self.server.url, "--concurrency", str(PLACES)]
        command += ["--strategies", f"vanilla, self_consistency(vanilla, samples={SAMPLES})"]
        command += ["--out", str(out or self.out), "--journal", str(self.folder / "journal.sqlite")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, out: Path | None = None) -> dict[str, Any]:
        """Let it run to its end, and return what it printed."""
        said, errors = (running := self.start(out)).communicate(timeout=60)
        assert running.returncode == 0, errors
        printed: dict[str, Any] = json.loads(said)
        return printed

    def killed(self, by: signal.Signals, after: float, working: bool) -> bool:
        """Kill it after some seconds of its work or of its start; return whether it was still running."""
        asked, running = len(self.server.asked), self.start()
        while working and len(self.server.asked) == asked and running.poll() is None:
            time.sleep(0.002)
        try:
            running.wait(timeout=after)
        except subprocess.TimeoutExpired:
            self.hit += len(self.server.asked) > asked
            running.send_signal(by)
        _, errors = running.communicate(timeout=60)
        if running.returncode == 0:
            return False
        # A signal that comes before there is a handler for it ends the interpreter in its own way.
        expected = {-by} if by == signal.SIGKILL else {130, 1, -by}
        assert running.returncode in expected, errors
        before, self.wasted = self.wasted, self.bought() - self.recorded()
        # All that was on the way at that moment, and no more: the journal has everything else.
        assert 0 <= self.wasted - before <= PLACES * SAMPLES
        return True

    def bought(self) -> int:
        """The completions that were given out, when nothing is on the way any more."""
        until, quiet = time.monotonic() + 5, 0
        while quiet < 10:  # what was sent may not have been read yet
            assert time.monotonic() < until
            quiet = 0 if self.server.in_flight else quiet + 1
            time.sleep(0.002)
        return self.server.completions

    def recorded(self) -> int:
        path = self.folder / "journal.sqlite"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path, timeout=10)) as journal:
            if not journal.execute("SELECT count(*) FROM sqlite_master WHERE name = 'draws'").fetchone()[0]:
                return 0
            return int(journal.execute("SELECT count(*) FROM draws").fetchone()[0])


@pytest.fixture
def new_run(tmp_path: Path) -> Iterator[Callable[[], Run]]:
    """Makes runs in folders of their own."""
    lines = [{"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": k % 4} for k in range(PROBLEMS)]
    (tmp_path / "sums.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    numbers = count()
    with ExitStack() as servers:

        def make() -> Run:
            folder = tmp_path / f"run-{next(numbers)}"
            folder.mkdir()
            return Run(folder, servers.enter_context(Server(say=by_place, latency=0.02)))

        yield make


def without_seconds(results: str) -> str:
    """The one thing that no two runs share: how long a model took when it was asked."""
    return re.sub(r'"seconds": [\d.]+', '"seconds": …', results)


@pytest.mark.long
def test_killed_at_fifty_random_moments_a_run_comes_to_the_same_end(
    new_run: Callable[[], Run], request: pytest.FixtureRequest
) -> None:
    """Twenty moments unless -m names long."""
    wanted = KILLS if "long" in request.config.getoption("-m") else 20
    undisturbed = new_run()
    began = time.monotonic()
    assert undisturbed.finish()["spent"]["calls"] == NEEDED == undisturbed.bought()
    start_up = undisturbed.server.asked[0].at - began
    expected = (undisturbed.out / "results.json").read_text()

    def round_of_kills(number: int) -> tuple[list[Run], int]:
        """Kill runs until enough have been killed; what is not done then is let go on to its end."""
        chance, by, made, kills = random.Random(number), cycle(SIGNALS), [], 0
        while kills < wanted // ROUNDS_AT_ONCE:
            made.append(run := new_run())
            while kills < wanted // ROUNDS_AT_ONCE:
                working = chance.random() < 0.8
                if not run.killed(next(by), chance.uniform(0, LIFE if working else start_up), working):
                    break
                kills += 1
        return made, kills

    with ThreadPoolExecutor(ROUNDS_AT_ONCE) as rounds:
        ended = list(rounds.map(round_of_kills, range(ROUNDS_AT_ONCE)))
    assert sum(kills for _, kills in ended) == wanted
    killed = [run for made, _ in ended for run in made]
    assert sum(run.hit for run in killed) > wanted // 2  # the others while it was starting
    assert sum(run.wasted for run in killed) > 0  # and with completions on the way
    for run in killed:
        before = run.bought()
        spent = run.finish()["spent"]["calls"]
        assert spent == run.bought() - before == NEEDED + run.wasted - before
        assert run.recorded() == NEEDED
        assert without_seconds((run.out / "results.json").read_text()) == without_seconds(expected)
        # From its journal alone, in one go and with nothing left to buy: the same to the last byte.
        again = run.folder / "again"
        assert run.finish(again)["spent"]["calls"] == 0
        assert run.bought() == NEEDED + run.wasted
        assert (again / "results.json").read_bytes() == (run.out / "results.json").read_bytes()
        assert (again / "results.md").read_bytes() == (run.out / "results.md").read_bytes()
    # The results folder holds a copy of every draw that it used: without results and without the journal, the same.
    whole = ended[0][0][0]
    for gone in ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "out/results.jsonl", "out/traces.jsonl"):
        (whole.folder / gone).unlink(missing_ok=True)
    results = (whole.out / "results.json").read_bytes()
    assert whole.finish()["spent"]["calls"] == 0
    assert (whole.out / "results.json").read_bytes() == results
