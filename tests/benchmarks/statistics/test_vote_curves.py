"""Curves from one pool of draws, against the enumeration of all subsets."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.benchmarks.statistics import clustered_share, vote_curves
from reasoning.benchmarks.statistics.vote_curves import (
    SamplePool,
    all_pass_at,
    curve,
    estimate_majority_at,
    majority_at,
    pass_at,
)
from reasoning.errors import UsageError
from reasoning.kinds import Number
from reasoning.voting import majority, tie_credit

RIGHT = (1, 2)
POOLS = st.lists(st.sampled_from([1, 1, 2, 3, 3, 4, 5, None]), min_size=1, max_size=8)


def right(value: Any) -> bool:
    return value in RIGHT


def pool(values: list[Any], cluster: Any = None) -> SamplePool:
    return SamplePool.from_vote(majority(values, Number()), right, cluster)


@settings(deadline=None)
@given(values=POOLS)
def test_the_vote_of_k_is_the_mean_over_all_subsets(values: list[Any]) -> None:
    found = majority_at(pool(values), range(1, len(values) + 1))
    for k, value in found.items():
        subsets = [tie_credit(majority(some, Number()), right) for some in combinations(values, k)]
        assert value == pytest.approx(math.fsum(subsets) / len(subsets), abs=1e-12)


@settings(deadline=None)
@given(values=POOLS)
def test_any_of_k_is_the_mean_over_all_subsets(values: list[Any]) -> None:
    for k in range(1, len(values) + 1):
        subsets = [any(map(right, some)) for some in combinations(values, k)]
        assert pass_at(pool(values), k) == Fraction(sum(subsets), len(subsets))


@settings(deadline=None)
@given(values=POOLS)
def test_all_of_k_is_the_mean_over_all_subsets(values: list[Any]) -> None:
    for k in range(1, len(values) + 1):
        subsets = [all(map(right, some)) for some in combinations(values, k)]
        assert all_pass_at(pool(values), k) == Fraction(sum(subsets), len(subsets))


@settings(deadline=None)
@given(values=POOLS)
def test_all_of_k_is_at_most_the_accuracy_of_one_and_any_at_least(values: list[Any]) -> None:
    ks = range(1, len(values) + 1)
    every, either = ([curve([pool(values)], ks, measure=name)[k - 1].mean for k in ks] for name in ("all", "any"))
    assert every[0] == either[0] == pytest.approx(sum(map(right, values)) / len(values))
    assert every == sorted(every, reverse=True)
    assert either == sorted(either)


def test_all_of_k_is_averaged_over_problems_with_their_interval() -> None:
    """Three problems of four trials (Yao et al. 2024): 4, 2 and 0 right ones, so pass^2 is (1 + 1/6 + 0) / 3."""
    pools = [SamplePool((4,), ()), SamplePool((2,), (2,)), SamplePool((), (3,), unparsed=1)]
    (point,) = curve(pools, [2], measure="all")
    assert point.mean == pytest.approx(7 / 18)
    assert (point.low, point.high) == clustered_share([1, 1 / 6, 0], [0, 1, 2])
    assert point.error == 0


@settings(deadline=None, max_examples=20)
@given(values=POOLS.filter(lambda values: len(values) <= 6))
def test_a_tie_by_shares_is_what_the_earliest_draw_gives_over_all_orders(values: list[Any]) -> None:
    for k, value in majority_at(pool(values), range(1, len(values) + 1)).items():
        orders = [right(majority(order, Number()).value) for order in permutations(values, k)]
        assert value == Fraction(sum(orders), len(orders))


@pytest.mark.parametrize(
    ("n", "c", "k", "p"),
    [(10, 3, 1, 0.3), (10, 3, 5, 1 - 21 / 252), (10, 0, 10, 0), (10, 1, 10, 1), (200, 4, 100, None)],
)
def test_pass_at_k_is_the_published_estimator(n: int, c: int, k: int, p: float | None) -> None:
    """As the product in the paper's code: 1 - prod(1 - k / i for i in n - c + 1 .. n)."""
    product = 1.0 if n - c < k else 1 - math.prod(1 - k / i for i in range(n - c + 1, n + 1))
    found = float(pass_at(SamplePool((c,) if c else (), (n - c,)), k))
    assert found == pytest.approx(product if n - c >= k else 1.0)
    assert p is None or found == pytest.approx(p)


