"""The scores of strategies on problems as arrays, which paired tests over many problems need."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.results.result_table import rows_of

Scores = Mapping[str, Mapping[str, float]]
"""By strategy and problem, the share of right answers over the repetitions, without failed calls."""


@dataclass(frozen=True)
class ScoreTable:
    """Scores by strategy.

    Attributes:
        scores: for each strategy the scores of all problems in one order; NaN where it has none.
        clusters: for each problem the number of its family, or of the problem itself if it has none.
    """

    scores: Mapping[str, NDArray[np.float64]]
    clusters: NDArray[np.int64]

    @cached_property
    def has_families(self) -> bool:
        """True if some problems are in one family."""
        return len(np.unique(self.clusters)) < len(self.clusters)

    @classmethod
    def of(cls, scores: Scores, families: Mapping[str, str]) -> ScoreTable:
        """Return the table of scores by strategy and problem.

        Args:
            scores: the scores, from 0 to 1.
            families: the family of each problem that has one.
        """
        problems = dict.fromkeys(problem for by_problem in scores.values() for problem in by_problem)
        numbers: dict[Any, int] = {}
        clusters = [
            numbers.setdefault(("family", families[problem]) if problem in families else problem, len(numbers))
            for problem in problems
        ]
        arrays = {
            spec: np.array([by_problem.get(problem, np.nan) for problem in problems], dtype=float)
            for spec, by_problem in scores.items()
        }
        return cls(arrays, np.array(clusters, dtype=np.int64))

    @classmethod
    def of_results(cls, rows: ResultRows, right: NDArray[np.bool_]) -> ScoreTable:
        """Return the table of the shares of rows that are right, over the repetitions of each problem.

        Args:
            rows: the results that count.
            right: whether each of them counts as right.
        """
        distinct, first, problem = np.unique(rows.data["problem"], return_index=True, return_inverse=True)
        # Problems are numbered in the order of their first results.
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        problem = rank[problem]
        scores = {}
        for spec in rows.distinct("strategy"):
            own = rows.data["strategy"] == rows.numbers("strategy", [spec])[0]
            counts = np.bincount(problem[own], minlength=len(order))
            shares = np.full(len(order), np.nan)
            np.divide(np.bincount(problem[own], right[own], len(order)), counts, out=shares, where=counts > 0)
            scores[spec] = shares
        clusters = np.arange(len(order), dtype=np.int64)
        named = rows.where(rows.data["family"] >= 0)
        if len(named):
            of_problem = np.full(len(rows.names("problem")), -1, dtype=np.int64)
            of_problem[named.data["problem"]] = named.data["family"]
            family = of_problem[distinct[order]]
            clusters = np.where(family >= 0, family + len(order), clusters)
        return cls(scores, clusters)


def scores_by_problem(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Return the share of right answers by strategy and problem, without failed results."""
    rows = rows_of(results)
    rows = rows.where(~rows.failed)
    problems = rows.distinct("problem")
    return {
        spec: {
            problem: share for problem, share in zip(problems, shares.tolist(), strict=True) if not math.isnan(share)
        }
        for spec, shares in ScoreTable.of_results(rows, rows.data["correct"]).scores.items()
    }


def families(results: Iterable[Result]) -> dict[str, str]:
    """Return the family of each problem that has one."""
    rows = rows_of(results)
    problems, names = rows.names("problem"), rows.names("family")
    named = rows.where(rows.data["family"] >= 0).data
    pairs = zip(named["problem"].tolist(), named["family"].tolist(), strict=True)
    return {problems[problem]: names[family] for problem, family in pairs}
