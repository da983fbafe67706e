"""Summaries of the results of each strategy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from reasoning.benchmarks.analysis.common_subset import CommonSubset, common_subset
from reasoning.benchmarks.analysis.metrics import Metric, measure, measured_examples
from reasoning.benchmarks.results.fitted import Fitted
from reasoning.benchmarks.results.result import STATES, Result
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.results.result_table import rows_of
from reasoning.benchmarks.statistics import clustered_share, wilson
from reasoning.messages import Usage
from reasoning.problem import Example


@dataclass(frozen=True)
class StrategySummary:
    """The summary of one strategy.

    Attributes:
        strategy: its spec.
        n: solves that count (answered or unparsed), over all repetitions. A failed call is not a
            wrong answer.
        correct: solves with a right answer.
        unparsed: solves in which no answer could be parsed. They count as not right.
        failed: solves that do not count because a call failed.
        repetitive: the number of solves with a reply that repeats itself until a limit cuts it off.
        usage: the usage of all draws, including those from the journal.
        interval: the 95 % interval of the accuracy. It is Wilson's; with repetitions or families of
            problems it is clustered, for the effective number of observations.
        best: whether no strategy solved more of the common subset; see `common_subset`.
        metrics: the metrics of tasks that have more than an accuracy.
        fitted: the records of what the strategy learned before the first problem. The cost of that is
            not part of `usage`.
        unrecorded: the parts of the usage that are unknown for some results; see `Result`.
    """

    strategy: str
    n: int
    correct: int
    unparsed: int
    failed: int
    usage: Usage
    interval: tuple[float, float]
    best: bool = False
    metrics: tuple[Metric, ...] = ()
    fitted: tuple[Fitted, ...] = ()
    repetitive: int = 0
    unrecorded: tuple[str, ...] = ()

    def knows(self, part: str) -> bool:
        """Return whether a part of the usage was recorded for all results: "calls", "tokens" or "seconds"."""
        return part not in self.unrecorded

    @property
    def fit_usage(self) -> Usage | None:
        """The usage of its fit; None if it was not fitted."""
        return Usage.total([record.usage for record in self.fitted]) if self.fitted else None

    @property
    def accuracy(self) -> float:
        """The share of right answers; 0 if no solve counts."""
        return self.correct / self.n if self.n else 0.0

    @property
    def seconds(self) -> float:
        """Seconds of model time for one solve that counts: the sum of its calls, measured when they were made.

        This is not wall time, which depends on what else was running and is almost 0 for draws from
        the journal.
        """
        return self.usage.seconds / self.n if self.n else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the totals that `--json` prints; "accuracy" and "ci95" are null if no solve counts.

        A part of the usage is null if it was not recorded.
        "cached_tokens", "cache_write_tokens" and "repetitive" are there if they are not 0, "metrics" if the
        task has any, and "fit" if the strategy was fitted.
        """
        tokens = self.knows("tokens")
        data: dict[str, Any] = {
            "strategy": self.strategy,
            "n": self.n,
            "correct": self.correct,
            "accuracy": round(self.accuracy, 4) if self.n else None,
            "ci95": [round(end, 4) for end in self.interval] if self.n else None,
            "unparsed": self.unparsed,
            "failed": self.failed,
            "calls": self.usage.calls if self.knows("calls") else None,
            "prompt_tokens": self.usage.prompt_tokens if tokens else None,
            "completion_tokens": self.usage.completion_tokens if tokens else None,
            "usd": None if self.usage.usd is None else round(self.usage.usd, 6),
            "seconds": round(self.usage.seconds, 3) if self.knows("seconds") else None,
            "reasoning_tokens": self.usage.reasoning_tokens if tokens else None,
        }
        for name in ("cached_tokens", "cache_write_tokens"):
            if count := getattr(self.usage, name):
                data[name] = count
        if self.repetitive:
            data["repetitive"] = self.repetitive
        if self.metrics:
            data["metrics"] = {metric.name: metric.to_json() for metric in self.metrics}
        if (fit := self.fit_usage) is not None:
            usd = None if fit.usd is None else round(fit.usd, 6)
            data["fit"] = {
                "calls": fit.calls,
                "prompt_tokens": fit.prompt_tokens,
                "completion_tokens": fit.completion_tokens,
                "usd": usd,
                "seconds": round(fit.seconds, 3),
                "learned": [
                    {"strategy": one.learner, "pool": one.pool, "note": one.note, "file": one.file}
                    for one in self.fitted
                ],
            }
        return data


def summarize(
    results: Iterable[Result],
    specs: Iterable[str],
    common: CommonSubset | None = None,
    examples: Mapping[str, Example] | None = None,
    fitted: Sequence[Fitted] = (),
) -> list[StrategySummary]:
    """Return the summaries of these strategies, in their order, without those that have no result.

    Args:
        results: the results of these strategies; others are ignored.
        specs: the strategies.
        common: the solves that determine the best strategy; by default those that these strategies have
            in common.
        examples: the examples by id, for metrics that compare answers with targets.
        fitted: the records of what the strategies of the run have learned.
    """
    specs = list(dict.fromkeys(specs))
    rows = rows_of(results)
    by_spec = {spec: own for spec in specs if len(own := rows.of_strategy(spec))}
    measured = measured_examples(examples or {})
    summaries = [
        replace(_summary(spec, own, measured), fitted=tuple(record for record in fitted if spec in record.strategies))
        for spec, own in by_spec.items()
    ]
    known = rows if common else rows.where(np.isin(rows.data["strategy"], rows.numbers("strategy", specs)))
    compared = (common or common_subset(known)).select(known)
    correct = {spec: int(np.sum(compared.of_strategy(spec).data["correct"])) for spec in by_spec}
    most = max(correct.values(), default=0)
    return [replace(row, best=most > 0 and correct[row.strategy] == most) for row in summaries]


def best_of(rows: Iterable[StrategySummary]) -> StrategySummary | None:
    """Return the summary with the most right answers, and among equals the fewest tokens.

    Args:
        rows: summaries of the same solves.
    """
    # Unknown tokens are not few.
    return min(
        rows, key=lambda row: (-row.correct, row.usage.completion_tokens if row.knows("tokens") else inf), default=None
    )


def _summary(spec: str, rows: ResultRows, examples: Mapping[str, Example]) -> StrategySummary:
    counted = rows.where(~rows.failed)
    data = counted.data
    return StrategySummary(
        spec,
        n=len(counted),
        correct=int(np.sum(data["correct"])),
        unparsed=int(np.sum(data["state"] == STATES.index("unparsed"))),
        failed=len(rows) - len(counted),
        usage=rows.usage(),
        interval=_interval(counted),
        metrics=measure(counted, examples),
        repetitive=int(np.sum(data["repetitive"])),
        unrecorded=tuple(sorted(rows.unrecorded)),
    )


def _interval(counted: ResultRows) -> tuple[float, float]:
    correct, clusters = counted.data["correct"], counted.clusters
    _, number = np.unique(clusters, return_inverse=True)
    sizes, right = np.bincount(number), np.bincount(number, weights=correct)
    # Clusters of one solve, or whose solves all agree, are single observations.
    agree = ((right == 0) | (right == sizes)).all()
    if agree and (len(np.unique(sizes)) <= 1 or len(np.unique(correct)) == 1):
        return wilson(int(np.sum(right > 0)), len(sizes))
    return clustered_share(correct.astype(float), clusters)
