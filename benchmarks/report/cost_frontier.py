"""Accuracy against what it costs: the frontier, the best at each budget, and the price of one more right answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.summary import StrategySummary, summarize
from reasoning.benchmarks.analysis.verdict import ALPHA
from reasoning.benchmarks.results.result import Result
from reasoning.messages import Usage

MEASURES: Mapping[str, Callable[[Usage], float | None]] = {
    "tokens": lambda usage: usage.prompt_tokens + usage.completion_tokens,
    "dollars": lambda usage: usage.usd,
    "calls": lambda usage: usage.calls,
    "seconds": lambda usage: usage.seconds,
}
"""What may be scarce. Tokens are those in and out; seconds are model time, one call after the other."""

_RESAMPLES = 1000


@dataclass(frozen=True)
class CostPoint:
    """One strategy's place.

    Attributes:
        strategy: its spec.
        cost: for one problem, on average.
        accuracy: on the same problems.
        low, high: its 95 % interval.
        efficient: whether it solves anything, and no other is as accurate for less or more accurate for as much.
        often: in which share of resamples of the problems, or of their families, that is so.
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
    """The best from one budget on, until the next step.

    Attributes:
        strategy: its spec.
        budget: what it takes for one problem, on average.
        accuracy: what that gives.
        level_with: strategies within the budget that cannot be told apart from it.
        one_more: what one more right answer costs, beside the step before; None for the first.
        one_more_low, one_more_high: the same at the ends of the difference's 95 % interval; None where the difference
            may be none, so that no price is too high.
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
        measure: of `MEASURES`.
        points: one for each strategy, the cheapest first.
        steps: those of the frontier, the cheapest first.
    """

    measure: str
    points: tuple[CostPoint, ...]
    steps: tuple[BudgetStep, ...]


def cost_frontiers(
    results: Sequence[Result], on: CommonSubset, specs: Sequence[str], pairs: Sequence[PairedDifference]
) -> tuple[CostFrontier, ...]:
    """Accuracy against every measure that is known for all strategies.

    Args:
        results: of these strategies.
        on: what is compared.
        specs: the strategies in order.
        pairs: all of them, which tell what can be told apart.
    """
    kept = on.select(results)
    made = summarize(kept, specs)
    known = [name for name, of in MEASURES.items() if made and all(of(row.usage) is not None for row in made)]
    known = [name for name in known if any(MEASURES[name](row.usage) for row in made)]  # all free: nothing to weigh
    often = _often(kept, [row.strategy for row in made], known) if known else {}
    return tuple(_costs(name, made, pairs, often[name]) for name in known)


def _costs(
    measure: str, made: Sequence[StrategySummary], pairs: Sequence[PairedDifference], often: Mapping[str, float]
) -> CostFrontier:
    points = [
        CostPoint(row.strategy, (MEASURES[measure](row.usage) or 0.0) / row.n, row.accuracy, *row.interval, False, 0.0)
        for row in made
    ]
    points.sort(key=lambda point: (point.cost, -point.accuracy))
    best, frontier = 0.0, set()  # what solves nothing is no bargain
    for point in points:
        if point.accuracy > best:
            best = point.accuracy
            frontier.add(point.strategy)
    points = [
        replace(point, on_frontier=point.strategy in frontier, frontier_share=often[point.strategy]) for point in points
    ]
    return CostFrontier(measure, tuple(points), _steps(points, pairs))


def _steps(points: Sequence[CostPoint], pairs: Sequence[PairedDifference]) -> tuple[BudgetStep, ...]:
    frontier = [point for point in points if point.on_frontier]
    steps = []
    for before, point in pairwise([None, *frontier]):
        assert point is not None
        rivals = [other.strategy for other in points if other is not point and other.cost <= point.cost]
        level = tuple(other for other in rivals if _pair(pairs, point.strategy, other).p_adjusted >= ALPHA)
        step = BudgetStep(point.strategy, point.cost, point.accuracy, level)
        if before is not None:
            more, found = point.cost - before.cost, _pair(pairs, point.strategy, before.strategy).difference
            step = replace(
                step,
                marginal_cost=more / (point.accuracy - before.accuracy),
                marginal_cost_low=more / found.high if found.high > 0 else None,
                marginal_cost_high=more / found.low if found.low > 0 else None,
            )
        steps.append(step)
    return tuple(steps)


def _pair(pairs: Sequence[PairedDifference], first: str, second: str) -> PairedDifference:
    return next(pair for pair in pairs if {pair.first, pair.second} == {first, second}).oriented(first)


def _often(kept: Sequence[Result], specs: Sequence[str], measures: Sequence[str]) -> dict[str, dict[str, float]]:
    """By measure and strategy: in which share of resamples of the problems it lies on the frontier.

    The bootstrap over problems, or over families of them, which are drawn as a whole: Efron and Tibshirani (1993), "An
    Introduction to the Bootstrap", §6; Davison and Hinkley (1997), "Bootstrap Methods and their Application", §3.8.
    """
    import numpy as np

    place = {spec: number for number, spec in enumerate(specs)}
    cluster = {one: number for number, one in enumerate(dict.fromkeys(result.cluster for result in kept))}
    right, times = np.zeros((len(cluster), len(specs))), np.zeros((len(cluster), len(specs)))
    cost = np.zeros((len(measures), len(cluster), len(specs)))
    for result in kept:
        at = cluster[result.cluster], place[result.strategy]
        right[at] += result.correct is True
        times[at] += 1
        for number, measure in enumerate(measures):
            cost[number][at] += MEASURES[measure](result.usage) or 0.0
    random, n = np.random.default_rng(0), len(cluster)
    found = np.zeros((len(measures), len(specs)))
    for _ in range(_RESAMPLES):
        weight = np.bincount(random.integers(n, size=n), minlength=n)
        solves = weight @ times
        accuracy = weight @ right / solves
        for number in range(len(measures)):
            each = weight @ cost[number] / solves
            cheaper = (each[None, :] < each[:, None]) & (accuracy[None, :] >= accuracy[:, None])
            better = (each[None, :] <= each[:, None]) & (accuracy[None, :] > accuracy[:, None])
            found[number] += (accuracy > 0) & ~(cheaper | better).any(axis=1)
    return {
        measure: dict(zip(specs, (found[number] / _RESAMPLES).tolist(), strict=True))
        for number, measure in enumerate(measures)
    }
