"""Decisions and savings of racing, compared with the full grid."""

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
    """Run many races at once by the rule of `Race`; return who is still running, and the results made by each strategy.

    Args:
        right: outcomes by race, strategy and problem, in order.
        margin: as in `Race`.
        level: as in `Race`.
        sample: whether the races are about all similar problems, instead of these problems.
    """
    races, k, n = right.shape
    total = math.inf if sample else n
    running, seen = np.ones((races, k), dtype=bool), np.zeros((races, k), dtype=int)
    undecided = np.arange(races)  # races with more than one strategy running
    lead, capital = np.zeros((races, k, k)), np.repeat(initial_capital(k)[:, None], races, axis=1)
    for problem in range(n):
        active = running[undecided]
        seen[undecided] += active
        gap = gaps(np.where(active, right[undecided, :, problem], np.nan), margin)
        capital *= winnings(gap, lead / (total - problem), margin)
        lead += np.nan_to_num(gap)
        evidence_against = np.where(active, capital.sum(axis=0).sum(axis=2), 0.0)
        if evidence_against.max() < 1 / level:
            continue
        for _ in range(k - 1):  # strongest evidence first; the last strategy stays
            worst = evidence_against.argmax(axis=1)
            stop = (evidence_against.max(axis=1) >= 1 / level) & (active.sum(axis=1) > 1)
            active[stop, worst[stop]] = False
            evidence_against[stop, worst[stop]] = 0.0
        running[undecided] = active
        remaining = active.sum(axis=1) > 1
        undecided, lead, capital = undecided[remaining], lead[remaining], capital[:, remaining]
        if not len(undecided):
            break
    return running, seen


@dataclass
class RaceSummary:
    """Summary of some races, as shares.

    Attributes:
        calls: share of the grid's (problem, strategy) pairs that were run.
        same: the winner is the grid's, or within the margin of it on the grid's problems.
        stopped: a strategy was stopped that is the grid's best by at least the margin.
        significant: two of the remaining strategies differ significantly, as in the verdict: by
            McNemar, with Holm's correction over the remaining pairs.
        first: the first strategy of the list was stopped.
    """

    calls: float = 0.0
    same: float = 0.0
    stopped: float = 0.0
    significant: float = 0.0
    first: float = 0.0

    def add(self, right: Outcomes, margin: float, of: int, sample: bool) -> None:
        """Add some of `of` races."""
        running, seen = raced(right, margin, sample=sample)
        grid = right.mean(axis=2)
        top = np.sort(grid, axis=1)
        best = (grid >= top[:, -1:]) & (top[:, -1:] >= top[:, -2:-1] + margin - 1e-9)
        self.calls += float(seen.sum()) / (of * right[0].size)
        winner = np.where(running, grid, -1.0).max(axis=1)
        self.same += float((winner >= grid.max(axis=1) - margin - 1e-9).sum()) / of
        self.stopped += float((best.any(axis=1) & ~(best & running).any(axis=1)).sum()) / of
        self.first += float((~running[:, 0]).sum()) / of
        self.significant += (
            sum(_any_significant(outcomes[remaining]) for outcomes, remaining in zip(right, running, strict=True)) / of
        )


def _any_significant(right: Outcomes) -> bool:
    return min(holm(p_values(right)).values(), default=1.0) < 0.05


_BATCH = 200
"""Number of races to run at once."""


def race(
    accuracies: Sequence[float],
    n: int,
    margin: float,
    replicates: int,
    *,
    family: int = 1,
    shuffled: bool = True,
    sample: bool = False,
) -> RaceSummary:
    """Run races on `n` problems, which may come in families, in random order or family by family."""
    chance = np.random.default_rng([n, int(1000 * margin), int(1000 * sum(accuracies)), family])
    summary = RaceSummary()
    for start in range(0, replicates, _BATCH):
        size = min(_BATCH, replicates - start)
        right = np.stack([correlated(chance, accuracies, n, 0.6, family) for _ in range(size)])
        if family > 1 and shuffled:
            right = np.stack([outcomes[:, chance.permutation(n)] for outcomes in right])
        summary.add(right, margin, replicates, sample)
    return summary
