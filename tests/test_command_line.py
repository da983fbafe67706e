"""A command that the tests fork from a server does what one does that a user starts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.command_line import MAIN, reasoning

STRATEGY = """import atexit, os, signal, sys, threading, time
from reasoning import Answer, Problem, Session, Strategy, technique

@technique(title="Mine", calls="0")
class Mine(Strategy):
    async def solve(self, problem: Problem, session: Session) -> Answer:
        print("said", os.environ["SAID"], sys.argv[1:3])
        print("told", file=sys.stderr)
        atexit.register(print, "at the end")
        threading.Thread(target=lambda: (time.sleep(0.1), print("by a thread"))).start()
        if problem.question == "killed":
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return problem.parse(str({"answer": 1, "error": 1}[problem.question]))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["ask", "6 * 7?", "--model", "replay:said.jsonl", "--no-journal"],
        ["ask", "--file", "-", "--model", "replay:said.jsonl", "--no-journal"],
        ["ask", "6 * 7?", "--strategy", "kot"],
        ["strategies", "show"],
        *(["ask", how, "-s", "mine", "--model", "replay:said.jsonl"] for how in ("answer", "missing", "killed")),
        ["ask", "missing", "-s", "mine", "--model", "replay:said.jsonl", "--debug"],
    ],
    ids=" ".join,
)
def test_it_prints_the_same_and_ends_as_the_other(words: list[str], tmp_path: Path) -> None:
    package = tmp_path / "mine-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[reasoning.strategies]\nmine = mine:Mine\n")
    (tmp_path / "mine.py").write_text(STRATEGY)
    (tmp_path / "said.jsonl").write_text(json.dumps({"question": "6 * 7?", "samples": ["42"]}))
    environment = {**os.environ, "SAID": "here"}
    done = subprocess.run(
        [*MAIN, *words], input="6 * 7?", capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )  # fmt: skip
    forked = reasoning(*words, stdin="6 * 7?", cwd=tmp_path, env=environment)
    assert (forked.returncode, forked.stdout) == (done.returncode, done.stdout)
    # A traceback begins with other lines.
    same = [_after_traceback(one.stderr) for one in (done, forked)]
    assert same[0] == same[1]


def _after_traceback(text: str) -> tuple[bool, str]:
    return ("Traceback" in text, text[text.rfind("\n", 0, -1) :]) if "Traceback" in text else (False, text)


def test_settings_of_the_interpreter_are_those_of_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; print('started', file=sys.stderr)")
    done = reasoning("--version", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.stderr == "started\n"
