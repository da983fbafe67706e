"""Intervals and tests against published and hand-made values."""

from __future__ import annotations

import math
from itertools import product

import pytest

from reasoning.benchmarks.statistics import detectable_difference, disagreements, holm, mcnemar, mcnemar_power, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [  # Newcombe (1998), Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_newcombe(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_at_the_ends() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 40)[0] == 0.0
    assert wilson(40, 40)[1] == 1.0
    low, high = wilson(7, 24)
    mirrored = wilson(17, 24)
    assert (1 - high, 1 - low) == pytest.approx(mirrored)
    assert wilson(7, 24, 0.99)[0] < low


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (1, 9, 22 / 1024),  # 2 (1 + 10) / 2^10
        (9, 1, 22 / 1024),
        (0, 6, 2 / 64),
        (0, 5, 2 / 32),
        (3, 3, 1.0),
        (0, 0, 1.0),
        (2, 10, 2 * (1 + 12 + 66) / 4096),
    ],
)
def test_mcnemar_is_the_exact_sign_test(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p, rel=1e-12)


def test_mcnemar_of_thousands_is_quick_and_near_the_normal_approximation() -> None:
    z = (2100 - 1900 - 1) / math.sqrt(4000)
    assert mcnemar(1900, 2100) == pytest.approx(math.erfc(z / math.sqrt(2)), rel=0.02)
    assert mcnemar(0, 4000) == pytest.approx(0.0, abs=1e-300)


def test_mcnemar_keeps_its_level() -> None:
    """Under the null each problem that divides two strategies goes either way: at most 5 % of tables say p < 0.05."""
    for n in (6, 11, 12):
        refused = sum(mcnemar(sum(sides), n - sum(sides)) < 0.05 for sides in product((0, 1), repeat=n))
        assert 0 < refused / 2**n <= 0.05


def test_holm_agrees_with_a_worked_example() -> None:
    # As R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives: 0.03 0.06 0.06 0.02
    given = {"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}
    assert holm(given) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(holm(given)) == list(given)
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def power(n: int, share: float, difference: float, level: float) -> float:
    """By all tables: the chance that McNemar's test finds a difference, and in the right direction."""
    first, second = (share + difference) / 2, (share - difference) / 2
    chance = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            if a > b and mcnemar(a, b) < level:
                ways = math.comb(n, a) * math.comb(n - a, b)
                chance += ways * first**a * max(second, 0.0) ** b * (1 - share) ** (n - a - b)
    return chance


@pytest.mark.parametrize(("n", "share"), [(24, 0.3), (60, 0.3), (60, 0.5), (100, 0.2)])
def test_the_smallest_difference_is_found_as_often_as_it_says(n: int, share: float) -> None:
    difference = detectable_difference(n, share)
    assert difference is not None
    assert power(n, max(share, difference), difference, 0.05) == pytest.approx(0.8, abs=1e-3)


@pytest.mark.parametrize("level", [0.05, 0.05 / 15])
@pytest.mark.parametrize(("n", "difference", "share"), [(5, 1.0, 1.0), (24, 0.3, 0.3), (40, 0.1, 0.25), (60, 0.2, 0.6)])
def test_the_power_is_that_of_all_tables(n: int, difference: float, share: float, level: float) -> None:
    assert mcnemar_power(n, difference, share, level=level) == pytest.approx(
        power(n, share, difference, level), abs=1e-7
    )


def test_the_smallest_difference_shrinks_with_problems_and_grows_with_care() -> None:
    some = [detectable_difference(n, 0.3) or 1.0 for n in (24, 50, 120, 1319)]
    assert some == sorted(some, reverse=True)
    assert some[-1] < 0.05
    assert (detectable_difference(24, 0.3, level=0.05 / 15) or 1.0) > some[0]
    assert detectable_difference(2, 0.3) is None
    assert detectable_difference(0, 0.3) is None


def test_disagreements_are_counted_by_side() -> None:
    assert disagreements([True, True, False, False, True], [True, False, True, True, False]) == (2, 2)
    with pytest.raises(ValueError, match="same problems"):
        disagreements([True, False], [True])


def test_mcnemar_of_many_disagreements_is_the_exact_sum() -> None:
    for only_a, only_b in ((0, 3000), (900, 1200), (2900, 3000), (3000, 2999)):
        n, fewer = only_a + only_b, min(only_a, only_b)
        tail = sum(math.comb(n, k) for k in range(fewer + 1))
        assert mcnemar(only_a, only_b) == min(1.0, 2 * tail / 2**n)
