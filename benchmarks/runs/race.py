"""A race while a run goes on: results are looked at problem by problem, in an order that is drawn before the run, and
so the same strategies are stopped after the same problems whatever came back first."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reasoning.benchmarks.results.result import Result, ResultKey


@dataclass(frozen=True)
class RaceRecord:
    """What a race decided, as a results folder notes it.

    Attributes:
        points: the margin, in points of accuracy.
        of: how many results a strategy makes without a race: problems × repetitions.
        out: the strategies that were stopped, with the number of problems after which.
    """

    margin: float
    results_per_strategy: int
    stopped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_metadata(cls, note: Mapping[str, Any] | None, specs: Collection[str]) -> RaceRecord | None:
        """What the note says of these strategies; None where there was no race."""
        if not note:
            return None
        out = {spec: after for spec, after in note["stopped"].items() if spec in specs}
        return cls(note["margin"], note["results_per_strategy"], out)


class RaceController:
    """Who is still in the running, kept up to date with every result.

    Args:
        problems: their ids, in the order in which they are looked at; see `shuffled`.
        of: how many the run has, of which only the first may be run; see `reasoning.benchmarks.statistics.racing.Race`.
        specs: the strategies.
        epochs: repetitions of each problem, which count with their mean.
        margin: in points of accuracy.
    """

    def __init__(self, problems: Sequence[str], of: float, specs: Sequence[str], epochs: int, margin: float) -> None:
        from reasoning.benchmarks.statistics.racing import Race

        self._problems, self._epochs, self._seen = problems, range(epochs), 0
        self.race = Race(specs, of, margin=margin / 100)

    @property
    def decided(self) -> bool:
        """Whether only one is left."""
        return len(self.race.remaining) == 1 < len(self.race.strategies)

    @property
    def stopped(self) -> Mapping[str, int]:
        """The strategies that were stopped, with the number of problems after which."""
        return self.race.stopped

    def update(self, results: Mapping[ResultKey, Result]) -> None:
        """Take in every problem that all strategies in the running have finished."""
        while self._seen < len(self._problems):
            problem = self._problems[self._seen]
            keys = {spec: [ResultKey(problem, spec, epoch) for epoch in self._epochs] for spec in self.race.remaining}
            if self.decided or not all(key in results for ones in keys.values() for key in ones):
                return
            self._seen += 1
            means = {spec: _mean(results[key] for key in ones) for spec, ones in keys.items()}
            self.race.update({spec: mean for spec, mean in means.items() if mean is not None})


def shuffled(problems: Iterable[str], seed: int) -> list[str]:
    """Problems in a random order, always the same, which is what a race's chance of error is over."""
    return sorted(problems, key=lambda problem: hashlib.sha256(f"race {seed} {problem}".encode()).digest())


def _mean(results: Iterable[Result]) -> float | None:
    """The share of right ones among those that count; None where none does."""
    counted = [result.correct is True for result in results if not result.failed]
    return sum(counted) / len(counted) if counted else None
