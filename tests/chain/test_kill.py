"""Two hundred inputs, killed twice: each step of each input is paid for once."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from tests.chain.test_folder import write
from tests.faults.server import Server

TOML = """\
name = "replies"

[inputs]
feedback = "text"

[[step]]
name = "issues"
prompt = "issues.md"
returns = "items"

[[step]]
name = "checks"
prompt = "check.md"
for_each = "issue in issues"
returns = { kind = "text", whole = true }

[[step]]
name = "reply"
prompt = "reply.md"
reads = ["issues", "checks"]
"""
INPUTS, PLACES, STEPS = 200, 6, 5
NEEDED = INPUTS * STEPS


def said(prompt: str, nth: int, place: int) -> str:
    """Three issues, a word on each, and a reply."""
    if prompt.startswith("Feedback: "):
        return "; ".join(prompt.split()[1:4])
    return "fine" if prompt.startswith("Check") else f"The answer is sorry for {prompt.split()[-1]}"


def command(folder: Path, server: Server, out: Path) -> list[str]:
    words = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "chain", "run", str(folder)]
    words += [str(folder.parent / "inputs.jsonl"), "--model", "mock", "--base-url", server.url]
    words += ["--concurrency", str(PLACES), "--journal", str(folder.parent / "journal.sqlite")]
    return [*words, "--out", str(out)]


def settled(server: Server) -> int:
    """The completions that were given out, when nothing is on the way any more."""
    quiet = 0
    while quiet < 10:
        quiet = 0 if server.in_flight else quiet + 1
        time.sleep(0.002)
    return server.completions


def test_killed_twice_and_finished_each_step_of_each_input_was_paid_for_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "replies", chain=TOML, reply="# Input\n\nReply to {checks} and {issues}\n")
    (folder / "check.md").write_text("# Input\n\nCheck: {issue} of {feedback}\n")
    lines = [json.dumps({"id": k, "feedback": f"late{k} rude{k} slow{k}"}) for k in range(INPUTS)]
    (tmp_path / "inputs.jsonl").write_text("\n".join(lines))
    with Server(say=said, latency=0.01) as server:
        for part in (0.3, 0.65):
            running = subprocess.Popen(command(folder, server, tmp_path / "out.jsonl"), stderr=subprocess.DEVNULL)
            while server.completions < part * NEEDED and running.poll() is None:
                time.sleep(0.002)
            assert running.poll() is None
            running.send_signal(signal.SIGKILL)
            assert running.wait(timeout=60) == -signal.SIGKILL
            assert not (tmp_path / "out.jsonl").exists()
        wasted = settled(server) - recorded(tmp_path)
        assert 0 <= wasted <= 2 * PLACES  # what was on the way when it was killed
        before = server.completions
        done = subprocess.run(
            command(folder, server, tmp_path / "out.jsonl"), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        assert server.completions - before == NEEDED + wasted - before
        assert recorded(tmp_path) == NEEDED
        paid = Counter({prompt: len(given) for prompt, given in server.given.items()})
        assert len(paid) == NEEDED
        assert sum(count - 1 for count in paid.values()) == wasted
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [row["id"] for row in rows] == [str(k) for k in range(INPUTS)]
        assert all(row["calls"] == STEPS and row["state"] == "answered" for row in rows)
        again = subprocess.run(command(folder, server, tmp_path / "again.jsonl"), capture_output=True, timeout=300)
        assert again.returncode == 0
        assert server.completions == NEEDED + wasted
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()


def recorded(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "journal.sqlite", timeout=10)) as journal:
        return int(journal.execute("SELECT count(*) FROM draws").fetchone()[0])
