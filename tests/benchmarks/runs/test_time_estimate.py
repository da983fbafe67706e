"""The time that is left, by a virtual clock: what the journal gives is no speed, and strategies differ in cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.runs.time_estimate import TimeEstimate
from reasoning.messages import Usage

CHEAP, DEAR = "vanilla", "self_consistency(cot, samples=10)"
COST = {CHEAP: 1.0, DEAR: 10.0}


def solved(key: ResultKey, *, bought: bool = True) -> Result:
    """A solve that took, or once took, one second a call."""
    seconds = COST[key.strategy]
    used = Usage(calls=int(seconds), seconds=seconds)
    return Result(
        *(key.problem, key.strategy, "f", "answered", True),
        usage=used,
        spent=used if bought else Usage(),
        seconds=seconds if bought else 0.001,
        epoch=key.epoch,
    )


def keys(problems: int, specs: Sequence[str] = (CHEAP, DEAR)) -> list[ResultKey]:
    return [ResultKey(f"p{number}", spec) for number in range(problems) for spec in specs]


def test_results_from_the_journal_are_no_speed() -> None:
    todo = keys(1000)
    left, now = TimeEstimate(todo, []), 100.0
    for key in todo[:1800]:
        left.add(solved(key, bought=False), now := now + 0.001)
    assert left.estimate(0.0, now) is None  # nothing says whether the rest is in the journal
    spent = 0.0
    for key in todo[1800:1820]:  # one after the other
        now, spent = now + COST[key.strategy], spent + COST[key.strategy]
        left.add(solved(key), now)
    assert left.estimate(spent, now) == pytest.approx(90 * 11)


def test_what_is_left_of_each_strategy_counts_with_its_own_cost() -> None:
    cheap, dear = keys(50, [CHEAP]), keys(50, [DEAR])
    left, now, spent = TimeEstimate([*cheap, *dear], []), 0.0, 0.0
    for key in [*cheap[:40], *dear[:2]]:
        now, spent = now + COST[key.strategy], spent + COST[key.strategy]
        left.add(solved(key), now)
    assert left.estimate(spent, now) == pytest.approx(10 * 1 + 48 * 10)
    for key in cheap[40:]:
        now, spent = now + 1, spent + 1
        left.add(solved(key), now)
    assert left.estimate(spent, now) == pytest.approx(480)


def test_a_strategy_that_was_run_before_counts_with_what_it_took_then() -> None:
    stored = [solved(key) for key in keys(5, [DEAR])]
    todo = keys(20, [CHEAP]) + keys(7, [DEAR])[5:]
    for before, dear in ((stored, 10.0), ([], 1.0)):  # without any, as much as the others take
        left = TimeEstimate(todo, before)
        for number, key in enumerate(todo[:10], 1):
            left.add(solved(key), float(number))
        assert left.estimate(10.0, 10.0) == pytest.approx(10 + 2 * dear)


def test_what_a_race_has_stopped_is_not_waited_for() -> None:
    todo = keys(20)
    left = TimeEstimate(todo, [])
    for number, key in enumerate(todo[::2][:10], 1):
        left.add(solved(key), float(number))
    assert left.estimate(10.0, 10.0, stopped={DEAR: 10}) == pytest.approx(10)


def test_solves_side_by_side_and_under_way() -> None:
    todo = keys(40, [DEAR])
    left = TimeEstimate(todo, [])
    for key in todo[:8]:  # eight at once
        left.add(solved(key), 10.0)
    assert left.estimate(80.0, 10.0) == pytest.approx(40)
    assert left.estimate(80.0 + 40, 15.0) == pytest.approx(35)  # eight more are half done
    assert left.estimate(80.0 + 40, 45.0, ready=30.0) == pytest.approx(35)  # a model that was loaded for 30 s


def test_failures_are_no_measure_but_are_done() -> None:
    todo = keys(10, [CHEAP])
    left = TimeEstimate(todo, [])
    spent = Usage(calls=1, seconds=60.0)
    failed = replace(solved(todo[0]), state="failed", correct=None, spent=spent, seconds=60.0)
    left.add(failed, 60.0)
    assert left.estimate(60.0, 60.0) is None
    left.add(solved(todo[1]), 61.0)
    assert left.estimate(61.0, 61.0) == pytest.approx(8)


def test_a_last_solve_that_takes_longer_than_usual_is_no_time_of_nothing() -> None:
    first, last = keys(2, [CHEAP])
    left = TimeEstimate([first, last], [])
    left.add(solved(first), now=1.0)
    assert left.estimate(1.5, now=1.5) == pytest.approx(0.5)
    assert left.estimate(5.0, now=5.0) is None
