"""The recorded draws of docs/research/measured still serve the commands of docs/research/results.md.

A changed byte in a prompt, in an instruction of a kind or in a journal key shows here as a missing draw.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import reasoning as r
from reasoning.journal.importing import import_draws

RESEARCH = Path(__file__).parents[2] / "docs/research"
DRAWS = RESEARCH / "measured/draws.jsonl.gz"
PROBLEMS = 3
"""The first problems of each command: enough to send every prompt of a technique."""
COMMANDS = re.findall(
    r"^reasoning bench run .*$", re.sub(r"\\\n\s*", " ", (RESEARCH / "results.md").read_text("utf-8")), re.M
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured") / "journal.sqlite"
    import_draws(path, DRAWS)
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.split("--task ")[1].split()[0])
def test_a_command_of_the_results_page_makes_no_call(command: str, recorded: Path) -> None:
    words = shlex.split(command)[3:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    llm = r.connect(
        "local",
        journal=recorded,
        budget=r.Budget(calls=0),
        max_tokens=int(options["--max-tokens"]),
        temperature=float(options["--temperature"]),
    )
    result = r.benchmarks.compare(
        options["--strategies"],
        options["--task"],
        llm,
        limit=PROBLEMS,
        seed=int(options["--seed"]),
        progress=False,
    )
    assert result.stopped is None
    assert [row.n for row in result.rows] == [PROBLEMS] * len(result.rows)
    assert result.spent.calls == 0
