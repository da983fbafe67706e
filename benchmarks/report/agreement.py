"""What strategies have in common: the same answers, problems that any, all or only one of them solves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from benchmarks.result import Result


@dataclass(frozen=True)
class Agreement:
    """Over the problems (and repetitions) that every strategy answered.

    Attributes:
        n: how many those are.
        any_right: on how many at least one strategy is right: what a perfect choice among their answers would reach.
        all_right: on how many all are.
        only: by strategy, the problems that it alone solves.
        same: by two strategies, the share of their common problems on which they say the same; what could not be read
            is the same as nothing.
    """

    n: int
    any_right: int
    all_right: int
    only: Mapping[str, tuple[str, ...]]
    same: Mapping[tuple[str, str], float | None]

    @property
    def none_right(self) -> int:
        """On how many no strategy is right."""
        return self.n - self.any_right


def agreement(results: Sequence[Result], specs: Sequence[str]) -> Agreement:
    """What these results have in common; failed ones say nothing."""
    solves: dict[tuple[str, int], dict[str, Result]] = {}
    for result in results:
        if not result.failed:
            solves.setdefault((result.problem, result.epoch), {})[result.strategy] = result
    full = [(problem, solve) for (problem, _), solve in solves.items() if len(solve) == len(specs)]
    only: dict[str, dict[str, None]] = {spec: {} for spec in specs}
    any_right = all_right = 0
    for problem, solve in full:
        right = [spec for spec, result in solve.items() if result.correct]
        any_right += bool(right)
        all_right += len(right) == len(specs)
        if len(right) == 1:
            only[right[0]][problem] = None
    return Agreement(
        len(full), any_right, all_right, {spec: tuple(ids) for spec, ids in only.items()}, _same(solves, specs)
    )


def _same(
    solves: Mapping[tuple[str, int], Mapping[str, Result]], specs: Sequence[str]
) -> dict[tuple[str, str], float | None]:
    """Answers are compared as numbers that stand for their texts: there are many pairs."""
    import numpy as np

    known: dict[str, int] = {}
    said = np.full((len(solves), len(specs)), -1)
    for row, solve in enumerate(solves.values()):
        for column, spec in enumerate(specs):
            if spec in solve:
                value = solve[spec].value
                said[row, column] = 0 if value is None else known.setdefault(value, len(known) + 1)
    found: dict[tuple[str, str], float | None] = {}
    for (a, first), (b, second) in combinations(enumerate(specs), 2):
        both = int(np.sum((said[:, a] >= 0) & (said[:, b] >= 0)))
        alike = int(np.sum((said[:, a] == said[:, b]) & (said[:, a] > 0)))
        found[first, second] = alike / both if both else None
    return found
