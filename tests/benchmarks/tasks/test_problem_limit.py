"""The number of problems of a run: the user's own problems whole, 20 of any other task, and what is said of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from reasoning.benchmarks import compare, tasks
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.benchmarks.tasks.problem_limit import ProblemLimit
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps({"question": f"{k}?", "answer": k}) + "\n" for k in range(23)))
    return f"jsonl:{path}"


def choose(task: Any, limit: int | None = None) -> ProblemLimit:
    return ProblemLimit.choose(task, limit, 0, "--limit ")


def test_a_users_file_and_list_run_whole(file: str, sums: Any) -> None:
    for task, count in ((tasks.get(file), 23), (ExampleList(tuple(sums(33))), 33)):
        assert (choose(task).count, choose(task, 0).count, choose(task, 5).count) == (count, count, 5)
        assert not any(choose(task, limit).hint() for limit in (None, 0, 5))


@pytest.mark.parametrize(
    ("name", "hint", "title"),
    [
        ("game24", "20 of 1,362 problems; --limit 0 for all", "20 of 1,362 problems"),
        ("gsm8k", "20 of 1,319 problems; --limit 0 for all", "20 of 1,319 problems"),
        ("coin_flip", "20 generated problems; --limit N for more", "20 generated problems"),
        ("gym:chain_sum", "20 generated problems; --limit N for more", "20 generated problems"),
        ("hf:OWNER/NAME", "at most 20 problems; --limit 0 for all", "20 problems"),
    ],
)
def test_the_default_says_what_it_leaves_out(name: str, hint: str, title: str) -> None:
    chosen = choose(tasks.get(name))
    assert (chosen.count, chosen.hint(), chosen.describe(20)) == (20, hint, title)
    # A run that was stopped early, or a given limit, says nothing of the default.
    assert (chosen.hint(7), chosen.describe(7)) == ("", "7 problems")
    assert choose(tasks.get(name), 20).hint() == ""


def test_0_is_all_problems_if_there_is_a_last_one() -> None:
    assert choose(tasks.get("feedback_sentiment"), 0).count == 75
    assert tasks.get("coin_flip").size == math.inf  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="'coin_flip' has no last problem, since it generates them; give --limit N"):
        choose(tasks.get("coin_flip"), 0)
    with pytest.raises(UsageError, match=r"--limit must be at least 1, or 0 for all problems, got -1"):
        choose(tasks.get("coin_flip"), -1)


def test_a_comparison_shows_it_with_its_table(file: str, sums: Any, tmp_path: Path) -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 24.")
    cut = compare(["vanilla"], "game24", llm, out=tmp_path / "cut", progress=False)
    assert cut.n == 20
    assert cut.title.startswith("game24 · 20 of 1,362 problems · ")
    assert "20 of 1,362 problems; limit=0 for all" in str(cut)
    assert "20 of 1,362 problems; limit=0 for all" in cut._repr_html_()
    report = Comparison.from_folder(ResultsFolder.read(tmp_path / "cut"))
    assert (report.title, report.hint) == (cut.title, "")
    whole = compare(["vanilla"], file, llm, out=tmp_path / "run", progress=False)
    assert (whole.n, whole.hint, "23 problems" in whole.title) == (23, "", True)
    assert compare(["vanilla"], sums(30), llm, progress=False).n == 30
