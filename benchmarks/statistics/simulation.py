"""How good the statistics are: coverage of the intervals, errors of the tests, what racing saves.

    python -m benchmarks.statistics.simulation [--quick] > docs/statistics-figures.md

Every figure of `docs/statistics.md` comes from here, with the seeds that are written here.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from benchmarks.statistics import (
    bootstrap,
    clustered,
    exact,
    holm,
    mcnemar,
    paired_mean,
    paired_t,
    problems_needed,
    tango,
    wilson,
)
from benchmarks.statistics.racing import STAKES, evidence, winnings

Outcomes = NDArray[np.bool_]
SIZES = (50, 120, 500, 1319)


def correlated(chance: np.random.Generator, accuracies: Sequence[float], n: int, alike: float) -> Outcomes:
    """Outcomes of strategies (rows) on problems (columns) that are hard or easy for all of them.

    A Gaussian copula: a problem's difficulty is common to all strategies, with correlation `alike`.
    """
    from scipy.special import ndtri

    common = chance.standard_normal(n)
    own = chance.standard_normal((len(accuracies), n))
    level = math.sqrt(alike) * common + math.sqrt(1 - alike) * own
    return np.asarray(level < ndtri(np.array(accuracies))[:, None])


def share_coverage(interval: Callable[[int, int], tuple[float, float]], n: int) -> tuple[float, float]:
    """The mean and the least coverage over accuracies from 2 to 98 %, computed exactly."""
    ends = [interval(k, n) for k in range(n + 1)]
    low, high = np.array([end[0] for end in ends]), np.array([end[1] for end in ends])
    covered = []
    for accuracy in np.arange(0.02, 0.981, 0.01):
        weights = binom.pmf(np.arange(n + 1), n, accuracy)
        covered.append(float(weights[(low <= accuracy) & (accuracy <= high)].sum()))
    return float(np.mean(covered)), min(covered)


PAIRS = [(0.05, 0.05), (0.3, 0.3), (0.3, 0.4), (0.6, 0.7), (0.9, 0.95), (0.97, 0.97)]


def difference_coverage(n: int, replicates: int) -> Iterator[tuple[str, float, float]]:
    """For each interval of a paired difference, the mean and the least coverage over accuracies and correlations."""
    covered: dict[str, list[float]] = {"tango": [], "bootstrap": []}
    for place, (first, second) in enumerate(PAIRS):
        for alike in (0.2, 0.6, 0.9):
            chance = np.random.default_rng([n, place, int(10 * alike)])
            hits = dict.fromkeys(covered, 0)
            for _ in range(replicates):
                a, b = correlated(chance, (first, second), n, alike)
                for name, found in (
                    ("tango", tango(a.tolist(), b.tolist())),
                    ("bootstrap", bootstrap(a.tolist(), b.tolist(), resamples=1000, seed=int(chance.integers(2**31)))),
                ):
                    hits[name] += found.low <= first - second <= found.high
            for name in covered:
                covered[name].append(hits[name] / replicates)
    for name, shares in covered.items():
        yield name, float(np.mean(shares)), min(shares)


def cluster_coverage(n: int, epochs: int, replicates: int) -> tuple[float, float]:
    """The coverage of the clustered interval and of one that takes epochs for independent."""
    chance = np.random.default_rng([n, epochs])
    hits = naive = 0
    for _ in range(replicates):
        shares = chance.beta(0.6, 0.9, n)  # some problems are nearly always solved, some nearly never
        right = chance.random((n, epochs)) < shares[:, None]
        found = clustered(right.ravel().tolist(), np.repeat(np.arange(n), epochs).tolist())
        hits += found.low <= 0.4 <= found.high
        low, high = wilson(int(right.sum()), right.size)
        naive += low <= 0.4 <= high
    return hits / replicates, naive / replicates


def epoch_pairs(n: int, epochs: int, replicates: int, gap: float, family: int = 1) -> tuple[float, float, float]:
    """Over epochs: the coverage of the paired mean's interval and of the bootstrap's, and how often the t-test parts.

    A problem's chance to be solved is normal in probits, with a standard deviation of 1.5, of which 0.6 of the variance
    is common to both strategies. In families, all of a strategy's variance is shared by the problems of one.
    """
    from scipy.special import ndtr, ndtri

    chance = np.random.default_rng([n, epochs, int(1000 * gap), family])
    centre = ndtri(np.array([0.5 + gap, 0.5])) * math.sqrt(1 + 1.5**2)  # so that the means are as they are meant
    clusters = (np.arange(n) // family).tolist()
    covered = bootstrapped = told = 0
    for _ in range(replicates):
        common, own = chance.standard_normal(n // family), chance.standard_normal((2, n // family))
        hard = np.repeat(math.sqrt(0.6) * common + math.sqrt(0.4) * own, family, axis=1)
        a, b = (chance.binomial(epochs, ndtr(centre[:, None] + 1.5 * hard)) / epochs).tolist()
        found = paired_mean(a, b, clusters)
        other = bootstrap(a, b, resamples=1000, seed=int(chance.integers(2**31)))
        covered += found.low <= gap <= found.high
        bootstrapped += other.low <= gap <= other.high
        told += paired_t(a, b, clusters) < 0.05
    return covered / replicates, bootstrapped / replicates, told / replicates


def pair_errors(n: int, replicates: int, gap: float, alike: float = 0.6) -> tuple[float, float]:
    """How often two strategies are told apart, by McNemar and by two intervals that do not overlap."""
    chance = np.random.default_rng([n, int(1000 * gap)])
    paired = naive = 0
    for _ in range(replicates):
        a, b = correlated(chance, (0.5 + gap, 0.5), n, alike)
        paired += mcnemar(int((a & ~b).sum()), int((b & ~a).sum())) < 0.05
        first, second = wilson(int(a.sum()), n), wilson(int(b.sum()), n)
        naive += first[0] > second[1] or second[0] > first[1]
    return paired / replicates, naive / replicates


def family_error(n: int, strategies: int, replicates: int) -> tuple[float, float]:
    """How often any of equally good strategies are told apart, with Holm's correction and without."""
    chance = np.random.default_rng([n, strategies])
    corrected = raw = 0
    for _ in range(replicates):
        right = correlated(chance, [0.5] * strategies, n, 0.6)
        p = {
            pair: mcnemar(int((right[pair[0]] & ~right[pair[1]]).sum()), int((right[pair[1]] & ~right[pair[0]]).sum()))
            for pair in combinations(range(strategies), 2)
        }
        raw += min(p.values()) < 0.05
        corrected += min(holm(p).values()) < 0.05
    return corrected / replicates, raw / replicates


