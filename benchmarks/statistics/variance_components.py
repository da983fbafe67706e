"""What repetitions tell: how much a result changes from run to run, and which strategy wins a single run."""

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
    """Where the variance of results comes from, as shares of a squared accuracy.

    Attributes:
        problems: some problems are harder than others.
        repetitions: some runs are better as a whole.
        interaction: the rest: a problem that is solved in one run and not in another.
        run: the standard deviation of a run's accuracy on these problems.
    """

    problems: float
    repetitions: float
    interaction: float
    run: float


def variance_components(outcomes: Sequence[Sequence[float]]) -> VarianceComponents:
    """Split the variance of a table of outcomes, one row for each problem and one column for each repetition.

    A negative estimate is reported as 0.

    Raises:
        ValueError: fewer than two problems or two repetitions, or rows of different lengths.

    Source: the two-way random-effects analysis of variance without replication; Searle, Casella and McCulloch (1992),
    "Variance Components", §4.3.
    """
    import numpy as np

    x = np.asarray(outcomes, dtype=float)
    if x.ndim != 2 or min(x.shape) < 2:
        raise ValueError(f"at least two problems and two repetitions of each are needed, not a table of {x.shape}")
    n, epochs = x.shape
    mean, rows, columns = x.mean(), x.mean(axis=1), x.mean(axis=0)
    within = float(np.square(x - rows[:, None] - columns[None, :] + mean).sum() / ((n - 1) * (epochs - 1)))
    of_problems = float(epochs * np.square(rows - mean).sum() / (n - 1))
    of_repetitions = float(n * np.square(columns - mean).sum() / (epochs - 1))
    repetitions = max(0.0, (of_repetitions - within) / n)
    return VarianceComponents(
        max(0.0, (of_problems - within) / epochs), repetitions, within, math.sqrt(repetitions + within / n)
    )


@dataclass(frozen=True)
class WinProbabilities:
    """How likely each of two strategies has the higher accuracy when both are run once."""

    first: float
    second: float
    tie: float


def single_run(a: Sequence[float], b: Sequence[float]) -> WinProbabilities:
    """Who wins if each strategy solves every problem once.

    Args:
        a, b: each problem's share of right answers over the repetitions, for the same problems.

    Problems are taken to be solved independently of each other, so the number solved is a sum of unequal coins
    (Poisson binomial), which is computed exactly.
    """
    import numpy as np

    first, second = _solved(a), _solved(b)
    below = np.concatenate(([0.0], np.cumsum(second)[:-1]))  # the second solves fewer
    win, tie = float(first @ below), float(first @ second)
    return WinProbabilities(win, max(0.0, 1.0 - win - tie), tie)


def _solved(shares: Sequence[float]) -> NDArray[np.float64]:
    """The chance of each number of solved problems."""
    import numpy as np

    chances = np.ones(1)
    for share in shares:
        chances = np.convolve(chances, (1 - share, share))
    return chances
