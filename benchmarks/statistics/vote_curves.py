"""Accuracy against the number of samples, from one pool of samples per problem: maj@k, pass@k and pass^k.

    pools = [SamplePool.from_vote(majority(values, kind), example.score) for …]
    curve(pools, [1, 5, 10, 20])                      # majority vote of k samples
    curve(pools, [1, 5, 10, 20], measure="any")       # pass@k, the accuracy of a perfect verifier
    curve(pools, [1, 5, 10, 20], measure="all")       # pass^k, how reliable single samples are

From a pool of n samples follows the accuracy of k samples: the mean over all subsets of k, not the first k.
All three estimates are unbiased.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any, Literal, TypeAlias

from reasoning.benchmarks.statistics import clustered_share
from reasoning.errors import UsageError
from reasoning.voting import Vote

MAX_EXACT = 1 << 16
"""The largest product of a pool's size and k that is counted exactly; larger pools are sampled.

A whole curve of 256 samples takes half a second at worst, of 1,000 samples up to k = 40 it takes 0.05 s.
"""
Measure: TypeAlias = Literal["majority", "any", "all"]
"""The samples that must be right among k: their majority vote, at least one of them, or each of them."""
SHUFFLES = 4000
"""The shuffles of a larger pool; the standard error of one problem's value is then at most 0.008."""


@dataclass(frozen=True)
class SamplePool:
    """The samples of one problem.

    Attributes:
        right: the count of each right answer; usually there is one.
        wrong: the count of each wrong answer.
        unparsed: the number of samples without an answer; they do not vote and are not right.
        cluster: the group of similar problems, such as the family; None for none.
    """

    right: tuple[int, ...]
    wrong: tuple[int, ...]
    unparsed: int = 0
    cluster: Hashable = None

    @classmethod
    def from_vote(cls, vote: Vote, right: Callable[[Any], bool], cluster: Hashable = None) -> SamplePool:
        """Return the pool of a vote.

        Args:
            vote: the vote, such as `answer.votes`.
            right: returns whether a value is right, such as `example.score`.
            cluster: the group of similar problems; None for none.
        """
        scored = [(len(one.draws), bool(right(one.value))) for one in vote.candidates]
        return cls(
            tuple(count for count, fine in scored if fine),
            tuple(count for count, fine in scored if not fine),
            vote.total - vote.valid,
            cluster,
        )

    @property
    def n(self) -> int:
        """The number of samples."""
        return sum(self.right) + sum(self.wrong) + self.unparsed


@dataclass(frozen=True)
class CurvePoint:
    """One point of a curve.

    Attributes:
        k: the number of samples per problem.
        mean: the mean accuracy over the problems.
        low, high: its confidence interval, for problems of this kind.
        error: the standard error from the sampling of large pools; 0 if all was counted exactly.
    """

    k: int
    mean: float
    low: float
    high: float
    error: float = 0.0


def pass_at(pool: SamplePool, k: int) -> Fraction:
    """Return the exact probability that any of k samples is right (pass@k).

    Args:
        pool: the samples.
        k: the number of samples, from 1 to the size of the pool.

    Examples:
        >>> pass_at(SamplePool((3,), (5, 2)), 1)
        Fraction(3, 10)

    Source: Chen et al. 2021, arXiv 2107.03374, §2.1: 1 - C(n - c, k) / C(n, k) for c right ones of n.
    """
    _check(pool, [k])
    return 1 - Fraction(math.comb(pool.n - sum(pool.right), k), math.comb(pool.n, k))


def all_pass_at(pool: SamplePool, k: int) -> Fraction:
    """Return the exact probability that all of k samples are right (pass^k).

    Args:
        pool: the samples.
        k: the number of samples, from 1 to the size of the pool.

    Examples:
        >>> all_pass_at(SamplePool((3,), (5, 2)), 2)
        Fraction(1, 15)

    Source: Yao et al. 2024, tau-bench, arXiv 2406.12045: C(c, k) / C(n, k) for c right ones of n.
    """
    _check(pool, [k])
    return Fraction(math.comb(sum(pool.right), k), math.comb(pool.n, k))


def majority_at(pool: SamplePool, ks: Sequence[int]) -> dict[int, Fraction]:
    """Return the exact probability that the majority vote of k samples is right (maj@k), for each k.

    All subsets of k samples are counted without enumerating them. For a winner with m votes, the number
    of subsets is a coefficient of a product of polynomials, one for each candidate, with the number of
    ways in which it gets fewer than m votes (or m, for a tie). A tie counts with the share of its
    winners that are right; the earliest sample of a tie gives the same, over all orders. The cost is
    about n³ steps at worst.

    Args:
        pool: the samples.
        ks: numbers of samples, each from 1 to the size of the pool.
    """
    _check(pool, ks)
    # Polynomials are integers with `width` bits for each coefficient; none exceeds 2^n.
    most, width = max(ks), pool.n + 1
    ways = {k: Fraction(0) for k in ks}
    for count, equal in Counter(pool.right).items():
        others = [*pool.right, *pool.wrong]
        others.remove(count)
        for votes in range(1, min(count, most) + 1):
            for rivals, product in enumerate(_products(others, pool.unparsed, votes, most, width)):
                for k in ks:
                    subsets = product >> ((k - votes) * width) & ((1 << width) - 1) if k >= votes else 0
                    ways[k] += Fraction(equal * math.comb(count, votes) * subsets, rivals + 1)
    return {k: count / math.comb(pool.n, k) for k, count in ways.items()}


