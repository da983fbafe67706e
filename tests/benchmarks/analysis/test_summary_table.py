"""Rows, the table in its three forms, and the verdict."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console

from reasoning.benchmarks.analysis import summary_table
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.summary import StrategySummary, summarize
from reasoning.benchmarks.results.result import Result
from reasoning.messages import Usage


def made(
    spec: str, right: int, wrong: int = 0, unparsed: int = 0, failed: int = 0, usd: float | None = None
) -> list[Result]:
    """Results on problems 0, 1, 2, …: the right ones first."""
    states = ["answered"] * (right + wrong) + ["unparsed"] * unparsed + ["failed"] * failed
    verdicts = [True] * right + [False] * (wrong + unparsed) + [None] * failed
    usage = Usage(2, 1000, 150, usd=usd, seconds=1.5)
    return [
        Result(f"p{k}", spec, "f", state, correct, usage=usage)
        for k, (state, correct) in enumerate(zip(states, verdicts, strict=True))
    ]


ROWS = summarize(
    [*made("cot", 10, 12, 2), *made("vanilla", 1, 22, failed=1), *made("self_consistency(cot, samples=5)", 10, 14)],
    ["vanilla", "cot", "self_consistency(cot, samples=5)", "never_run"],
)


def test_rows_add_up() -> None:
    vanilla, cot, sc = ROWS
    assert (vanilla.n, vanilla.correct, vanilla.failed, vanilla.accuracy) == (23, 1, 1, 1 / 23)
    assert (cot.n, cot.correct, cot.unparsed, cot.failed) == (24, 10, 2, 0)
    assert [row.best for row in ROWS] == [False, True, True]
    assert sc.usage == Usage(48, 24_000, 3600, seconds=36.0)
    assert sc.seconds == 1.5
    assert cot.to_json() == {
        "strategy": "cot",
        "n": 24,
        "correct": 10,
        "accuracy": 0.4167,
        "ci95": [0.2447, 0.6117],
        "unparsed": 2,
        "failed": 0,
        "calls": 48,
        "prompt_tokens": 24_000,
        "completion_tokens": 3600,
        "reasoning_tokens": 0,
        "usd": None,
        "seconds": 36.0,
    }


def test_where_all_failed_there_is_no_accuracy() -> None:
    (row,) = summarize(made("cot", 0, failed=3), ["cot"])
    assert (row.n, row.failed, row.best) == (0, 3, False)
    assert row.to_json()["accuracy"] is None
    assert row.to_json()["ci95"] is None
    assert summary_table.summary_cells(row, True)[1:3] == ("–", "–")


GOLDEN = """\
| strategy | n | accuracy | 95 % | unparsed | failed | calls | prompt tokens | completion tokens | cost | s/problem |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| vanilla | 23 | 4.3 % | 1–21 | 0 | 1 | 48 | 24,000 | 3,600 | local | 1.6 |
| **cot** | **24** | **41.7 %** | **24–61** | **2** | **0** | **48** | **24,000** | **3,600** | **local** | **1.5** |
| **self_consistency(cot, samples=5)** | **24** | **41.7 %** | **24–61** | **0** | **0** | **48** | **24,000** | **3,600** | **local** | **1.5** |"""  # noqa: E501


def test_markdown() -> None:
    assert summary_table.summary_table(ROWS, free=True).to_markdown() == GOLDEN


def test_n_is_a_column_where_rows_differ_in_it() -> None:
    assert "| n |" not in summary_table.summary_table(ROWS[1:], free=True).to_markdown()
    assert '<th style="text-align:right" scope="col">n</th>' in summary_table.summary_html(ROWS, free=True)
    assert " 23 " in printed(ROWS, 80)


def test_the_best_is_the_best_of_what_was_answered_by_all() -> None:
    """Twelve right answers of twelve, where 48 calls failed, are no better than 54 of 60."""
    few = [*made("vanilla", 12, failed=48), *made("cot", 54, 6)]
    assert [row.best for row in summarize(few, ["vanilla", "cot"])] == [False, True]
    assert judged(few).startswith("cot solved 54 of 60")
    enough = [*made("vanilla", 40, failed=20), *made("cot", 39, 21), *made("pot", 0, 60)]  # 100 % and 65 % of its own
    enough[60:120] = reversed(enough[60:120])
    lacking = [one for one in enough if one.strategy != "vanilla" or one.problem != "p0"]
    assert "Best on the 39 problems that all strategies answered: vanilla, 39 of 39 right" in judged(lacking)


def test_one_is_in_the_singular() -> None:
    assert "1 problem is too few to show any difference with 1 pair" in judged(made("a", 1), made("b", 0, 1))
    six = judged(*(made(f"strategy_{k}", 10, 10) for k in range(7)))
    assert "1 others" not in six
    assert "strategy_6" in six
    loss = judged(made("a", 300), made("b", 299, 1), made("c", 0, 300))
    assert "-0" not in loss


def printed(shown: list[StrategySummary], width: int, free: bool = True) -> str:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(summary_table.render_summary(shown, free))
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [80, 120])
def test_in_a_terminal_no_number_is_cut(width: int) -> None:
    said = printed(ROWS, width)
    assert max(map(len, said.splitlines())) <= width
    assert all(number in said for number in ("24,000", "3,600", "24–61", "41.7 %", "local"))
    assert said.count("★") == 2
    if width == 120:
        assert "self_consistency(cot, samples=5) ★" in said
    else:
        assert "self_consistency(cot," in printed(ROWS[1:], width)  # broken between words


def test_money_and_large_numbers() -> None:
    (row,) = summarize(made("cot", 1, usd=0.0321), ["cot"])
    assert summary_table.summary_cells(row, free=False)[8] == "$0.0321"
    (row,) = summarize(made("cot", 1), ["cot"])
    assert summary_table.summary_cells(row, free=False)[8] == "unknown"
    large = StrategySummary("cot", 1, 1, 0, 0, Usage(1, 1_234_567, 99_999), (0.0, 1.0))
    assert summary_table.summary_cells(large, True)[6:8] == ("1,235k", "99,999")


def test_names_are_shown_and_never_obeyed() -> None:
    (row,) = summarize(made("[bold]<script>alert(1)</script>|", 1), ["[bold]<script>alert(1)</script>|"])
    assert "<script>" not in summary_table.summary_html([row], True)
    assert "[bold]" in printed([row], 120)
    assert r"\</script\>\|" in summary_table.summary_table([row], True).to_markdown()


def judged(*results: list[Result]) -> str:
    flat = [one for of_one in results for one in of_one]
    made = summarize(flat, list(dict.fromkeys(one.strategy for one in flat)))
    return Comparison("ones", "m", 1, tuple(made), results=tuple(flat)).verdict


def test_what_can_and_what_cannot_be_told_apart() -> None:
    said = judged(made("vanilla", 0, 24), made("cot", 11, 13), made("pot", 14, 10)).splitlines()
    assert said[0] == "Best: pot, 14 of 24 right."
    assert said[1] == "It beats vanilla by 58 points (95 %: 36 to 76; p < 0.001); exact McNemar, Holm over 3 pairs."
    assert said[2] == "Not significantly different: cot (p = 0.25)."
    found = re.match(r"24 problems show differences of about (\d+) points or more \(8 times in 10, if the", said[3])
    assert found
    assert 25 < int(found[1]) < 45
    assert "12 %" not in said[3]  # strategies that disagree on 12 % do not differ by more
    assert len(said) == 4


def test_p_values_are_corrected() -> None:
    said = judged(made("a", 6, 14), made("b", 0, 20), made("c", 3, 17))
    # only a, none b: p = 2 / 2^6 = 0.031, times 3 pairs = 0.094
    assert "Not significantly different: b and c (p ≥ 0.094; exact McNemar, Holm over 3 pairs)." in said
    assert "Best: a, 6 of 20 right." in said


def test_many_strategies_stay_a_few_lines() -> None:
    said = judged(*(made(f"strategy_{k}", 10, 10) for k in range(10))).splitlines()
    assert len(said) <= 4
    assert "4 others" in said[1]
    assert max(map(len, said)) < 250


def test_pairs_are_made_of_problems_that_both_answered() -> None:
    said = judged(made("a", 5, 5), [one for one in made("b", 0, 10) if one.problem not in ("p0", "p1")])
    assert "p = 0.25" in said  # three problems divide them, not five
    apart = judged(made("a", 2), [Result("q", "b", "f", "answered", True)])
    assert apart == "The strategies answered no problem in common, so nothing is compared."


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([], "There are no results yet"),
        ([made("a", 0, failed=3)], "Every call failed"),
        ([made("a", 10, 14)], "a solved 10 of 24: with 95 % confidence its accuracy lies between 24 and 61 %."),
        ([made("a", 0, 9), made("b", 0, 9)], "No strategy solved any of the 9 problems"),
        ([made("a", 0, 1), made("b", 0, 1)], "No strategy solved the one problem"),
        ([made("a", 2), made("b", 2)], "too few to show any difference"),
        ([made("a", 3, 9), made("b", 3, 9)], "(as many as "),
    ],
)
def test_edges(results: list[list[Result]], said: str) -> None:
    assert said in judged(*results)
