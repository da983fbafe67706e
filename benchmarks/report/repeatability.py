"""Repeatability: the variance between runs, if problems were solved several times."""

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
    "accuracy": lambda result: float(result.correct is True),
    "tokens": lambda result: result.usage.prompt_tokens + result.usage.completion_tokens,
}


@dataclass(frozen=True)
class Repeatability:
    """The repeatability of one strategy.

    Attributes:
        strategy: its spec.
        measure: "accuracy", from 0 to 1, or "tokens", the prompt and completion tokens of a solve.
        problems: the number of problems that were answered in every repetition; others are left out.
        epochs: the number of repetitions.
        mean: the mean over all of them.
        noise: the components of the variance.
        best_wins: the probabilities that the best strategy has more right answers than this one, or
            the same number, if each is run once on the problems that both answered in every
            repetition; None for tokens and for the best strategy.
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
    """Return the repeatability by strategy and measure.

    Strategies with fewer than two problems answered in every repetition are left out.

    Args:
        results: the results of these strategies.
        specs: the strategies, in order.
        best: the best strategy, to which single runs are compared.
    """
    epochs = sorted({result.epoch for result in results})
    if len(epochs) < 2:
        return ()
    answered: dict[str, dict[str, dict[int, Result]]] = {spec: {} for spec in specs}
    for result in results:
        if not result.failed and result.strategy in answered:
            answered[result.strategy].setdefault(result.problem, {})[result.epoch] = result
    complete = {
        spec: {problem: by_epoch for problem, by_epoch in by_problem.items() if len(by_epoch) == len(epochs)}
        for spec, by_problem in answered.items()
    }
    rows = []
    for spec, by_problem in complete.items():
        if len(by_problem) < 2:
            continue
        wins = None if best is None or best == spec else _best_wins(complete[best], by_problem)
        recorded = all("tokens" not in one.unrecorded for by_epoch in by_problem.values() for one in by_epoch.values())
        for measure, value in _MEASURES.items():
            if measure == "tokens" and not recorded:
                continue
            table = [[value(by_epoch[epoch]) for epoch in epochs] for by_epoch in by_problem.values()]
            mean = sum(map(sum, table)) / len(table) / len(epochs)
            best_wins = wins if measure == "accuracy" else None
            noise = variance_components(table)
            rows.append(Repeatability(spec, measure, len(table), len(epochs), mean, noise, best_wins))
    return tuple(rows)


def _best_wins(
    best: Mapping[str, Mapping[int, Result]], other: Mapping[str, Mapping[int, Result]]
) -> WinProbabilities | None:
    both = [problem for problem in best if problem in other]

    def shares(by_problem: Mapping[str, Mapping[int, Result]]) -> list[float]:
        return [
            sum(result.correct is True for result in by_problem[problem].values()) / len(by_problem[problem])
            for problem in both
        ]

    return single_run(shares(best), shares(other)) if both else None
