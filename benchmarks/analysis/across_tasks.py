"""The joint summary of several comparisons: which strategy is better on which task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.formatting import join_names, p_phrase, whole_points
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.results.settings import short_model_name
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.errors import UsageError
from reasoning.tables import Document, Table, pluralize


@dataclass(frozen=True)
class TaskSummary:
    """Comparisons on several tasks, in a sentence.

    Attributes:
        comparisons: the comparisons, each of its own task or model.

    Raises:
        UsageError: there are fewer than two comparisons.
    """

    comparisons: Sequence[Comparison]

    def __post_init__(self) -> None:
        if len(self.comparisons) < 2:
            raise UsageError(f"a summary needs the results of at least two runs, got {len(self.comparisons)}")

    @cached_property
    def reversal(self) -> tuple[str, str] | None:
        """Two strategies of which each beats the other on a task; None without such a pair.

        Of several pairs it is the one whose smaller difference is the largest. The first beats the second on the first
        of the two tasks.
        """
        best: dict[tuple[str, str], float] = {}
        for comparison in self.comparisons:
            for pair in _shown(comparison):
                key = pair.first, pair.second
                best[key] = max(best.get(key, 0.0), pair.difference.value)
        reversed_ = {key: min(value, best[key[::-1]]) for key, value in best.items() if key[::-1] in best}
        return max(reversed_, key=lambda key: reversed_[key], default=None)

    @cached_property
    def names(self) -> ShortNames:
        """The names of the strategies in sentences."""
        return ShortNames.of(row.strategy for comparison in self.comparisons for row in comparison.rows)

    @cached_property
    def places(self) -> list[str]:
        """The shortest names that tell the comparisons apart: tasks, tasks with models, or tasks with folders."""
        tasks = [comparison.title.partition(" · ")[0] for comparison in self.comparisons]
        candidates = [[task.partition("(")[0] for task in tasks], tasks]
        named = list(zip(tasks, self.comparisons, strict=True))
        candidates.append([f"{task} with {short_model_name(one.model)}" for task, one in named])
        distinct = (names for names in candidates if len(set(names)) == len(names))
        return next(distinct, [f"{task} in {one.folder}" for task, one in named])

    def text(self) -> str:
        """Return the summary: a clause for each task, and what follows from them."""
        clauses = "; ".join(map(self._clause, self.places, self.comparisons))
        return self.names(f"{clauses[0].upper()}{clauses[1:]}: {self._conclusion()}.")

    def examples(self) -> Iterator[tuple[Comparison, str, str, str]]:
        """Yield for each task that tells two strategies apart: the better, the worse, and a problem that shows it."""
        for comparison in self.comparisons:
            if (pair := self._leading(comparison)) is None:
                continue
            right = {(result.problem, result.strategy): result.correct for result in reversed(comparison.results)}
            for problem, strategy in reversed(right):
                if strategy == pair.first and right[problem, strategy] and right.get((problem, pair.second)) is False:
                    yield comparison, pair.first, pair.second, problem
                    break

    def document(self) -> Document:
        """Return the summary, and a table with the difference and a problem that shows it for each comparison."""
        problems = {id(comparison): problem for comparison, _, _, problem in self.examples()}
        rows = []
        for place, comparison in zip(self.places, self.comparisons, strict=True):
            named = ("", "", "", "")
            if (pair := self._leading(comparison)) is not None:
                points = f"{100 * pair.difference.value:.1f}"
                named = (pair.first, pair.second, points, f"{pair.p_adjusted:.4g}")
            problem = problems.get(id(comparison), "")
            better, worse, points, p = named
            rows.append((place, str(comparison.folder or ""), better, worse, problem, points, p))
        header = ("task", "folder", "better", "worse", "problem", "points", "p")
        return Document([self.text(), Table(header, rows, text_columns=5)])

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data."""
        return {
            "summary": self.text(),
            "reversal": None if self.reversal is None else list(self.reversal),
            "tasks": [
                {"folder": str(comparison.folder), "better": better, "worse": worse, "problem": problem}
                for comparison, better, worse, problem in self.examples()
            ],
        }

    def _leading(self, comparison: Comparison) -> PairedDifference | None:
        """Return the difference to name for a task: of the two that change places, else of the best and its rival."""
        shown = _shown(comparison)
        changing = [pair for pair in shown if self.reversal and {pair.first, pair.second} == set(self.reversal)]
        of_best = [pair for pair in shown if comparison.best and pair.first == comparison.best.strategy]
        return min(changing or of_best, key=lambda pair: pair.difference.value, default=None)

    def _clause(self, place: str, comparison: Comparison) -> str:
        where = f"on {place}"
        pair = self._leading(comparison)
        if pair is not None:
            value = whole_points(pair.difference.value)
            return f"{where} {pair.first} beats {pair.second} by {value} points ({p_phrase(pair.p_adjusted)})"
        if comparison.best is None or not comparison.pairs:
            return f"{where} nothing is compared"
        return f"{where} there is no verdict ({pluralize(comparison.best.n, 'problem')})"

    def _conclusion(self) -> str:
        if self.reversal is not None:
            return f"{self.reversal[0]} pays on one task and hurts on another"
        undecided = [one for one in self.comparisons if self._leading(one) is None]
        if len(undecided) == len(self.comparisons):
            return "nothing is decided, and the verdict of each run says why"
        if undecided:
            return (
                f"undecided on {len(undecided)} of {len(self.comparisons)} tasks, where the verdict of the run says why"
            )
        leaders = dict.fromkeys(pair.first for one in self.comparisons if (pair := self._leading(one)))
        if len(leaders) == 1:
            return f"{next(iter(leaders))} has the most right answers on each"
        return f"the best technique depends on the task ({join_names(list(leaders))})"


def _shown(comparison: Comparison) -> list[PairedDifference]:
    """Return the significant differences, the better strategy first."""
    return [
        pair if pair.difference.value > 0 else pair.oriented(pair.second)
        for pair in comparison.pairs
        if pair.is_significant
    ]
