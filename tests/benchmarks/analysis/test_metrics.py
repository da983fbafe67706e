"""Metrics of tasks with variants of base problems, and of tasks with spans."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import reasoning as r
from reasoning.benchmarks.analysis.metrics import Metric, measure
from reasoning.benchmarks.analysis.summary import summarize
from reasoning.benchmarks.analysis.summary_table import numbers_table, summary_table
from reasoning.benchmarks.results.result import Result
from reasoning.kinds import Spans, YesNo
from reasoning.problem import AnyOf, Example, Problem
from reasoning.retrieval import Corpus, Document
from reasoning.testing import ScriptedLLM


def solved(family: str, base: bool, *variants: bool, epoch: int = 0) -> list[Result]:
    rights = {family: base} | {f"{family}-{number}": right for number, right in enumerate(variants)}
    return [Result(name, "cot", "f", "answered", right, epoch=epoch, family=family) for name, right in rights.items()]


def values(metrics: tuple[Metric, ...]) -> dict[str, float | None]:
    return {metric.name: metric.value for metric in metrics}


def test_micro_macro_and_normalised_accuracy() -> None:
    results = [*solved("a", True, True, True), *solved("b", True, True, False), *solved("c", False, False, False)]
    found = measure(results, {})
    assert values(found) == {
        "micro_accuracy": 3 / 6,
        "macro_accuracy": 1 / 3,
        "normalised_accuracy": pytest.approx((3 / 6) / (2 / 3)),
    }
    for metric in found[:2]:
        assert metric.interval is not None
        assert metric.interval[0] <= (metric.value or 0) <= metric.interval[1]


def test_a_family_that_was_not_run_to_its_end_is_left_out() -> None:
    whole = [*solved("a", True, True, True), *solved("b", True, False, True)]
    assert measure([*whole, *solved("c", True, True)], {}) == measure(whole, {})
    lost = Result("d-1", "cot", "f", "failed", None, family="d")
    assert measure([*whole, *solved("d", True, True), lost], {}) == measure(whole, {})


def test_without_a_right_base_problem_there_is_nothing_to_divide_by() -> None:
    found = measure(solved("a", False, True, True), {})
    assert values(found)["normalised_accuracy"] is None
    assert found[2].cell() == "–"
    assert found[0].interval is None


def test_an_interval_needs_families_that_differ_and_each_could_be_missing() -> None:
    # Without the first family no base problem is solved.
    one = measure([*solved("a", True, True, True), *solved("b", False, False, False)], {})
    assert values(one)["normalised_accuracy"] == 1.0
    assert one[2].interval is None
    alike = measure([*solved("a", True, True, False), *solved("b", True, False, True)], {})
    assert [metric.interval for metric in alike[::2]] == [None, None]


def test_families_without_a_base_problem_and_single_problems_have_no_metrics() -> None:
    passage = [Result(f"q{k}", "cot", "f", "answered", True, family="passage") for k in range(3)]
    assert measure([*passage, Result("p", "cot", "f", "answered", True)], {}) == ()


def test_all_right_and_all_wrong_have_intervals_of_the_number_of_families() -> None:
    macro = measure([one for name in "abcd" for one in solved(name, True, True)], {})[1]
    assert macro.value == 1
    assert macro.interval == (pytest.approx(0.51, abs=0.01), 1)


KIND = Spans(["problem", "test"], "Fever and cough on X-ray day.")
MARKED = "<problem>Fever</problem> and <problem>cough</problem> on <test>X-ray</test> day."


def test_f1_over_all_spans() -> None:
    examples = {name: Example(Problem("Mark.", KIND, id=name), MARKED) for name in ("a", "b")}
    found = "<problem>Fever</problem> and cough on <test>X-ray day</test>."
    results = [
        Result("a", "cot", "f", "answered", False, value=found),
        Result("b", "cot", "f", "unparsed", False),
        Result("b", "cot", "f", "failed", None, epoch=1),
    ]
    # Of 2 found spans 1 is exact and 2 overlap; 6 are expected.
    assert values(measure(results, examples)) == {
        "exact_f1": pytest.approx(2 * 1 / (2 + 6)),
        "relaxed_f1": pytest.approx(2 * 1 * (2 / 6) / (1 + 2 / 6)),
    }


def test_f1_of_words_is_that_of_text_answers_to_problems_with_documents() -> None:
    corpus = Corpus("pages", [Document("The Eiffel Tower is in Paris.")])
    examples = {
        "a": Example(Problem("Where?", id="a", corpus=corpus), AnyOf(["Paris", "the city of Paris"])),
        "b": Example(Problem("What?", id="b", corpus=corpus), "Eiffel Tower"),
        "c": Example(Problem("Is it?", YesNo(), id="c", corpus=corpus), "yes"),
        "d": Example(Problem("Where?", id="d"), "Paris"),
    }
    answers = {"a": "city of Paris", "b": "the tower", "c": "yes", "d": "Paris"}
    results = [Result(name, "cot", "f", "answered", True, value=value) for name, value in answers.items()]
    assert values(measure(results, examples)) == {"word_f1": pytest.approx((1 + 2 / 3) / 2)}
    results.append(Result("a", "cot", "f", "unparsed", False, epoch=1))
    assert values(measure(results, examples)) == {"word_f1": pytest.approx((1 + 2 / 3) / 3)}


def test_tables_have_a_column_for_each_metric_and_say_what_it_is() -> None:
    rows = summarize([*solved("a", True, True, False), *solved("b", True, True, True)], ["cot"])
    table = summary_table(rows, free=True)
    assert table.header[:6] == ("strategy", "accuracy", "95 %", "micro", "macro", "normalised")
    assert table.rows[0][3].startswith("75.0 % (")
    assert "macro: the share of base problems of which every variant is solved" in table.legend
    numbers = dict(zip(numbers_table(rows).header, numbers_table(rows).rows[0], strict=True))
    assert numbers["macro_accuracy"] == 0.5
    plain = summarize([Result("p", "cot", "f", "answered", True)], ["cot"])
    assert "metrics" not in plain[0].to_json()


def test_a_comparison_shows_them_and_its_json_has_them(tmp_path: Path) -> None:
    def answer(turns: object) -> str:
        return "The answer is 13." if "13 + 0" in str(turns) and "tall" not in str(turns) else "The answer is 12."

    examples = [
        Example(Problem(f"What is {k} + 0?{extra}", r.kinds.Number(), id=f"p{k}{name}"), k, family=f"p{k}")
        for k in (12, 13)
        for name, extra in (("", ""), ("-x", " Amara is 150 cm tall."))
    ]
    result = r.benchmarks.compare("vanilla", examples, ScriptedLLM(answer), out=tmp_path / "out", progress=False)
    assert "| micro | macro | normalised |" in str(result)
    metrics = json.loads(json.dumps(result.to_json()))["results"][0]["metrics"]
    assert {name: one["value"] for name, one in metrics.items()} == {
        "micro_accuracy": 0.5,
        "macro_accuracy": 0.5,
        "normalised_accuracy": 0.5,
    }
    again = r.benchmarks.compare("vanilla", examples, ScriptedLLM([]), out=tmp_path / "out", progress=False)
    assert again.to_json()["results"] == result.to_json()["results"]
