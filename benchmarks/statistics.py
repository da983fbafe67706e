"""What counts can tell: an interval for a share, a paired test, its correction over many pairs, and its reach."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TypeVar

K = TypeVar("K")


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of a share; (0, 1) where nothing was observed.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22;
    recommended for small n by Brown, Cai and DasGupta (2001), Statistical Science 16(2).
    """
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)  # exact at the ends, where rounding would show
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


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


def disagreements(a: Sequence[bool], b: Sequence[bool]) -> tuple[int, int]:
    """From the same problems in the same order: how many only the first solved, and how many only the second."""
    pairs = list(zip(a, b, strict=True))
    return sum(x and not y for x, y in pairs), sum(y and not x for x, y in pairs)