RACES = {
    "null: six strategies at 50 %": [0.5] * 6,
    "close: one at 55 %, five at 50 %": [0.55] + [0.5] * 5,
    "clear: 70, 60, 50, 40, 30, 10 %": [0.7, 0.6, 0.5, 0.4, 0.3, 0.1],
    "spread: 75, 45, 45, 40, 20, 5 %": [0.75, 0.45, 0.45, 0.4, 0.2, 0.05],
}


def race(accuracies: Sequence[float], n: int, margin: float, replicates: int) -> dict[str, float]:
    """What racing does on `n` problems, beside the full grid.

    Returns:
        calls: the share of the grid's (problem, strategy) pairs that were run.
        lost: how often the truly best was stopped, where it is better than all others by more than the margin; where
            none is, how often the first of the equally best was.
        same: how often the winner is the grid's, or within the margin of it on the grid's problems.
        told: how often any two of those that are left are told apart, as the verdict does it: by McNemar, with Holm's
            correction over the pairs of those that are left.
    """
    chance = np.random.default_rng([n, int(1000 * margin), int(1000 * sum(accuracies))])
    calls = lost = same = told = 0
    for start in range(0, replicates, _BATCH):
        size = min(_BATCH, replicates - start)
        right = np.stack([correlated(chance, accuracies, n, 0.6) for _ in range(size)])
        running, seen = raced(right, margin)
        grid = right.mean(axis=2)
        winner = np.where(running, grid, -1.0).max(axis=1)
        calls += int(seen.sum())
        lost += int((~running[:, 0]).sum())
        same += int((winner >= grid.max(axis=1) - max(margin, 1e-9)).sum())
        told += sum(_told_apart(outcomes[left]) for outcomes, left in zip(right, running, strict=True))
    return {
        "calls": calls / (replicates * n * len(accuracies)),
        "lost": lost / replicates,
        "same": same / replicates,
        "told": told / replicates,
    }


def _told_apart(right: Outcomes) -> bool:
    """Whether any two of these strategies (rows) are told apart on these problems."""
    p = {
        (i, j): mcnemar(int((right[i] & ~right[j]).sum()), int((right[j] & ~right[i]).sum()))
        for i, j in combinations(range(len(right)), 2)
    }
    return min(holm(p).values(), default=1.0) < 0.05


_BATCH = 1000
"""Races that are run at once."""


