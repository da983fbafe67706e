"""Two runs beside each other, several in a matrix, and how many problems it takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from benchmarks import compare
from benchmarks.regression import regression
from reasoning.commands import app
from reasoning.errors import UsageError
from reasoning.llm.request import Message
from reasoning.problem import Example, Problem
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]
Adds = Callable[..., Callable[[tuple[Message, ...]], str]]


def told(*words: object) -> Result:
    return CliRunner().invoke(app(), ["bench", *map(str, words)])


@pytest.fixture
def run(tmp_path: Path, sums: Sums, adds: Adds) -> Callable[..., Path]:
    """Makes the results folder of a run that gets some problems wrong."""

    def make(name: str, *wrong: int, n: int = 10, specs: str = "vanilla, cot(stages=1)") -> Path:
        llm = ScriptedLLM(adds(*wrong))
        compare(specs, sums(n), llm, limit=n, out=tmp_path / name, progress=False)  # type: ignore[arg-type]
        return tmp_path / name

    return make


def test_what_became_worse_is_named_and_fails(run: Callable[..., Path], tmp_path: Path) -> None:
    before, after = run("before", 1), run("after", 2, 3, 4)
    found = regression(before, after, 10)
    assert [change.name for change in found.worse] == ["vanilla", "cot(stages=1)"]
    change = found.changes[0]
    assert (change.gained, change.lost) == (("sum-1",), ("sum-2", "sum-3", "sum-4"))
    assert change.pair.difference.value == pytest.approx(-0.2)
    assert regression(before, after, 20).worse == []
    assert regression(before, after).worse == []
    said = told("compare", before, after, "--fail-if-worse", "10%", "--junit", tmp_path / "junit.xml")
    assert said.exit_code == 1
    assert "vanilla became worse by more than 10 points; lost: sum-2, sum-3, sum-4" in " ".join(said.stdout.split())
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert "sum-3" in (suite[0][0].text or "")
    assert told("compare", before, after).exit_code == 0
    data = json.loads(told("compare", before, after, "--json", "--fail-if-worse", "5").stdout)
    assert [change["worse"] for change in data["changes"]] == [True, True]


def test_only_the_same_problems_are_compared_and_it_is_said(run: Callable[..., Path]) -> None:
    found = regression(run("before", n=6), run("after", 1, n=9, specs="vanilla"))
    assert (found.common, found.left_out, found.alone) == (6, 3, ("cot(stages=1)",))
    assert found.changes[0].pair.n == 6


def test_one_strategy_each_is_compared_whatever_it_is_called(run: Callable[..., Path]) -> None:
    found = regression(run("before", specs="vanilla"), run("after", specs="cot"))
    assert found.changes[0].name == "vanilla → cot"


def test_runs_without_anything_in_common(run: Callable[..., Path], tmp_path: Path) -> None:
    before = run("before")
    other = [Example(Problem("What is 1 + 1?", id="else"), "2")]
    compare("vanilla", other, ScriptedLLM(["The answer is 2."]), out=tmp_path / "x", progress=False)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no problem in common"):
        regression(before, tmp_path / "x")
    with pytest.raises(UsageError, match="no strategy in common"):
        regression(before, run("after", specs="cot, cot(shots=2)"))
    for points in ("much", "-2%", "nan"):
        assert "such as 2%" in str(told("compare", before, before, f"--fail-if-worse={points}").exception)


def test_a_matrix_of_runs(run: Callable[..., Path], tmp_path: Path) -> None:
    said = told("matrix", run("one", 1), run("two", 1, 2, specs="vanilla"))
    assert said.exit_code == 0
    assert "90.0 % (60–98)" in said.stdout
    assert "80.0 % (49–94)" in said.stdout
    assert "–" in said.stdout.splitlines()[-1]
    assert "(one)" in said.stdout  # the model alone would not tell the two apart
    assert "(two)" in said.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--difference", "10", "--disagree", "20"], "155"),
        (["--difference", "5"], "assumed"),
        (["--difference", "10", "--strategies", "6", "--disagree", "20"], "283"),
    ],
)
def test_how_many_problems_are_needed(options: list[str], said: str) -> None:
    assert said in told("plan", *options).stdout


def test_a_pilot_says_how_often_strategies_disagree(run: Callable[..., Path]) -> None:
    assert "vanilla and cot(stages=1) (10 problems)" in told("plan", "--pilot", run("pilot", 1)).stdout
    assert "has one strategy" in str(told("plan", "--pilot", run("single", specs="vanilla")).exception)
    assert "above 0" in str(told("plan", "--difference", "0").exception)
    assert "not both" in str(told("plan", "--pilot", run("both", 1), "--disagree", "20").exception)
