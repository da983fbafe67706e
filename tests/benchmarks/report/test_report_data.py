"""What a report computes, against numbers by hand, and what it says of folders that are not as they should be."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from reasoning.benchmarks import compare
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.paired import OVER_FAMILIES
from reasoning.benchmarks.cli.results import print_comparison
from reasoning.benchmarks.report import ReportData, charts, page_data, to_terminal
from reasoning.benchmarks.report.tables import report_tables
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.statistics import mcnemar, tango, wilson
from reasoning.benchmarks.statistics.variance_components import single_run, variance_components
from reasoning.cli.app import app
from reasoning.errors import InputError, UnknownName
from reasoning.messages import Usage
from reasoning.problem import Example, Problem
from reasoning.retrieval import Corpus, Document
from reasoning.testing import ScriptedLLM
from tests.benchmarks.report.conftest import result
from tests.benchmarks.report.synthetic import made

Kept = Callable[..., ResultsFolder]


def test_the_rows_and_the_verdict_are_those_of_the_comparison(kept: Kept) -> None:
    store = kept(vanilla="rrwwwwwwww", cot="rrrrrrrrrw")
    found, known = ReportData.from_folder(store), Comparison.from_folder(store)
    assert found.comparison.rows == known.rows
    assert found.comparison.verdict == known.verdict


def test_the_headline_says_what_can_be_told_apart(kept: Kept) -> None:
    clear = ReportData.from_folder(kept(vanilla="w" * 40 + "r" * 10, cot="r" * 50))
    assert clear.headline == "cot beats vanilla by 80 points (95 %: 67 to 89)."
    close = ReportData.from_folder(kept(vanilla="rw" * 5, cot="rrw" * 3 + "w"))
    assert "cot has the most right answers (6 of 10), but is not significantly different from vanilla" in close.headline
    mixed = ReportData.from_folder(kept(vanilla="w" * 40, cot="r" * 30 + "w" * 10, pot="r" * 31 + "w" * 9))
    assert (
        "pot has the most right answers (31 of 40) and beats 1 of 2, but is not significantly different from cot."
        in mixed.headline
    )


def test_pairs_have_the_intervals_and_tests_of_the_statistics(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrrrwwwwrr", b="rrwwrrwwww"))
    (pair,) = found.comparison.pairs
    a, b = ([letter == "r" for letter in word] for word in ("rrrrwwwwrr", "rrwwrrwwww"))
    assert pair.difference == tango(a, b)
    assert pair.p == mcnemar(4, 2)
    assert found.comparison.against_best == (pair,)


def test_repetitions_are_one_problem(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrrr,rrrw,rrww", b="wrww,wwww,rwww"))
    (pair,) = found.comparison.pairs
    assert pair.n == 4
    assert pair.difference.value == pytest.approx((1 + 1 + 2 / 3 + 1 / 3) / 4 - (1 / 3 + 1 / 3) / 4)
    assert found.agreement.n == 4
    assert "Paired t-tests" in next(grid.note for grid in report_tables(found) if grid.name == "differences")


def test_between_runs_are_the_components_and_the_single_runs(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrrwf,rrwwr,rrrrr", b="rwwww,wrwwr,rwwww", c="fffff,fffff,rrrrr"))
    a, tokens, b, _ = found.repeatability
    assert [(one.strategy, one.measure, one.problems) for one in found.repeatability] == [
        *(("a", "accuracy", 4), ("a", "tokens", 4), ("b", "accuracy", 5), ("b", "tokens", 5))
    ]
    assert a.noise == variance_components([[1, 1, 1], [1, 1, 1], [1, 0, 1], [0, 0, 1]])
    assert (a.mean, a.best_wins) == (pytest.approx(9 / 12), None)
    assert b.best_wins == single_run([1, 1, 2 / 3, 1 / 3], [2 / 3, 1 / 3, 0, 0])
    assert (tokens.mean, tokens.noise.run) == (20, 0)
    grid = next(grid for grid in report_tables(found) if grid.name == "repeatability")
    assert grid.rows[0][:5] == ("a", "accuracy", "4", "75.0 %", f"{100 * a.noise.run:.1f}")
    assert grid.rows[1][3:8] == ("20", "0.0", "–", "–", "–")
    assert "all 3 repetitions" in grid.note
    assert "repeatability" not in {
        grid.name for grid in report_tables(ReportData.from_folder(kept(a="rrrw", b="rwww")))
    }


def test_tokens_vary_from_run_to_run(kept: Kept) -> None:
    store = kept(a="rrr,rrr")
    for key, one in store.results.items():
        more = 10 * key.epoch + int(key.problem[1:])
        store.results[key] = dataclasses.replace(one, usage=Usage(1, 100, more))
    _, tokens = ReportData.from_folder(store).repeatability
    assert tokens.noise == variance_components([[100.0 + k, 110.0 + k] for k in range(3)])


def in_families(store: ResultsFolder, size: int) -> None:
    for key, one in store.results.items():
        store.results[key] = dataclasses.replace(one, family=f"f{int(key.problem[1:]) // size}")


def test_families_are_told_of(kept: Kept) -> None:
    store = kept(a="rrrrrrwwww", b="rrrrwwwwww")
    in_families(store, 2)
    found = ReportData.from_folder(store)
    assert found.comparison.pairs[0].test == OVER_FAMILIES
    assert any("10 of them come from 5 families" in one for one in found.comparison.caveats)
    assert "over families of problems" in next(grid.note for grid in report_tables(found) if grid.name == "differences")


def test_the_frontier_its_budgets_and_the_price_of_one_more(kept: Kept) -> None:
    usage = {
        name: Usage(1, tokens, 0, 0, tokens / 1000, 1.0)
        for name, tokens in (("a", 10), ("b", 20), ("c", 50), ("d", 60))
    }
    found = ReportData.from_folder(kept(usage, a="rwwwwwwwww", b="wwwwwwwwww", c="rrrrrrwwww", d="rrrrrwwwww"))
    tokens = next(one for one in found.cost_frontiers if one.measure == "tokens")
    assert [(point.strategy, point.cost, point.on_frontier) for point in tokens.points] == [
        *(("a", 10, True), ("b", 20, False), ("c", 50, True), ("d", 60, False))
    ]
    first, second = tokens.steps
    assert (first.strategy, first.budget, first.marginal_cost) == ("a", 10, None)
    assert second.marginal_cost == pytest.approx((50 - 10) / 0.5)  # five problems in ten more, for 40 tokens a problem
    difference = tango([k < 6 for k in range(10)], [k < 1 for k in range(10)])
    assert second.marginal_cost_low == pytest.approx(40 / difference.high)
    assert second.marginal_cost_high == pytest.approx(40 / difference.low)
    assert set(second.not_different_from) == {"a", "b"}  # ten problems tell little
    by_name = {point.strategy: point.frontier_share for point in tokens.points}
    assert by_name["c"] > 0.95
    assert by_name["b"] == 0
    assert {one.measure for one in found.cost_frontiers} == {"tokens", "dollars", "calls", "seconds"}


def test_the_frontier_is_as_unsure_as_families_of_problems_make_it(kept: Kept) -> None:
    usage = {"a": Usage(1, 10, 0), "b": Usage(1, 20, 0)}
    store = kept(usage, a="rrrrwwwwwwww", b="rrrrrrrrwwww")
    alone = ReportData.from_folder(store).cost_frontiers[0].points[1].frontier_share
    in_families(store, 4)
    together = ReportData.from_folder(store).cost_frontiers[0].points[1].frontier_share
    assert alone == pytest.approx(1 - (2 / 3) ** 12, abs=0.02)  # unless no resample has one of the four that only b got
    assert together == pytest.approx(1 - (2 / 3) ** 3, abs=0.05)


def test_an_unknown_price_is_no_price(kept: Kept) -> None:
    assert "dollars" not in {one.measure for one in ReportData.from_folder(kept(a="rw", b="rr")).cost_frontiers}
    some = {"a": Usage(1, 10, 10, 0, 0.1, 1.0), "b": Usage(1, 10, 10, 0, None, 1.0)}
    assert "dollars" not in {one.measure for one in ReportData.from_folder(kept(some, a="rw", b="rr")).cost_frontiers}


def test_what_nobody_and_only_one_solves(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrwwf", b="rwwwr", c="rwrwr")).agreement
    assert (found.n, found.any_correct, found.all_correct, found.none_correct) == (4, 3, 1, 1)
    assert found.solved_only_by == {"a": ("p1",), "b": (), "c": ("p2",)}
    assert found.same_answer["a", "b"] == 3 / 4
    assert found.same_answer["b", "c"] == 4 / 5


def test_curves_come_from_stored_votes(kept: Kept) -> None:
    spec = "self_consistency(cot, samples=4)"
    store = kept(**{spec: "rw"})
    store.add(result("p0", spec, "r", value="1", votes=(("1", 2), ("3", 1))), None)
    store.add(result("p1", spec, "w", value="3", votes=(("3", 2), ("1", 1))), None)
    (curve,) = ReportData.from_folder(store).vote_curves
    assert (curve.samples, curve.n) == (4, 2)
    assert curve.majority[0].mean == pytest.approx((2 / 4 + 1 / 4) / 2)  # one draw in four could not be read
    assert curve.majority[-1].mean == 0.5
    assert curve.any[-1].mean == 1
    assert curve.all[0].mean == curve.majority[0].mean
    assert curve.all[1].mean == pytest.approx((1 / 6 + 0) / 2)
    table = next(table for table in report_tables(ReportData.from_folder(store)) if table.name == "vote-curves")
    assert table.rows[1][-2] == "8.3 %"
    assert "all" in ReportData.from_folder(store).to_json()["vote_curves"][0]


def test_curves_take_a_family_for_one_observation(kept: Kept) -> None:
    spec = "self_consistency(cot, samples=4)"
    store = kept(**{spec: "rrrwwwrrr"})
    for k, letter in enumerate("rrrwwwrrr"):
        store.add(result(f"p{k}", spec, letter, value="1" if letter == "r" else "3", votes=(("1", 2), ("3", 2))), None)
    (alone,) = ReportData.from_folder(store).vote_curves
    in_families(store, 3)
    (together,) = ReportData.from_folder(store).vote_curves
    assert together.any[-1].mean == alone.any[-1].mean == 1
    assert (alone.any[-1].low, together.any[-1].low) == (wilson(9, 9)[0], wilson(3, 3)[0])


@pytest.mark.parametrize("spec", ["self_consistency(cot, samples=4, stop='beta')", "no_such_strategy", "cot"])
def test_draws_that_are_no_plain_sample_give_no_curve(kept: Kept, spec: str) -> None:
    store = kept(**{spec: "r"})
    store.add(result("p0", spec, "r", votes=(("1", 4),)), None)
    assert ReportData.from_folder(store).vote_curves == ()


def test_confidence_against_what_is_right(kept: Kept) -> None:
    store = kept(a="rrww")
    for place, (letter, sure) in enumerate([("r", 1.0), ("r", 0.8), ("w", 0.8), ("w", 0.2)]):
        store.add(result(f"p{place}", "a", letter, confidence=sure), None)
    (found,) = ReportData.from_folder(store).calibration
    assert found.n == 4
    assert found.error == pytest.approx((0 + 2 * 0.3 + 0.2) / 4)
    assert found.selective == ((0.25, 1.0), (0.75, 2 / 3), (1.0, 0.5))


def test_how_answers_were_read_is_counted(kept: Kept) -> None:
    assert ReportData.from_folder(kept(a="rwuf", b="rrrr")).comparison.parse_rules == {
        "trigger": {"a": 2, "b": 4},
        "unparsed: nothing found": {"a": 1},
        "failed: nothing found": {"a": 1},
    }


# ---- folders that are not as they should be


def test_unequal_problems_are_paired_over_what_both_answered(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrrrrr....", b="....rrwwww", c="rrrrrrrrrr"))
    counts = {(pair.first, pair.second): pair.n for pair in found.comparison.pairs}
    assert counts == {("a", "b"): 2, ("a", "c"): 6, ("b", "c"): 6}
    said = " ".join(found.comparison.caveats)
    assert "(of 10: a 6, b 6, c 10)" in said
    assert "leaves out 4 to 8 a pair" in said
    assert "The best and the costs are over the 2 problems that all of them answered." in said
    assert {point.strategy: point.accuracy for point in found.cost_frontiers[0].points} == {"a": 1, "b": 1, "c": 1}


def test_a_strategy_with_too_few_answers_does_not_shrink_the_comparison_of_costs(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rwrwrwrwrw", b="rrrrrrrrww", c="r" + "." * 9))
    assert len(found.comparison.common.problems) == 10
    assert {point.strategy for point in found.cost_frontiers[0].points} == {"a", "b"}
    assert "Too few answered problems to be compared: c (1)." in found.comparison.caveats


def test_nothing_is_best_by_leaving_problems_out(kept: Kept) -> None:
    found = ReportData.from_folder(kept(vanilla="rrr" + "f" * 12, cot="r" * 12 + "www"))
    assert [row.best for row in found.comparison.rows] == [False, True]
    assert found.comparison.best is not None
    assert found.comparison.best.strategy == "cot"
    assert found.headline.startswith("cot solved 12 of 15")
    assert found.comparison.pairs == ()
    header, rows = next((grid.header, grid.rows) for grid in report_tables(found) if grid.name == "strategies")
    assert [row[header.index("n")] for row in rows] == ["3", "15"]
    notes = {grid.name: grid.note for grid in report_tables(found)}
    for name in ("budgets-tokens", "solved"):
        assert "Left out: vanilla (answered 3)." in notes[name]
    some = ReportData.from_folder(kept(vanilla="r" * 8 + "f" * 7, cot="w" + "r" * 14))  # 8 of 8, and 14 of 15
    most = "vanilla has the most right answers on the 8 problems that all strategies answered (8 of 8), but"
    assert some.headline.startswith(most)


def test_n_counts_the_problems_that_were_begun(kept: Kept) -> None:
    found = Comparison.from_folder(kept(a="rw" + "." * 38, b="r." + "." * 37 + "."), [f"p{k}" for k in range(40)])
    assert (found.n, found.title) == (2, "ones · 2 problems · m")
    assert Comparison.from_folder(kept(a="r..")).title == "ones · 1 problem · m"


def test_every_form_says_what_limits_the_numbers(kept: Kept, capsys: pytest.CaptureFixture[str]) -> None:
    found = Comparison.from_folder(kept(a="rff", b="rrw"))
    said = "Failed calls are not wrong answers and are left out: a 2 of 3."
    print_comparison(found, "table")
    print_comparison(found, "json")
    shown, data = capsys.readouterr().out.strip().rsplit("\n", 1)
    for form in (shown, *json.loads(data)["remarks"][:1], str(found), found._repr_html_()):
        assert said in form
    assert "Limits of these numbers" in shown
    assert "Limits of" not in str(Comparison.from_folder(kept(a="rww", b="rrw")))


def test_a_problem_is_solved_by_most_of_its_repetitions(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrw,rww,rrw", b="wrw,wrw,wwr"))
    of = found.agreement
    assert (of.n, of.any_correct, of.all_correct, of.none_correct) == (3, 2, 1, 1)
    assert of.solved_only_by == {"a": ("p0",), "b": ()}
    note = next(grid.note for grid in report_tables(found) if grid.name == "solved")
    assert note.startswith("Of 3 problems that every strategy answered; a problem is solved if more than half")


def test_the_terminal_has_every_table(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrwwww", b="rrrrrw"))
    console = Console(file=StringIO(), width=100)
    console.print(to_terminal(found))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    for grid in report_tables(found):
        assert (grid.title in said) == (grid.name != "strategies")
    assert "+50.0" in said


def test_a_problem_with_strategies_side_by_side(sums: Callable[[int], list[Example]], tmp_path: Path) -> None:
    for out in (None, tmp_path):
        llm = ScriptedLLM(lambda messages: f"The answer is {4 + ('step' not in messages[-1].content)}.")
        found = compare(["vanilla", "cot(stages=1)"], sums(3), llm, limit=3, out=out, progress=False)
        console = Console(file=StringIO(), width=120)
        console.print(found.problem("2"))
        said = console.file.getvalue()  # type: ignore[attr-defined]
        assert said.count("What is 2 + 2?") == 3  # above all, and in each trace
        assert re.search(r"vanilla  ✗ 5 .* cot\(stages=1\)  ✓ 4", said)
        assert "step by step" in said
        assert "<pre" in found.problem("sum-2", "vanilla")._repr_mimebundle_((), ())["text/html"]
        with pytest.raises(UnknownName, match="sum-9"):
            found.problem("sum-9")


def test_a_mark_at_the_end_of_the_axis_is_whole(kept: Kept) -> None:
    drawn = charts.differences(ReportData.from_folder(kept(a="r" * 12, b="w" * 12)))
    clipped = re.findall(r'<g clip-path="[^"]*">\s*<use', drawn)
    assert "<use" in drawn
    assert clipped == []


def test_no_problem_in_common(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="rrr...", b="...rrr"))
    assert found.cost_frontiers == ()
    assert found.agreement.n == 0
    assert found.comparison.against_best == ()
    assert {grid.name for grid in report_tables(found)} == {"strategies", "agreement", "parse-rules"}


def test_all_failed(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="fff", b="fff"))
    assert found.headline == "Every call failed, so there is nothing to compare."
    assert found.comparison.pairs == ()
    assert found.cost_frontiers == ()
    strategies = next(grid for grid in report_tables(found) if grid.name == "strategies")
    assert [row[2:4] for row in strategies.rows] == [("–", "–"), ("–", "–")]
    assert "a 3 of 3, b 3 of 3" in found.comparison.caveats[0]


def test_one_that_failed_beside_one_that_did_not(kept: Kept) -> None:
    found = ReportData.from_folder(kept(a="fff", b="rrw"))
    assert "Every call of a failed, so its accuracy is unknown." in found.comparison.caveats
    assert [point.strategy for point in found.cost_frontiers[0].points] == ["b"]
    assert found.agreement.solved_only_by == {"b": ("p0", "p1")}


def test_an_empty_folder(kept: Kept, tmp_path: Path) -> None:
    found = ReportData.from_folder(kept(a=""))
    assert found.comparison.rows == ()
    assert found.headline.startswith("There are no results yet")
    assert report_tables(found) == []


def test_results_of_another_task_and_of_strangers_are_left_out_and_told(kept: Kept) -> None:
    store = kept(a="rw", b="rr")
    store.add(result("elsewhere", "a", "r"), None)
    store.add(result("p0", "stranger", "r"), None)
    found = ReportData.from_folder(store)
    assert [row.n for row in found.comparison.rows] == [2, 2]
    assert "1 result of strategies that do not belong to this run left out: stranger." in found.comparison.caveats
    assert any(
        "1 result of problems that are not in problems.jsonl left out" in one for one in found.comparison.caveats
    )


def test_mixed_versions_are_told(kept: Kept) -> None:
    store = kept(a="rw", b="rr")
    store.add(result("p0", "a", "r", parser_version=99), None)
    store.add(dataclasses.replace(result("p1", "b", "r"), fingerprint="other"), None)
    said = " ".join(ReportData.from_folder(store).comparison.caveats)
    assert "more than one version of b" in said
    assert "more than one version of the rules" in said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made(tmp_path / "run", 6, 3)
    return tmp_path / "run"


def test_two_problems_with_one_id_are_refused(folder: Path) -> None:
    path = folder / "problems.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[0].replace('"target":"', '"target":"9')]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"problems.jsonl:7: .*'made-00000'"):
        ReportData.from_folder(ResultsFolder.read(folder))


def test_of_several_lines_for_one_result_the_last_counts(folder: Path) -> None:
    path = folder / "results.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    again = {**json.loads(lines[0]), "state": "failed", "correct": None, "value": None}
    path.write_text("\n".join([*lines, json.dumps(again)]) + "\n", encoding="utf-8")
    found = ReportData.from_folder(ResultsFolder.read(folder))
    assert found.comparison.rows[0].failed == 1
    assert found.comparison.rows[0].n == 5


def test_a_damaged_folder_names_the_place(folder: Path) -> None:
    with (folder / "results.jsonl").open("a", encoding="utf-8") as file:
        file.write("no json\n")
    with pytest.raises(InputError, match=r"results.jsonl:19"):
        ReportData.from_folder(ResultsFolder.read(folder))
    shutil.rmtree(folder)
    with pytest.raises(InputError, match="not a results folder"):
        ReportData.from_folder(ResultsFolder.read(folder))


def test_the_command_prints_every_table_where_it_is_asked(folder: Path) -> None:
    short, whole = (CliRunner().invoke(app(), ["bench", "report", str(folder), *more]) for more in ([], ["--all"]))
    assert "Every pair" not in short.output
    for title in ("Every pair", "The best at each budget of tokens", "Problems solved"):
        assert title in whole.output


def test_plain_data_is_json(folder: Path) -> None:
    data = ReportData.from_folder(ResultsFolder.read(folder)).to_json()
    assert json.loads(json.dumps(data)) == data
    assert [row["strategy"] for row in data["rows"]] == ["vanilla", "cot", "cot(shots=4)"]


def test_a_problem_is_shown_with_what_it_is_answered_from() -> None:
    table = [["town", "people"], ["Orl", "120"]]
    problem = Problem("Which town?", table=table, corpus=Corpus("towns", [Document("Orl is a town.", "Orl")]))
    assert page_data.asked(problem) == "town | people\nOrl | 120\n\nWhich town?\n\nTo search in: towns, 1 document"
