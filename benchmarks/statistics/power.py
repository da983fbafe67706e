"""How many problems it takes, and what a number of problems can show."""

from __future__ import annotations

import math
from statistics import NormalDist


def smallest_difference(n: int, disagreement: float, *, level: float = 0.05, power: float = 0.8) -> float | None:
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


def problems_needed(difference: float, disagreement: float, *, level: float = 0.05, power: float = 0.8) -> int:
    """How many problems McNemar's test needs to find a difference in accuracy; the inverse of `smallest_difference`.

    Args:
        difference: in accuracy, above 0 and at most 1.
        disagreement: the share of problems that exactly one of the two solves; at least the difference.
        level, power: as in `smallest_difference`.
    """
    if not 0 < difference <= 1:
        raise ValueError(f"a difference in accuracy lies between 0 and 1, not {difference}")
    share = max(disagreement, difference)
    z_level, z_power = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(power)
    spread = z_level * math.sqrt(share) + z_power * math.sqrt(max(0.0, share - difference * difference))
    return math.ceil((spread / difference) ** 2)
