"""Accuracy against what it costs: the frontier, the best at each budget, and the price of one more right answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reasoning.benchmarks.analysis.common_subset import Comparable
from reasoning.benchmarks.analysis.paired import Pair
from reasoning.benchmarks.analysis.summary import Row, rows
from reasoning.benchmarks.analysis.verdict import LEVEL
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
class Spent:
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
    efficient: bool
    often: float


@dataclass(frozen=True)
class Step:
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
    level_with: tuple[str, ...]
    one_more: float | None = None
    one_more_low: float | None = None
    one_more_high: float | None = None


@dataclass(frozen=True)
class Costs:
    """Accuracy against one measure of cost.

    Attributes:
        measure: of `MEASURES`.
        points: one for each strategy, the cheapest first.
        steps: those of the frontier, the cheapest first.
    """

    measure: str
    points: tuple[Spent, ...]
    steps: tuple[Step, ...]


def costs(results: Sequence[Result], on: Comparable, specs: Sequence[str], pairs: Sequence[Pair]) -> tuple[Costs, ...]:
    """Accuracy against every measure that is known for all strategies.

    Args:
        results: of these strategies.
        on: what is compared.
        specs: the strategies in order.
        pairs: all of them, which tell what can be told apart.
    """
    kept = on.of(results)
    made = rows(kept, specs)
    known = [name for name, of in MEASURES.items() if made and all(of(row.usage) is not None for row in made)]
    known = [name for name in known if any(MEASURES[name](row.usage) for row in made)]  # all free: nothing to weigh
    often = _often(kept, [row.strategy for row in made], known) if known else {}
    return tuple(_costs(name, made, pairs, often[name]) for name in known)


def _costs(measure: str, made: Sequence[Row], pairs: Sequence[Pair], often: Mapping[str, float]) -> Costs:
    points = [
        Spent(row.strategy, (MEASURES[measure](row.usage) or 0.0) / row.n, row.accuracy, *row.interval, False, 0.0)
        for row in made
    ]
    points.sort(key=lambda point: (point.cost, -point.accuracy))
    best, frontier = 0.0, set()  # what solves nothing is no bargain
    for point in points:
        if point.accuracy > best:
            best = point.accuracy
            frontier.add(point.strategy)
    points = [replace(point, efficient=point.strategy in frontier, often=often[point.strategy]) for point in points]
    return Costs(measure, tuple(points), _steps(points, pairs))


def _steps(points: Sequence[Spent], pairs: Sequence[Pair]) -> tuple[Step, ...]:
    frontier = [point for point in points if point.efficient]
    steps = []
    for before, point in pairwise([None, *frontier]):
        assert point is not None
        rivals = [other.strategy for other in points if other is not point and other.cost <= point.cost]
        level = tuple(other for other in rivals if _pair(pairs, point.strategy, other).adjusted >= LEVEL)
        step = Step(point.strategy, point.cost, point.accuracy, level)
        if before is not None:
            more, found = point.cost - before.cost, _pair(pairs, point.strategy, before.strategy).difference
            step = replace(
                step,
                one_more=more / (point.accuracy - before.accuracy),
                one_more_low=more / found.high if found.high > 0 else None,
                one_more_high=more / found.low if found.low > 0 else None,
            )
        steps.append(step)
    return tuple(steps)


def _pair(pairs: Sequence[Pair], first: str, second: str) -> Pair:
    return next(pair for pair in pairs if {pair.first, pair.second} == {first, second}).seen_from(first)


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
