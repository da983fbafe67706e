"""Made-up outcomes: problems that are hard or easy for all strategies, in families and over epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Outcomes = NDArray[np.bool_]

SPREAD = 1.5
"""The standard deviation of a problem's difficulty, in probits of the chance to solve it."""


def correlated(
    chance: np.random.Generator, accuracies: Sequence[float], n: int, alike: float, family: int = 1
) -> Outcomes:
    """Outcomes of strategies (rows) on problems (columns) that are hard or easy for all of them.

    A Gaussian copula: a problem's difficulty is common to all strategies, with correlation `alike`. In families of the
    given size all problems have the same difficulty, and for each strategy half of what is its own is the family's.
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
    """Shares of right answers over epochs, of strategies (rows) on problems (columns).

    A problem's chance to be solved is normal in probits, of whose variance the share `alike` is common to all
    strategies. In families it is the same for all problems of one.
    """
    k, groups = len(accuracies), n // family
    centre = ndtri(np.array(accuracies)) * math.sqrt(1 + SPREAD**2)  # so that the means are as they are meant
    common, own = chance.standard_normal(groups), chance.standard_normal((k, groups))
    hard = np.repeat(math.sqrt(alike) * common + math.sqrt(1 - alike) * own, family, axis=1)
    return np.asarray(chance.binomial(epochs, ndtr(centre[:, None] + SPREAD * hard)) / epochs)
