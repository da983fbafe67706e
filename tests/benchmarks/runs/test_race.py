"""Races stop strategies that cannot be the best, independently of arrival order, and a rerun makes no call."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from reasoning.benchmarks import compare
from reasoning.benchmarks.report import ReportData
from reasoning.benchmarks.report.tables import report_tables
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import UsageError
from reasoning.messages import Completion, Message, Request
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]


def by_prompt(messages: tuple[Message, ...]) -> str:
    """Right where it may think, wrong where it may not, but for the first problems."""
    k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
    thinks = "step by step" in messages[-1].content or len(messages) > 1
    return f"The answer is {2 * k + (not thinks and k > 2)}."


class Jumbled(ScriptedLLM):
    """Answers after random times."""

    def __init__(self, seed: int) -> None:
        super().__init__(by_prompt)
        chance, complete = random.Random(seed), self.client.complete

        async def later(request: Request, draws: list[int]) -> list[Completion]:
            await asyncio.sleep(chance.random() / 200)
            return await complete(request, draws)

        self.client.complete = later  # type: ignore[method-assign]


def test_a_strategy_that_cannot_win_is_stopped_and_the_run_ends(tmp_path: Path, sums: Sums) -> None:
    llm = ScriptedLLM(by_prompt)
    found = compare(
        ["vanilla", "cot(stages=1)"],
        sums(200),
        llm,
        limit=200,
        race=True,
        margin=0,
        out=tmp_path,
        concurrency=4,
        progress=False,
    )
    raced = ResultsFolder.read(tmp_path).metadata["race"]
    assert list(raced["stopped"]) == ["vanilla"]
    assert 3 < raced["stopped"]["vanilla"] < 30
    assert llm.calls < 80
    assert f"stopped vanilla after {raced['stopped']['vanilla']} problems" in found.verdict
    assert f"{llm.calls} results were made instead of 400." in found.verdict
    assert found.verdict.startswith("The race (a margin of 0 points) left cot(stages=1): ")
    assert "p <" not in found.verdict + " ".join(found.caveats)
    assert "p =" not in found.verdict
    assert any("describe and do not test" in one for one in found.caveats)
    begun = len({result.problem for result in found.results})
    assert found.n == begun < 60
    assert f"· {begun} problems ·" in found.title
    silent = ScriptedLLM([])
    again = compare(
        ["vanilla", "cot(stages=1)"], sums(200), silent, limit=200, race=True, margin=0, out=tmp_path, progress=False
    )
    assert silent.requests == []
    assert again.verdict == found.verdict


def test_only_those_that_are_left_are_compared(tmp_path: Path, sums: Sums) -> None:
    llm = ScriptedLLM(by_prompt)
    specs = ["vanilla", "cot", "cot(stages=1)"]
    found = compare(specs, sums(40), llm, limit=40, race=True, margin=0, out=tmp_path, concurrency=4, progress=False)
    assert {(pair.first, pair.second) for pair in found.pairs} == {("cot", "cot(stages=1)")}
    assert [row.best for row in found.rows] == [False, True, True]
    said = found.verdict.splitlines()
    assert said[0] == "The race (a margin of 0 points) left 2 of 3 strategies: cot and cot(stages=1)."
    assert said[1].startswith("The race stopped vanilla after ")
    assert "e-value ≥ 20" in said[1]
    assert said[2].startswith("Best of those left: ")
    assert all("vanilla" not in line for line in said[2:])
    report = ReportData.from_folder(ResultsFolder.read(tmp_path))
    assert report.headline == said[0]
    notes = {grid.name: grid.note for grid in report_tables(report)}
    after = ResultsFolder.read(tmp_path).metadata["race"]["stopped"]["vanilla"]
    for name in ("budgets-tokens", "solved"):
        assert f"vanilla (stopped by the race after {after} problems)" in notes[name]
    assert {point.strategy for one in report.cost_frontiers for point in one.points} == {"cot", "cot(stages=1)"}


def test_what_a_race_saved_counts_repetitions_and_an_end_without_a_race_ends_it(tmp_path: Path, sums: Sums) -> None:
    specs = ["vanilla", "cot(stages=1)"]
    given = {"limit": 30, "out": tmp_path, "epochs": 2, "concurrency": 1, "progress": False}
    found = compare(specs, sums(30), ScriptedLLM(by_prompt), race=True, margin=0, **given)  # type: ignore[arg-type]
    assert len(found.results) < 120
    assert f"{len(found.results)} results were made instead of 120." in found.verdict
    whole = compare(specs, sums(30), ScriptedLLM(by_prompt), **given)  # type: ignore[arg-type]
    assert "acing" not in whole.verdict
    assert "It beats vanilla" in whole.verdict
    assert whole.caveats == ()


def test_latency_changes_nothing(sums: Sums, tmp_path: Path) -> None:
    stopped = []
    for seed in range(4):
        compare(
            ["vanilla", "cot(stages=1)"],
            *(sums(60), Jumbled(seed)),
            limit=60,
            race=True,
            margin=2.0,
            out=tmp_path / str(seed),
            concurrency=8,
            progress=False,
        )
        stopped.append(ResultsFolder.read(tmp_path / str(seed)).metadata["race"]["stopped"])
    assert stopped == stopped[:1] * 4


def test_in_the_time_given_a_race_finds_the_same_problems_again(tmp_path: Path, sums: Sums) -> None:
    specs = ["cot", "cot(stages=1)"]
    given = {
        "limit": 60,
        "race": True,
        "margin": 0,
        "out": tmp_path,
        "concurrency": 2,
        "time_limit": 1.2,
        "progress": False,
    }
    first = compare(specs, sums(60), ScriptedLLM(by_prompt, latency=0.1), **given)  # type: ignore[arg-type]
    assert 1 <= first.n < 60
    silent = ScriptedLLM([])
    again = compare(specs, sums(60), silent, **given)  # type: ignore[arg-type]
    assert silent.requests == []
    assert str(again) == str(first)


def test_equals_run_to_the_end(sums: Sums) -> None:
    llm = ScriptedLLM(by_prompt)
    found = compare(["cot", "cot(stages=1)"], sums(30), llm, limit=30, race=True, margin=0, progress=False)
    assert [row.n for row in found.rows] == [30, 30]
    assert "The race stopped no strategy" in found.verdict


@pytest.mark.parametrize("margin", [-1, 100])
def test_a_margin_that_makes_no_sense(sums: Sums, margin: float) -> None:
    with pytest.raises(UsageError, match="margin"):
        compare(["vanilla", "cot"], sums(3), ScriptedLLM([]), race=True, margin=margin, progress=False)
