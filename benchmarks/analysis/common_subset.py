"""The subset of solves that all compared strategies answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reasoning.benchmarks.results.result import Result


@dataclass(frozen=True)
class CommonSubset:
    """The solves on which strategies are compared.

    Attributes:
        solves: pairs of a problem and the number of a repetition that every compared strategy
            answered.
        excluded: strategies that are not compared, with the number of problems that they answered:
            a race stopped them, or they answered less than half as many solves as another strategy.
    """

    solves: frozenset[tuple[str, int]]
    excluded: Mapping[str, int]

    @property
    def problems(self) -> frozenset[str]:
        """The problems of the solves."""
        return frozenset(problem for problem, _ in self.solves)

    def select(self, results: Iterable[Result]) -> list[Result]:
        """Return the results that are compared, the same number for every strategy."""
        return [
            result
            for result in results
            if (result.problem, result.epoch) in self.solves and result.strategy not in self.excluded
        ]


def common_subset(results: Iterable[Result], stopped: Collection[str] = ()) -> CommonSubset:
    """Return the solves that all strategies with enough answers have in common.

    Args:
        results: the results of all strategies.
        stopped: strategies that a race stopped. The time of the stop depended on their results, so
            these results cannot be tested.
    """
    answered: dict[str, set[tuple[str, int]]] = {}
    for result in results:
        answered.setdefault(result.strategy, set()).update([] if result.failed else [(result.problem, result.epoch)])
    running = {spec: solves for spec, solves in answered.items() if spec not in stopped}
    most = max(map(len, running.values()), default=0)
    enough = {spec: solves for spec, solves in running.items() if solves and 2 * len(solves) >= most}
    excluded = {
        spec: len({problem for problem, _ in solves}) for spec, solves in answered.items() if spec not in enough
    }
    return CommonSubset(frozenset(set.intersection(*enough.values())) if enough else frozenset(), excluded)
