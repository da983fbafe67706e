"""Coverage of confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import binom

from reasoning.benchmarks.statistics import (
    bootstrap,
    clustered_mean,
    clustered_share,
    paired_mean,
    paired_t,
    tango,
    wilson,
)
from reasoning.benchmarks.statistics.vote_curves import SamplePool, curve
from simulation.synthetic_outcomes import correlated, shares


def share_coverage(interval: Callable[[int, int], tuple[float, float]], n: int) -> tuple[float, float]:
    """Return the mean and the minimum coverage over accuracies from 2 to 98 %, computed exactly."""
    ends = [interval(k, n) for k in range(n + 1)]
    low, high = np.array([end[0] for end in ends]), np.array([end[1] for end in ends])
    covered = []
    for accuracy in np.arange(0.02, 0.981, 0.01):
        weights = binom.pmf(np.arange(n + 1), n, accuracy)
        covered.append(float(weights[(low <= accuracy) & (accuracy <= high)].sum()))
    return float(np.mean(covered)), min(covered)


ACCURACIES = (0.02, 0.05, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.98)


def cluster_coverage(n: int, epochs: int, family: int, replicates: int) -> Mapping[str, list[float]]:
    """Return the coverage at each of `ACCURACIES` by interval: clustered, Student's, and Wilson's as if independent."""
    clusters = np.repeat(np.arange(n // family), family).tolist()
    coverage: dict[str, list[float]] = {"clustered": [], "Student's": [], "independent": []}
    for accuracy in ACCURACIES:
        chance = np.random.default_rng([n, epochs, family, int(100 * accuracy)])
        hits = dict.fromkeys(coverage, 0)
        for _ in range(replicates):
            right = shares(chance, [accuracy], n, epochs, family)[0]
            values = right.tolist()
            mean = clustered_mean(values, clusters)
            for name, (low, high) in (
                ("clustered", clustered_share(values, clusters)),
                ("Student's", (mean.low, mean.high)),
                ("independent", wilson(round(epochs * right.sum()), n * epochs)),
            ):
                hits[name] += low <= accuracy <= high
        for name, hit in hits.items():
            coverage[name].append(hit / replicates)
    return coverage


def curve_coverage(n: int, family: int, replicates: int, draws: int = 10) -> Mapping[int, Mapping[str, float]]:
    """Return the coverage of a vote curve's interval by k, with families and as if problems were independent.

    Each problem has its own probability of a right draw; a wrong draw is any of three other
    answers. The true curve is the mean of many more problems.
    """
    ks = (1, 5, draws)

    def pools(chance: np.random.Generator, problems: int, clustered: bool) -> list[SamplePool]:
        right = shares(chance, [0.6], problems, 1_000_000, family)[0]
        drawn = chance.multinomial(draws, np.stack([right, *[(1 - right) / 3] * 3], axis=1))
        return [
            SamplePool(
                (int(counts[0]),), tuple(sorted(counts[1:].tolist())), cluster=problem // family if clustered else None
            )
            for problem, counts in enumerate(drawn)
        ]

    truth = {point.k: point.mean for point in curve(pools(np.random.default_rng(1), 200_000, False), ks)}
    hits = {k: {"families": 0, "problems": 0} for k in ks}
    for replicate in range(replicates):
        for name in ("families", "problems"):
            seeded = np.random.default_rng([n, family, replicate])
            for point in curve(pools(seeded, n, name == "families"), ks):
                hits[point.k][name] += point.low <= truth[point.k] <= point.high
    return {k: {name: hit / replicates for name, hit in by_name.items()} for k, by_name in hits.items()}


PAIRS = [(0.05, 0.05), (0.3, 0.3), (0.3, 0.4), (0.6, 0.7), (0.9, 0.95), (0.97, 0.97)]


def difference_coverage(n: int, replicates: int) -> Iterator[tuple[str, float, float, float]]:
    """Yield each interval of a paired difference with its mean, minimum and maximum coverage."""
    covered: dict[str, list[float]] = {"Tango": [], "bootstrap": []}
    for index, (first, second) in enumerate(PAIRS):
        for alike in (0.2, 0.6, 0.9):
            chance = np.random.default_rng([n, index, int(10 * alike)])
            hits = dict.fromkeys(covered, 0)
            for _ in range(replicates):
                a, b = correlated(chance, (first, second), n, alike)
                for name, interval in (
                    ("Tango", tango(a.tolist(), b.tolist())),
                    ("bootstrap", bootstrap(a.tolist(), b.tolist(), resamples=1000, seed=int(chance.integers(2**31)))),
                ):
                    hits[name] += interval.low <= first - second <= interval.high
            for name in covered:
                covered[name].append(hits[name] / replicates)
    for name, coverage in covered.items():
        yield name, float(np.mean(coverage)), min(coverage), max(coverage)


def mean_pairs(
    n: int, epochs: int, replicates: int, accuracies: Sequence[float], family: int = 1
) -> tuple[float, float, float]:
    """Return the coverage of the paired mean's interval and of the bootstrap's, and the t-test's rejection rate."""
    gap = accuracies[0] - accuracies[1]
    chance = np.random.default_rng([n, epochs, *(int(1000 * accuracy) for accuracy in accuracies), family])
    clusters = (np.arange(n) // family).tolist()
    covered = bootstrapped = rejected = 0
    for _ in range(replicates):
        a, b = shares(chance, accuracies, n, epochs, family).tolist()
        mean_interval = paired_mean(a, b, clusters)
        bootstrap_interval = bootstrap(a, b, resamples=1000, seed=int(chance.integers(2**31)))
        covered += mean_interval.low <= gap <= mean_interval.high
        bootstrapped += bootstrap_interval.low <= gap <= bootstrap_interval.high
        rejected += paired_t(a, b, clusters) < 0.05
    return covered / replicates, bootstrapped / replicates, rejected / replicates
