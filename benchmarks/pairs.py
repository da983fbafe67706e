"""Strategies on the same problems, two by two: how far apart they are, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from benchmarks.result import Result
from benchmarks.statistics import Difference, bootstrap, disagreements, holm, mcnemar, paired_t, tango

Outcomes = Mapping[str, Mapping[str, float]]
"""By strategy and problem: the share of right answers over the repetitions. Failed calls are left out."""


@dataclass(frozen=True)
class Pair:
    """Two strategies.

    Attributes:
        first, second: their specs.
        n: problems that both answered; what only one answered is left out.
        difference: by how much the first is better, in accuracy.
        disagree: how much they differ on a problem, on average; with one repetition the share of problems that exactly
            one of them solved.
        p: that they are equally good; exact McNemar, over repetitions a paired t-test.
        adjusted: the same with Holm's correction over all pairs of the table.
    """

    first: str
    second: str
    n: int
    difference: Difference
    disagree: float
    p: float
    adjusted: float

    def seen_from(self, spec: str) -> Pair:
        """The pair with this strategy as the first."""
        if spec == self.first:
            return self
        turned = Difference(-self.difference.value, -self.difference.high, -self.difference.low)
        return replace(self, first=self.second, second=self.first, difference=turned)


def outcomes(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Results by strategy and problem."""
    right: dict[str, dict[str, list[bool]]] = {}
    for result in results:
        if result.correct is not None:
            right.setdefault(result.strategy, {}).setdefault(result.problem, []).append(result.correct)
    return {
        spec: {problem: sum(one) / len(one) for problem, one in by_problem.items()}
        for spec, by_problem in right.items()
    }


def pairs(found: Outcomes, specs: Sequence[str]) -> list[Pair]:
    """All pairs of these strategies, in their order."""
    made = [_pair(first, second, found) for first, second in combinations(specs, 2)]
    adjusted = holm({(pair.first, pair.second): pair.p for pair in made})
    return [replace(pair, adjusted=adjusted[pair.first, pair.second]) for pair in made]


def _pair(first: str, second: str, found: Outcomes) -> Pair:
    theirs = found.get(second, {})
    common = [(right, theirs[problem]) for problem, right in found.get(first, {}).items() if problem in theirs]
    a, b = [one for one, _ in common], [other for _, other in common]
    once = all(share in (0.0, 1.0) for share in [*a, *b])
    if once:
        right_a, right_b = [share == 1 for share in a], [share == 1 for share in b]
        difference, p = tango(right_a, right_b), mcnemar(*disagreements(right_a, right_b))
    else:
        difference, p = bootstrap(a, b), paired_t(a, b)
    disagree = sum(abs(x - y) for x, y in common) / len(common) if common else 0.0
    return Pair(first, second, len(common), difference, disagree, p, p)
