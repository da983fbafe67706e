"""Agreement of strategies: equal answers, and problems that any, all or only one of them solves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.paired import scores_by_problem
from reasoning.benchmarks.results.result import Result


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
    scores = scores_by_problem(common.select(results))
    shares = {spec: scores[spec] for spec in specs if spec in scores}
    problems = list(dict.fromkeys(problem for by_problem in shares.values() for problem in by_problem))
    solvers = {problem: [spec for spec in shares if shares[spec][problem] > 0.5] for problem in problems}
    return Agreement(
        n=len(problems),
        any_correct=sum(map(bool, solvers.values())),
        all_correct=sum(len(solved_by) == len(shares) for solved_by in solvers.values()),
        solved_only_by={
            spec: tuple(problem for problem, solved_by in solvers.items() if solved_by == [spec]) for spec in shares
        },
        same_answer=_same_answers([result for result in results if not result.failed], specs),
    )


def _same_answers(answered: Sequence[Result], specs: Sequence[str]) -> dict[tuple[str, str], float | None]:
    """Return the share of equal answers of each pair. Texts become numbers, because there are many pairs."""
    import numpy as np

    present = {result.strategy for result in answered}
    columns = {spec: column for column, spec in enumerate(spec for spec in specs if spec in present)}
    rows = {solve: row for row, solve in enumerate(dict.fromkeys((r.problem, r.epoch) for r in answered))}
    numbers: dict[str, int] = {}
    # -1 is no result, 0 an unparsed answer.
    answers = np.full((len(rows), len(columns)), -1)
    for result in answered:
        number = 0 if result.value is None else numbers.setdefault(result.value, len(numbers) + 1)
        answers[rows[result.problem, result.epoch], columns[result.strategy]] = number
    shares: dict[tuple[str, str], float | None] = {}
    for (first, a), (second, b) in combinations(columns.items(), 2):
        both = int(np.sum((answers[:, a] >= 0) & (answers[:, b] >= 0)))
        equal = int(np.sum((answers[:, a] == answers[:, b]) & (answers[:, a] > 0)))
        shares[first, second] = equal / both if both else None
    return shares
