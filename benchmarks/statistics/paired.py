"""Comparisons of two strategies on the same problems: tests, multiplicity correction, effect sizes."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from reasoning.benchmarks.statistics.intervals import clustered_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K = TypeVar("K")
Values: TypeAlias = "Sequence[float] | Sequence[bool] | NDArray[np.float64] | NDArray[np.bool_]"
"""A value for each problem."""


def disagreements(a: Values, b: Values) -> tuple[int, int]:
    """Return how many problems only the first strategy solved, and how many only the second.

    Args:
        a: whether the first strategy solved each problem.
        b: whether the second strategy solved each problem, in the same order.
    """
    import numpy as np

    first, second = np.asarray(a, dtype=bool), np.asarray(b, dtype=bool)
    _check_lengths(a, b)
    return int(np.sum(first & ~second)), int(np.sum(second & ~first))


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided exact p-value of the hypothesis that two strategies are equally good.

    Args:
        only_a: problems that only the first solved.
        only_b: problems that only the second solved.

    Source: McNemar (1947), Psychometrika 12(2); the exact form is the sign test, a binomial with p = 1/2.
    """
    n, k = only_a + only_b, min(only_a, only_b)
    # The terms from the largest one down, cut to 256 bits: the sum of more bits is rounded to the same float.
    term, tail = math.comb(n, k), 0
    cut = max(0, term.bit_length() - _BITS)
    term >>= cut
    while term:
        tail += term
        term = term * k // (n - k + 1)
        k -= 1
    return float(min(1.0, 2 * (tail << cut) / 2**n))


_BITS = 256


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Return p-values adjusted for multiple comparisons.

    All hypotheses with an adjusted value below a level can be rejected together, with a family-wise
    error rate of that level.

    Args:
        p_values: the p-value of each hypothesis.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6(2).
    """
    adjusted: dict[K, float] = {}
    running = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (key, p) in enumerate(ordered):
        running = max(running, min(1.0, (len(ordered) - rank) * p))
        adjusted[key] = running
    return {key: adjusted[key] for key in p_values}


@dataclass(frozen=True)
class Difference:
    """The accuracy of the first strategy minus that of the second, from -1 to 1, with an interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Return whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


def tango(a: Values, b: Values, confidence: float = 0.95) -> Difference:
    """Return the difference of two accuracies on the same problems, each solved once.

    The interval holds all differences that the score test does not reject. McNemar's test is the same
    test for a difference of 0. The interval is valid even if the strategies never disagree.

    Args:
        a: whether the first strategy solved each problem.
        b: whether the second strategy solved each problem, in the same order.
        confidence: the confidence level, from 0 to 1.

    Source: Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17(8), §3.
    """
    n = len(a)
    if n == 0:
        return Difference(0.0, -1.0, 1.0)
    only_a, only_b = disagreements(a, b)
    value = (only_a - only_b) / n
    z = NormalDist().inv_cdf((1 + confidence) / 2)

    def accepted(difference: float) -> bool:
        return (only_a - only_b - n * difference) ** 2 <= z * z * n * _variance(difference, only_a, only_b, n)

    def end(refused: float) -> float:
        if accepted(refused):
            return refused
        inside = value
        for _ in range(50):
            middle = (inside + refused) / 2
            inside, refused = (middle, refused) if accepted(middle) else (inside, middle)
        return inside

    return Difference(value, end(-1.0), end(1.0))


def _variance(difference: float, only_a: int, only_b: int, n: int) -> float:
    """Return the variance of one problem's difference, by maximum likelihood under the given mean."""
    spread = difference * (1 - difference)
    linear = (2 * n - only_a + only_b) * difference - only_a - only_b
    share_b = (math.sqrt(linear * linear + 8 * n * only_b * spread) - linear) / (4 * n)
    return max(0.0, 2 * share_b + spread)


