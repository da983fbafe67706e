"""A race during a run: strategies that can no longer win are stopped.

The race takes the results problem by problem, in a random order that is fixed before the run. It
therefore stops the same strategies after the same problems, in whatever order the results arrive.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.strategy import Strategy


@dataclass(frozen=True)
class RaceRecord:
    """The outcome of a race, as a results folder stores it.

    Attributes:
        margin: the margin, in percentage points of accuracy.
        results_per_strategy: the results that a strategy has without a race: problems × repetitions.
        stopped: the stopped strategies, each with the number of problems after which it was stopped.
        specs: the strategies that raced.
    """

    margin: float
    results_per_strategy: int
    stopped: Mapping[str, int] = field(default_factory=dict)
    specs: tuple[str, ...] = ()

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], specs: Collection[str]) -> RaceRecord | None:
        """Return the record of the race of these strategies; None if there was none.

        Strategies that were added to the folder after a race did not race. Without a stopped one among
        them, a table of other strategies than those of the race is not the table of a race.

        Args:
            metadata: the metadata of a results folder.
            specs: the strategies of a table.
        """
        data = metadata.get("race")
        if not data:
            return None
        raced = data.get("strategies") or _raced_before(metadata)
        stopped = {spec: problems for spec, problems in data["stopped"].items() if spec in specs}
        if not stopped and set(raced) != set(specs):
            return None
        return cls(data["margin"], data["results_per_strategy"], stopped, tuple(s for s in raced if s in specs))


def _raced_before(metadata: Mapping[str, Any]) -> list[str]:
    """Return the strategies of the races of a folder whose record does not name them."""
    races = [one for one in metadata.get("invocations", ()) if one.get("race_margin") is not None]
    return list(dict.fromkeys(spec for race in races for spec in race.get("strategies", ())))


class RaceController:
    """The race of a run, updated with every result.

    Args:
        problems: the ids of the problems in the order of the race; see `shuffled`.
        total: the number of problems of the run, of which `problems` may be the first part;
            infinity races over all problems of this kind. See
            `reasoning.benchmarks.statistics.racing.Race`.
        specs: the strategies.
        epochs: the repetitions of each problem; they count with their mean.
        margin: the margin, in percentage points of accuracy.
    """

    def __init__(self, problems: Sequence[str], total: float, specs: Sequence[str], epochs: int, margin: float) -> None:
        from reasoning.benchmarks.statistics.racing import Race

        self._problems, self._epochs, self._seen = problems, range(epochs), 0
        self.race = Race(specs, total, margin=margin / 100)

    @property
    def decided(self) -> bool:
        """Return whether one strategy alone remains."""
        return len(self.race.remaining) == 1 < len(self.race.strategies)

    @property
    def stopped(self) -> Mapping[str, int]:
        """The stopped strategies, each with the number of problems after which it was stopped."""
        return self.race.stopped

    def update(self, results: Mapping[ResultKey, Result]) -> None:
        """Take in every problem that all remaining strategies have finished."""
        while self._seen < len(self._problems):
            problem = self._problems[self._seen]
            keys = {spec: [ResultKey(problem, spec, epoch) for epoch in self._epochs] for spec in self.race.remaining}
            if self.decided or not all(key in results for keys_of_spec in keys.values() for key in keys_of_spec):
                return
            self._seen += 1
            of_spec = {spec: [results[key] for key in keys_of_spec] for spec, keys_of_spec in keys.items()}
            self.race.update(
                {spec: _share(results, could_be=False) for spec, results in of_spec.items()},
                {spec: _share(results, could_be=True) for spec, results in of_spec.items()},
            )


def start_race(
    store: ResultsFolder, ids: list[str], named: Mapping[str, Strategy], config: RunConfig, keys: list[ResultKey]
) -> tuple[RaceController | None, list[ResultKey]]:
    """Return the race up to the stored results, and the missing results of its remaining strategies."""
    if config.race_margin is None or len(named) < 2:
        return None, keys
    total = math.inf if config.race_over_population else min(len(store.examples), config.limit)
    race = RaceController(ids, total, list(named), config.epochs, config.race_margin)
    missing = set(keys)
    race.update({key: result for key, result in store.results.items() if key not in missing})
    return race, [] if race.decided else [key for key in keys if key.strategy not in race.stopped]


def record_race(
    store: ResultsFolder, race: RaceController | None, problems: int, named: Mapping[str, Strategy], config: RunConfig
) -> None:
    """Store the outcome of the race. Strategies run without a race are no longer stopped by an earlier one."""
    record = store.metadata.get("race") or {}
    stopped = {name: after for name, after in record.get("stopped", {}).items() if name not in named}
    if race:
        record = {
            "strategies": list(named),
            "margin": config.race_margin,
            "results_per_strategy": problems * config.epochs,
            "over_population": config.race_over_population,
        }
        stopped |= race.stopped
    if race or record:
        store.update_metadata(race={**record, "stopped": stopped} if race or stopped else None)


def shuffled(problems: Iterable[str], seed: int) -> list[str]:
    """Return the problems in a random order that depends on the seed and the ids alone.

    The error rate of a race holds over this order.
    """
    return sorted(problems, key=lambda problem: hashlib.sha256(f"race {seed} {problem}".encode()).digest())


def _share(results: Sequence[Result], could_be: bool) -> float:
    """Return the share of right answers, with or without those that could have been right."""
    return sum(result.correct is True or (could_be and result.could_be_right) for result in results) / len(results)
