"""The pages: every command has the options that it is shown with, and the first ones a user meets run as printed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import prompt_overrides, strategies
from reasoning.cli.app import app
from tests.faults.server import Server

ROOT = Path(reasoning.__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "docs/reference/techniques" not in page.as_posix()]
ASKING = (["bench", "run"], ["chain", "test"], ["chain", "eval"], ["chain", "run"])
PLACEHOLDER = re.compile(r"…|\.\.\.|\bLINE\b")


def read_commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each `reasoning` command in an indented or fenced block."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in re.findall(r"^(?:    )?(reasoning [a-z].*)$", joined, re.MULTILINE):
        try:
            words = shlex.split(re.split(r"\s+#|\s{3,}", line)[0], comments=True)
        except ValueError:
            continue  # a sentence that begins with the name
        if not PLACEHOLDER.search(" ".join(words)):
            yield words[1:]


def parse(words: list[str]) -> None:
    """Parse a command as the program does, without running it; raises what is wrong with it."""
    command: Any = app()
    context = command.make_context("reasoning", list(words))
    while hasattr(command, "commands"):
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)


COMMANDS = [
    pytest.param(words, id=f"{page.name}: {' '.join(words)}"[:90])
    for page in PAGES
    for words in read_commands(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_has_the_options_that_it_is_shown_with(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # The file of `--config reasoning.toml` is there.
    monkeypatch.chdir(ROOT / "docs" / "how-to" / "comparison")
    # So is the folder of tuned prompts.
    monkeypatch.setattr(prompt_overrides, "read_tuned", lambda folder: strategies.get("vanilla"))
    parse(words)


def test_there_are_commands_and_a_wrong_one_is_found() -> None:
    assert len(COMMANDS) > 40
    with pytest.raises(Exception, match=r"(?i)no such option"):
        parse(["bench", "run", "--task", "gsm8k", "--strategies", "cot", "--no-such-option"])


@pytest.mark.parametrize("page", ["README.md", "docs/tutorials/first-steps.md", "docs/how-to/write-a-prompt.md"])
def test_the_commands_of_a_page_run_in_order(page: str, tmp_path: Path) -> None:
    """The model is a server on loopback, and tasks of the hub are generated ones; all else is as printed."""
    lines = [json.dumps({"question": f"What is {n} * 12?", "answer": 12 * n}) for n in range(1, 13)]
    (tmp_path / "mine.jsonl").write_text("\n".join(lines))
    (tmp_path / "messages.csv").write_text("message\nDo you also have child seats?\n")
    with Server(latency=0, keep=False) as server:
        for words in read_commands((ROOT / page).read_text(encoding="utf-8")):
            done = run(words, server.url, tmp_path)
            assert done.returncode in _expected(words), f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
            assert "Traceback" not in done.stderr


def _expected(words: list[str]) -> tuple[int, ...]:
    if words[0] == "ask" and "program_of_thoughts" in words:  # the server writes no program; test_readme has a model
        return (1,)
    # 1: a case failed, or a reply has no label.
    return (0, 1) if words[:2] in (["chain", "test"], ["chain", "run"], ["bench", "compare"]) else (0,)


def run(words: list[str], url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with the server as its model."""
    words = ["gsm_symbolic" if word == "gsm8k" else word for word in words]
    asks = words[0] in ("ask", "advise") or words[:2] in ASKING
    if asks and "--model" in words:
        words[words.index("--model") + 1] = "openai/mock"
    elif asks:
        words += ["--model", "openai/mock"]
    if asks:
        words += ["--base-url", url]
    if words[:2] == ["bench", "run"] and "--out" not in words:
        words += ["--out", "results/DIR"]
    if "--budget-usd" in words:  # the server has no prices
        place = words.index("--budget-usd")
        words[place : place + 2] = ["--budget-tokens", "10000000"]
    code = "from reasoning.cli.app import main; main()"
    environment = {**os.environ, "COLUMNS": "120", "REASONING_API_KEY": "none"}
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
