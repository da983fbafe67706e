"""Independent repetitions: their own draws, their own results, an interval that knows they are of one problem."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import compare
from benchmarks.pairs import outcomes, pairs
from benchmarks.result import Key, Result
from benchmarks.rows import rows
from benchmarks.statistics import clustered, wilson
from benchmarks.store import Store
from reasoning.errors import UsageError
from reasoning.llm.request import Message
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM

Sums = Callable[[int], list[Example]]


def unsure(messages: tuple[Message, ...]) -> str:
    """Right at the first and third time that a problem is asked."""
    k = int(re.findall(r"What is (\d+) \+", messages[-1].content)[0])
    unsure.asked[k] = unsure.asked.get(k, 0) + 1  # type: ignore[attr-defined]
    return f"The answer is {2 * k + (k > 2 and unsure.asked[k] == 2)}."  # type: ignore[attr-defined]


def test_each_repetition_takes_draws_of_its_own_and_more_of_them_cost_only_the_new_ones(
    tmp_path: Path, sums: Sums
) -> None:
    unsure.asked = {}  # type: ignore[attr-defined]
    llm = ScriptedLLM(unsure)
    found = compare(["vanilla"], sums(4), llm, out=tmp_path / "run", epochs=2, progress=False)
    assert llm.calls == 8
    assert (found.n, found.rows[0].n, found.rows[0].correct) == (4, 8, 6)
    assert "4 problems × 2 repetitions" in found.title
    more = compare(["vanilla"], sums(4), llm, out=tmp_path / "run", epochs=3, progress=False)
    assert llm.calls == 12
    assert (more.rows[0].n, more.rows[0].correct) == (12, 10)
    stored = Store.read(tmp_path / "run")
    assert {key.epoch for key in stored.results} == {0, 1, 2}
    assert stored.results[Key("sum-4", "vanilla", 1)].value == "9"
    trace = stored.trace("sum-4", "vanilla", 1)
    assert trace is not None
    assert [draw.text for call in trace.calls() for draw in call.completions] == ["The answer is 9."]
    assert compare(["vanilla"], sums(4), ScriptedLLM([]), out=tmp_path / "run", epochs=3, progress=False).n == 4


def results(spec: str, right: list[list[bool]]) -> list[Result]:
    return [
        Result(f"p{problem}", spec, "f", "answered", one, epoch=epoch)
        for problem, ones in enumerate(right)
        for epoch, one in enumerate(ones)
    ]


def test_the_interval_is_clustered_by_problem() -> None:
    right = [[True, True], [True, False], [False, False], [False, False], [True, True], [False, True]]
    (row,) = rows(results("a", right), ["a"])
    found = clustered([one for ones in right for one in ones], [k for k in range(6) for _ in range(2)])
    assert row.interval == (max(0.0, found.low), min(1.0, found.high))
    (sure,) = rows(results("a", [[True, True], [False, False], [True, True]]), ["a"])
    assert sure.interval == wilson(2, 3)  # repeating what never changes tells nothing new


def test_pairs_over_repetitions_compare_means() -> None:
    made = [*results("a", [[True, True], [True, False], [True, True]] * 8)]
    made += results("b", [[True, False], [False, False], [True, False]] * 8)
    (pair,) = pairs(outcomes(made), ["a", "b"])
    assert pair.n == 24
    assert pair.difference.value == pytest.approx(0.5)
    assert pair.difference.low <= 0.5 <= pair.difference.high
    assert pair.p == 0.0  # the same difference everywhere
    turned = pair.seen_from("b")
    assert (turned.first, turned.second, turned.difference.value) == ("b", "a", pytest.approx(-0.5))
    assert pair.seen_from("a") is pair


def test_no_repetition_is_refused(sums: Sums) -> None:
    with pytest.raises(UsageError, match="at least once"):
        compare(["vanilla"], sums(1), ScriptedLLM([]), epochs=0, progress=False)
