"""Intervals and paired differences against scipy, statsmodels and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest, ttest_rel
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import t as student

from reasoning.benchmarks.statistics import (
    bootstrap,
    clopper_pearson,
    clustered_mean,
    clustered_share,
    detectable_difference,
    holm,
    mcnemar,
    paired_mean,
    paired_t,
    required_sample_size,
    superiority,
    tango,
    wilson,
)


@pytest.mark.parametrize(
    ("k", "n", "score", "clopper"),
    [  # statsmodels 0.15.0, proportion_confint with "wilson" and "beta"
        (0, 10, (0.0, 0.27753279986288926), (0.0, 0.30849710781876083)),
        (3, 48, (0.021483232908389285, 0.16835438054946356), (0.013079244409552646, 0.17195993079057045)),
        (13, 48, (0.16565957627456437, 0.40996964982240613), (0.15278186860821652, 0.4184563653261887)),
        (900, 1319, (0.6567113530935226, 0.7068998693947784), (0.6564452299045854, 0.7074097772132784)),
    ],
)
def test_shares_agree_with_statsmodels(
    k: int, n: int, score: tuple[float, float], clopper: tuple[float, float]
) -> None:
    assert wilson(k, n) == pytest.approx(score, abs=1e-12)
    assert clopper_pearson(k, n) == pytest.approx(clopper, abs=1e-9)
    assert clopper_pearson(0, 0) == (0.0, 1.0)


def test_tests_agree_with_statsmodels() -> None:
    assert mcnemar(12, 30) == pytest.approx(0.007915897334896727)  # statsmodels 0.15.0, mcnemar(exact=True)
    assert mcnemar(100, 140) == pytest.approx(0.01166409231767769)
    for a, b in ((0, 7), (3, 9), (40, 41), (200, 150)):
        assert mcnemar(a, b) == pytest.approx(binomtest(a, a + b).pvalue)
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )


def test_clusters_agree_with_statsmodels() -> None:
    right = [1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0]
    found = clustered_mean(right, np.repeat(np.arange(6), 4).tolist())
    # statsmodels 0.15.0: OLS on a constant, cov_type="cluster", use_t=True
    assert found.value == pytest.approx(0.54166667)
    assert found.error == pytest.approx(0.1502313, abs=1e-6)
    assert (found.low, found.high) == pytest.approx((0.15548481, 0.92784853), abs=1e-6)
    one = clustered_mean([1, 0, 1], ["a", "a", "a"])
    assert (one.low, one.high) == (0.0, 1.0)


def test_a_clustered_share_is_wilsons_for_as_many_values_as_would_have_its_error() -> None:
    right = [1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0]
    clusters = np.repeat(np.arange(6), 4).tolist()
    mean = clustered_mean(right, clusters)
    found = clustered_share(right, clusters)
    for end in found:  # where the score test, with Student's quantile, begins to refuse
        n = mean.value * (1 - mean.value) / mean.error**2
        assert abs(mean.value - end) / math.sqrt(end * (1 - end) / n) == pytest.approx(student.ppf(0.975, 5))
    assert clustered_share([1 - one for one in right], clusters) == pytest.approx((1 - found[1], 1 - found[0]))
    thousand = [0.0] * 920 + [1.0] * 80
    assert clustered_share(thousand, range(1000)) == pytest.approx(wilson(80, 1000), abs=2e-4)
    assert clustered_share([0, 0, 0, 0], [1, 1, 2, 3]) == wilson(0, 3)
    assert clustered_share([1, 1], "aa") == wilson(1, 1)
    assert clustered_share([1, 0, 1], "aaa") == (0, 1)
    assert clustered_share([0.5] * 4, range(4)) == pytest.approx((0.0771, 0.9229), abs=1e-3)


def test_differences_over_clusters_have_students_interval_and_test() -> None:
    a, b = [0.25, 0.5, 0.75, 1.0, 0.5], [0.0, 0.5, 0.25, 0.5, 0.75]
    theirs = ttest_rel(a, b)
    ends = theirs.confidence_interval(0.95)
    found = paired_mean(a, b)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert paired_t(a, b) == pytest.approx(theirs.pvalue)
    families = ["x", "x", "y", "z", "z"]
    mean = clustered_mean([x - y for x, y in zip(a, b, strict=True)], families)
    found = paired_mean(a, b, families)
    assert (found.value, found.low, found.high) == pytest.approx((mean.value, max(-1, mean.low), min(1, mean.high)))
    assert paired_t(a, b, families) == pytest.approx(2 * student.sf(mean.value / mean.error, 2))


@pytest.mark.parametrize("difference", [-1.0, -0.5, 0.0, 1 / 3, 1.0])
@pytest.mark.parametrize("n", [1, 2, 5, 6, 24])
def test_equal_differences_are_no_certainty(difference: float, n: int) -> None:
    a, b = [max(0.0, difference)] * n, [max(0.0, -difference)] * n
    found, p = paired_mean(a, b), paired_t(a, b)
    unseen = 1 - 0.025 ** (1 / n)  # the share of others that n problems meet 39 times in 40
    assert found.low == pytest.approx((1 - unseen) * difference - unseen)
    assert found.high == pytest.approx((1 - unseen) * difference + unseen)
    assert (p < 0.05) == found.excludes_zero
    if abs(difference) == 1:
        assert p == pytest.approx(mcnemar(n, 0))


def test_without_a_problem_nothing_is_known() -> None:
    assert (paired_mean([], []).low, paired_mean([], []).high, paired_t([], [])) == (-1, 1, 1)


def test_the_bootstrap_agrees_with_scipy() -> None:
    chance = np.random.default_rng(3)
    for n in (30, 200):
        a, b = chance.random(n) < 0.7, chance.random(n) < 0.5
        found = bootstrap(a.tolist(), b.tolist(), resamples=40_000)
        d = a.astype(float) - b
        theirs = scipy_bootstrap((d,), np.mean, method="BCa", n_resamples=40_000, rng=chance).confidence_interval
        assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1.01 / n)
        assert found.value == pytest.approx(d.mean())
    epochs = bootstrap([0.25, 0.5, 0.75, 1.0], [0.0, 0.5, 0.25, 0.5])
    assert epochs.low <= epochs.value <= epochs.high


def test_the_bootstrap_is_the_same_every_time_and_seeded() -> None:
    a, b = [True] * 9 + [False] * 21, [False] * 25 + [True] * 5
    assert bootstrap(a, b) == bootstrap(a, b)
    finer = ([0.1 * k for k in range(30)], [0.07 * k * k % 1 for k in range(30)])
    assert bootstrap(*finer, seed=1) != bootstrap(*finer, seed=2)
    assert bootstrap(a, a) == bootstrap(b, b)  # no width


def test_tango_is_no_point_where_nobody_disagrees() -> None:
    a = [True] * 20 + [False] * 10
    found = tango(a, a)
    assert found.value == 0
    assert -0.2 < found.low < 0 < found.high < 0.2
    assert not found.excludes_zero
    everything = tango([True] * 30, [False] * 30)
    assert everything.value == 1
    assert 0.75 < everything.low < 1 == everything.high
    assert tango([], []).low == -1


@pytest.mark.parametrize(("only_a", "only_b", "n"), [(12, 2, 50), (1, 0, 20), (5, 5, 40), (0, 9, 30), (30, 11, 120)])
def test_the_ends_are_where_the_score_test_begins_to_refuse(only_a: int, only_b: int, n: int) -> None:
    """By the definition: the likeliest shares under the difference, found by search, give the test its variance."""
    same = n - only_a - only_b
    a = [True] * only_a + [False] * only_b + [True] * same
    b = [False] * only_a + [True] * only_b + [True] * same
    found = tango(a, b)
    for end in (found.low, found.high):

        def unlikely(share_b: float, end: float = end) -> float:
            shares = ((only_a, share_b + end), (only_b, share_b), (same, 1 - 2 * share_b - end))
            return -sum(count * math.log(max(share, 1e-300)) for count, share in shares if count)

        least, most = max(0.0, -end), (1 - end) / 2
        share_b = minimize_scalar(unlikely, bounds=(least, most), method="bounded", options={"xatol": 1e-12}).x
        deviation = math.sqrt(n * (2 * share_b + end - end * end))
        assert abs(only_a - only_b - n * end) / deviation == pytest.approx(1.959964, rel=1e-4)


def test_tango_is_symmetric_and_covers() -> None:
    chance = np.random.default_rng(5)
    hits = 0
    for _ in range(400):
        hard = chance.random(80)
        a, b = hard + chance.normal(0, 0.3, 80) > 0.4, hard + chance.normal(0, 0.3, 80) > 0.5
        found, mirrored = tango(a.tolist(), b.tolist()), tango(b.tolist(), a.tolist())
        assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low))
        hits += found.low <= 0.0878 <= found.high  # the true difference, by a million draws
    assert 0.92 <= hits / 400 <= 0.995


def test_superiority() -> None:
    assert superiority([1, 1, 0, 0], [0, 1, 0, 1]) == 0.5
    assert superiority([1, 1, 1, 0], [0, 0, 1, 0]) == 0.75


def test_problems_needed_is_the_inverse_of_the_smallest_difference() -> None:
    for difference, disagreement in ((0.05, 0.2), (0.1, 0.3), (0.02, 0.1), (0.4, 0.1)):
        for exact in (True, False):
            n = required_sample_size(difference, disagreement, exact=exact)
            assert (detectable_difference(n, disagreement, exact=exact) or 1) <= difference + 1e-5
            assert (detectable_difference(n - 1, disagreement, exact=exact) or 1) > difference - 1e-5
    with pytest.raises(ValueError, match="difference must be"):
        required_sample_size(0, 0.2)
    with pytest.raises(ValueError, match="effect must be 1"):
        required_sample_size(0.1, 0.2, effect=2.0)
