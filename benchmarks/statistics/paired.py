"""Two strategies on the same problems: tests, their correction over many pairs, and the size of the difference."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeVar

from reasoning.benchmarks.statistics.intervals import clustered_error

K = TypeVar("K")


def disagreements(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int]:
    """From the same problems in the same order: how many only the first solved, and how many only the second."""
    pairs = list(zip(a, b, strict=True))
    return sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs)


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided exact p-value that two strategies are equally good, from the problems on which they disagree.

    Args:
        only_a: problems that only the first solved.
        only_b: problems that only the second solved.

    Source: McNemar (1947), Psychometrika 12(2); the exact form is the sign test, a binomial with p = 1/2.
    """
    n = only_a + only_b
    tail: int = 1
    term: int = 1
    for k in range(min(only_a, only_b)):
        term = term * (n - k) // (k + 1)  # n over k + 1, from n over k
        tail += term
    return float(min(1.0, 2 * tail / 2**n))


def holm(p_values: Mapping[K, float]) -> dict[K, float]:
    """Adjusted p-values: those under the level hold together, with an error rate of the level over all of them.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6(2).
    """
    adjusted: dict[K, float] = {}
    running = 0.0
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    for place, (key, p) in enumerate(ordered):
        running = max(running, min(1.0, (len(ordered) - place) * p))
        adjusted[key] = running
    return {key: adjusted[key] for key in p_values}


@dataclass(frozen=True)
class Difference:
    """How much better the first of two strategies is, in accuracy from -1 to 1, with an interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def tango(a: Sequence[bool], b: Sequence[bool], confidence: float = 0.95) -> Difference:
    """The difference of two accuracies on the same problems, each solved once: right also where they never disagree.

    All differences that the score test does not refuse, so it goes with McNemar's test, which asks the same of 0.

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
    """Of one problem's difference, where the mean is as given and the shares are otherwise as likely as can be."""
    spread = difference * (1 - difference)
    linear = (2 * n - only_a + only_b) * difference - only_a - only_b
    share_b = (math.sqrt(linear * linear + 8 * n * only_b * spread) - linear) / (4 * n)
    return max(0.0, 2 * share_b + spread)


def bootstrap(
    a: Sequence[float], b: Sequence[float], confidence: float = 0.95, *, seed: int = 0, resamples: int = 10_000
) -> Difference:
    """The difference of two means over the same problems, of any values.

    The bias-corrected and accelerated bootstrap over problems. It is too narrow for few problems, and has no width
    where all differences are equal: the tables use `tango` for single outcomes and `paired_mean` for shares.

    Source: Efron (1987), "Better bootstrap confidence intervals", JASA 82(397).
    """
    import numpy as np

    d = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    n, mean = len(d), float(d.mean())
    deviation = d - mean
    spread = float(np.square(deviation).sum())
    if spread <= n * 1e-24:
        return Difference(mean, mean, mean)
    values, counts = np.unique(d, return_counts=True)  # resampling n of few values is a multinomial draw
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=resamples)
    means = np.sort(drawn @ values / n)
    normal = NormalDist()
    tolerance = 1e-9 * max(1.0, abs(mean))  # equal sums come out in either order
    below = (np.sum(means < mean - tolerance) + np.sum(np.abs(means - mean) <= tolerance) / 2) / resamples
    bias = normal.inv_cdf(float(min(max(below, 0.5 / resamples), 1 - 0.5 / resamples)))
    acceleration = float((deviation**3).sum()) / (6 * spread**1.5)

    def end(share: float) -> float:
        z = bias + normal.inv_cdf(share)
        return float(np.quantile(means, normal.cdf(bias + z / (1 - acceleration * z))))

    return Difference(mean, end((1 - confidence) / 2), end((1 + confidence) / 2))


def paired_mean(
    a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable] | None = None, confidence: float = 0.95
) -> Difference:
    """The difference of two means over the same problems, for values from 0 to 1 that are no single yes or no, as over
    epochs, or whose problems come in families.

    Student's interval over the clusters; see `clustered`. Where all differences are equal (or there is one cluster) it
    has no width, which means nothing. Then it is the widest that so few problems allow: problems with any other
    difference may be so frequent that none is met in 1 of 40 samples, as the exact interval of no success has it.

    Args:
        a, b: what each strategy got, problem by problem.
        clusters: which cluster each problem belongs to; by default each stands alone.
        confidence: of the interval.

    Source: Miller (2024), arXiv 2411.00640, §4; for no spread Clopper and Pearson (1934), Biometrika 26(4).
    """
    from scipy.stats import t

    mean, error, groups = _differences(a, b, clusters)
    if not groups:
        return Difference(0.0, -1.0, 1.0)
    if not error > _NO_SPREAD:  # also where it is not a number
        unseen = 1 - ((1 - confidence) / 2) ** (1 / groups)
        return Difference(mean, mean - unseen * (1 + mean), mean + unseen * (1 - mean))
    half = float(t.ppf((1 + confidence) / 2, groups - 1)) * error
    return Difference(mean, max(-1.0, mean - half), min(1.0, mean + half))


def paired_t(a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable] | None = None) -> float:
    """The two-sided p-value that two means over the same problems are equal, which goes with `paired_mean`.

    Where all differences are equal: the chance that goes with its widest interval. For differences of 1 that is the
    sign test's; smaller ones say less, since a few problems of the other sort would make up for them.

    Source: Student (1908); that this is the clustered test over repetitions: Miller (2024), arXiv 2411.00640, §4.
    """
    from scipy.stats import t

    mean, error, groups = _differences(a, b, clusters)
    if not error > _NO_SPREAD:
        return float(min(1.0, 2 / (1 + abs(mean)) ** groups))
    return float(2 * t.sf(abs(mean) / error, groups - 1))


_NO_SPREAD = 1e-12


def _differences(
    a: Sequence[float], b: Sequence[float], clusters: Sequence[Hashable] | None
) -> tuple[float, float, int]:
    """Their mean, its standard error, and how many clusters there are."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    if not differences:
        return 0.0, math.nan, 0
    return clustered_error(differences, range(len(differences)) if clusters is None else clusters)


def superiority(a: Sequence[float], b: Sequence[float]) -> float:
    """How likely the first is better than the second on a problem drawn at random; a tie counts half.

    Source: the common-language effect size of McGraw and Wong (1992), Psychological Bulletin 111(2), for pairs.
    """
    pairs = list(zip(a, b, strict=True))
    return sum((x > y) + 0.5 * (x == y) for x, y in pairs) / len(pairs)