def test_the_ends_of_a_curve() -> None:
    one = SamplePool((12,), (9, 9), unparsed=10)
    found = majority_at(one, [1, 40])
    assert found == {1: Fraction(12, 40), 40: 1}
    assert majority_at(SamplePool((9,), (9, 9), 10), [37]) == {37: Fraction(1, 3)}
    assert majority_at(SamplePool((), (), 5), [1, 5]) == {1: 0, 5: 0}


def test_a_pool_too_large_to_count_out_is_sampled_near_the_exact_value(monkeypatch: pytest.MonkeyPatch) -> None:
    one = SamplePool((30, 5), (22, 20, 3), unparsed=20)
    exact = majority_at(one, [5, 25, 99])
    for k, (mean, error) in estimate_majority_at(one, [5, 25, 99], seed=3).items():
        assert 0 < error < 0.008
        assert abs(mean - exact[k]) < 4 * error
    counted = curve([one, one], [5])
    monkeypatch.setattr(vote_curves, "MAX_EXACT", 100)
    sampled = curve([one, one], [5], seed=1)
    assert sampled == curve([one, one], [5], seed=1)
    assert sampled != curve([one, one], [5], seed=2)
    assert counted[0].error == 0
    assert abs(sampled[0].mean - counted[0].mean) < 4 * sampled[0].error


def test_a_thousand_draws_are_counted_out() -> None:
    assert majority_at(SamplePool((400,), (200, 100, 50, 50, 100), 100), [1, 40])[40] > 0.9


def test_the_mean_and_its_interval() -> None:
    pools = [pool([1, 1, 3]), pool([3, 3, 3]), pool([1, 3, None]), pool([1, 1, 1])]
    (point,) = curve(pools, [1])
    low, high = clustered_share([2 / 3, 0, 1 / 3, 1], [0, 1, 2, 3])
    assert (point.mean, point.low, point.high) == pytest.approx((0.5, low, high))
    assert point.low == pytest.approx(1 - point.high)
    narrower = curve(pools, [1], confidence=0.5)[0]
    assert narrower.high < point.high


def test_problems_of_a_cluster_are_one_observation() -> None:
    values = [[1, 1, 1], [1, 1, 3], [3, 3, 3], [1, 3, 3]]
    alone = curve([pool(one) for one in values], [1])[0]
    doubled = [pool(one, cluster=at) for at, one in enumerate(values) for _ in range(5)]
    clustered = curve(doubled, [1])[0]
    assert clustered == alone  # five copies of each problem tell nothing new
    as_if_new = curve([pool(one) for one in values for _ in range(5)], [1])[0]
    assert as_if_new.high < clustered.high


def test_where_all_are_right_the_interval_is_wilsons() -> None:
    (point,) = curve([pool([1, 1])] * 5, [2])
    assert (point.mean, point.high) == (1, 1)
    assert point.low == pytest.approx(0.5655, abs=1e-4)
    (point,) = curve([pool([3, 3])] * 5, [2])
    assert (point.mean, point.low, round(point.high, 4)) == (0, 0, 0.4345)


def test_one_cluster_tells_nothing_of_others() -> None:
    (point,) = curve([pool([1, 3], "a"), pool([1, 1], "a")], [1])
    assert (point.mean, point.low, point.high) == (0.75, 0, 1)


def test_what_makes_no_sense_is_said() -> None:
    with pytest.raises(UsageError, match="k must be from 1 to 3"):
        curve([pool([1, 1, 3])], [1, 4])
    with pytest.raises(UsageError, match="got 0"):
        pass_at(pool([1]), 0)
    with pytest.raises(UsageError, match="k must be from 1 to 1"):
        all_pass_at(pool([1]), 2)
    with pytest.raises(UsageError, match="at least one pool"):
        curve([], [1])
    with pytest.raises(UsageError, match="at least one k"):
        curve([pool([1])], [])
