"""The command `reasoning tune strategy`: a pool that a run does not judge, and a file that can be trained on."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from reasoning.tuning.examples.example_file import read_examples
from tests.command_line import reasoning
from tests.faults.server import Server

NAMES = ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus", "Hal")


def said(prompt: str, nth: int, place: int) -> str:
    found = re.search(r"has (\d+) pens", prompt)
    assert found
    return f"Twice {found[1]} is it. The answer is {2 * int(found[1])}."


@pytest.fixture
def task(tmp_path: Path) -> str:
    """Eight problems; a run with the limit 3 judges three of them."""
    path = tmp_path / "pens.jsonl"
    rows = [
        {"id": f"p{k}", "question": f"{name} has {k} pens and gets {k} more. How many has {name}?", "answer": 2 * k}
        for k, name in enumerate(NAMES, 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return f"jsonl:{path}"


def command(task: str, out: Path, server: Server, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["tune", "strategy", "self_consistency(cot, samples=3)", "--task", task]
    words += ["--limit", "3", "--out", str(out), "--teacher", "mock", "--base-url", server.url]
    words += ["--journal", str(out.parent / "journal.sqlite"), *options]
    return reasoning(*words)


def test_it_teaches_problems_that_a_run_does_not_judge(task: str, tmp_path: Path) -> None:
    out = tmp_path / "cot.jsonl"
    with Server(say=said) as server:
        stopped = command(task, out, server, "--budget-calls", "7", "--concurrency", "1")
        assert stopped.returncode == 3, stopped.stderr
        assert len(read_examples(out).examples) == 2
        done = command(task, out, server, "--json", "--gold")
        assert done.returncode == 2
        assert "give another --out" in done.stderr
        done = command(task, out, server, "--json")
        assert done.returncode == 0, done.stderr
        assert server.completions == 5 * 3
        words = ["bench", "run", "--task", task, "--limit", "3", "--strategies", "cot"]
        words += ["--model", "mock", "--base-url", server.url, "--out", str(tmp_path / "run"), "--json"]
        words += ["--journal", str(tmp_path / "journal.sqlite")]
        assert reasoning(*words).returncode == 0
        # The judged problems are other ones: a run of the student pays for each of its calls.
        assert server.completions == 5 * 3 + 3
    data = json.loads(done.stdout)
    assert (data["strategy"], data["counts"]["kept"], data["complete"]) == ("cot", 5, True)
    found = read_examples(out)
    assert len(found.examples) == 5
    assert all("The answer is" in one.reply for one in found.examples)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--student", "self_consistency(cot)"], "one first call"),
        (["--min-share", "2"], "--min-share"),
    ],
)
def test_wrong_usage_is_said_before_a_call(task: str, tmp_path: Path, options: list[str], message: str) -> None:
    with Server(say=said) as server:
        done = command(task, tmp_path / "cot.jsonl", server, *options)
        assert done.returncode == 2
        assert message in done.stderr
        assert server.completions == 0
    assert not (tmp_path / "cot.jsonl").exists()
