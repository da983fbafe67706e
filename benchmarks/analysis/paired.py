"""Strategies on the same problems, two by two: how far apart they are, and how sure that is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.statistics import (
    Difference,
    design_effect,
    disagreements,
    holm,
    mcnemar,
    paired_mean,
    paired_t,
    superiority,
    tango,
)

Scores = Mapping[str, Mapping[str, float]]
"""By strategy and problem: the share of right answers over the repetitions. Failed calls are left out."""

EXACT = "exact McNemar"
OVER_PROBLEMS = "paired t-tests over problems"
OVER_FAMILIES = "paired t-tests over families of problems"


@dataclass(frozen=True)
class PairedDifference:
    """Two strategies.

    Attributes:
        first, second: their specs.
        n: problems that both answered; what only one answered is left out.
        difference: by how much the first is better, in accuracy.
        disagree: the mean square of their difference on a problem, which says how many problems a comparison needs;
            with one repetition the share of problems that exactly one of them solved.
        superiority: how likely the first is better on a problem drawn at random; a tie counts half.
        p: that they are equally good.
        adjusted: the same with Holm's correction over all pairs of the table.
        test: what `p` comes from: one of `MAX_EXACT`, `OVER_PROBLEMS`, `OVER_FAMILIES`.
        effect: how many times as many problems it takes because they come in families.
    """

    first: str
    second: str
    n: int
    difference: Difference
    disagreement: float
    superiority: float
    p: float
    p_adjusted: float
    test: str
    design_effect: float = 1.0

    def oriented(self, spec: str) -> PairedDifference:
        """The pair with this strategy as the first."""
        if spec == self.first:
            return self
        turned = Difference(-self.difference.value, -self.difference.high, -self.difference.low)
        return replace(self, first=self.second, second=self.first, difference=turned, superiority=1 - self.superiority)


def scores_by_problem(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Results by strategy and problem."""
    right: dict[str, dict[str, list[bool]]] = {}
    for result in results:
        if result.correct is not None:
            right.setdefault(result.strategy, {}).setdefault(result.problem, []).append(result.correct)
    return {
        spec: {problem: sum(one) / len(one) for problem, one in by_problem.items()}
        for spec, by_problem in right.items()
    }


def families(results: Iterable[Result]) -> dict[str, str]:
    """The family of each problem that has one."""
    return {result.problem: result.family for result in results if result.family}


def paired_differences(
    found: Scores, specs: Sequence[str], families: Mapping[str, str] | None = None
) -> list[PairedDifference]:
    """All pairs of these strategies, in their order.

    Single outcomes have McNemar's exact test and Tango's interval. Over repetitions a problem counts with its share,
    and has Student's test and interval; these are clustered by family where problems that both answered share one.
    """
    made = [_pair(first, second, found, families or {}) for first, second in combinations(specs, 2)]
    adjusted = holm({(pair.first, pair.second): pair.p for pair in made})
    return [replace(pair, p_adjusted=adjusted[pair.first, pair.second]) for pair in made]


def worst_case_change(before: Mapping[str, float], after: Mapping[str, float], on: Collection[str]) -> float | None:
    """How much would be lost at the worst, as a change of the mean: what is missing counts as 1 before and 0 after.

    Args:
        before, after: from 0 to 1, by problem.
        on: the problems that count, whether there is anything of them or not; None is told of none.
    """
    return sum(after.get(one, 0.0) - before.get(one, 1.0) for one in on) / len(on) if on else None


def _pair(first: str, second: str, found: Scores, families: Mapping[str, str]) -> PairedDifference:
    mine, theirs = found.get(first, {}), found.get(second, {})
    common = [problem for problem in mine if problem in theirs]
    a, b = [mine[problem] for problem in common], [theirs[problem] for problem in common]
    clusters = [("family", families[problem]) if problem in families else problem for problem in common]
    alike = len(set(clusters)) < len(common)
    if not alike and all(share in (0.0, 1.0) for share in [*a, *b]):
        right_a, right_b = [share == 1 for share in a], [share == 1 for share in b]
        difference, p, test = tango(right_a, right_b), mcnemar(*disagreements(right_a, right_b)), EXACT
    else:
        difference, p = paired_mean(a, b, clusters), paired_t(a, b, clusters)
        test = OVER_FAMILIES if alike else OVER_PROBLEMS
    apart = [x - y for x, y in zip(a, b, strict=True)]
    disagree = sum(one * one for one in apart) / len(common) if common else 0.0
    better = superiority(a, b) if common else 0.5
    effect = design_effect(apart, clusters) if alike else 1.0
    return PairedDifference(first, second, len(common), difference, disagree, better, p, p, test, effect)
