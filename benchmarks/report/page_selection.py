"""The problems on a report's page: all of a usual run, and of a large one those that matter most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.results.result_rows import ResultRows
from reasoning.tables import pluralize

MAX_RESULTS = 50_000
"""The most results of which a page has all problems."""
_RESULTS_OF_SELECTION = 20_000
"""The results of the problems that are selected otherwise, before the page's size is looked at."""


@dataclass(frozen=True)
class PageSelection:
    """The problems of a page.

    Attributes:
        problems: their ids. All problems are in the order of the run; selected ones have those first on which
            strategies disagree, then those with an unparsed answer or a failed call, then those that no
            strategy solved, each in the order of the run.
        total: the number of problems of the run.
        disagreements: the number of the run's problems that some strategies solved and others did not.
    """

    problems: list[str]
    total: int
    disagreements: int = 0

    @classmethod
    def of(cls, data: ReportData, most: int | None = None) -> PageSelection:
        """Return the problems of a report's page.

        Args:
            data: the report.
            most: the most results of a page with all problems; by default `MAX_RESULTS`.
        """
        rows = data.comparison.results
        begun = set(rows.distinct("problem"))
        problems = [problem for problem in data.folder.examples if problem in begun]
        if len(rows) <= (MAX_RESULTS if most is None else most):
            return cls(problems, len(problems))
        ranks = _ranks(rows)[rows.numbers("problem", problems)]
        count = max(1, min(_RESULTS_OF_SELECTION, len(rows) - 1) * len(problems) // len(rows))
        chosen = np.argsort(ranks, kind="stable")[:count]
        return cls([problems[place] for place in chosen], len(problems), int(np.sum(ranks == 0)))

    @property
    def is_whole(self) -> bool:
        """Return whether all problems of the run are on the page."""
        return len(self.problems) == self.total

    def halved(self) -> PageSelection:
        """Return the more important half of these problems."""
        return PageSelection(self.problems[: (len(self.problems) + 1) // 2], self.total, self.disagreements)

    @property
    def note(self) -> str:
        """The sentences about the problems that are not on the page, and how to see them; "" if it has all."""
        if self.is_whole:
            return ""
        return (
            f"This page has {len(self.problems):,} of {pluralize(self.total, 'problem')}: first those on which "
            f"strategies disagree ({self.disagreements:,} in all), then unparsed answers and failed calls, then what "
            "no strategy solved. The numbers above are those of all problems. The others are in the results folder: "
            "`reasoning view DIR` shows them in the browser, and `reasoning bench show DIR --id ID` one of them."
        )


def _ranks(rows: ResultRows) -> NDArray[np.int64]:
    """Return the rank of each problem by its number; the lowest are the most important."""
    data, size = rows.data, len(rows.names("problem"))
    answered = np.bincount(data["problem"], ~rows.failed, size)
    right = np.bincount(data["problem"], data["correct"], size)
    strange = np.bincount(data["problem"], data["state"] != 0, size)
    disagree = (right > 0) & (right < answered)
    return np.select([disagree, strange > 0, right == 0], [0, 1, 2], default=3)
