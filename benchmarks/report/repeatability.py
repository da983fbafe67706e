"""Repeatability: the variance between runs, if problems were solved several times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.results.result_table import rows_of
from reasoning.benchmarks.statistics.variance_components import (
    VarianceComponents,
    WinProbabilities,
    single_run,
    variance_components,
)

Solves: TypeAlias = Mapping[str, NDArray[Any]]
"""Some columns of the solves of one strategy: problems × epochs."""
_MEASURES: Mapping[str, Callable[[Solves], NDArray[np.float64]]] = {
    "accuracy": lambda solves: solves["correct"].astype(float),
    "tokens": lambda solves: solves["prompt_tokens"] + solves["completion_tokens"],
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
    rows = rows_of(results)
    epochs = np.unique(rows.data["epoch"])
    if len(epochs) < 2:
        return ()
    complete = {spec: _complete(rows.of_strategy(spec), len(epochs)) for spec in specs}
    found = []
    for spec, solves in complete.items():
        if len(solves["problem"]) < 2:
            continue
        wins = None if best is None or best == spec else _best_wins(complete[best], solves)
        for measure, value in _MEASURES.items():
            if measure == "tokens" and "tokens" in rows.of_strategy(spec).unrecorded:
                continue
            table = value(solves).tolist()
            mean = sum(map(sum, table)) / len(table) / len(epochs)
            best_wins = wins if measure == "accuracy" else None
            noise = variance_components(table)
            found.append(Repeatability(spec, measure, len(table), len(epochs), mean, noise, best_wins))
    return tuple(found)


def _complete(rows: ResultRows, epochs: int) -> Solves:
    """Return the rows of the problems that were answered in every epoch: problems × epochs."""
    data = rows.where(~rows.failed).data
    _, first, number, count = np.unique(data["problem"], return_index=True, return_inverse=True, return_counts=True)
    whole, place = data.where(count[number] == epochs), first[number][count[number] == epochs]
    order = np.lexsort((whole["epoch"], place))
    return {
        name: whole[name][order].reshape(-1, epochs)
        for name in ("problem", "correct", "prompt_tokens", "completion_tokens")
    }


def _best_wins(best: Solves, other: Solves) -> WinProbabilities | None:
    both, places, places_of_other = np.intersect1d(best["problem"][:, 0], other["problem"][:, 0], return_indices=True)
    order = np.argsort(places)

    def shares(right: NDArray[np.bool_]) -> list[float]:
        means: list[float] = (right.sum(axis=1) / right.shape[1]).tolist()
        return means

    of_both = best["correct"][places[order]], other["correct"][places_of_other[order]]
    return single_run(*map(shares, of_both)) if len(both) else None
