"""Variance over repetitions, single runs, and calibration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from reasoning.benchmarks.statistics.calibration import Bin, calibration_error, reliability, selective_accuracy
from reasoning.benchmarks.statistics.variance_components import single_run, variance_components


def test_a_known_table_splits_as_by_hand() -> None:
    found = variance_components([[1, 2, 3], [2, 4, 6], [3, 6, 9.0]])
    # by hand: mean 4; rows 2, 4, 6; columns 2, 4, 6; rows and columns 24 / 2 = 12 each, the rest 4 / 4 = 1
    assert found.interaction == pytest.approx(1.0)
    assert found.problems == pytest.approx((12 - 1) / 3)
    assert found.repetitions == pytest.approx((12 - 1) / 3)
    # The deviation of 2, 4, 6 is 2; that of three normal values is on average 0.8862 times the true one.
    assert found.run == pytest.approx(2 / 0.8862, rel=1e-4)


def test_the_deviation_of_a_run_is_the_one_that_is_seen() -> None:
    chance = np.random.default_rng(1)
    shares = chance.beta(0.5, 0.5, 80)
    seen = [(chance.random(80) < shares).mean() for _ in range(3000)]
    told = [variance_components((chance.random((80, 8)) < shares[:, None]).astype(float)).run for _ in range(200)]
    assert np.mean(told) == pytest.approx(np.std(seen), rel=0.05)


@pytest.mark.parametrize("epochs", [2, 3, 5, 10])
@pytest.mark.parametrize("effect", [0.0, 0.05])
def test_the_deviation_of_a_run_is_unbiased(epochs: int, effect: float) -> None:
    chance = np.random.default_rng([epochs, int(100 * effect)])
    shares = chance.uniform(0.2, 0.8, 80)
    truth = np.sqrt((shares * (1 - shares) - effect**2).mean() / 80 + effect**2)
    told = []
    for _ in range(4000):
        runs = chance.normal(0, effect, epochs)
        told.append(variance_components((chance.random((80, epochs)) < shares[:, None] + runs).astype(float)).run)
    assert np.mean(told) == pytest.approx(truth, rel=0.03)


@pytest.mark.parametrize("table", [[[1, 0]], [[1], [0]], [[1, 0], [1]]])
def test_too_small_a_table_is_refused(table: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"two repetitions|inhomogeneous"):
        variance_components(table)


def test_single_runs_by_all_outcomes() -> None:
    a, b = [0.9, 0.4, 0.5], [0.6, 0.6, 0.1]
    first = second = tie = 0.0
    for outcome in product((0, 1), repeat=6):
        chance = 1.0
        for share, right in zip(a + b, outcome, strict=True):
            chance *= share if right else 1 - share
        x, y = sum(outcome[:3]), sum(outcome[3:])
        first, second, tie = first + chance * (x > y), second + chance * (x < y), tie + chance * (x == y)
    found = single_run(a, b)
    assert (found.first, found.second, found.tie) == pytest.approx((first, second, tie))


def test_calibration_by_hand() -> None:
    confidences, right = [0.9, 0.9, 0.3, 1.0], [True, False, False, True]
    assert reliability(confidences, right) == [Bin(1, 0.3, 0.0), Bin(3, pytest.approx(2.8 / 3), pytest.approx(2 / 3))]
    assert calibration_error(confidences, right) == pytest.approx(0.25 * 0.3 + 0.75 * (0.8 / 3))
    assert selective_accuracy(confidences, right) == [(0.25, 1.0), (0.75, pytest.approx(2 / 3)), (1.0, 0.5)]