def _products(others: Sequence[int], unread: int, votes: int, most: int, width: int) -> list[int]:
    """Return, by number of tied rivals, the ways to draw the rest if no other has more than `votes` votes."""

    def polynomial(coefficients: Sequence[int]) -> int:
        return sum(coefficient << power * width for power, coefficient in enumerate(coefficients))

    # No subset is larger than the largest k.
    within = (1 << (most - votes + 1) * width) - 1
    # These samples can neither win nor tie.
    free = unread + sum(count for count in others if count < votes)
    products = [polynomial([math.comb(free, j) for j in range(min(free, most) + 1)]) & within]
    for count in others:
        if count >= votes:
            fewer = polynomial([math.comb(count, j) for j in range(votes)])
            level = math.comb(count, votes) << votes * width
            padded = [0, *products, 0]
            products = [(padded[t + 1] * fewer + padded[t] * level) & within for t in range(len(products) + 1)]
            while len(products) > 1 and not products[-1]:
                products.pop()
    return products


def estimate_majority_at(pool: SamplePool, ks: Sequence[int], seed: int | str = 0) -> dict[int, tuple[float, float]]:
    """Return estimates of `majority_at` from random orders: for each k the mean and its standard error."""
    _check(pool, ks)
    random, most = Random(str(seed)), max(ks)
    counts = [*pool.right, *pool.wrong]
    draws = [candidate for candidate, count in enumerate(counts) for _ in range(count)] + [-1] * pool.unparsed
    sums = {k: [0.0, 0.0] for k in ks}
    for _ in range(SHUFFLES):
        votes = [0] * len(counts)
        for drawn, candidate in enumerate(random.sample(draws, most), 1):
            if candidate >= 0:
                votes[candidate] += 1
            if drawn in sums:
                top = max(votes, default=0)
                tied = [index for index, count in enumerate(votes) if count == top and top]
                worth = sum(index < len(pool.right) for index in tied) / len(tied) if tied else 0.0
                sums[drawn][0] += worth
                sums[drawn][1] += worth * worth
    estimates = {}
    for k, (total, squares) in sums.items():
        mean = total / SHUFFLES
        error = math.sqrt(max(0.0, squares / SHUFFLES - mean * mean) / (SHUFFLES - 1))
        # An event that was never seen may still exist and be rare.
        estimates[k] = mean, max(error, 1 / SHUFFLES)
    return estimates


def curve(
    pools: Sequence[SamplePool],
    ks: Sequence[int],
    *,
    measure: Measure = "majority",
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[CurvePoint, ...]:
    """Return the mean accuracy over problems at each k, with an interval for all problems of this kind.

    The interval is that of `clustered_share`, from the spread between problems, which includes the
    spread between samples. The problems of a cluster count as one observation. The points of a curve
    share their samples, so their intervals do not test one k against another.

    Args:
        pools: one pool for each problem, all with at least max(ks) samples.
        ks: numbers of samples.
        measure: "majority" if the vote of k samples must be right, "any" if at least one of k must be, "all" if
            each of k must be.
        confidence: the confidence level, from 0 to 1.
        seed: the seed for pools that are too large to be counted exactly; see `MAX_EXACT`.

    Raises:
        UsageError: there is no pool, or a pool has fewer samples than the largest k.
    """
    if not pools:
        raise UsageError("pools must hold at least one pool")
    import numpy as np

    # Many problems have equal pools, such as those where all samples are right.
    known: dict[tuple[tuple[int, ...], tuple[int, ...], int], int] = {}
    worth: list[dict[int, tuple[float, float]]] = []
    numbers: list[int] = []
    for index, pool in enumerate(pools):
        samples = pool.right, pool.wrong, pool.unparsed
        if (number := known.get(samples)) is None:
            _check(pool, ks)
            number = len(worth)
            if measure == "majority" and pool.n * max(ks) > MAX_EXACT:
                worth.append(estimate_majority_at(pool, ks, f"{seed} {index}"))
            else:
                known[samples] = number
                worth.append(_counted(pool, ks, measure))
        numbers.append(number)
    names = [("own", index) if pool.cluster is None else ("of", pool.cluster) for index, pool in enumerate(pools)]
    groups: dict[Hashable, int] = {}
    clusters = np.array([groups.setdefault(name, len(groups)) for name in names])
    points = []
    for k in ks:
        values = np.array([of_pool[k][0] for of_pool in worth])[numbers]
        squares = np.array([of_pool[k][1] ** 2 for of_pool in worth])[numbers]
        low, high = clustered_share(values, clusters, confidence)
        error = math.sqrt(math.fsum(squares.tolist())) / len(pools)
        points.append(CurvePoint(k, math.fsum(values.tolist()) / len(pools), low, high, error))
    return tuple(points)


def _counted(pool: SamplePool, ks: Sequence[int], measure: Measure) -> dict[int, tuple[float, float]]:
    if measure == "majority":
        exact = majority_at(pool, ks)
    else:
        estimate = pass_at if measure == "any" else all_pass_at
        exact = {k: estimate(pool, k) for k in ks}
    return {k: (float(value), 0.0) for k, value in exact.items()}


def _check(pool: SamplePool, ks: Sequence[int]) -> None:
    if not ks:
        raise UsageError("ks must hold at least one k")
    for k in ks:
        if not 1 <= k <= pool.n:
            raise UsageError(f"k must be from 1 to {pool.n}, the size of the pool, got {k}")
