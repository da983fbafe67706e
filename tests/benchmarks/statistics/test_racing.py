"""Racing: the level holds at any time, clear races end early, and nobody is stopped for nothing."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.statistics.racing import Race
from benchmarks.statistics.simulation import race as many_races
from benchmarks.statistics.simulation import raced


def run(right: np.ndarray, **how: float) -> Race:
    race = Race([str(place) for place in range(len(right))], **how)
    for problem in right.T:
        race.see({name: float(problem[int(name)]) for name in race.running})
    return race


def test_the_best_is_stopped_no_more_often_than_the_level_says() -> None:
    chance = np.random.default_rng(2)
    stopped = sum("0" in run(chance.random((3, 150)) < 0.5, level=0.2).out for _ in range(300))
    assert stopped / 300 <= 0.2 + 0.05


def test_with_a_margin_one_that_is_better_by_it_keeps_its_level() -> None:
    chance = np.random.default_rng(3)
    accuracies = np.array([0.6, 0.5, 0.5])[:, None]
    stopped = sum("0" in run(chance.random((3, 150)) < accuracies, level=0.2, margin=0.1).out for _ in range(300))
    assert stopped / 300 <= 0.2 + 0.05


def test_a_clear_race_ends_early_and_rightly() -> None:
    chance = np.random.default_rng(4)
    for _ in range(20):
        race = run(chance.random((4, 400)) < np.array([0.3, 0.8, 0.3, 0.1])[:, None])
        assert race.running == ["1"]
        assert max(race.out.values()) < 150


def test_equals_run_on_without_a_margin_and_end_with_one() -> None:
    right = np.tile(np.random.default_rng(5).random(400) < 0.5, (3, 1))
    assert run(right).running == ["0", "1", "2"]
    assert len(run(right, margin=0.05).running) == 1


def test_a_missing_result_bets_nothing() -> None:
    race = Race(["a", "b"])
    race.see({"a": 1.0})
    assert race.evidence() == {"a": 0.0, "b": 0.0}
    assert race.problems == 1
    race.see({"a": 1.0, "b": 0.0})
    assert race.evidence()["b"] > 0 > race.evidence()["a"]


@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_the_simulation_runs_the_same_race(margin: float) -> None:
    chance = np.random.default_rng(6)
    right = chance.random((12, 4, 120)) < np.array([0.7, 0.5, 0.45, 0.2])[:, None]
    running, seen = raced(right, margin)
    for one, still, made in zip(right, running, seen, strict=True):
        race = Race(["0", "1", "2", "3"], margin=margin)
        results = dict.fromkeys(race.names, 0)
        for problem in one.T:
            if len(race.running) == 1:
                break
            results |= {name: results[name] + 1 for name in race.running}
            race.see({name: float(problem[int(name)]) for name in race.running})
        assert race.running == [str(place) for place in np.flatnonzero(still)]
        assert list(results.values()) == made.tolist()


def test_equals_that_are_left_are_told_apart_no_more_often_than_the_level() -> None:
    assert many_races([0.5] * 6, 200, 0.0, 300)["told"] <= 0.05


def test_one_alone_is_never_stopped() -> None:
    race = Race(["a"])
    assert race.see({"a": 0.0}) == []
    assert race.running == ["a"]


@pytest.mark.parametrize("how", [{"level": 0}, {"level": 1}, {"margin": -0.1}, {"margin": 1}])
def test_nonsense_is_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="level="):
        Race(["a", "b"], **how)
