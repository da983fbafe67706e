"""Accuracy against the number of samples, from one pool of draws a problem: maj@k and pass@k, without bias.

    pools = [SamplePool.from_vote(majority(values, kind), example.score) for …]
    curve(pools, [1, 5, 10, 20])                      # the vote of k
    curve(pools, [1, 5, 10, 20], measure="any")       # any of k is right: pass@k, what a perfect verifier would reach

A pool of n draws tells what k of them would have given: the mean over all subsets of k, and not the first k.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from random import Random
from typing import Any, Literal

from reasoning.benchmarks.statistics import clustered_share
from reasoning.errors import UsageError
from reasoning.voting import Vote

MAX_EXACT = 1 << 16
"""Up to so many draws of a pool times the largest k are counted out exactly (256 draws: half a second for the whole
curve at worst; 1,000 draws up to k = 40: 0.05 s); larger pools are sampled."""
SHUFFLES = 4000
"""How often a larger pool is shuffled; the standard error of one problem's value is then at most 0.008."""


@dataclass(frozen=True)
class SamplePool:
    """The draws of one problem.

    Attributes:
        right: how often each right answer was drawn; mostly there is one.
        wrong: how often each wrong answer was drawn.
        unread: draws without an answer; they neither vote nor are right.
        cluster: what the problem has in common with others, such as its family; None for nothing.
    """

    right: tuple[int, ...]
    wrong: tuple[int, ...]
    unparsed: int = 0
    cluster: Hashable = None

    @classmethod
    def from_vote(cls, vote: Vote, right: Callable[[Any], bool], cluster: Hashable = None) -> SamplePool:
        """The pool that was voted on, such as `answer.votes`; `right` tells right values, such as `example.score`."""
        scored = [(len(one.draws), bool(right(one.value))) for one in vote.candidates]
        return cls(
            tuple(count for count, fine in scored if fine),
            tuple(count for count, fine in scored if not fine),
            vote.total - vote.valid,
            cluster,
        )

    @property
    def n(self) -> int:
        """All draws."""
        return sum(self.right) + sum(self.wrong) + self.unparsed


@dataclass(frozen=True)
class CurvePoint:
    """One point of a curve.

    Attributes:
        k: draws a problem.
        mean: over the problems.
        low, high: its interval, for problems like these.
        error: the standard error that sampling of large pools adds to the mean; 0 where all was counted out.
    """

    k: int
    mean: float
    low: float
    high: float
    error: float = 0.0


def pass_at(pool: SamplePool, k: int) -> Fraction:
    """The chance that any of k draws is right: pass@k, exactly.

    Source: Chen et al. 2021, arXiv 2107.03374, §2.1: 1 - C(n - c, k) / C(n, k) for c right ones of n.
    """
    _check(pool, [k])
    return 1 - Fraction(math.comb(pool.n - sum(pool.right), k), math.comb(pool.n, k))


def majority_at(pool: SamplePool, ks: Sequence[int]) -> dict[int, Fraction]:
    """The chance that the vote of k draws is right: maj@k, exactly.

    All subsets of k draws are counted, without listing them. For a winner that has m votes, the number of subsets is a
    coefficient of a product of polynomials, one for each candidate, that say in how many ways it gets fewer than m (or
    m: a tie). A tie counts by the share of its winners that are right. That is also what the earliest draw of a tie
    gives, over all orders of the draws. Takes about n³ steps at worst.
    """
    _check(pool, ks)
    most, width = max(ks), pool.n + 1  # polynomials as whole numbers, `width` bits a coefficient: none exceeds 2^n
    ways = {k: Fraction(0) for k in ks}
    for count, equal in Counter(pool.right).items():
        others = [*pool.right, *pool.wrong]
        others.remove(count)
        for votes in range(1, min(count, most) + 1):
            for rivals, product in enumerate(_products(others, pool.unparsed, votes, most, width)):
                for k in ks:
                    subsets = product >> ((k - votes) * width) & ((1 << width) - 1) if k >= votes else 0
                    ways[k] += Fraction(equal * math.comb(count, votes) * subsets, rivals + 1)
    return {k: found / math.comb(pool.n, k) for k, found in ways.items()}


