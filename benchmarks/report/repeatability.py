"""What changes from run to run, where problems were solved several times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.statistics.variance_components import (
    VarianceComponents,
    WinProbabilities,
    single_run,
    variance_components,
)

_MEASURES: Mapping[str, Callable[[Result], float]] = {
    "accuracy": lambda one: float(one.correct is True),
    "tokens": lambda one: one.usage.prompt_tokens + one.usage.completion_tokens,
}


@dataclass(frozen=True)
class Repeatability:
    """One strategy's repetitions.

    Attributes:
        strategy: its spec.
        measure: what varies: "accuracy", from 0 to 1, or "tokens", in and out, of a solve.
        problems: how many were answered in every repetition; the others are left out.
        epochs: how many repetitions there are.
        mean: over all of them.
        noise: where the variance comes from.
        best: how likely the best strategy and this one have more right answers when each is run once, over the problems
            that both answered in every repetition; None for tokens, and of the best itself.
    """

    strategy: str
    measure: str
    problems: int
    epochs: int
    mean: float
    noise: VarianceComponents
    best_wins: WinProbabilities | None = None


def measure_repeatability(
    results: Sequence[Result], specs: Sequence[str], best: str | None
) -> tuple[Repeatability, ...]:
    """By strategy and measure; those with fewer than two problems answered in every repetition are left out.

    Args:
        results: of these strategies.
        specs: the strategies in order.
        best: the one beside which single runs are put.
    """
    epochs = sorted({one.epoch for one in results})
    if len(epochs) < 2:
        return ()
    answered: dict[str, dict[str, dict[int, Result]]] = {spec: {} for spec in specs}
    for one in results:
        if not one.failed and one.strategy in answered:
            answered[one.strategy].setdefault(one.problem, {})[one.epoch] = one
    whole = {
        spec: {problem: ones for problem, ones in by_problem.items() if len(ones) == len(epochs)}
        for spec, by_problem in answered.items()
    }
    made = []
    for spec, by_problem in whole.items():
        if len(by_problem) < 2:
            continue
        wins = None if best is None or best == spec else _wins(whole[best], by_problem)
        for measure, of in _MEASURES.items():
            table = [[of(ones[epoch]) for epoch in epochs] for ones in by_problem.values()]
            mean = sum(map(sum, table)) / len(table) / len(epochs)
            beside = wins if measure == "accuracy" else None
            made.append(Repeatability(spec, measure, len(table), len(epochs), mean, variance_components(table), beside))
    return tuple(made)


def _wins(
    first: Mapping[str, Mapping[int, Result]], second: Mapping[str, Mapping[int, Result]]
) -> WinProbabilities | None:
    both = [problem for problem in first if problem in second]

    def shares(of: Mapping[str, Mapping[int, Result]]) -> list[float]:
        return [sum(one.correct is True for one in of[problem].values()) / len(of[problem]) for problem in both]

    return single_run(shares(first), shares(second)) if both else None
