"""What racing decides and saves, beside the full grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reasoning.benchmarks.statistics import holm
from reasoning.benchmarks.statistics.racing import gaps, initial_capital, winnings
from simulation.error_rates import p_values
from simulation.synthetic_outcomes import Outcomes, correlated

RACES = {
    "null: six strategies at 50 %": [0.5] * 6,
    "close: one at 55 %, five at 50 %": [0.55] + [0.5] * 5,
    "clear: 70, 60, 50, 40, 30, 10 %": [0.7, 0.6, 0.5, 0.4, 0.3, 0.1],
    "spread: 75, 45, 45, 40, 20, 5 %": [0.75, 0.45, 0.45, 0.4, 0.2, 0.05],
}


def raced(
    right: Outcomes, margin: float, level: float = 0.05, sample: bool = False
) -> tuple[Outcomes, NDArray[np.int_]]:
    """Many races at once, by the rule of `Race`: who is still running, and how many results each strategy made.

    Args:
        right: outcomes by race, strategy and problem, in the order in which they are seen.
        margin, level: as in `Race`.
        sample: the races are about all problems like these, and not about these.
    """
    races, k, n = right.shape
    of = math.inf if sample else n
    running, seen = np.ones((races, k), dtype=bool), np.zeros((races, k), dtype=int)
    going = np.arange(races)  # in which more than one is running
    lead, capital = np.zeros((races, k, k)), np.repeat(initial_capital(k)[:, None], races, axis=1)
    for problem in range(n):
        still = running[going]
        seen[going] += still
        gap = gaps(np.where(still, right[going, :, problem], np.nan), margin)
        capital *= winnings(gap, lead / (of - problem), margin)
        lead += np.nan_to_num(gap)
        against = np.where(still, capital.sum(axis=0).sum(axis=2), 0.0)
        if against.max() < 1 / level:
            continue
        for _ in range(k - 1):  # the one with the most evidence first; the last one stays
            worst = against.argmax(axis=1)
            stop = (against.max(axis=1) >= 1 / level) & (still.sum(axis=1) > 1)
            still[stop, worst[stop]] = False
            against[stop, worst[stop]] = 0.0
        running[going] = still
        left = still.sum(axis=1) > 1
        going, lead, capital = going[left], lead[left], capital[:, left]
        if not len(going):
            break
    return running, seen


@dataclass
class Tally:
    """What some races came to, as shares.

    Attributes:
        calls: of the grid's (problem, strategy) pairs, those that were run.
        same: the winner is the grid's, or within the margin of it on the grid's problems.
        stopped: one that is the grid's best by the margin or more was stopped.
        told: some two of those that are left are told apart, as the verdict does it: by McNemar, with Holm's correction
            over the pairs of those that are left.
        first: the first strategy of the list was stopped.
    """

    calls: float = 0.0
    same: float = 0.0
    stopped: float = 0.0
    told: float = 0.0
    first: float = 0.0

    def add(self, right: Outcomes, margin: float, of: int, sample: bool) -> None:
        """Take in these races of so many."""
        running, seen = raced(right, margin, sample=sample)
        grid = right.mean(axis=2)
        top = np.sort(grid, axis=1)
        best = (grid >= top[:, -1:]) & (top[:, -1:] >= top[:, -2:-1] + margin - 1e-9)
        self.calls += float(seen.sum()) / (of * right[0].size)
        winner = np.where(running, grid, -1.0).max(axis=1)
        self.same += float((winner >= grid.max(axis=1) - margin - 1e-9).sum()) / of
        self.stopped += float((best.any(axis=1) & ~(best & running).any(axis=1)).sum()) / of
        self.first += float((~running[:, 0]).sum()) / of
        self.told += sum(_told_apart(one[left]) for one, left in zip(right, running, strict=True)) / of


def _told_apart(right: Outcomes) -> bool:
    return min(holm(p_values(right)).values(), default=1.0) < 0.05


_BATCH = 200
"""Races that are run at once."""


def race(
    accuracies: Sequence[float],
    n: int,
    margin: float,
    replicates: int,
    *,
    family: int = 1,
    shuffled: bool = True,
    sample: bool = False,
) -> Tally:
    """Races on `n` problems, which may come in families and then be taken in a random order, or family by family."""
    chance = np.random.default_rng([n, int(1000 * margin), int(1000 * sum(accuracies)), family])
    found = Tally()
    for start in range(0, replicates, _BATCH):
        size = min(_BATCH, replicates - start)
        right = np.stack([correlated(chance, accuracies, n, 0.6, family) for _ in range(size)])
        if family > 1 and shuffled:
            right = np.stack([one[:, chance.permutation(n)] for one in right])
        found.add(right, margin, replicates, sample)
    return found
