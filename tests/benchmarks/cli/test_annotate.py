"""The command `reasoning annotate`, in a pseudo-terminal against a model server, and what `bench run` makes of it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks.annotate.annotation_file import AnnotationFile
from reasoning.strategies.demonstrations.worked_example import read_examples
from tests.command_line import MAIN, reasoning

SPEC = "active_prompt(shots=2, samples=1, pool_samples=2, seed_shots=2)"


@pytest.fixture
def command(tmp_path: Path, problems_file: Path, server: Any) -> Callable[..., list[str]]:
    """Makes a command line with a task of eight problems, of which three are judged."""

    def make(name: str, *options: str) -> list[str]:
        task = ["--task", f"jsonl:{problems_file}", "--limit", "3"]
        model = ["--model", "four", "--base-url", server.url, "--journal", str(tmp_path / "journal.sqlite")]
        return [*MAIN, *name.split(), *task, *model, *options]

    return make


def annotate(command: Any, tmp_path: Path) -> list[str]:
    return command("annotate", str(tmp_path / "mine.toml"), "--strategy", SPEC)  # type: ignore[no-any-return]


class Terminal:
    """A process with a pseudo-terminal of its own, so that Ctrl-C in it is a signal."""

    def __init__(self, arguments: list[str]) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execv(arguments[0], arguments)
        self.said = ""

    def wait_for(self, text: str) -> None:
        start, end = len(self.said), time.monotonic() + 60
        while text not in self.said[start:] and time.monotonic() < end:
            self.said += os.read(self.file, 4096).decode(errors="replace").replace("\r\n", "\n")
        assert text in self.said[start:]

    def enter(self, *lines: str) -> None:
        for line in lines:
            os.write(self.file, f"{line}\n".encode())
            self.wait_for("> " if line else ": ")

    def end(self) -> int:
        while True:
            try:
                read = os.read(self.file, 4096)
            except OSError:
                break
            if not read:
                break
            self.said += read.decode(errors="replace").replace("\r\n", "\n")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.file)
        return os.waitstatus_to_exitcode(status)


def test_in_a_terminal_ctrl_c_keeps_every_line_and_a_run_takes_the_file(
    command: Any, server: Any, tmp_path: Path
) -> None:
    terminal = Terminal(annotate(command, tmp_path))
    terminal.wait_for("> ")
    assert "0 of 2 annotated · uncertainty 0.50" in terminal.said
    assert "The model's answers in 2 samples: 4 (100 %)" in terminal.said
    asked = sum(body.get("n", 1) for body in server.asked)
    assert asked == 5 * 2, "five problems are not judged"
    terminal.enter("Both of them", "together.")
    os.write(terminal.file, b"\x03")
    assert terminal.end() == 130
    assert "the annotations are kept in" in terminal.said
    assert AnnotationFile.open(tmp_path / "mine.toml").questions[0].draft == ("Both of them", "together.")
    again = Terminal([*MAIN, "annotate", str(tmp_path / "mine.toml")])
    again.wait_for("> ")
    assert "You began with these lines" in again.said
    os.write(again.file, b"\n")
    again.wait_for("Answer [")
    os.write(again.file, b"\n")
    again.wait_for("> ")
    os.write(again.file, b"Twice.\n\n\n")
    assert again.end() == 0
    assert "2 of 2 questions are annotated" in again.said
    [examples] = read_examples(tmp_path / "mine.toml").values()
    assert [one.rationale for one in examples] == ["Both of them\ntogether.", "Twice."]
    assert sum(body.get("n", 1) for body in server.asked) == asked, "continuing makes no call"
    # The fit of a run chooses the same questions with the same draws.
    spec = SPEC[:-1] + f", annotator={str(tmp_path / 'mine.toml')!r})"
    run = command("bench run", "--strategies", spec, "--out", str(tmp_path / "run"), "--json")
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["results"]
    assert (row["fit"]["calls"], row["calls"]) == (10, 3)
    assert sum(body.get("n", 1) for body in server.asked) == asked + 3
    fitted = (tmp_path / "run" / row["fit"]["learned"][0]["file"]).read_text()
    assert "# 2 questions annotated by the file" in fitted
    assert "together." in str(server.asked[-1]["messages"])


def test_without_a_terminal_it_says_how_to_use_a_file(command: Any, server: Any, tmp_path: Path) -> None:
    done = subprocess.run(
        annotate(command, tmp_path), capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2
    assert "annotate needs a terminal" in done.stderr
    assert "--select-only writes the questions to" in done.stderr
    assert "[[demonstrations]] with question, rationale and answer" in " ".join(done.stderr.split())
    assert not server.asked
    chosen = subprocess.run(
        [*annotate(command, tmp_path), "--select-only"], capture_output=True, text=True, timeout=60, check=False
    )
    assert chosen.returncode == 0, chosen.stderr
    assert "5 questions are chosen; annotate them: reasoning annotate" in chosen.stderr
    assert len(AnnotationFile.open(tmp_path / "mine.toml").questions) == 5


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["annotate", "mine.txt", "--select-only"], "must end in .toml"),
        (["annotate", "mine.toml", "--select-only"], "needs questions: give --task"),
        (["annotate", "mine.toml", "--select-only", "--pool", "last_letters", "-s", "cot"], "must be active_prompt"),
    ],
)
def test_wrong_usage_is_named_before_any_call(tmp_path: Path, options: list[str], fault: str) -> None:
    done = reasoning(*options, cwd=tmp_path)
    assert done.returncode == 2
    assert fault in done.stderr


def test_a_run_that_is_killed_while_fitting_asks_nothing_twice(command: Any, server: Any, tmp_path: Path) -> None:
    server.latency = 0.05
    run = command("bench run", "--strategies", f"{SPEC}, vanilla", "--out", str(tmp_path / "run"), "--json")
    # The server is right about one of the seven problems that are not judged.
    run += ["--concurrency", "1", "--limit", "1"]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        while len(server.asked) < 3 and running.poll() is None:
            time.sleep(0.01)
        running.kill()
    time.sleep(0.2)
    before = len(server.asked)
    server.latency = 0.0
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    texts = [json.dumps(body["messages"]) for body in server.asked]
    assert 3 <= before < 7
    # The call that the kill interrupted is made again, since its reply was lost.
    assert len(texts) - len(set(texts)) <= 1
    row = json.loads(done.stdout)["results"][0]
    assert row["fit"]["calls"] == 7 * 2 + sum("known to be" in text for text in set(texts))


def test_a_budget_that_ends_the_fit(command: Any, server: Any, tmp_path: Path) -> None:
    run = command("bench run", "--strategies", SPEC, "--out", str(tmp_path / "run"))
    done = subprocess.run([*run, "--budget-calls", "4"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "the recorded draws are kept" in done.stderr
    assert sum(body.get("n", 1) for body in server.asked) == 4
    dry = subprocess.run([*run, "--dry-run"], capture_output=True, text=True, timeout=60, check=False)
    assert "fitting" in dry.stdout
    assert "200 – 300" in dry.stdout
