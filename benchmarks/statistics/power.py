"""Sample sizes: how many problems a comparison needs, and which difference a number of problems can detect."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

from reasoning.benchmarks.statistics.intervals import clustered_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def mcnemar_power(n: int, difference: float, disagreement: float, *, level: float = 0.05) -> float:
    """Return the exact probability that McNemar's exact test on `n` problems finds the better strategy.

    Args:
        n: the number of problems that both strategies answered.
        difference: the true difference in accuracy, from 0 to 1.
        disagreement: the share of problems that exactly one of them solves; at least the difference.
        level: the level of the two-sided test.

    Source: the binomial distributions of the number of disagreements, and of the better strategy's part of them;
    Connor (1987), Biometrics 43(1), §2.
    """
    import numpy as np
    from scipy.stats import binom

    share = max(disagreement, difference)
    if n == 0 or share == 0:
        return 0.0
    # Numbers of disagreements outside of this range have a probability below 1e-9.
    counts = np.arange(binom.ppf(5e-10, n, share), binom.isf(5e-10, n, share) + 1)
    # The largest number of problems for the worse strategy at which the test rejects.
    critical = binom.ppf(level / 2, counts, 0.5) - 1
    detected = binom.cdf(critical, counts, (1 - difference / share) / 2)
    return float(binom.pmf(counts, n, share) @ detected)


def detectable_difference(
    n: int, disagreement: float, *, level: float = 0.05, power: float = 0.8, exact: bool = True
) -> float | None:
    """Return the smallest difference in accuracy that a paired test on `n` problems detects.

    The two strategies are assumed to disagree on the given share of problems, or on the share that the
    difference itself needs, if that is larger.

    Args:
        n: the number of problems that both strategies answered.
        disagreement: the share of problems that exactly one of them solves.
        level: the level of the two-sided test; for one of k pairs under Holm's correction, a k-th of it
            is conservative.
        power: the probability to detect the difference.
        exact: whether the test is McNemar's exact test of single answers, whose power is computed exactly.
            Otherwise it is a test of shares, and the normal approximation is used.

    Returns:
        The difference in accuracy, from 0 to 1; None if no difference could be detected.

    Source: Connor (1987), "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43(1), equation 3.
    """
    if n == 0:
        return None

    def is_detected(difference: float) -> bool:
        if exact:
            return mcnemar_power(n, difference, disagreement, level=level) >= power
        return n >= _approximate_size(difference, max(disagreement, difference), level, power)

    if not is_detected(1.0):
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-5:
        middle = (low + high) / 2
        low, high = (low, middle) if is_detected(middle) else (middle, high)
    return high


def required_sample_size(
    difference: float,
    disagreement: float,
    *,
    level: float = 0.05,
    power: float = 0.8,
    effect: float = 1.0,
    exact: bool = True,
) -> int:
    """Return the number of problems that a paired test needs; the inverse of `detectable_difference`.

    Args:
        difference: the difference in accuracy to detect, above 0 and at most 1.
        disagreement: the share of problems that exactly one of the two solves; at least the difference.
        level: the level of the two-sided test.
        power: the probability to detect the difference.
        effect: the design effect of families; see `design_effect`. It must be 1 for the exact test.
        exact: whether the test is McNemar's exact test of single answers; see `detectable_difference`.

    Returns:
        The number of problems; with one fewer the power is too small.

    Raises:
        ValueError: the difference is out of range, or `exact` with families.
    """
    if not 0 < difference <= 1:
        raise ValueError(f"difference must be above 0 and at most 1, got {difference}")
    approximate = _approximate_size(difference, max(disagreement, difference), level, power)
    if not exact:
        return math.ceil(effect * approximate)
    if effect != 1:
        raise ValueError(f"effect must be 1 for the exact test, got {effect:g}; set exact=False for families")

    def is_detected(n: int) -> bool:
        return mcnemar_power(n, difference, disagreement, level=level) >= power

    high = math.ceil(approximate) + 1
    while not is_detected(high):
        high += math.ceil(high / 8)
    n = bisect_left(range(high), True, key=is_detected)
    while n and is_detected(n - 1):
        n -= 1
    return n


def _approximate_size(difference: float, share: float, level: float, power: float) -> float:
    """Return the number of problems by the normal approximation; infinite for a difference of 0."""
    if difference == 0:
        return math.inf
    z_level, z_power = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)
    spread = z_level * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - difference * difference))
    return (spread / difference) ** 2


def design_effect(
    differences: Sequence[float] | NDArray[np.float64], clusters: Sequence[Hashable] | NDArray[np.int64]
) -> float:
    """Return the factor by which families of problems like these raise the required number of problems; at least 1.

    It is the clustered variance of the mean divided by the variance of independent problems. If one of
    them is unknown or 0, it is the factor of families whose problems are all equal.

    Args:
        differences: the difference of two strategies on each problem.
        clusters: the family of each problem; a distinct value for a problem without one.

    Source: Kish (1965), "Survey Sampling", §5.4 and §8.2.
    """
    _, alone, n = clustered_error(differences, range(len(differences)))
    _, error, families = clustered_error(differences, clusters)
    if families == n:
        return 1.0
    if not alone > 1e-12 or math.isnan(error):
        return sum(size * size for size in Counter(list(clusters)).values()) / n
    return max(1.0, (error / alone) ** 2)