def bootstrap(
    a: Sequence[float], b: Sequence[float], confidence: float = 0.95, *, seed: int = 0, resamples: int = 10_000
) -> Difference:
    """Return the difference of two means over the same problems, for values of any range.

    The interval is the bias-corrected and accelerated bootstrap over problems. It is too narrow for few
    problems, and has no width if all differences are equal. The tables therefore use `tango` for single
    outcomes and `paired_mean` for shares.

    Args:
        a: the value of the first strategy on each problem.
        b: the value of the second strategy on each problem, in the same order.
        confidence: the confidence level, from 0 to 1.
        seed: the seed of the resampling.
        resamples: the number of resamples.

    Source: Efron (1987), "Better bootstrap confidence intervals", JASA 82(397).
    """
    import numpy as np

    d = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    n, mean = len(d), float(d.mean())
    deviation = d - mean
    spread = float(np.square(deviation).sum())
    if spread <= n * 1e-24:
        return Difference(mean, mean, mean)
    # Resampling n of few distinct values is a multinomial draw.
    values, counts = np.unique(d, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=resamples)
    means = np.sort(drawn @ values / n)
    normal = NormalDist()
    # Equal sums may differ by rounding.
    tolerance = 1e-9 * max(1.0, abs(mean))
    below = (np.sum(means < mean - tolerance) + np.sum(np.abs(means - mean) <= tolerance) / 2) / resamples
    bias = normal.inv_cdf(float(min(max(below, 0.5 / resamples), 1 - 0.5 / resamples)))
    acceleration = float((deviation**3).sum()) / (6 * spread**1.5)

    def end(share: float) -> float:
        z = bias + normal.inv_cdf(share)
        return float(np.quantile(means, normal.cdf(bias + z / (1 - acceleration * z))))

    return Difference(mean, end((1 - confidence) / 2), end((1 + confidence) / 2))


def paired_mean(
    a: Values, b: Values, clusters: Sequence[Hashable] | NDArray[np.int64] | None = None, confidence: float = 0.95
) -> Difference:
    """Return the difference of two means over the same problems, for values from 0 to 1.

    It is for shares over epochs, and for problems that come in families. The interval is Student's over
    the clusters; see `clustered_mean`. If all differences are equal, or there is one cluster, that
    interval has no width. It is then replaced by the widest interval that the number of clusters
    allows: problems with other differences may be so rare that a sample misses them, with the exact
    interval of a proportion without successes.

    Args:
        a: the value of the first strategy on each problem.
        b: the value of the second strategy on each problem, in the same order.
        clusters: the cluster of each problem; by default each problem is its own.
        confidence: the confidence level, from 0 to 1.

    Source: Miller (2024), arXiv 2411.00640, §4; for no spread Clopper and Pearson (1934), Biometrika 26(4).
    """
    from scipy.stats import t

    mean, error, groups = _differences(a, b, clusters)
    if not groups:
        return Difference(0.0, -1.0, 1.0)
    # The error is NaN with one cluster, and this is true then too.
    if not error > _NO_SPREAD:
        unseen = 1 - ((1 - confidence) / 2) ** (1 / groups)
        return Difference(mean, mean - unseen * (1 + mean), mean + unseen * (1 - mean))
    half = float(t.ppf((1 + confidence) / 2, groups - 1)) * error
    return Difference(mean, max(-1.0, mean - half), min(1.0, mean + half))


def paired_t(a: Values, b: Values, clusters: Sequence[Hashable] | NDArray[np.int64] | None = None) -> float:
    """Return the two-sided p-value of equal means over the same problems; it agrees with `paired_mean`.

    It is Student's paired test over clusters. If all differences are equal, it is the p-value that agrees
    with the widest interval of `paired_mean`. For differences of 1 that is the sign test; smaller
    differences are weaker evidence, since a few other problems would outweigh them.

    Args:
        a: the value of the first strategy on each problem.
        b: the value of the second strategy on each problem, in the same order.
        clusters: the cluster of each problem; by default each problem is its own.

    Source: Student (1908); as the clustered test over repetitions Miller (2024), arXiv 2411.00640, §4.
    """
    from scipy.stats import t

    mean, error, groups = _differences(a, b, clusters)
    if not error > _NO_SPREAD:
        return float(min(1.0, 2 / (1 + abs(mean)) ** groups))
    return float(2 * t.sf(abs(mean) / error, groups - 1))


_NO_SPREAD = 1e-12


def _differences(
    a: Values, b: Values, clusters: Sequence[Hashable] | NDArray[np.int64] | None
) -> tuple[float, float, int]:
    """Return the mean of the differences, its standard error, and the number of clusters."""
    import numpy as np

    _check_lengths(a, b)
    differences = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    if not len(differences):
        return 0.0, math.nan, 0
    return clustered_error(differences, range(len(differences)) if clusters is None else clusters)


def _check_lengths(a: Values, b: Values) -> None:
    """Check that both strategies have as many values: numpy would repeat a single one."""
    if len(a) != len(b):
        raise ValueError(f"both must have values of the same problems, got {len(a)} and {len(b)}")


def superiority(a: Values, b: Values) -> float:
    """Return the probability that the first is better than the second on a random problem; a tie counts half.

    Args:
        a: the value of the first strategy on each problem.
        b: the value of the second strategy on each problem, in the same order.

    Source: the common-language effect size of McGraw and Wong (1992), Psychological Bulletin 111(2), for pairs.
    """
    import numpy as np

    first, second = np.asarray(a), np.asarray(b)
    _check_lengths(a, b)
    return float(np.sum(first > second) + 0.5 * np.sum(first == second)) / len(first)
