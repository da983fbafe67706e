"""Comparison of two runs on the same problems: a regression test for prompts, models and chains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.paired import families, scores_by_problem
from reasoning.benchmarks.analysis.paired_change import PairedChange
from reasoning.benchmarks.results.folder import ResultsFolder, common_problems
from reasoning.benchmarks.results.short_names import ShortNames
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
        gone, new: the strategies of the earlier run only, and of the later run only.
        tolerance: the largest accepted loss, in points; None if nothing is tested.
    """

    labels: tuple[str, str]
    changes: tuple[PairedChange, ...]
    common: int
    left_out: int
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    tolerance: float | None = None

    @property
    def tested(self) -> Sequence[PairedChange]:
        """The changes that decide whether the test passes."""
        return self.changes

    @property
    def worse(self) -> list[PairedChange]:
        """The changes with an estimated loss beyond the tolerance."""
        return [change for change in self.tested if self._is_beyond(change.pair.difference.value)]

    @property
    def untested(self) -> dict[str, str]:
        """The strategies of the earlier run that could not be tested, with the reasons.

        Either nothing could be compared, or so much is left out that a loss beyond the tolerance
        could hide in it.
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
        return reasons | dict.fromkeys(self.gone, "nothing could be compared: not in the later run")

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

    def _may_hide_a_loss(self, change: PairedChange) -> bool:
        beyond = change.lowest is not None and self._is_beyond(change.lowest)
        return beyond and not self._is_beyond(change.pair.difference.value)

    @cached_property
    def _names(self) -> ShortNames:
        specs = [spec for change in self.changes for spec in (change.before, change.after)]
        return ShortNames.of([*specs, *self.gone, *self.new])

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
                yield f"in the {where} run only: {', '.join(specs)}"
        for change in self.worse:
            yield f"{change.name} became worse by {self.allowed}; lost: {', '.join(change.lost[:5])}"
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


def compare_runs(before: Path, after: Path, tolerance: float | None = None) -> RunComparison:
    """Compare two results folders problem by problem.

    Strategies are matched by their specs. If each run has only one strategy, the two are compared
    even if their specs differ.

    Args:
        before: the folder of the earlier run.
        after: the folder of the later run.
        tolerance: the largest accepted loss of a strategy, in points of accuracy; None for no test.

    Raises:
        InputError: a folder holds no run, or is damaged.
        UsageError: the runs have no problem or no strategy in common.
    """
    stores = ResultsFolder.read(before), ResultsFolder.read(after)
    return compare_stores(*stores, (str(before), str(after)), tolerance)


def compare_stores(
    old: ResultsFolder, new: ResultsFolder, labels: tuple[str, str], tolerance: float | None = None
) -> RunComparison:
    """Compare two runs as `compare_runs` does, from results that are already read.

    Args:
        old: the results of the earlier run.
        new: the results of the later run.
        labels: the names of the runs.
        tolerance: the largest accepted loss of a strategy, in points of accuracy; None for no test.

    Raises:
        UsageError: the runs have no problem or no strategy in common.
    """
    before, after = labels
    common = common_problems([old, new])
    if not common:
        tasks = " and ".join(dict.fromkeys(str(store.settings["task"]) for store in (old, new)))
        raise UsageError(f"{before} and {after} have no problem in common: are they of one task and seed? ({tasks})")
    matched = [(spec, spec) for spec in old.specs if spec in new.specs]
    if not matched and len(old.specs) == len(new.specs) == 1:
        matched = [(old.specs[0], new.specs[0])]
    if not matched:
        raise UsageError(
            f"{before} and {after} have no strategy in common: {', '.join(old.specs)} and {', '.join(new.specs)}"
        )
    all_problems = old.examples.keys() | new.examples.keys()
    matched_specs = {spec for pair in matched for spec in pair}
    gone, added = (tuple(spec for spec in store.specs if spec not in matched_specs) for store in (old, new))
    return RunComparison(
        labels,
        tuple(_change(old, new, first, second, common) for first, second in matched),
        len(common),
        len(all_problems) - len(common),
        gone,
        added,
        tolerance,
    )


def _change(old: ResultsFolder, new: ResultsFolder, first: str, second: str, problems: Sequence[str]) -> PairedChange:
    wanted = set(problems)
    stored = [
        [result for result in store.results.values() if result.strategy == spec and result.problem in wanted]
        for store, spec in ((old, first), (new, second))
    ]
    was, now = (scores_by_problem(results).get(spec, {}) for results, spec in zip(stored, (first, second), strict=True))
    results = stored[0] + stored[1]
    return PairedChange.between(
        first,
        second,
        (was, now),
        problems,
        begun={result.problem for result in results},
        failed={result.problem for result in results if result.failed},
        families=families(results),
    )
