"""Synthetic outcomes: problems that are hard or easy for all strategies, in families and over epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Outcomes = NDArray[np.bool_]

SPREAD = 1.5
"""Standard deviation of a problem's difficulty, in probits of the probability to solve it."""


def correlated(
    chance: np.random.Generator, accuracies: Sequence[float], n: int, alike: float, family: int = 1
) -> Outcomes:
    """Return outcomes of strategies (rows) on problems (columns) of common difficulty.

    A Gaussian copula: a problem's difficulty is common to all strategies, with correlation `alike`.
    Within a family all problems have the same difficulty, and half of each strategy's own variance
    is the family's.
    """
    k, groups = len(accuracies), -(-n // family)
    common = np.repeat(chance.standard_normal(groups), family)[:n]
    own = chance.standard_normal((k, n))
    if family > 1:
        of_family = np.repeat(chance.standard_normal((k, groups)), family, axis=1)[:, :n]
        own = math.sqrt(0.5) * of_family + math.sqrt(0.5) * own
    level = math.sqrt(alike) * common + math.sqrt(1 - alike) * own
    return np.asarray(level < ndtri(np.array(accuracies))[:, None])


def shares(
    chance: np.random.Generator, accuracies: Sequence[float], n: int, epochs: int, family: int, alike: float = 0.6
) -> Floats:
    """Return shares of right answers over epochs, of strategies (rows) on problems (columns).

    The probability to solve a problem is normal in probits; the share `alike` of its variance is
    common to all strategies. Within a family it is the same for all problems.
    """
    k, groups = len(accuracies), n // family
    centre = ndtri(np.array(accuracies)) * math.sqrt(1 + SPREAD**2)  # keeps the means at the given accuracies
    common, own = chance.standard_normal(groups), chance.standard_normal((k, groups))
    hard = np.repeat(math.sqrt(alike) * common + math.sqrt(1 - alike) * own, family, axis=1)
    return np.asarray(chance.binomial(epochs, ndtr(centre[:, None] + SPREAD * hard)) / epochs)
