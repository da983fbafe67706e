"""Variance over repetitions: how much results change from run to run, and which strategy wins a single run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class VarianceComponents:
    """The components of the variance of outcomes.

    Attributes:
        problems: the variance between problems: some are harder than others.
        repetitions: the variance between repetitions: some runs are better as a whole.
        interaction: the rest: problems that are solved in one run and not in another.
        run: the standard deviation of a run's accuracy on these problems, unbiased if accuracies are about normally
            distributed. Its own standard error is 76 % of it with two repetitions, and 36 % with five.
    """

    problems: float
    repetitions: float
    interaction: float
    run: float


def variance_components(outcomes: Sequence[Sequence[float]]) -> VarianceComponents:
    """Estimate the variance components of a table of outcomes. A negative estimate is reported as 0.

    `run` does not follow from the components, whose cut at 0 would make it too large where runs have no effect of
    their own. It is the standard deviation of the repetitions' means, divided by its expectation for a deviation of 1.

    Args:
        outcomes: one row for each problem, one column for each repetition; values from 0 to 1.

    Raises:
        ValueError: fewer than two problems or two repetitions, or rows of different lengths.

    Source: the two-way random-effects analysis of variance without replication; Searle, Casella and McCulloch (1992),
    "Variance Components", §4.3; for the standard deviation the factor c4 of control charts, ASTM (1951), "Manual on
    Quality Control of Materials".
    """
    import numpy as np

    x = np.asarray(outcomes, dtype=float)
    if x.ndim != 2 or min(x.shape) < 2:
        raise ValueError(
            f"outcomes must have at least two problems and two repetitions, got a table of shape {x.shape}"
        )
    n, epochs = x.shape
    mean, rows, columns = x.mean(), x.mean(axis=1), x.mean(axis=0)
    within = float(np.square(x - rows[:, None] - columns[None, :] + mean).sum() / ((n - 1) * (epochs - 1)))
    between_problems = float(epochs * np.square(rows - mean).sum() / (n - 1))
    between_repetitions = float(n * np.square(columns - mean).sum() / (epochs - 1))
    repetitions = max(0.0, (between_repetitions - within) / n)
    # The expectation of the sample standard deviation of normal values whose standard deviation is 1.
    c4 = math.sqrt(2 / (epochs - 1)) * math.exp(math.lgamma(epochs / 2) - math.lgamma((epochs - 1) / 2))
    return VarianceComponents(
        max(0.0, (between_problems - within) / epochs), repetitions, within, float(columns.std(ddof=1)) / c4
    )


@dataclass(frozen=True)
class WinProbabilities:
    """The probabilities that the first or the second of two strategies is more accurate in a single run, or neither."""

    first: float
    second: float
    tie: float


def single_run(a: Sequence[float], b: Sequence[float]) -> WinProbabilities:
    """Return which strategy is likely to win if each solves every problem once.

    It is assumed that a run has no effect of its own: within a run, problems are solved independently, each with its
    share. The number of solved problems then has a Poisson binomial distribution, which is computed exactly. Where
    whole runs are better or worse (`VarianceComponents.repetitions`), or shares come from few repetitions, the
    probabilities are too far from one half.

    Args:
        a: the share of right answers of the first strategy for each problem, over the repetitions.
        b: the same share of the second strategy, in the same order.
    """
    import numpy as np

    first, second = _solved(a), _solved(b)
    # The probability that the second solves fewer problems.
    below = np.concatenate(([0.0], np.cumsum(second)[:-1]))
    win, tie = float(first @ below), float(first @ second)
    return WinProbabilities(win, max(0.0, 1.0 - win - tie), tie)


def _solved(shares: Sequence[float]) -> NDArray[np.float64]:
    """Return the probability of each number of solved problems."""
    import numpy as np

    chances = np.ones(1)
    for share in shares:
        chances = np.convolve(chances, (1 - share, share))
    return chances
