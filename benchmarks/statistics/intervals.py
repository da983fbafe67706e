"""Confidence intervals for the accuracy of one strategy."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval of a proportion; (0, 1) without observations.

    Args:
        successes: the number of successes.
        n: the number of observations.
        confidence: the confidence level, from 0 to 1.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22;
    recommended for small n by Brown, Cai and DasGupta (2001), Statistical Science 16(2).
    """
    if n == 0:
        return 0.0, 1.0
    return _score(successes / n, n, NormalDist().inv_cdf((1 + confidence) / 2))


def _score(share: float, n: float, z: float) -> tuple[float, float]:
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Exact at the ends, where rounding would show.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return low, high


def clustered_share(
    values: Sequence[float] | NDArray[np.float64],
    clusters: Sequence[Hashable] | NDArray[np.int64],
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the interval of an accuracy over values that are correlated within clusters.

    Clusters are the epochs of one problem, or the problems of one family. The interval is Wilson's
    for the number of independent values that would have the clustered standard error, with Student's
    quantile. Unlike that of `clustered_mean` it keeps its coverage near 0 and 1. If all values are 0,
    or all are 1, it is Wilson's over the clusters. One cluster gives (0, 1).

    Args:
        values: values from 0 to 1, such as 1 for right and 0 for wrong.
        clusters: the cluster of each value.
        confidence: the confidence level, from 0 to 1.

    Source: Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data", Survey Methodology 24(2), for the number and its degrees of freedom; the score
    interval for it in Franco, Little, Louis and Slud (2019), "Comparative study of confidence intervals for proportions
    in complex sample surveys", Journal of Survey Statistics and Methodology 7(3).
    """
    from scipy.stats import t

    mean, error, groups = clustered_error(values, clusters)
    if mean in (0.0, 1.0):
        return wilson(int(mean) * groups, groups, confidence)
    if groups < 2:
        return 0.0, 1.0
    # The error is 0 if all clusters have the same share.
    n = mean * (1 - mean) / error**2 if error > 1e-12 else groups
    return _score(mean, n, float(t.ppf((1 + confidence) / 2, groups - 1)))


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a proportion.

    Its coverage is never below the confidence level, so it is wider than Wilson's interval.

    Args:
        successes: the number of successes.
        n: the number of observations.
        confidence: the confidence level, from 0 to 1.

    Source: Clopper and Pearson (1934), "The use of confidence or fiducial limits", Biometrika 26(4).
    """
    if n == 0:
        return 0.0, 1.0
    from scipy.stats import binomtest

    low, high = binomtest(successes, n).proportion_ci(confidence, method="exact")
    return float(low), float(high)


@dataclass(frozen=True)
class Mean:
    """A mean with its standard error and confidence interval."""

    value: float
    error: float
    low: float
    high: float


def clustered_mean(values: Sequence[float], clusters: Sequence[Hashable], confidence: float = 0.95) -> Mean:
    """Return the mean of values that are correlated within clusters, with a standard error and interval.

    Clusters are the epochs of one problem, or the problems of one family. The interval uses Student's
    t with one degree of freedom fewer than clusters. One cluster gives the whole range of the values.

    Args:
        values: such as 1 for right and 0 for wrong.
        clusters: the cluster of each value.
        confidence: the confidence level, from 0 to 1.

    Source: Miller (2024), "Adding error bars to evals", arXiv 2411.00640, §2.2; the correction for few clusters is
    CR1 of Cameron and Miller (2015), Journal of Human Resources 50(2).
    """
    from scipy.stats import t

    mean, error, groups = clustered_error(values, clusters)
    if groups < 2:
        return Mean(mean, error, min(0.0, *values), max(1.0, *values))
    half = float(t.ppf((1 + confidence) / 2, groups - 1)) * error
    return Mean(mean, error, mean - half, mean + half)


def clustered_error(
    values: Sequence[float] | NDArray[np.float64], clusters: Sequence[Hashable] | NDArray[np.int64]
) -> tuple[float, float, int]:
    """Return the mean, its standard error over clusters (NaN with one cluster), and the number of clusters."""
    import numpy as np

    shares = np.asarray(values, dtype=float)
    mean = math.fsum(shares.tolist()) / len(shares)
    numbers, groups = _numbered(clusters)
    if groups < 2:
        return mean, math.nan, groups
    # `bincount` adds in the order of the values.
    sums = np.bincount(numbers, weights=shares - mean, minlength=groups)
    squares = math.fsum(np.square(sums).tolist())
    return mean, math.sqrt(squares * groups / (groups - 1)) / len(shares), groups


def _numbered(clusters: Sequence[Hashable] | NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return the number of each value's cluster, and the number of clusters."""
    import numpy as np

    if isinstance(clusters, range | np.ndarray):
        distinct, numbers = np.unique(np.asarray(clusters), return_inverse=True)
        return numbers, len(distinct)
    known: dict[Hashable, int] = {}
    numbers = np.array([known.setdefault(cluster, len(known)) for cluster in clusters], dtype=np.int64)
    return numbers, len(known)
