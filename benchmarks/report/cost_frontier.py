"""Accuracy against cost: the frontier, the best strategy at each budget, and the marginal cost of a right answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary, summarize
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_rows import Columns, ResultRows
from reasoning.messages import Usage

MEASURES: Mapping[str, Callable[[Usage], float | None]] = {
    "tokens": lambda usage: usage.prompt_tokens + usage.completion_tokens,
    "dollars": lambda usage: usage.usd,
    "calls": lambda usage: usage.calls,
    "seconds": lambda usage: usage.seconds,
}
"""The measures of cost. Tokens are prompt and completion tokens; seconds are model time, the sum of
all calls."""

_RESAMPLES = 1000


@dataclass(frozen=True)
class CostPoint:
    """The accuracy and the cost of one strategy.

    Attributes:
        strategy: its spec.
        cost: the mean cost of one problem.
        accuracy: the accuracy on the same problems.
        low, high: the ends of its 95 % interval.
        on_frontier: True if the strategy solves a problem, no other is at least as accurate at a
            lower cost, and no other is more accurate at the same cost.
        frontier_share: the share of bootstrap resamples, of problems or of their families, in which
            it is on the frontier.
    """

    strategy: str
    cost: float
    accuracy: float
    low: float
    high: float
    on_frontier: bool
    frontier_share: float


@dataclass(frozen=True)
class BudgetStep:
    """The best strategy from one budget up to the budget of the next step.

    Attributes:
        strategy: its spec.
        budget: the mean cost of one problem.
        accuracy: its accuracy.
        not_different_from: strategies within the budget that are not significantly different from it.
        marginal_cost: the cost of one more right answer, compared with the previous step; None for
            the first step.
        marginal_cost_low, marginal_cost_high: the same at the ends of the difference's 95 %
            interval; None if the difference may be 0, which makes the cost unbounded.
    """

    strategy: str
    budget: float
    accuracy: float
    not_different_from: tuple[str, ...]
    marginal_cost: float | None = None
    marginal_cost_low: float | None = None
    marginal_cost_high: float | None = None


@dataclass(frozen=True)
class CostFrontier:
    """Accuracy against one measure of cost.

    Attributes:
        measure: one of `MEASURES`.
        points: one point for each strategy, the cheapest first.
        steps: the steps of the frontier, the cheapest first.
    """

    measure: str
    points: tuple[CostPoint, ...]
    steps: tuple[BudgetStep, ...]


def cost_frontiers(
    results: Sequence[Result], common: CommonSubset, specs: Sequence[str], pairs: Sequence[PairedDifference]
) -> tuple[CostFrontier, ...]:
    """Return accuracy against every measure that is known for all strategies.

    Args:
        results: the results of these strategies.
        common: the solves on which strategies are compared.
        specs: the strategies, in order.
        pairs: the differences of all pairs of strategies, with their significance.
    """
    selected = common.select(results)
    rows = summarize(selected, specs)
    known = [
        name
        for name, cost in MEASURES.items()
        if rows and all(row.knows(name) and cost(row.usage) is not None for row in rows)
    ]
    # A measure that is 0 for every strategy has no frontier.
    known = [name for name in known if any(MEASURES[name](row.usage) for row in rows)]
    shares = _frontier_shares(selected, [row.strategy for row in rows], known) if known else {}
    return tuple(_frontier(name, rows, pairs, shares[name]) for name in known)


def _frontier(
    measure: str, rows: Sequence[StrategySummary], pairs: Sequence[PairedDifference], shares: Mapping[str, float]
) -> CostFrontier:
    points = [
        CostPoint(row.strategy, (MEASURES[measure](row.usage) or 0.0) / row.n, row.accuracy, *row.interval, False, 0.0)
        for row in rows
    ]
    points.sort(key=lambda point: (point.cost, -point.accuracy))
    # A strategy that solves nothing is not on the frontier, however cheap it is.
    best, frontier = 0.0, set()
    for point in points:
        if point.accuracy > best:
            best = point.accuracy
            frontier.add(point.strategy)
    points = [
        replace(point, on_frontier=point.strategy in frontier, frontier_share=shares[point.strategy])
        for point in points
    ]
    return CostFrontier(measure, tuple(points), _steps(points, pairs))


def _steps(points: Sequence[CostPoint], pairs: Sequence[PairedDifference]) -> tuple[BudgetStep, ...]:
    frontier = [point for point in points if point.on_frontier]
    steps = []
    for before, point in pairwise([None, *frontier]):
        assert point is not None
        rivals = [other.strategy for other in points if other is not point and other.cost <= point.cost]
        similar = tuple(other for other in rivals if not _pair(pairs, point.strategy, other).is_shown)
        step = BudgetStep(point.strategy, point.cost, point.accuracy, similar)
        if before is not None:
            extra, gain = point.cost - before.cost, _pair(pairs, point.strategy, before.strategy).difference
            step = replace(
                step,
                marginal_cost=extra / (point.accuracy - before.accuracy),
                marginal_cost_low=extra / gain.high if gain.high > 0 else None,
                marginal_cost_high=extra / gain.low if gain.low > 0 else None,
            )
        steps.append(step)
    return tuple(steps)


def _pair(pairs: Sequence[PairedDifference], first: str, second: str) -> PairedDifference:
    return next(pair for pair in pairs if {pair.first, pair.second} == {first, second}).oriented(first)


def _frontier_shares(results: ResultRows, specs: Sequence[str], measures: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the share of resamples in which a strategy is on the frontier, by measure and strategy.

    The bootstrap is over problems, or over families of problems, which are drawn as a whole.

    Source: Efron and Tibshirani (1993), "An Introduction to the Bootstrap", §6; Davison and Hinkley
    (1997), "Bootstrap Methods and their Application", §3.8.
    """
    data = results.data
    distinct, first, cluster = np.unique(results.clusters, return_index=True, return_inverse=True)
    # Clusters are numbered in the order of their first results.
    rank = np.empty(len(distinct), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(distinct))
    places = rank[cluster] * len(specs) + _columns(results, specs)

    def add(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.bincount(places, values, len(distinct) * len(specs)).astype(np.float64)
        return sums.reshape(len(distinct), len(specs))

    right, solves = add(data["correct"].astype(float)), add(np.ones(len(data)))
    cost = np.stack([add(_amounts(data, measure)) for measure in measures])
    random, n = np.random.default_rng(0), len(distinct)
    counts = np.zeros((len(measures), len(specs)))
    for _ in range(_RESAMPLES):
        weight = np.bincount(random.integers(n, size=n), minlength=n)
        resampled = weight @ solves
        accuracy = weight @ right / resampled
        for number in range(len(measures)):
            mean = weight @ cost[number] / resampled
            cheaper = (mean[None, :] < mean[:, None]) & (accuracy[None, :] >= accuracy[:, None])
            better = (mean[None, :] <= mean[:, None]) & (accuracy[None, :] > accuracy[:, None])
            counts[number] += (accuracy > 0) & ~(cheaper | better).any(axis=1)
    return {
        measure: dict(zip(specs, (counts[number] / _RESAMPLES).tolist(), strict=True))
        for number, measure in enumerate(measures)
    }


def _columns(results: ResultRows, specs: Sequence[str]) -> NDArray[np.int64]:
    """Return the position of each row's strategy."""
    positions = np.zeros(len(results.names("strategy")), dtype=np.int64)
    positions[results.numbers("strategy", specs)] = np.arange(len(specs))
    columns: NDArray[np.int64] = positions[results.data["strategy"]]
    return columns


def _amounts(data: Columns, measure: str) -> NDArray[np.float64]:
    """Return the cost of each row by one of `MEASURES`; 0 where it is not known."""
    if measure == "tokens":
        amounts = data["prompt_tokens"] + data["completion_tokens"]
    else:
        amounts = data[{"dollars": "usd"}.get(measure, measure)]
    known: NDArray[np.float64] = np.nan_to_num(amounts)
    return known
