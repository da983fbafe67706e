"""The recorded draws of docs/research/measured still serve the commands of docs/research/results.md.

A changed byte in a prompt, in an instruction of a kind or in a journal key shows here as a missing draw. Rows with †
were measured with earlier prompts or problems, as the page says, and take new calls.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import reasoning as r
from reasoning.benchmarks.experiment import named_strategies
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.journal.importing import import_draws

RESEARCH = Path(__file__).parents[2] / "docs/research"
DRAWS = sorted((RESEARCH / "measured").glob("draws*.jsonl.gz"))
"""The draws of each model."""
PROBLEMS = 3
"""The first problems of each command: enough to send every prompt of a technique."""
SECTIONS = re.sub(r"\\\n\s*", " ", (RESEARCH / "results.md").read_text("utf-8")).split("\n## ")[1:]


def _current_commands() -> list[dict[str, str]]:
    """Return the options of each command of the page, with the strategies of the rows without †."""
    commands = []
    for section in SECTIONS:
        for command in re.findall(r"^reasoning bench run .*$", section, re.M):
            words = shlex.split(command)[3:]
            options = dict(zip(words[::2], words[1::2], strict=True))
            specs = list(named_strategies(options["--strategies"]))
            earlier = re.findall(r"^\| \[`(.*?)`\]\(\S+\) † \|", section, re.M)
            names = ShortNames.of(specs)
            current = [spec for spec in specs if names.by_spec[spec] not in earlier]
            assert len(specs) - len(current) == len(earlier)
            commands += [{**options, "--strategies": ", ".join(current)}] if current else []
    return commands


COMMANDS = _current_commands()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("measured") / "journal.sqlite"
    for draws in DRAWS:
        import_draws(path, draws)
    return path


@pytest.mark.parametrize("options", COMMANDS, ids=lambda options: f"{options['--task']}-{options['--model']}")
def test_a_command_of_the_results_page_makes_no_call(options: dict[str, str], recorded: Path) -> None:
    llm = r.connect(
        options["--model"],
        journal=recorded,
        budget=r.Budget(calls=0),
        max_tokens=int(options["--max-tokens"]),
        temperature=float(options["--temperature"]),
    )
    result = r.benchmarks.compare(
        options["--strategies"],
        options["--task"],
        llm,
        split=options.get("--split", ""),
        limit=PROBLEMS,
        pool_size=int(options["--pool-size"]) if "--pool-size" in options else None,
        seed=int(options["--seed"]),
        progress=False,
    )
    assert result.stopped is None
    assert [row.n for row in result.rows] == [PROBLEMS] * len(result.rows)
    assert result.spent.calls == 0