def _products(others: Sequence[int], unread: int, votes: int, most: int, width: int) -> list[int]:
    """By the number of rivals that tie: the ways to draw the rest, if all others have at most so many votes."""

    def polynomial(coefficients: Sequence[int]) -> int:
        return sum(one << place * width for place, one in enumerate(coefficients))

    within = (1 << (most - votes + 1) * width) - 1  # no more draws than there are
    free = unread + sum(one for one in others if one < votes)  # these can neither win nor tie
    products = [polynomial([math.comb(free, j) for j in range(min(free, most) + 1)]) & within]
    for one in others:
        if one >= votes:
            fewer = polynomial([math.comb(one, j) for j in range(votes)])
            level = math.comb(one, votes) << votes * width
            padded = [0, *products, 0]
            products = [(padded[t + 1] * fewer + padded[t] * level) & within for t in range(len(products) + 1)]
            while len(products) > 1 and not products[-1]:
                products.pop()
    return products


def estimate_majority_at(pool: SamplePool, ks: Sequence[int], seed: int | str = 0) -> dict[int, tuple[float, float]]:
    """The same from random orders of the pool: for each k the mean and its standard error."""
    _check(pool, ks)
    random, most = Random(str(seed)), max(ks)
    counts = [*pool.right, *pool.wrong]
    draws = [place for place, count in enumerate(counts) for _ in range(count)] + [-1] * pool.unparsed
    sums = {k: [0.0, 0.0] for k in ks}
    for _ in range(SHUFFLES):
        votes = [0] * len(counts)
        for drawn, place in enumerate(random.sample(draws, most), 1):
            if place >= 0:
                votes[place] += 1
            if drawn in sums:
                top = max(votes, default=0)
                tied = [at for at, have in enumerate(votes) if have == top and top]
                worth = sum(at < len(pool.right) for at in tied) / len(tied) if tied else 0.0
                sums[drawn][0] += worth
                sums[drawn][1] += worth * worth
    found = {}
    for k, (total, squares) in sums.items():
        mean = total / SHUFFLES
        error = math.sqrt(max(0.0, squares / SHUFFLES - mean * mean) / (SHUFFLES - 1))
        found[k] = mean, max(error, 1 / SHUFFLES)  # what was never seen may still be there, and rare
    return found


def curve(
    pools: Sequence[SamplePool],
    ks: Sequence[int],
    *,
    measure: Literal["majority", "any"] = "majority",
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[CurvePoint, ...]:
    """The mean over problems at each k, with an interval for the mean over all problems of this sort.

    The interval is `clustered_share`, from the spread between problems (which holds that between draws), with problems
    of a cluster taken as one observation. The points of a curve share their draws: their intervals are no test of one k
    against another.

    Args:
        pools: one for each problem; all with at least max(ks) draws.
        ks: numbers of draws.
        measure: "majority", the vote of k is right; "any", at least one of k is right.
        seed: of the sampling of pools that are too large to count out; see `MAX_EXACT`.

    Raises:
        UsageError: no pools, or one with fewer draws than asked for.
    """
    if not pools:
        raise UsageError("a curve needs the pool of at least one problem")
    for pool in pools:
        _check(pool, ks)
    worth = [_worth(pool, ks, measure, f"{seed} {place}") for place, pool in enumerate(pools)]
    clusters = [("own", place) if pool.cluster is None else ("of", pool.cluster) for place, pool in enumerate(pools)]
    points = []
    for k in ks:
        values = [one[k][0] for one in worth]
        low, high = clustered_share(values, clusters, confidence)
        error = math.sqrt(math.fsum(one[k][1] ** 2 for one in worth)) / len(worth)
        points.append(CurvePoint(k, math.fsum(values) / len(values), low, high, error))
    return tuple(points)


def _worth(pool: SamplePool, ks: Sequence[int], measure: str, seed: str) -> dict[int, tuple[float, float]]:
    if measure == "any" or pool.n * max(ks) <= MAX_EXACT:
        return _counted(replace(pool, cluster=None), tuple(ks), measure)
    return estimate_majority_at(pool, ks, seed)


@lru_cache(maxsize=4096)  # many problems have the same pool: all right, or one draw apart
def _counted(pool: SamplePool, ks: tuple[int, ...], measure: str) -> dict[int, tuple[float, float]]:
    found = {k: pass_at(pool, k) for k in ks} if measure == "any" else majority_at(pool, ks)
    return {k: (float(value), 0.0) for k, value in found.items()}


def _check(pool: SamplePool, ks: Sequence[int]) -> None:
    if not ks:
        raise UsageError("name at least one k")
    for k in ks:
        if not 1 <= k <= pool.n:
            raise UsageError(f"k={k}: the pool has {pool.n} draws, so k is from 1 to {pool.n}")
