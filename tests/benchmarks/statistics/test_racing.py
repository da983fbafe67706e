"""Racing: the level holds at any time, clear races end early, and the full grid's best is stopped for nothing."""

from __future__ import annotations

import numpy as np
import pytest
from simulation.races import race as many_races
from simulation.races import raced

from reasoning.benchmarks.statistics.racing import Race, gaps, winnings


def run(right: np.ndarray, **how: float) -> Race:
    race = Race([str(place) for place in range(len(right))], right.shape[1], **how)
    for problem in right.T:
        race.update({name: float(problem[int(name)]) for name in race.remaining})
    return race


def shuffles(right: np.ndarray, times: int) -> np.ndarray:
    chance = np.random.default_rng(2)
    return np.stack([right[:, chance.permutation(right.shape[1])] for _ in range(times)])


@pytest.mark.parametrize("family", [1, 10])
def test_the_grids_best_is_stopped_in_no_more_orders_than_the_level_says(family: int) -> None:
    """By one problem of 160, easy ones first or in families: only the order is random."""
    sides = np.repeat([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 1]], 40 // family, axis=0).repeat(family, axis=0).T
    right = np.concatenate([sides, [[1], [0], [0]]], axis=1)
    running, _ = raced(shuffles(right.astype(bool), 400), 0.0, level=0.2)
    assert (~running[:, 0]).mean() <= 0.2 + 0.04


def test_with_a_margin_one_that_is_better_by_it_keeps_its_level() -> None:
    right = np.zeros((3, 100), dtype=bool)
    right[0, :60], right[1:, 50:] = True, True  # 60, 50 and 50 right: just the margin
    running, _ = raced(shuffles(right, 400), 0.1, level=0.2)
    assert (~running[:, 0]).mean() <= 0.2 + 0.04
    running, _ = raced(shuffles(right, 100), 0.2, level=0.2)
    assert (running.sum(axis=1) == 1).all()


def test_the_bet_is_fair_whatever_was_seen_if_the_rest_makes_it_equal() -> None:
    """Over all that may come next: the capital grows by 1 on average where the whole run is level."""
    for lead, left in ((5.0, 10), (-3.0, 4), (0.0, 7)):
        rest = np.full(left, -lead / left)  # what it takes for a lead of 0 after all
        rest[0], rest[-1] = rest[0] - 0.3, rest[-1] + 0.3
        won = np.mean([winnings(np.array(gap), np.array(lead / left), 0.0) for gap in rest], axis=0)
        assert won == pytest.approx(np.ones(7))


def test_who_cannot_catch_up_is_stopped() -> None:
    race = Race(["a", "b"], 12, level=1e-6)
    for _ in range(8):
        race.update({"a": 1.0, "b": 0.0})
    assert race.stopped == {"b": 7}  # of twelve: five do not make up for it
    race = Race(["a", "b"], 12, level=1e-6)
    for winner in "aaaaaabbbbbb":
        race.update({"a": float(winner == "a"), "b": float(winner == "b")})
    assert race.stopped == {}  # six may still tie, which is no worse


def test_a_clear_race_ends_early_and_rightly() -> None:
    chance = np.random.default_rng(4)
    for _ in range(20):
        race = run(chance.random((4, 400)) < np.array([0.3, 0.8, 0.3, 0.1])[:, None])
        assert race.remaining == ["1"]
        assert max(race.stopped.values()) < 150


def test_equals_run_on_without_a_margin_and_end_with_one() -> None:
    right = np.tile(np.random.default_rng(5).random(400) < 0.5, (3, 1))
    assert run(right).remaining == ["0", "1", "2"]
    assert len(run(right, margin=0.05).remaining) == 1


def test_a_missing_result_bets_nothing() -> None:
    race = Race(["a", "b"], 10)
    race.update({"a": 1.0})
    assert race.evidence() == pytest.approx({"a": 1.0, "b": 1.0})
    assert race.problems == 1
    race.update({"a": 1.0, "b": 0.0})
    assert race.evidence()["b"] > 1 > race.evidence()["a"]


def test_a_bet_cannot_lose_more_than_its_stake() -> None:
    for owed in (-5.0, -1.0, 0.0, 0.5, 0.94):  # the second strategy owes it to the first
        won = winnings(gaps(np.array([1.0, 0.0]), 0.05), np.full((2, 2), owed), 0.05)
        assert won.min() == pytest.approx(0.1)
    assert (winnings(np.array(-0.95), np.array(0.96), 0.05) > 1e5).all()  # it cannot get that back


@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_the_simulation_runs_the_same_race(margin: float) -> None:
    chance = np.random.default_rng(6)
    right = chance.random((12, 4, 120)) < np.array([0.7, 0.5, 0.45, 0.2])[:, None]
    running, seen = raced(right, margin)
    for one, still, made in zip(right, running, seen, strict=True):
        race = Race(["0", "1", "2", "3"], 120, margin=margin)
        results = dict.fromkeys(race.strategies, 0)
        for problem in one.T:
            if len(race.remaining) == 1:
                break
            results |= {name: results[name] + 1 for name in race.remaining}
            race.update({name: float(problem[int(name)]) for name in race.remaining})
        assert race.remaining == [str(place) for place in np.flatnonzero(still)]
        assert list(results.values()) == made.tolist()


def test_remaining_equals_differ_significantly_no_more_often_than_the_level() -> None:
    found = many_races([0.5] * 6, 200, 0.0, 300)
    assert found.significant <= 0.05
    assert found.stopped <= 0.05
    assert found.calls < 0.95


def test_families_in_a_random_order_keep_the_level_and_one_after_the_other_do_not() -> None:
    assert many_races([0.5] * 6, 200, 0.0, 200, family=8).stopped <= 0.05
    assert many_races([0.5] * 6, 200, 0.0, 200, family=8, shuffled=False).stopped > 0.05


def test_one_alone_is_never_stopped() -> None:
    race = Race(["a"], 1)
    assert race.update({"a": 0.0}) == []
    assert race.remaining == ["a"]
    with pytest.raises(ValueError, match="have been seen"):
        race.update({"a": 0.0})


@pytest.mark.parametrize("how", [{"level": 0}, {"level": 1}, {"margin": -0.1}, {"margin": 1}])
def test_nonsense_is_refused(how: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="level must be"):
        Race(["a", "b"], 10, **how)
