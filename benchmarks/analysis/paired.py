"""Paired differences between strategies on the same problems, with intervals and tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from reasoning.benchmarks.analysis.score_table import Scores, ScoreTable
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


def paired_differences(
    scores: Scores | ScoreTable, specs: Sequence[str], families: Mapping[str, str] | None = None
) -> list[PairedDifference]:
    """Return the differences of all pairs of strategies, in their order, with Holm's correction.

    Single answers are compared by McNemar's exact test and Tango's interval. With repetitions, a
    problem counts with its share of right answers, and Student's paired test and interval are used.
    These are clustered by family if problems that both answered share one.

    Args:
        scores: by strategy and problem, from 0 to 1.
        specs: the strategies.
        families: the family of each problem that has one; a table of scores knows it.
    """
    table = scores if isinstance(scores, ScoreTable) else ScoreTable.of(scores, families or {})
    pairs = [_pair(first, second, table) for first, second in combinations(specs, 2)]
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


def _pair(first: str, second: str, table: ScoreTable) -> PairedDifference:
    nothing = np.full(len(table.clusters), np.nan)
    a, b = table.scores.get(first, nothing), table.scores.get(second, nothing)
    both = ~np.isnan(a) & ~np.isnan(b)
    a, b, clusters = a[both], b[both], table.clusters[both]
    n = len(a)
    has_families = table.has_families and len(np.unique(clusters)) < n
    if not has_families and all(((own == 0) | (own == 1)).all() for own in (a, b)):
        difference, p, test = tango(a == 1, b == 1), mcnemar(*disagreements(a == 1, b == 1)), EXACT
    else:
        difference, p = paired_mean(a, b, clusters), paired_t(a, b, clusters)
        test = OVER_FAMILIES if has_families else OVER_PROBLEMS
    differences = a - b
    # numpy.sum adds in another order, which changes the last digits.
    disagreement = float(np.add.accumulate(differences * differences)[-1]) / n if n else 0.0
    better = superiority(a, b) if n else 0.5
    effect = design_effect(differences, clusters) if has_families else 1.0
    return PairedDifference(first, second, n, difference, disagreement, better, p, p, test, effect)
