"""Agreement of strategies: equal answers, and problems that any, all or only one of them solves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.score_table import ScoreTable
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.benchmarks.results.result_table import rows_of


@dataclass(frozen=True)
class Agreement:
    """The agreement of strategies on the problems that every compared strategy answered.

    A strategy solves a problem if more than half of its repetitions are right.

    Attributes:
        n: the number of problems.
        any_correct: the number of problems that at least one strategy solves: the limit of a
            perfect choice among their answers.
        all_correct: the number of problems that every strategy solves.
        solved_only_by: the problems that only one strategy solves, by strategy.
        same_answer: the share of equal answers among the solves that two strategies answered, by
            pair of strategies, compared or not. An unparsed answer equals no other.
    """

    n: int
    any_correct: int
    all_correct: int
    solved_only_by: Mapping[str, tuple[str, ...]]
    same_answer: Mapping[tuple[str, str], float | None]

    @property
    def none_correct(self) -> int:
        """The number of problems that no strategy solves."""
        return self.n - self.any_correct


def measure_agreement(results: Sequence[Result], common: CommonSubset, specs: Sequence[str]) -> Agreement:
    """Return the agreement of strategies. Failed results do not count.

    Args:
        results: the results of these strategies.
        common: the solves on which strategies are compared.
        specs: the strategies, in order.
    """
    rows = rows_of(results)
    compared = common.select(rows)
    scores = ScoreTable.of_results(compared, compared.data["correct"]).scores
    solved = {spec: scores[spec] > 0.5 for spec in specs if spec in scores}
    problems = compared.distinct("problem")
    count = sum(solved.values(), np.zeros(len(problems), dtype=int))
    return Agreement(
        n=len(problems),
        any_correct=int(np.sum(count > 0)),
        all_correct=int(np.sum(count == len(solved))),
        solved_only_by={
            spec: tuple(problems[place] for place in np.nonzero(own & (count == 1))[0]) for spec, own in solved.items()
        },
        same_answer=_same_answers(rows.where(~rows.failed), specs),
    )


def _same_answers(answered: ResultRows, specs: Sequence[str]) -> dict[tuple[str, str], float | None]:
    """Return the share of equal answers of each pair."""
    solves, problem = np.unique(
        np.stack([answered.data["problem"], answered.data["epoch"]]), axis=1, return_inverse=True
    )
    columns = {}
    for spec in specs:
        own = answered.data["strategy"] == answered.numbers("strategy", [spec])[0]
        if own.any():
            there, values = np.zeros(solves.shape[1], dtype=bool), np.zeros(solves.shape[1], dtype=np.int64)
            there[problem[own]], values[problem[own]] = True, answered.data["value"][own]
            columns[spec] = there, values
    shares: dict[tuple[str, str], float | None] = {}
    for (first, (there_a, a)), (second, (there_b, b)) in combinations(columns.items(), 2):
        both = int(np.sum(there_a & there_b))
        # 0 stands for an unparsed answer.
        shares[first, second] = int(np.sum((a == b) & (a != 0))) / both if both else None
    return shares
