"""The forecast of a run over the user's own file, and the question on a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasoning import registry
from reasoning.benchmarks import tasks
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.forecast import Forecast, forecast
from reasoning.testing import ScriptedLLM

MAIN = "from reasoning.cli.app import main; main()"


def sums_file(path: Path, count: int) -> Path:
    path.write_text(
        "".join(json.dumps({"question": f"What is {k} + {k}?", "answer": 2 * k}) + "\n" for k in range(count))
    )
    return path


@pytest.fixture
def command(tmp_path: Path, server: Any) -> Callable[..., list[str]]:
    """Makes the command line of a run of 600 problems with two strategies, on a model without a price."""
    file = sums_file(tmp_path / "mine.jsonl", 600)

    def make(*options: str) -> list[str]:
        model = ["--model", "four", "--base-url", server.url, "--no-journal", "--out", str(tmp_path / "run")]
        run = ["bench", "run", "--task", f"jsonl:{file}", "--strategies", "vanilla, cot(stages=1)"]
        return [sys.executable, "-c", MAIN, *run, *model, *options]

    return make


def on_a_terminal(arguments: list[str], reply: bytes | signal.Signals) -> tuple[int, str, str]:
    """Run a command with a terminal as standard input and error, and reply to its question."""
    own, its = pty.openpty()
    with subprocess.Popen(arguments, stdin=its, stderr=its, stdout=subprocess.PIPE, text=True) as process:
        os.close(its)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(own, 1000)
        if isinstance(reply, bytes):
            os.write(own, reply)
        else:
            process.send_signal(reply)
        out, _ = process.communicate(timeout=60)
    os.close(own)
    return process.returncode, out, said.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(("reply", "code"), [(b"n\n", 1), (b"\n", 1), (b"\x04", 1), (signal.SIGINT, 130)])
def test_a_terminal_is_asked_before_a_dear_run(
    command: Any, server: Any, tmp_path: Path, reply: Any, code: int
) -> None:
    ended, out, said = on_a_terminal(command("--json"), reply)
    assert (ended, out, server.asked) == (code, "", [])
    assert "600 problems on four: about 1,200 calls, the price is unknown\n" in said
    assert "--limit 20 tries 20 of them, --budget-calls 1000 sets a limit" in said
    assert not (tmp_path / "run").exists()


def test_yes_starts_it(command: Any, server: Any) -> None:
    # The server refuses the key, so that the run ends with its first call.
    server.fails = lambda text: 401
    assert on_a_terminal(command(), b"y\n")[0] == 2
    assert server.asked


@pytest.mark.parametrize(
    ("options", "is_shown"),
    [([], True), (["--yes"], False), (["--limit", "3"], False), (["--budget-calls", "5"], False)],
)
def test_without_a_terminal_the_forecast_is_printed_and_nothing_asked(
    command: Any, server: Any, options: list[str], is_shown: bool
) -> None:
    server.fails = lambda text: 401
    done = subprocess.run(
        command(*options), capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    assert ("about 1,200 calls, the price is unknown" in done.stderr) == is_shown
    assert "[y/N]" not in done.stderr
    assert server.asked


def test_stored_results_and_recorded_draws_are_not_bought_again(tmp_path: Path) -> None:
    task = tasks.get(f"jsonl:{sums_file(tmp_path / 'mine.jsonl', 250)}")
    strategies = {name: registry.get(name) for name in ("vanilla", "cot(stages=1)")}
    llm = ScriptedLLM(lambda messages: "The answer is 2.")
    config = RunConfig(limit=250, folder=tmp_path / "run")
    assert forecast(strategies, task, llm, config).least_calls == 500
    from reasoning.benchmarks.experiment import run_comparison
    from reasoning.benchmarks.runs.progress import RunProgress

    run_comparison(["vanilla"], task, llm, config, RunProgress(shown=False))
    assert forecast(strategies, task, llm, config).least_calls == 250
    # Another folder finds the draws in the journal.
    assert forecast({"vanilla": strategies["vanilla"]}, task, llm, RunConfig(limit=250)).least_calls == 0


@pytest.mark.parametrize(
    ("one", "is_dear"),
    [
        (Forecast(10, 10, 0.99, None, False), False),
        (Forecast(10, 10, 1.01, None, False), True),
        (Forecast(900, 1_000, None, None, False), False),
        (Forecast(900, 1_001, None, None, False), True),
        (Forecast(9_000, 9_000, 0.0, None, True), False),
        (Forecast(300, 900, 0.0, 7.5, True), False),
        (Forecast(500, 500, 0.0, 12.5, True), True),
    ],
)
def test_what_is_dear(one: Forecast, is_dear: bool) -> None:
    assert one.is_dear is is_dear
