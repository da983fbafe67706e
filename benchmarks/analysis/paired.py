"""Paired differences between strategies on the same problems, with intervals and tests."""

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

ALPHA = 0.05
"""The family-wise error rate: the probability that a table shows any difference between strategies
that are equally good."""

MIN_CASES = 6
"""The least number of cases for a significant difference. Five cases that all differ in one
direction have the p-value 2 / 2^5, which is above 0.05. (Student's test may fall below it with two
cases, if their differences happen to be alike.)"""

Scores = Mapping[str, Mapping[str, float]]
"""By strategy and problem, the share of right answers over the repetitions, without failed calls."""

EXACT = "exact McNemar"
OVER_PROBLEMS = "paired t-tests over problems"
OVER_FAMILIES = "paired t-tests over families of problems"


@dataclass(frozen=True)
class PairedDifference:
    """The difference between two strategies on the problems that both answered.

    Attributes:
        first, second: their specs.
        n: the number of problems that both answered.
        difference: the accuracy of the first minus the accuracy of the second.
        disagreement: the mean square of the difference on a problem, which determines the number of
            problems that a comparison needs. With one repetition it is the share of problems that
            exactly one of the two solved.
        superiority: the probability that the first is better on a problem drawn at random; a tie
            counts half.
        p: the p-value of the null hypothesis that both are equally good.
        p_adjusted: the p-value with Holm's correction over all pairs of the table.
        test: the test behind `p`: `EXACT`, `OVER_PROBLEMS` or `OVER_FAMILIES`.
        design_effect: the factor by which families of problems raise the number of problems that
            are needed.
        p_worst: the adjusted p-value if limits, refusals and failures had cost the worse strategy
            right answers; see `reasoning.benchmarks.analysis.worst_case`. None if there were none.
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
    p_worst: float | None = None

    @property
    def is_significant(self) -> bool:
        """True if the interval excludes 0, the adjusted p-value is below 0.05, and there are enough cases."""
        return self.n >= MIN_CASES and self.difference.excludes_zero and self.is_shown

    @property
    def is_shown(self) -> bool:
        """True if the adjusted p-value is below 0.05, and no limit, refusal or failure could have made it so."""
        return (self.p_adjusted if self.p_worst is None else self.p_worst) < ALPHA

    @property
    def is_withheld(self) -> bool:
        """True if the adjusted p-value is below 0.05, and a limit, a refusal or a failure could have made it so."""
        return self.p_adjusted < ALPHA and not self.is_shown

    def oriented(self, spec: str) -> PairedDifference:
        """Return the same difference with this strategy as the first."""
        if spec == self.first:
            return self
        swapped = Difference(-self.difference.value, -self.difference.high, -self.difference.low)
        return replace(self, first=self.second, second=self.first, difference=swapped, superiority=1 - self.superiority)


def scores_by_problem(results: Iterable[Result]) -> dict[str, dict[str, float]]:
    """Return the share of right answers by strategy and problem, without failed results."""
    right: dict[str, dict[str, list[bool]]] = {}
    for result in results:
        if result.correct is not None:
            right.setdefault(result.strategy, {}).setdefault(result.problem, []).append(result.correct)
    return {
        spec: {problem: sum(correct) / len(correct) for problem, correct in by_problem.items()}
        for spec, by_problem in right.items()
    }


def families(results: Iterable[Result]) -> dict[str, str]:
    """Return the family of each problem that has one."""
    return {result.problem: result.family for result in results if result.family}


def paired_differences(
    scores: Scores, specs: Sequence[str], families: Mapping[str, str] | None = None
) -> list[PairedDifference]:
    """Return the differences of all pairs of strategies, in their order, with Holm's correction.

    Single answers are compared by McNemar's exact test and Tango's interval. With repetitions, a
    problem counts with its share of right answers, and Student's paired test and interval are used.
    These are clustered by family if problems that both answered share one.

    Args:
        scores: by strategy and problem, from 0 to 1.
        specs: the strategies.
        families: the family of each problem that has one.
    """
    pairs = [_pair(first, second, scores, families or {}) for first, second in combinations(specs, 2)]
    adjusted = holm({(pair.first, pair.second): pair.p for pair in pairs})
    return [replace(pair, p_adjusted=adjusted[pair.first, pair.second]) for pair in pairs]


def worst_case_change(
    before: Mapping[str, float], after: Mapping[str, float], problems: Collection[str]
) -> float | None:
    """Return the lowest possible change of the mean: missing scores count as 1 before and 0 after.

    Args:
        before: the earlier scores from 0 to 1, by problem.
        after: the later scores.
        problems: the problems that count, with or without scores.

    Returns:
        The change, from -1 to 1; None if there are no problems.
    """
    if not problems:
        return None
    return sum(after.get(problem, 0.0) - before.get(problem, 1.0) for problem in problems) / len(problems)


def _pair(first: str, second: str, scores: Scores, families: Mapping[str, str]) -> PairedDifference:
    scores_a, scores_b = scores.get(first, {}), scores.get(second, {})
    common = [problem for problem in scores_a if problem in scores_b]
    a, b = [scores_a[problem] for problem in common], [scores_b[problem] for problem in common]
    clusters = [("family", families[problem]) if problem in families else problem for problem in common]
    has_families = len(set(clusters)) < len(common)
    if not has_families and all(share in (0.0, 1.0) for share in [*a, *b]):
        right_a, right_b = [share == 1 for share in a], [share == 1 for share in b]
        difference, p, test = tango(right_a, right_b), mcnemar(*disagreements(right_a, right_b)), EXACT
    else:
        difference, p = paired_mean(a, b, clusters), paired_t(a, b, clusters)
        test = OVER_FAMILIES if has_families else OVER_PROBLEMS
    differences = [x - y for x, y in zip(a, b, strict=True)]
    disagreement = sum(x * x for x in differences) / len(common) if common else 0.0
    better = superiority(a, b) if common else 0.5
    effect = design_effect(differences, clusters) if has_families else 1.0
    return PairedDifference(first, second, len(common), difference, disagreement, better, p, p, test, effect)
