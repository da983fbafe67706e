"""Error rates and power of the tests."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from reasoning.benchmarks.analysis.paired import paired_differences
from reasoning.benchmarks.statistics import holm, mcnemar, paired_t, required_sample_size, wilson
from simulation.synthetic_outcomes import Outcomes, correlated, shares


def pair_errors(n: int, replicates: int, gap: float, alike: float = 0.6) -> tuple[float, float]:
    """Return how often two strategies differ significantly by McNemar, and by intervals that do not overlap."""
    chance = np.random.default_rng([n, int(1000 * gap)])
    paired = naive = 0
    for _ in range(replicates):
        a, b = correlated(chance, (0.5 + gap, 0.5), n, alike)
        paired += mcnemar(int((a & ~b).sum()), int((b & ~a).sum())) < 0.05
        first, second = wilson(int(a.sum()), n), wilson(int(b.sum()), n)
        naive += first[0] > second[1] or second[0] > first[1]
    return paired / replicates, naive / replicates


def p_values(right: Outcomes) -> dict[tuple[int, int], float]:
    """Return McNemar's p value for every pair of strategies (rows)."""
    return {
        (i, j): mcnemar(int((right[i] & ~right[j]).sum()), int((right[j] & ~right[i]).sum()))
        for i, j in combinations(range(len(right)), 2)
    }


def table_error(n: int, strategies: int, replicates: int) -> tuple[float, float]:
    """Return how often any of equally good strategies differ significantly, with and without Holm's correction."""
    chance = np.random.default_rng([n, strategies])
    corrected = raw = 0
    for _ in range(replicates):
        p = p_values(correlated(chance, [0.5] * strategies, n, 0.6))
        raw += min(p.values()) < 0.05
        corrected += min(holm(p).values()) < 0.05
    return corrected / replicates, raw / replicates


def family_power(gap: float, family: int, replicates: int) -> tuple[float, int, float]:
    """Return the design effect of families, the problems that `bench power --pilot` would require, and their power.

    The pilot is large, so that the formula is tested and not its noise.
    """
    accuracies, chance = (0.5 + gap, 0.5), np.random.default_rng([int(1000 * gap), family])
    pilot = shares(chance, accuracies, 20_000 * family, 1, family)
    by_spec = {
        spec: {str(k): share for k, share in enumerate(scores)}
        for spec, scores in zip("ab", pilot.tolist(), strict=True)
    }
    [pair] = paired_differences(by_spec, ["a", "b"], {str(k): str(k // family) for k in range(pilot.shape[1])})
    n = required_sample_size(gap, pair.disagreement, effect=pair.design_effect, exact=False)
    n = -(-n // family) * family
    clusters = (np.arange(n) // family).tolist()
    rejected = 0
    for _ in range(replicates):
        a, b = shares(chance, accuracies, n, 1, family).tolist()
        rejected += paired_t(a, b, clusters) < 0.05
    return pair.design_effect, n, rejected / replicates
