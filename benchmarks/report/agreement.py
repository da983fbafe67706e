"""What strategies have in common: the same answers, problems that any, all or only one of them solves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from reasoning.benchmarks.analysis.common_subset import CommonSubset
from reasoning.benchmarks.analysis.paired import scores_by_problem
from reasoning.benchmarks.results.result import Result


@dataclass(frozen=True)
class Agreement:
    """Over the problems that every strategy which is compared has answered.

    A strategy solves a problem where more than half of its repetitions are right.

    Attributes:
        n: how many those are.
        any_right: on how many at least one strategy is right: what a perfect choice among their answers would reach.
        all_right: on how many all are.
        only: by strategy, the problems that it alone solves.
        same: by two strategies, left out or not, the share of the solves that both answered on which they say the
            same; what could not be read is the same as nothing.
    """

    n: int
    any_correct: int
    all_correct: int
    solved_only_by: Mapping[str, tuple[str, ...]]
    same_answer: Mapping[tuple[str, str], float | None]

    @property
    def none_correct(self) -> int:
        """On how many no strategy is right."""
        return self.n - self.any_correct


def measure_agreement(results: Sequence[Result], on: CommonSubset, specs: Sequence[str]) -> Agreement:
    """What these results have in common; failed ones say nothing."""
    found = scores_by_problem(on.select(results))
    share = {spec: found[spec] for spec in specs if spec in found}
    problems = list(dict.fromkeys(problem for by_problem in share.values() for problem in by_problem))
    solvers = {problem: [spec for spec in share if share[spec][problem] > 0.5] for problem in problems}
    return Agreement(
        n=len(problems),
        any_correct=sum(map(bool, solvers.values())),
        all_correct=sum(len(those) == len(share) for those in solvers.values()),
        solved_only_by={
            spec: tuple(problem for problem, those in solvers.items() if those == [spec]) for spec in share
        },
        same_answer=_same([result for result in results if not result.failed], specs),
    )


def _same(answered: Sequence[Result], specs: Sequence[str]) -> dict[tuple[str, str], float | None]:
    """Answers are compared as numbers that stand for their texts: there are many pairs."""
    import numpy as np

    having = {result.strategy for result in answered}
    columns = {spec: column for column, spec in enumerate(spec for spec in specs if spec in having)}
    solves = {solve: row for row, solve in enumerate(dict.fromkeys((one.problem, one.epoch) for one in answered))}
    known: dict[str, int] = {}
    said = np.full((len(solves), len(columns)), -1)
    for one in answered:
        number = 0 if one.value is None else known.setdefault(one.value, len(known) + 1)
        said[solves[one.problem, one.epoch], columns[one.strategy]] = number
    found: dict[tuple[str, str], float | None] = {}
    for (first, a), (second, b) in combinations(columns.items(), 2):
        both = int(np.sum((said[:, a] >= 0) & (said[:, b] >= 0)))
        alike = int(np.sum((said[:, a] == said[:, b]) & (said[:, a] > 0)))
        found[first, second] = alike / both if both else None
    return found
