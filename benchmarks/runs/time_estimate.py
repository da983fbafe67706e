"""An estimate of the remaining time of a run, from the model time of each strategy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from reasoning.benchmarks.results.result import Result, ResultKey


class TimeEstimate:
    """An estimate of the remaining time, learned from results. All times are seconds of one clock.

    A solve counts with its model time: the seconds of its calls, one after the other. Draws from
    the journal take no time, so they say nothing about the speed. For a strategy that has bought
    no draws yet, the model time of its recorded draws is used.

    A race stops strategies of very different cost, so results per second would be no estimate.

    Args:
        keys: the results to make.
        stored: the results of earlier runs.
    """

    def __init__(self, keys: Iterable[ResultKey], stored: Iterable[Result]) -> None:
        self._remaining = Counter(key.strategy for key in keys)
        self._bought: defaultdict[str, _Mean] = defaultdict(_Mean)
        self._recorded: defaultdict[str, _Mean] = defaultdict(_Mean)
        self._started: float | None = None
        self._finished_seconds = 0.0
        for result in stored:
            self.record(result)

    def add(self, result: Result, now: float) -> None:
        """Take in a new result."""
        self._remaining[result.strategy] -= 1
        self._finished_seconds += result.spent.seconds
        if not result.spent.calls:
            self.record(result)
            return
        started = now - result.seconds
        self._started = started if self._started is None else min(started, self._started)
        if not result.failed:
            self._bought[result.strategy].add(result.spent.seconds)

    def estimate(self, spent: float, now: float, ready: float = 0.0, stopped: Collection[str] = ()) -> float | None:
        """Return the seconds to the end of the run.

        Args:
            spent: model time bought so far, in seconds, including solves in progress.
            now: the time.
            ready: the time at which the model could take its first call.
            stopped: strategies that are not run any more.

        Returns:
            None if there is no basis for an estimate: nothing has been bought yet, or the solves in
            progress take longer than usual.
        """
        bought = _Mean(sum(one.total for one in self._bought.values()), sum(one.n for one in self._bought.values()))
        if self._started is None or not bought.n or not spent:
            return None
        work = sum(
            count * next(one for one in (self._bought[spec], self._recorded[spec], bought) if one.n).value
            for spec, count in self._remaining.items()
            if spec not in stopped
        )
        in_progress = max(0.0, spent - self._finished_seconds)
        if in_progress >= work:
            return None
        pace = spent / max(now - max(self._started, ready), 1e-3)
        return (work - in_progress) / pace

    def record(self, result: Result) -> None:
        """Take in a result of an earlier run."""
        if not result.failed:
            usage = result.spent if result.spent.calls else result.usage
            self._recorded[result.strategy].add(usage.seconds)


@dataclass
class _Mean:
    """The mean of seconds, which are not kept."""

    total: float = 0.0
    n: int = 0

    def add(self, seconds: float) -> None:
        self.total += seconds
        self.n += 1

    @property
    def value(self) -> float:
        return self.total / self.n
