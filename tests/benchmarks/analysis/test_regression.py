"""Comparison of two runs: what changed, what hides, and when it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from reasoning.benchmarks import compare
from reasoning.benchmarks.analysis.regression import compare_runs
from reasoning.cli.app import app
from reasoning.errors import InputError, UsageError
from reasoning.messages import Message
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
    found = compare_runs(before, after, 10)
    assert [change.name for change in found.worse] == ["vanilla", "cot(stages=1)"]
    change = found.changes[0]
    assert (change.gained, change.lost) == (("sum-1",), ("sum-2", "sum-3", "sum-4"))
    assert change.pair.difference.value == pytest.approx(-0.2)
    assert compare_runs(before, after, 20).worse == []
    assert compare_runs(before, after).worse == []
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
    found = compare_runs(run("before", n=6), run("after", 1, n=9, specs="vanilla"))
    assert (found.common, found.left_out, found.gone, found.new) == (6, 3, ("cot(stages=1)",), ())
    assert found.changes[0].pair.n == 6


def failing(folder: Path, *problems: str) -> Path:
    """The folder, in which the calls of `vanilla` failed on these problems."""
    path = folder / "results.jsonl"
    results = [json.loads(line) for line in path.read_text().splitlines()]
    for result in results:
        if result["strategy"] == "vanilla" and result["problem"] in problems:
            result.update(state="failed", correct=None, value=None, reason="CallFailed: 500")
    path.write_text("".join(json.dumps(result) + "\n" for result in results))
    return folder


def test_where_nothing_could_be_compared_nothing_passes(run: Callable[..., Path], tmp_path: Path) -> None:
    before, after, junit = run("before"), run("after"), tmp_path / "junit.xml"
    assert told("compare", before, after, "--fail-if-worse", "2%").exit_code == 0
    failing(after, *(f"sum-{k}" for k in range(1, 11)))
    said = told("compare", before, after, "--fail-if-worse", "2%", "--junit", junit)
    assert said.exit_code == 1
    assert "vanilla fails, as nothing could be compared: left out are 10 (a call failed)" in " ".join(
        said.stdout.split()
    )
    suite = ElementTree.parse(junit).getroot()
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["2", "0", "1"]
    error = suite[0].find("error")
    assert error is not None
    assert "10 (a call failed) of the 10 problems in both" in str(error.get("message"))
    change = json.loads(told("compare", before, after, "--json").stdout)["changes"][0]
    assert [change[name] for name in ("n", "failed", "difference", "ci95", "p")] == [0, 10, None, None, None]
    assert told("compare", before, after, "--junit", junit).exit_code == 0  # without a tolerance nothing is tested
    assert ElementTree.parse(junit).getroot().get("skipped") == "1"
    (after / "results.jsonl").write_text("")
    assert told("compare", before, after, "--fail-if-worse", "2%").exit_code == 1


def test_where_a_loss_could_hide_in_failed_calls_nothing_passes(run: Callable[..., Path], tmp_path: Path) -> None:
    before, after, junit = run("before", 1), failing(run("after", 1), "sum-1", "sum-2", "sum-3"), tmp_path / "junit.xml"
    said = told("compare", before, after, "--fail-if-worse", "10%", "--junit", junit)
    assert said.exit_code == 1
    assert (
        "vanilla fails, as too little could be compared: left out are 3 (a call failed) of the 10 problems in "
        "both, with which the change could be -20.0 points"  # sum-1 was wrong before: it could not be lost
    ) in " ".join(said.stdout.split())
    suite = ElementTree.parse(junit).getroot()
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["2", "0", "1"]
    assert suite.find(".//testcase[@name='vanilla']/error") is not None
    [first, second] = json.loads(told("compare", before, after, "--json", "--fail-if-worse", "10").stdout)["changes"]
    assert (first["lowest"], second["lowest"], second["untested"]) == (pytest.approx(-0.2), 0, None)
    assert first["untested"].startswith("too little could be compared")
    assert told("compare", before, after, "--fail-if-worse", "20%").exit_code == 0
    assert told("compare", before, after).exit_code == 0


def test_what_failed_before_and_is_right_now_cannot_hide_a_loss(run: Callable[..., Path]) -> None:
    before = failing(run("before"), *(f"sum-{k}" for k in range(1, 10)))
    assert told("compare", before, run("after"), "--fail-if-worse", "0%").exit_code == 0
    assert told("compare", before, run("worse", 1), "--fail-if-worse", "5%").exit_code == 1


def test_what_the_later_run_has_not_got_to_could_be_lost(run: Callable[..., Path]) -> None:
    before, after = run("before"), run("after")
    path = after / "results.jsonl"
    path.write_text("".join(path.read_text().splitlines(True)[:-2]))  # one problem
    assert told("compare", before, after, "--fail-if-worse", "2%").exit_code == 1
    assert told("compare", before, after, "--fail-if-worse", "10%").exit_code == 0
    path = before / "results.jsonl"
    path.write_text("".join(path.read_text().splitlines(True)[:-2]))
    assert told("compare", before, after, "--fail-if-worse", "2%").exit_code == 0  # neither has


def test_a_strategy_of_one_run_is_left_out_unless_it_was_asked_for(run: Callable[..., Path], tmp_path: Path) -> None:
    both, one, junit = run("both"), run("one", specs="vanilla"), tmp_path / "junit.xml"
    for runs, where in (((both, one), "earlier"), ((one, both), "later")):
        told_both = told("compare", *runs, "--fail-if-worse", "2%", "--junit", junit)
        assert told_both.exit_code == 0
        assert f"left out, as in the {where} run only: cot(stages=1)" in " ".join(told_both.stdout.split())
        assert ElementTree.parse(junit).getroot().find(".//testcase[@name='cot(stages=1)']/skipped") is not None
        asked = told("compare", *runs, "--fail-if-worse", "2%", "--strategies", "vanilla, cot(stages=1)")
        assert asked.exit_code == 1
        other = "later" if where == "earlier" else "earlier"
        assert f"cot(stages=1) fails, as nothing could be compared: it has no results in the {other} run" in " ".join(
            asked.stdout.split()
        )
    assert told("compare", both, one, "--fail-if-worse", "2%", "--strategies", "vanilla").exit_code == 0
    unknown = told("compare", both, one, "--strategies", "vanila").exception
    assert "did you mean 'vanilla'?" in str(unknown)


def test_a_strategy_that_was_refused_is_not_compared(run: Callable[..., Path]) -> None:
    before, after = run("before"), run("after")
    data = json.loads((before / "run.json").read_text())
    (before / "run.json").write_text(json.dumps({**data, "strategies": [*data["strategies"], "debate"]}))
    assert told("compare", before, after, "--fail-if-worse", "2%").exit_code == 0


def test_a_loss_that_a_limit_could_have_made_is_withheld(run: Callable[..., Path], tmp_path: Path) -> None:
    before, after, junit = run("before"), run("after", 2, 3, 4), tmp_path / "junit.xml"
    path = after / "results.jsonl"
    results = [json.loads(line) for line in path.read_text().splitlines()]
    for result in results:
        if result["strategy"] == "vanilla" and not result["correct"]:
            result.update(truncated=1, token_limit=64)
    path.write_text("".join(json.dumps(result) + "\n" for result in results))
    said = told("compare", before, after, "--fail-if-worse", "10%", "--junit", junit)
    assert said.exit_code == 1
    shown = " ".join(said.stdout.split())
    assert "vanilla became worse" not in shown
    assert "cot(stages=1) became worse by more than 10 points" in shown
    assert (
        "vanilla fails, as its loss of 30.0 points may be due to missing replies: 3 of 10 answers of vanilla were cut "
        "off by the limit of 64 tokens. What to do: use vanilla(max_tokens=256)."
    ) in shown
    suite = ElementTree.parse(junit).getroot()
    assert [suite.get(name) for name in ("failures", "errors")] == ["1", "1"]


def test_problems_that_are_left_out_are_counted_by_strategy(run: Callable[..., Path]) -> None:
    before, after = run("before"), failing(run("after", n=9), "sum-2", "sum-3")
    shown = " ".join(told("compare", before, after).stdout.split())
    assert "vanilla leaves out 2 (a call failed) of the 9 problems in both" in shown
    assert "left out, as in one run only or not the same: 1 problem" in shown
    assert "1 problems" not in shown
    assert "vanilla 2 of 9" in " ".join(told("matrix", before, after).stdout.split())


def test_no_p_is_zero(run: Callable[..., Path]) -> None:
    said = told("compare", run("before", n=30), run("after", *range(1, 30), n=30))
    assert "< 0.001" in said.stdout
    assert "0.000" not in said.stdout


def test_a_report_that_cannot_be_written(run: Callable[..., Path], tmp_path: Path) -> None:
    error = told("compare", run("a"), run("b"), "--junit", tmp_path / "none" / "junit.xml").exception
    assert isinstance(error, InputError)  # ends with 2
    assert "junit.xml: cannot be written: No such file or directory" in str(error)


def test_one_strategy_each_is_compared_whatever_it_is_called(run: Callable[..., Path]) -> None:
    found = compare_runs(run("before", specs="vanilla"), run("after", specs="cot"))
    assert found.changes[0].name == "vanilla → cot"


def test_runs_without_anything_in_common(run: Callable[..., Path], tmp_path: Path) -> None:
    before = run("before")
    other = [Example(Problem("What is 1 + 1?", id="else"), "2")]
    compare("vanilla", other, ScriptedLLM(["The answer is 2."]), out=tmp_path / "x", progress=False)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no problem in common"):
        compare_runs(before, tmp_path / "x")
    with pytest.raises(UsageError, match="no strategy in common"):
        compare_runs(before, run("after", specs="cot, cot(shots=2)"))
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


def test_a_matrix_counts_the_same_problems_for_all(run: Callable[..., Path]) -> None:
    few, many = run("few", 1, n=5), run("many", 1, 8, 9, n=9)
    shown = " ".join(told("matrix", few, many).stdout.split())
    assert "given · 5 problems" in shown
    assert shown.count("80.0 %") == 4  # both strategies, in both runs
    assert "left out, as not in every run: 4 of the 9 problems of" in shown
    assert "the runs differ in: task_version sha256" in shown


def test_runs_of_two_seeds_are_no_matrix(tmp_path: Path) -> None:
    for seed in (1, 2):
        llm = ScriptedLLM(lambda messages: "The answer is 24.")
        compare("vanilla", "last_letters", llm, limit=3, seed=seed, out=tmp_path / str(seed), progress=False)
    error = told("matrix", tmp_path / "1", tmp_path / "2").exception
    assert isinstance(error, UsageError)
    assert "these runs have no problem in common: seed 1 and 2" in str(error)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--difference", "10", "--disagree", "20"], "168"),
        (["--difference", "5"], "assumed"),
        (["--difference", "10", "--strategies", "6", "--disagree", "20"], "286"),
    ],
)
def test_how_many_problems_are_needed(options: list[str], said: str) -> None:
    assert said in told("power", *options).stdout


def test_a_pilot_says_how_often_strategies_disagree(run: Callable[..., Path]) -> None:
    assert "vanilla and cot(stages=1) (10 problems)" in told("power", "--pilot", run("pilot", 1)).stdout
    failed = failing(run("failed"), *(f"sum-{k}" for k in range(1, 11)))
    assert "no two strategies answered a problem in common" in str(told("power", "--pilot", failed).exception)
    assert "at least two strategies" in str(told("power", "--pilot", run("single", specs="vanilla")).exception)
    assert "must be above 0" in str(told("power", "--difference", "0").exception)
    assert "not both" in str(told("power", "--pilot", run("both", 1), "--disagree", "20").exception)
