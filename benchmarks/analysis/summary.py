"""Results added up, one row for each strategy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from reasoning.benchmarks.analysis.common_subset import CommonSubset, common_subset
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.statistics import clustered_share, wilson
from reasoning.messages import Usage


@dataclass(frozen=True)
class StrategySummary:
    """One strategy's numbers.

    Attributes:
        strategy: its spec.
        n: solves that count: answered or unparsed, over all repetitions. A failed call is no wrong answer.
        correct: of them, the right ones.
        unparsed: of them, those in which no answer could be read; they count as not right.
        failed: solves that do not count, since a call did not come through.
        usage: all draws that were used, whether paid for now or taken from the journal.
        interval: the 95 % interval of the accuracy: Wilson's; over repetitions, and where problems come
            in families, for as many values as are worth these, clustered by problem or family.
        best: whether no strategy solves more of what is compared; see `reasoning.benchmarks.analysis.common_subset`.
    """

    strategy: str
    n: int
    correct: int
    unparsed: int
    failed: int
    usage: Usage
    interval: tuple[float, float]
    best: bool = False

    @property
    def accuracy(self) -> float:
        """The share of right answers; 0 where nothing counts."""
        return self.correct / self.n if self.n else 0.0

    @property
    def seconds(self) -> float:
        """Seconds of model time for one solve that counts: its calls one after the other, measured when they were made.

        Not the wall time: that depends on what else was running, and is next to nothing for draws from the journal.
        """
        return self.usage.seconds / self.n if self.n else 0.0

    def to_json(self) -> dict[str, Any]:
        """Totals, as `--json` prints them; "accuracy" and "ci95" are null where nothing counts."""
        return {
            "strategy": self.strategy,
            "n": self.n,
            "correct": self.correct,
            "accuracy": round(self.accuracy, 4) if self.n else None,
            "ci95": [round(end, 4) for end in self.interval] if self.n else None,
            "unparsed": self.unparsed,
            "failed": self.failed,
            "calls": self.usage.calls,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "usd": None if self.usage.usd is None else round(self.usage.usd, 6),
            "seconds": round(self.usage.seconds, 3),
        }


def summarize(results: Iterable[Result], specs: Iterable[str], on: CommonSubset | None = None) -> list[StrategySummary]:
    """The rows of these strategies, in their order; those without any result are left out.

    Args:
        results: of these strategies and perhaps others.
        specs: the strategies.
        on: what the best is the best of; by default what these strategies have in common.
    """
    by_spec: dict[str, list[Result]] = {spec: [] for spec in specs}
    for result in results:
        if result.strategy in by_spec:
            by_spec[result.strategy].append(result)
    made = [_row(spec, of_spec) for spec, of_spec in by_spec.items() if of_spec]
    theirs = [one for of_spec in by_spec.values() for one in of_spec]
    right = Counter(one.strategy for one in (on or common_subset(theirs)).select(theirs) if one.correct)
    most = max(right.values(), default=None)
    return [replace(row, best=row.strategy in right and right[row.strategy] == most) for row in made]


def _row(spec: str, results: list[Result]) -> StrategySummary:
    counted = [result for result in results if not result.failed]
    return StrategySummary(
        spec,
        n=len(counted),
        correct=sum(result.correct is True for result in counted),
        unparsed=sum(result.state == "unparsed" for result in counted),
        failed=len(results) - len(counted),
        usage=sum((result.usage for result in results), Usage()),
        interval=_interval(counted),
    )


def _interval(counted: list[Result]) -> tuple[float, float]:
    right = [result.correct is True for result in counted]
    clusters = [result.cluster for result in counted]
    found: dict[Hashable, list[bool]] = {}
    for cluster, one in zip(clusters, right, strict=True):
        found.setdefault(cluster, []).append(one)
    alike = all(len(set(ones)) == 1 for ones in found.values())  # once each, or always the same
    sizes = {len(ones) for ones in found.values()}
    if alike and (len(sizes) <= 1 or len(set(right)) == 1):
        return wilson(sum(ones[0] for ones in found.values()), len(found))
    return clustered_share([float(one) for one in right], clusters)
