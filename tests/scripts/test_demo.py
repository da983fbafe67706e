"""The demonstration, with a server on loopback as its model: what it prints, and what it does again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import reasoning
from tests.faults.server import Server

DEMO = Path(reasoning.__file__).parent.parent / "scripts/demo"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the script in it, in which everything is installed."""
    for path, text in {
        "scripts/demo": DEMO.read_text(encoding="utf-8"),
        "scripts/install": "#!/bin/sh\n",
        ".venv/bin/reasoning": f"#!/bin/sh\nexec '{sys.executable}' -c "
        f"'from reasoning.cli.app import main; main()' \"$@\"\n",
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
    return tmp_path


def run(checkout: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(checkout / "scripts/demo"), *options, "--model", "openai/mock", "--base-url", url]
    environment = {**os.environ, "REASONING_API_KEY": "none", "DISPLAY": ":0"}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


def test_it_ends_with_two_tables_one_sentence_the_pages_and_what_to_open(checkout: Path) -> None:
    with Server(latency=0) as server:
        first = run(checkout, server.url)
        assert first.returncode == 0, first.stderr
        calls = server.completions
        again = run(checkout, server.url)
        assert server.completions == calls > 0
    assert first.stdout.count("program_of_thoughts(shots=0)") >= 2
    assert first.stdout.index("gym:chain_sum(max_digits=2") < first.stdout.index("feedback_sentiment · 30 problems")
    last = first.stdout.strip().splitlines()[-1]
    assert last.startswith("On gym:chain_sum ")
    assert "; on feedback_sentiment " in last
    # This server is wrong about everything, and the sentence does not say otherwise.
    assert last.endswith(": nothing is decided, and the verdict of each run says why.")
    assert again.stdout.strip().splitlines()[-1] == last
    [folder] = (checkout / "results").iterdir()
    for name in ("sums", "feelings"):
        assert f"written: results/{folder.name}/{name}.html" in first.stderr
        assert (folder / f"{name}.html").stat().st_size > 10_000


def test_the_long_one_has_word_problems(checkout: Path) -> None:
    with Server(latency=0, keep=False) as server:
        done = run(checkout, server.url, "--long", "--limit", "2")
    assert done.returncode == 0, done.stderr
    assert "gsm_symbolic · 2 problems" in done.stdout
    assert "word_problems.html" in done.stderr
