"""How long a run takes from here, by what costs time: calls that are really made, strategy by strategy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from statistics import fmean

from reasoning.benchmarks.results.result import Result, ResultKey


class TimeLeft:
    """Learns from results what a solve of each strategy takes. Times are those of one clock, in seconds.

    A solve is counted in seconds of model time, its calls one after the other. What the journal gives takes no time and
    is no measure of speed; but the time that its draws took when they were bought stands in for a strategy of which
    nothing was bought yet.

    Args:
        keys: what is to be run.
        stored: what was run before.
    """

    def __init__(self, keys: Iterable[ResultKey], stored: Iterable[Result]) -> None:
        self._left = Counter(key.strategy for key in keys)
        self._bought: defaultdict[str, list[float]] = defaultdict(list)
        self._recorded: defaultdict[str, list[float]] = defaultdict(list)
        self._began: float | None = None
        self._in_results = 0.0
        for result in stored:
            self._record(result)

    def add(self, result: Result, now: float) -> None:
        """A result was made."""
        self._left[result.strategy] -= 1
        self._in_results += result.spent.seconds
        if not result.spent.calls:
            self._record(result)
            return
        began = now - result.seconds
        self._began = began if self._began is None else min(began, self._began)
        if not result.failed:
            self._bought[result.strategy].append(result.spent.seconds)

    def estimate(self, spent: float, now: float, ready: float = 0.0, stopped: Collection[str] = ()) -> float | None:
        """Seconds to the end; None where nothing tells: nothing was bought yet, or what is under way takes longer than
        usual.

        Args:
            spent: seconds of model time that were bought by now, those of solves that are under way included.
            now: the time.
            ready: when the model could take its first call.
            stopped: strategies that are not run any more.
        """
        bought = [seconds for of_one in self._bought.values() for seconds in of_one]
        if self._began is None or not bought or not spent:
            return None
        usual = fmean(bought)
        work = sum(
            many * fmean(self._bought[spec] or self._recorded[spec] or [usual])
            for spec, many in self._left.items()
            if spec not in stopped
        )
        under_way = max(0.0, spent - self._in_results)
        if under_way >= work:
            return None
        pace = spent / max(now - max(self._began, ready), 1e-3)
        return (work - under_way) / pace

    def _record(self, result: Result) -> None:
        if not result.failed:
            used = result.spent if result.spent.calls else result.usage
            self._recorded[result.strategy].append(used.seconds)
