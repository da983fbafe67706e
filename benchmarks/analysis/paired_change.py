"""The change of one strategy, or of one part of a chain, between two runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from reasoning.benchmarks.analysis.formatting import difference_cells
from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences, worst_case_change
from reasoning.tables import pluralize

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class PairedChange:
    """The change of one strategy, or of one part of a chain, between two runs.

    Attributes:
        before, after: its name in each run.
        pair: the later run against the earlier one; the difference is above 0 for an improvement.
        mean_before, mean_after: the mean scores over the problems that both runs answered.
        gained, lost: the problems with a higher score in the later run, and with a lower one.
        failed: problems in both runs that are left out because a call failed in one of them.
        not_run: problems that are left out because one of the runs has not reached them.
        lowest: the lowest possible change of the mean over all problems that either run has
            reached: those left out count as right before and wrong after. None if neither run has
            reached any.
        highest: the highest possible change of the mean over the problems that both runs answered:
            answers of the later run that a limit, a refusal or a failure may have cost count as
            right. None without such answers.
        incomplete: these answers, in words.
    """

    before: str
    after: str
    pair: PairedDifference
    mean_before: float
    mean_after: float
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    failed: int = 0
    not_run: int = 0
    lowest: float | None = None
    highest: float | None = None
    incomplete: str = ""

    @classmethod
    def between(
        cls,
        before: str,
        after: str,
        scores: tuple[Mapping[str, float], Mapping[str, float]],
        problems: Sequence[str],
        *,
        begun: Collection[str],
        failed: Collection[str] = (),
        families: Mapping[str, str] | None = None,
    ) -> PairedChange:
        """Return the change between two sets of scores.

        Args:
            before: the name in the earlier run.
            after: the name in the later run.
            scores: the scores of the earlier and the later run, from 0 to 1 by problem.
            problems: the problems in both runs, in order.
            begun: the problems that either run has reached.
            failed: the problems with a failed call in one of the runs.
            families: the family of each problem that has one.
        """
        was, now = scores
        [pair] = paired_differences({BEFORE: was, AFTER: now}, [AFTER, BEFORE], families)
        both = [problem for problem in problems if problem in was and problem in now]
        left_out = set(problems).difference(both)
        lost_calls = left_out.intersection(failed)
        return cls(
            before,
            after,
            pair,
            sum(was[problem] for problem in both) / len(both) if both else 0.0,
            sum(now[problem] for problem in both) / len(both) if both else 0.0,
            gained=tuple(problem for problem in both if now[problem] > was[problem]),
            lost=tuple(problem for problem in both if now[problem] < was[problem]),
            failed=len(lost_calls),
            not_run=len(left_out) - len(lost_calls),
            lowest=worst_case_change(was, now, begun),
        )

    @property
    def name(self) -> str:
        """The name, or both names if they differ."""
        return self.after if self.before == self.after else f"{self.before} → {self.after}"

    @property
    def cells(self) -> tuple[str, str, str]:
        """The points, their interval and the p-value as cells; dashes if there is nothing to compare."""
        return difference_cells(self.pair) if self.pair.n else ("–", "–", "–")

    @property
    def left_out(self) -> str:
        """The number of problems in both runs that are left out, with the reasons, or "" if none is."""
        counts = {"a call failed": self.failed, "not run in both": self.not_run}
        parts = "; ".join(f"{count} ({reason})" for reason, count in counts.items() if count)
        return (
            f"{parts} of the {pluralize(self.pair.n + self.failed + self.not_run, 'problem')} in both" if parts else ""
        )
