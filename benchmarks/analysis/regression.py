"""Comparison of two runs on the same problems: a regression test for prompts, models and chains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.inspect_results import find_strategy
from reasoning.benchmarks.analysis.paired_change import PairedChange
from reasoning.benchmarks.analysis.score_table import families, scores_by_problem
from reasoning.benchmarks.analysis.worst_case import explain_incomplete, find_incomplete, score_bounds
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.results.stored_problems import common_problems
from reasoning.errors import UsageError
from reasoning.tables import Document, Table, pluralize

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class RunComparison:
    """The changes between two runs.

    Attributes:
        labels: the names of the earlier and the later run.
        changes: one change for each strategy, or for each part of a chain.
        common: the number of problems that are in both runs and the same.
        left_out: the number of problems that are in one run only, or not the same in both.
        gone, new: the strategies with results in the earlier run only, and in the later run only.
        missing: the strategies that were asked for and have no results in one of the runs, with the
            reasons.
        tolerance: the largest accepted loss, in points; None if nothing is tested.
    """

    labels: tuple[str, str]
    changes: tuple[PairedChange, ...]
    common: int
    left_out: int
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    tolerance: float | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def tested(self) -> Sequence[PairedChange]:
        """The changes that decide whether the test passes."""
        return self.changes

    @property
    def worse(self) -> list[PairedChange]:
        """The changes with an estimated loss beyond the tolerance."""
        return [
            change
            for change in self.tested
            if self._is_beyond(change.pair.difference.value) and not self._is_withheld(change)
        ]

    @property
    def untested(self) -> dict[str, str]:
        """The strategies that could not be tested, with the reasons.

        Either nothing could be compared, or so much is left out that a loss beyond the tolerance
        could hide in it, or the loss could be due to replies that a limit cut off or that were
        refused. Strategies of one run only are not tested unless they were asked for.
        """
        reasons: dict[str, str] = {}
        for change in self.tested:
            if not change.pair.n:
                reasons[change.name] = f"nothing could be compared: left out are {change.left_out}"
            elif self._may_hide_a_loss(change):
                reasons[change.name] = (
                    f"too little could be compared: left out are {change.left_out}, "
                    f"with which the change could be {100 * (change.lowest or 0):+.1f} points"
                )
            elif self._is_withheld(change):
                lost = f"{-100 * change.pair.difference.value:.1f}"
                reasons[change.name] = f"its loss of {lost} points may be due to missing replies: {change.incomplete}"
        return reasons | dict(self.missing)

    @property
    def passed(self) -> bool:
        """True if nothing became worse by more than the tolerance and no such loss could be hidden."""
        return self.tolerance is None or not (self.worse or self.untested)

    @property
    def allowed(self) -> str:
        """The tolerance in words, as in "more than 2 points"."""
        return f"more than {self.tolerance:g} points"

    def _is_beyond(self, change: float) -> bool:
        """Return whether a change in accuracy is a loss of more than the tolerance."""
        return self.tolerance is not None and -100 * change > self.tolerance + 1e-9

    def _is_withheld(self, change: PairedChange) -> bool:
        """Return whether a loss beyond the tolerance could be due to a limit, a refusal or a failure."""
        beyond = self._is_beyond(change.pair.difference.value)
        return beyond and change.highest is not None and not self._is_beyond(change.highest)

    def _may_hide_a_loss(self, change: PairedChange) -> bool:
        beyond = change.lowest is not None and self._is_beyond(change.lowest)
        return beyond and not self._is_beyond(change.pair.difference.value)

    @cached_property
    def _names(self) -> ShortNames:
        specs = [spec for change in self.changes for spec in (change.before, change.after)]
        return ShortNames.of([*specs, *self.gone, *self.new, *self.missing])

    @property
    def cells(self) -> Table:
        """The changes as a table, with those that fail the test emphasized."""
        rows = [
            (self._names(change.name), *map(str, (change.pair.n, len(change.gained), len(change.lost))), *change.cells)
            for change in self.changes
        ]
        marked = {change.name for change in self.worse} | self.untested.keys()
        return Table(
            ("strategy", "problems", "gained", "lost", "change, points", "95 %", "p"),
            rows,
            emphasized={index for index, change in enumerate(self.changes) if change.name in marked},
            priority=("change, points", "p", "95 %", "problems"),
        )

    @property
    def notes(self) -> list[str]:
        """The legend, the subject of the comparison, and what is left out or fails, one line each."""
        return [*self._names.legend, *map(self._names, self._notes())]

    def table(self) -> Document:
        """Return the comparison as a table and notes."""
        return Document([self.cells, "\n".join(self.notes)], emphasis="bold red")

    def _notes(self) -> Iterable[str]:
        yield f"{self.labels[0]} → {self.labels[1]}: {pluralize(self.common, 'problem')} in both"
        if self.left_out:
            yield f"left out, as in one run only or not the same: {pluralize(self.left_out, 'problem')}"
        untested = {} if self.tolerance is None else self.untested
        for change in self.changes:
            if change.left_out and change.name not in untested:
                yield f"{change.name} leaves out {change.left_out}"
        for where, specs in (("earlier", self.gone), ("later", self.new)):
            if specs:
                yield f"left out, as in the {where} run only: {', '.join(specs)}"
        for change in self.worse:
            lost = f"; lost: {', '.join(change.lost[:5])}" if change.lost else ""
            more = f" and {len(change.lost) - 5} more" if len(change.lost) > 5 else ""
            yield f"{change.name} became worse by {self.allowed}{lost}{more}"
        for name, reason in untested.items():
            yield f"{name} fails, as {reason}"

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        untested = self.untested
        return {
            "common": self.common,
            "left_out": self.left_out,
            "alone": [*self.gone, *self.new],
            "gone": list(self.gone),
            "missing": dict(self.missing),
            "passed": self.passed,
            "changes": [
                {
                    "before": change.before,
                    "after": change.after,
                    "n": change.pair.n,
                    "failed": change.failed,
                    "unrun": change.not_run,
                    "lowest": change.lowest,
                    "difference": change.pair.difference.value if change.pair.n else None,
                    "ci95": [change.pair.difference.low, change.pair.difference.high] if change.pair.n else None,
                    "p": change.pair.p if change.pair.n else None,
                    "gained": list(change.gained),
                    "lost": list(change.lost),
                    "worse": change in self.worse,
                    "untested": untested.get(change.name),
                }
                for change in self.changes
            ],
        }


def compare_runs(
    before: Path, after: Path, tolerance: float | None = None, strategies: Sequence[str] | None = None
) -> RunComparison:
    """Compare two results folders problem by problem.

    Strategies are matched by their specs. If each run has only one strategy, the two are compared
    even if their specs differ.

    Args:
        before: the folder of the earlier run.
        after: the folder of the later run.
        tolerance: the largest accepted loss of a strategy, in points of accuracy; None for no test.
        strategies: the specs to compare; by default those with results in both runs.

    Raises:
        InputError: a folder holds no run, or is damaged.
        UsageError: the runs have no problem or no strategy in common.
    """
    stores = ResultsFolder.read(before), ResultsFolder.read(after)
    return compare_stores(*stores, (str(before), str(after)), tolerance, strategies)


def compare_stores(
    old: ResultsFolder,
    new: ResultsFolder,
    labels: tuple[str, str],
    tolerance: float | None = None,
    strategies: Sequence[str] | None = None,
) -> RunComparison:
    """Compare two runs as `compare_runs` does, from results that are already read.

    Args:
        old: the results of the earlier run.
        new: the results of the later run.
        labels: the names of the runs.
        tolerance: the largest accepted loss of a strategy, in points of accuracy; None for no test.
        strategies: the specs to compare; by default those with results in both runs.

    Raises:
        UsageError: the runs have no problem or no strategy in common.
    """
    before, after = labels
    common = common_problems([old.examples, new.examples])
    if not common:
        tasks = " and ".join(dict.fromkeys(str(store.settings["task"]) for store in (old, new)))
        raise UsageError(f"{before} and {after} have no problem in common: are they of one task and seed? ({tasks})")
    old_specs, new_specs = _with_results(old), _with_results(new)
    missing: dict[str, str] = {}
    if strategies is None:
        matched = [(spec, spec) for spec in old_specs if spec in new_specs]
        if not matched and len(old_specs) == len(new_specs) == 1:
            matched = [(old_specs[0], new_specs[0])]
    else:
        asked = [find_strategy([*old_specs, *new_specs], spec, f"in {before} and {after}") for spec in strategies]
        matched = [(spec, spec) for spec in asked if spec in old_specs and spec in new_specs]
        for spec in asked:
            if (spec, spec) not in matched:
                where = "later" if spec in old_specs else "earlier"
                missing[spec] = f"nothing could be compared: it has no results in the {where} run"
    if not matched and not missing:
        names = " and ".join(", ".join(specs) or "none with results" for specs in (old_specs, new_specs))
        raise UsageError(f"{before} and {after} have no strategy in common: {names}")
    all_problems = old.examples.keys() | new.examples.keys()
    known = {spec for pair in matched for spec in pair} | missing.keys()
    gone = tuple(spec for spec in old_specs if spec not in known and spec not in new_specs)
    added = tuple(spec for spec in new_specs if spec not in known and spec not in old_specs)
    return RunComparison(
        labels,
        tuple(_change(old, new, first, second, common) for first, second in matched),
        len(common),
        len(all_problems) - len(common),
        gone,
        added,
        tolerance,
        missing,
    )


def _with_results(store: ResultsFolder) -> list[str]:
    """Return the strategies with results, in the order of the folder."""
    begun = set(store.results.rows().distinct("strategy"))
    return [spec for spec in store.specs if spec in begun]


def _change(old: ResultsFolder, new: ResultsFolder, first: str, second: str, problems: Sequence[str]) -> PairedChange:
    stored = [
        store.results.rows().of_strategy(spec).of_problems(problems) for store, spec in ((old, first), (new, second))
    ]
    was, now = (scores_by_problem(results).get(spec, {}) for results, spec in zip(stored, (first, second), strict=True))
    failed = [rows.where(rows.failed) for rows in stored]
    change = PairedChange.between(
        first,
        second,
        (was, now),
        problems,
        begun={problem for rows in stored for problem in rows.distinct("problem")},
        failed={problem for rows in failed for problem in rows.distinct("problem")},
        families=families(stored[0]) | families(stored[1]),
    )
    both = was.keys() & now.keys()
    later = stored[1].of_problems(both)
    if not (incomplete := find_incomplete(later)):
        return change
    highest = score_bounds(later)[second]
    total = sum(highest[problem][1] - was[problem] for problem in both)
    return replace(change, highest=total / len(both), incomplete=explain_incomplete(incomplete.values()))
