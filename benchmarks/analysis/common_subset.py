"""The subset of solves that all compared strategies answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.results.result_table import rows_of


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

    def select(self, results: Iterable[Result]) -> ResultRows:
        """Return the results that are compared, the same number for every strategy."""
        rows = rows_of(results)
        epochs, number = _epochs(rows), {name: position for position, name in enumerate(rows.names("problem"))}
        solves = [
            number[problem] * epochs + epoch for problem, epoch in self.solves if problem in number and epoch < epochs
        ]
        chosen = np.zeros(len(number) * epochs, dtype=bool)
        chosen[solves] = True
        excluded = np.isin(rows.data["strategy"], rows.numbers("strategy", self.excluded))
        return rows.where(chosen[_solves(rows)] & ~excluded)


def common_subset(results: Iterable[Result], stopped: Collection[str] = ()) -> CommonSubset:
    """Return the solves that all strategies with enough answers have in common.

    Args:
        results: the results of all strategies.
        stopped: strategies that a race stopped. The time of the stop depended on their results, so
            these results cannot be tested.
    """
    rows = rows_of(results)
    names, epochs, solves = rows.names("problem"), _epochs(rows), _solves(rows)
    # By strategy, whether it answered each solve.
    answered: dict[str, NDArray[np.bool_]] = {}
    for spec in rows.distinct("strategy"):
        own = rows.data["strategy"] == rows.numbers("strategy", [spec])[0]
        answered[spec] = np.zeros(len(names) * epochs, dtype=bool)
        answered[spec][solves[own & ~rows.failed]] = True
    counts = {spec: int(own.sum()) for spec, own in answered.items()}
    most = max((count for spec, count in counts.items() if spec not in stopped), default=0)
    enough = [spec for spec, count in counts.items() if spec not in stopped and count and 2 * count >= most]
    excluded = {
        spec: int(own.reshape(-1, epochs).any(axis=1).sum()) for spec, own in answered.items() if spec not in enough
    }
    common = np.flatnonzero(np.all([answered[spec] for spec in enough], axis=0)).tolist() if enough else []
    return CommonSubset(frozenset((names[solve // epochs], solve % epochs) for solve in common), excluded)


def _epochs(rows: ResultRows) -> int:
    return 1 + int(rows.data["epoch"].max(initial=0))


def _solves(rows: ResultRows) -> NDArray[np.int64]:
    """Return a number for each row that stands for its problem and its epoch."""
    solves: NDArray[np.int64] = rows.data["problem"].astype("i8") * _epochs(rows) + rows.data["epoch"]
    return solves
