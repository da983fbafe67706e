"""The command `reasoning tune prompts` as a process: dry, within a budget, killed and continued."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.command_line import MAIN, reasoning
from tests.faults.server import Server

STRATEGY = "vanilla(prompt={'turns': 'single'})"
"""One turn, since the server looks at the last one."""


def say(prompt: str, nth: int, place: int) -> str:
    asked = re.findall(r"What is (\d+) plus (\d+)", prompt)
    first, second = map(int, asked[-1])
    is_right = len(asked) > 1 or first % 3 == 0
    return f"The answer is {first + second + (not is_right)}."


@pytest.fixture
def task(tmp_path: Path) -> Path:
    path = tmp_path / "sums.jsonl"
    rows = [{"question": f"What is {k} plus {3 * k + 1}?", "answer": 4 * k + 1} for k in range(1, 61)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def command(task: Path, server: Server, *options: str) -> list[str]:
    words = [*MAIN, "tune", "prompts", STRATEGY, "--task", str(task), "--model", "mock"]
    words += ["--base-url", server.url, "--journal", str(task.parent / "journal.sqlite"), "--concurrency", "4"]
    return [*words, "--train", "12", "--selection", "16", "--test", "30", "-o", str(task.parent / "out"), *options]


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return reasoning(*words[len(MAIN) :], env=os.environ)


def test_a_dry_run_makes_no_call_and_names_the_parts(task: Path) -> None:
    with Server(say=say) as server:
        done = run(command(task, server, "--dry-run"))
        assert done.returncode == 0, done.stderr
        assert server.completions == 0
    assert "vanilla.prompt.instructions" in done.stdout
    assert "12 train, 16 selection, 30 test" in done.stdout
    assert not (task.parent / "out").exists()


def test_killed_and_continued_it_pays_for_no_call_twice(task: Path) -> None:
    with Server(say=say, latency=0.02) as server:
        words = command(task, server, "--budget-calls", "800", "--json")
        running = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while server.completions < 100 and running.poll() is None:
            time.sleep(0.002)
        assert running.poll() is None
        running.send_signal(signal.SIGKILL)
        running.wait(timeout=60)
        done = run(words)
        assert done.returncode == 0, done.stderr
        total = server.completions
        again = run(words)
        assert (again.returncode, server.completions) == (0, total)
        assert json.loads(again.stdout)["spent"]["calls"] == 0
        # Without the kill it takes the same calls, except those in flight.
        (task.parent / "out").rename(task.parent / "killed")
        (task.parent / "journal.sqlite").unlink()
        whole = run(words)
        assert whole.returncode == 0
        assert 0 <= total - (server.completions - total) <= 4, "only calls in flight at the kill are made twice"
    killed, undisturbed = json.loads(done.stdout), json.loads(whole.stdout)
    assert killed["decision"] == undisturbed["decision"] == "use the tuned prompts"
    assert killed["candidate"] == undisturbed["candidate"]


def test_the_budget_is_kept_and_a_larger_one_extends_the_search(task: Path) -> None:
    with Server(say=say) as server:
        done = run(command(task, server, "--budget-calls", "120"))
        assert done.returncode == 2
        assert "the budget must cover the final test on 30 examples" in done.stderr
        assert server.completions <= 8
        done = run(command(task, server, "--budget-calls", "260"))
        assert done.returncode == 0, done.stderr
        assert server.completions <= 260
        assert "the budget ended the search: the same command with a larger one extends it" in done.stderr
        assert "+# Examples" in done.stdout
        assert f"--strategy {task.parent / 'out'}" in done.stderr
        before = server.completions
        done = run(command(task, server, "--budget-calls", "800"))
        assert done.returncode == 0, done.stderr
        assert before < server.completions <= 800
        # The prompts are used where a strategy is asked.
        asked = [*words_of_ask(task, server), "What is 700 plus 8?"]
        assert run(asked).stdout.strip() == "708"
        # They can be tuned again, as for another model.
        words = [task.parent / "out" if word == STRATEGY else word for word in command(task, server, "--dry-run")]
        again = run([str(word) for word in words])
        assert again.returncode == 0, again.stderr
        assert "a solve: 1 call of about" in again.stdout
        assert "The answer is" in again.stdout.splitlines()[0], "the demonstrations are part of the strategy"


def words_of_ask(task: Path, server: Server) -> list[str]:
    words = [*MAIN, "ask", "--strategy", str(task.parent / "out")]
    return [*words, "--kind", "number", "--model", "mock", "--base-url", server.url, "--no-journal"]


def test_wrong_usage_is_said(task: Path) -> None:
    with Server(say=say) as server:
        for options, message in (
            ((), "a search needs a limit"),
            (("--budget-calls", "500", "--method", "bootstap"), "did you mean 'bootstrap'"),
            (("--budget-calls", "500", "--part", "vanilla.promt"), "unknown part"),
        ):
            done = run(command(task, server, *options))
            assert done.returncode == 2, message
            assert message in done.stderr
        assert server.completions == 0
    done = run([*MAIN, "tune", "prompts", "cot", "--budget-tokens", "5"])
    assert done.returncode == 2
    assert "give --task TASK" in done.stderr