def raced(right: Outcomes, margin: float, level: float = 0.05) -> tuple[Outcomes, NDArray[np.int_]]:
    """Many races at once, by the rule of `Race`: who is still running, and how many results each strategy made.

    Args:
        right: outcomes by race, strategy and problem.
        margin, level: as in `Race`.
    """
    races, k, n = right.shape
    running, seen = np.ones((races, k), dtype=bool), np.zeros((races, k), dtype=int)
    capital = np.zeros((races, k, k, len(STAKES)))
    for problem in range(n):
        going = running.sum(axis=1) > 1
        if not going.any():
            break
        seen[going] += running[going]
        got = np.where(running[going], right[going, :, problem], np.nan)
        capital[going] += winnings(got, margin)
        against = np.where(running[going], evidence(capital[going]), -np.inf)
        still = running[going]
        for _ in range(k - 1):  # the one with the most evidence first; the last one stays
            worst = against.argmax(axis=1)
            stop = (against.max(axis=1) >= -math.log(level)) & (still.sum(axis=1) > 1)
            still[stop, worst[stop]] = False
            against[stop, worst[stop]] = -np.inf
        running[going] = still
    return running, seen


def main(quick: bool = False) -> None:
    """Print the tables."""
    replicates = 200 if quick else 4000

    def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        lines = [f"### {title}", "", f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
        print("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]), flush=True)  # noqa: T201

    def percent(share: float) -> str:
        return f"{100 * share:.1f}"

    rows: list[tuple[str, ...]] = [
        (name, str(n), *map(percent, share_coverage(interval, n)))
        for name, interval in (("Wilson", wilson), ("exact", exact))
        for n in (20, *SIZES)
    ]
    table("Coverage of 95 % intervals of an accuracy", ("interval", "n", "mean %", "least %"), rows)
    rows = [
        (name, str(n), percent(mean), percent(least))
        for n in (SIZES[:2] if quick else SIZES[:3])
        for name, mean, least in difference_coverage(n, replicates // 4)
    ]
    table("Coverage of 95 % intervals of a paired difference", ("interval", "n", "mean %", "least %"), rows)
    rows = [
        (f"{n} problems × {epochs}", *map(percent, cluster_coverage(n, epochs, replicates)))
        for n, epochs in ((50, 4), (120, 4), (120, 10))
    ]
    table("Coverage over epochs", ("", "clustered %", "as if independent %"), rows)
    rows = [
        (f"{n} × {epochs}", f"{100 * gap:.0f}", *map(percent, epoch_pairs(n, epochs, replicates, gap)))
        for n, epochs in ((5, 2), (10, 3), (20, 3), (50, 4), (120, 4))
        for gap in (0.0, 0.1)
    ]
    over = ("true difference, points", "Student's interval %", "bootstrap %", "told apart by the t-test %")
    table("Paired differences over epochs: coverage of 95 % intervals", ("problems × epochs", *over), rows)
    rows = [
        (f"{n} in {n // family}", f"{100 * gap:.0f}", *map(percent, epoch_pairs(n, 1, replicates, gap, family)))
        for n, family in ((48, 8), (120, 8), (480, 8))
        for gap in (0.0, 0.1)
    ]
    over = ("true difference, points", "clustered %", "bootstrap over problems %", "told apart, clustered %")
    table("Paired differences where problems come in families", ("problems in families", *over), rows)
    rows = [
        (str(n), f"{100 * gap:.0f}", *map(percent, pair_errors(n, replicates, gap)))
        for n in (50, 120, 500)
        for gap in (0.0, 0.05, 0.1, 0.2)
    ]
    header: tuple[str, ...] = ("n", "true difference, points", "McNemar %", "intervals apart %")
    table("How often two strategies are told apart (difficulty shared: correlation 0.6)", header, rows)
    rows = [(str(k), *map(percent, family_error(120, k, replicates // 2))) for k in (2, 4, 6)]
    table("Equally good strategies, 120 problems: any pair told apart", ("strategies", "Holm %", "uncorrected %"), rows)
    rows = [
        (f"{100 * gap:.0f}", f"{100 * split:.0f}", str(problems_needed(gap, split)))
        for gap in (0.02, 0.05, 0.1)
        for split in (0.1, 0.2, 0.4)
    ]
    table("Problems needed, for 80 % power", ("difference, points", "disagree on, %", "problems"), rows)
    rows = []
    for name, accuracies in RACES.items():
        for n, margin in ((500, 0.0), (500, 0.05), (1319, 0.0), (1319, 0.05)):
            found = race(accuracies, n, margin, 100 if quick else 10_000)
            rows.append((name, str(n), f"{100 * margin:.0f}", *(percent(found[one]) for one in found)))
    header = ("race", "problems", "margin, points", "calls of the grid %", "best stopped %", "same decision %")
    table("Racing, level 5 %", (*header, "any pair told apart after the race %"), rows)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
