"""Which strategies are compared, and on what: the solves that all of them answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from reasoning.benchmarks.results.result import Result


@dataclass(frozen=True)
class CommonSubset:
    """What is compared.

    Attributes:
        solves: problems, each with the number of a repetition, that every strategy but the ones left out has answered.
        left_out: strategies that a race has stopped, or with less than half as many answered solves as another; with
            the number of problems that they answered.
    """

    solves: frozenset[tuple[str, int]]
    excluded: Mapping[str, int]

    @property
    def problems(self) -> frozenset[str]:
        """Those of the solves."""
        return frozenset(problem for problem, _ in self.solves)

    def select(self, results: Iterable[Result]) -> list[Result]:
        """Of these results the ones that are compared: as many of every strategy."""
        return [one for one in results if (one.problem, one.epoch) in self.solves and one.strategy not in self.excluded]


def common_subset(results: Iterable[Result], stopped: Collection[str] = ()) -> CommonSubset:
    """What is common to all strategies that have enough of it.

    Args:
        results: of all strategies.
        stopped: those that a race has stopped: when it did hung on their results, so that these test nothing.
    """
    answered: dict[str, set[tuple[str, int]]] = {}
    for result in results:
        answered.setdefault(result.strategy, set()).update([] if result.failed else [(result.problem, result.epoch)])
    running = {spec: solves for spec, solves in answered.items() if spec not in stopped}
    most = max(map(len, running.values()), default=0)
    enough = {spec: solves for spec, solves in running.items() if solves and 2 * len(solves) >= most}
    left_out = {
        spec: len({problem for problem, _ in solves}) for spec, solves in answered.items() if spec not in enough
    }
    return CommonSubset(frozenset(set.intersection(*enough.values())) if enough else frozenset(), left_out)
