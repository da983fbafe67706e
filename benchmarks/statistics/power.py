"""Sample sizes: how many problems a comparison needs, and which difference a number of problems can detect."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import NormalDist

from reasoning.benchmarks.statistics.intervals import clustered_error


def detectable_difference(n: int, disagreement: float, *, level: float = 0.05, power: float = 0.8) -> float | None:
    """Return the smallest difference in accuracy that McNemar's test on `n` problems detects.

    The two strategies are assumed to disagree on the given share of problems, or on the share that the
    difference itself needs, if that is larger. The normal approximation is used.

    Args:
        n: the number of problems that both strategies answered.
        disagreement: the share of problems that exactly one of them solves.
        level: the level of the two-sided test; for one of k pairs under Holm's correction, a k-th of it
            is conservative.
        power: the probability to detect the difference.

    Returns:
        The difference in accuracy, from 0 to 1; None if no difference could be detected.

    Source: Connor (1987), "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43(1), equation 3.
    """
    if n == 0:
        return None
    z_level, z_power = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)

    def is_detected(difference: float) -> bool:
        share = max(disagreement, difference)
        spread = z_level * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - difference * difference))
        return math.sqrt(n) * difference >= spread

    if not is_detected(1.0):
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if is_detected(middle) else (middle, high)
    return high


def required_sample_size(
    difference: float, disagreement: float, *, level: float = 0.05, power: float = 0.8, effect: float = 1.0
) -> int:
    """Return the number of problems that McNemar's test needs; the inverse of `detectable_difference`.

    Args:
        difference: the difference in accuracy to detect, above 0 and at most 1.
        disagreement: the share of problems that exactly one of the two solves; at least the difference.
        level: the level of the two-sided test.
        power: the probability to detect the difference.
        effect: the design effect of families; see `design_effect`.

    Raises:
        ValueError: the difference is out of range.
    """
    if not 0 < difference <= 1:
        raise ValueError(f"difference must be above 0 and at most 1, got {difference}")
    share = max(disagreement, difference)
    z_level, z_power = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)
    spread = z_level * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - difference * difference))
    return math.ceil(effect * (spread / difference) ** 2)


def design_effect(differences: Sequence[float], clusters: Sequence[Hashable]) -> float:
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
        return sum(size * size for size in Counter(clusters).values()) / n
    return max(1.0, (error / alone) ** 2)
