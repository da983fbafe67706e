"""Prompt variants and forms as strategies of a comparison, from the command line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import reasoning


@pytest.fixture
def bench(tmp_path: Path, problems_file: Path, server: Any) -> Any:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        where = ["--model", "four", "--base-url", server.url, "--no-journal", "--out", str(tmp_path / "run")]
        return reasoning("bench", "run", "--task", f"jsonl:{problems_file}", *where, *options, env=os.environ)

    return run


def specs(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [row["strategy"] for row in json.loads(done.stdout)["results"]]


def test_a_variant_is_a_row_beside_the_original_and_goes_on(bench: Any, server: Any) -> None:
    options = ["--strategies", "cot, vanilla", "--prompt-variant", "cot.trigger=Breathe.", "--limit", "2", "--json"]
    assert specs(bench(*options)) == ["cot", "cot(trigger='Breathe.')", "vanilla"]
    asked = len(server.asked)
    assert sum("Breathe." in body["messages"][-1]["content"] for body in server.asked) == 2
    assert specs(bench(*options)) == ["cot", "cot(trigger='Breathe.')", "vanilla"]
    assert len(server.asked) == asked


def test_a_replaced_prompt_is_in_every_row(bench: Any) -> None:
    found = specs(
        bench("--strategies", "cot, sc(cot, samples=2)", "--prompt", "cot.trigger=A.", "--limit", "1", "--json")
    )
    assert found == ["cot(trigger='A.')", "self_consistency(cot(trigger='A.'), samples=2)"]


def test_every_form_in_one_command(bench: Any, server: Any) -> None:
    found = specs(bench("--strategies", "vanilla", "--prompt-formats", "--limit", "1", "--json"))
    assert found == [
        "vanilla",
        *(f"rendered(vanilla, form='{one}')" for one in ("xml", "markdown", "json", "prefixes")),
    ]
    assert len({body["messages"][-1]["content"] for body in server.asked}) == 5


def test_a_prompt_that_does_not_exist_ends_it(bench: Any, server: Any) -> None:
    done = bench("--strategies", "cot", "--prompt-variant", "cot.triger=x")
    assert done.returncode == 2
    assert "unknown prompt 'cot.triger'; did you mean 'cot.trigger'?" in done.stderr
    assert server.asked == []
