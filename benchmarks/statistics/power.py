"""How many problems it takes, and what a number of problems can show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import NormalDist

from reasoning.benchmarks.statistics.intervals import clustered_error


def detectable_difference(n: int, disagreement: float, *, level: float = 0.05, power: float = 0.8) -> float | None:
    """The smallest difference in accuracy that McNemar's test on `n` problems finds with the given power.

    Assumes that the two strategies disagree on the given share of problems, or on as many as the difference itself
    needs where that is more. The normal approximation; None where no difference would do.

    Args:
        n: problems that both strategies answered.
        disagreement: the share of problems that exactly one of them solves.
        level: of the two-sided test; for one of k pairs under Holm's correction, a k-th of it is on the safe side.
        power: the chance to find the difference if it is there.

    Source: Connor (1987), "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43(1), equation 3.
    """
    if n == 0:
        return None
    z_level, z_power = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)

    def found(difference: float) -> bool:
        share = max(disagreement, difference)
        spread = z_level * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - difference * difference))
        return math.sqrt(n) * difference >= spread

    if not found(1.0):
        return None
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def required_sample_size(
    difference: float, disagreement: float, *, level: float = 0.05, power: float = 0.8, effect: float = 1.0
) -> int:
    """How many problems McNemar's test needs to find a difference in accuracy; the inverse of `detectable_difference`.

    Args:
        difference: in accuracy, above 0 and at most 1.
        disagreement: the share of problems that exactly one of the two solves; at least the difference.
        level, power: as in `detectable_difference`.
        effect: the design effect of families; see `design_effect`.
    """
    if not 0 < difference <= 1:
        raise ValueError(f"a difference in accuracy lies between 0 and 1, not {difference}")
    share = max(disagreement, difference)
    z_level, z_power = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)
    spread = z_level * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - difference * difference))
    return math.ceil(effect * (spread / difference) ** 2)


def design_effect(differences: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """How many times as many problems it takes where they come in families as large and as alike as these; at least 1.

    The clustered variance of the mean over the one that takes problems for independent. Where one of them is not known,
    or is 0, it is what families would have whose problems are all the same.

    Args:
        differences: of two strategies, problem by problem.
        clusters: the family of each problem, or something of its own.

    Source: Kish (1965), "Survey Sampling", §5.4 and §8.2.
    """
    _, alone, n = clustered_error(differences, range(len(differences)))
    _, error, families = clustered_error(differences, clusters)
    if families == n:
        return 1.0
    if not alone > 1e-12 or math.isnan(error):
        return sum(size * size for size in Counter(clusters).values()) / n
    return max(1.0, (error / alone) ** 2)
