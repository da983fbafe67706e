"""Comparison of two runs on the same problems: a regression test for prompts, models and chains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.formatting import difference_cells
from reasoning.benchmarks.analysis.paired import (
    PairedDifference,
    families,
    paired_differences,
    scores_by_problem,
    worst_case_change,
)
from reasoning.benchmarks.results.folder import ResultsFolder, common_problems
from reasoning.benchmarks.results.short_names import ShortNames, WrappedName
from reasoning.errors import UsageError
from reasoning.tables import Table, pluralize
from reasoning.text_safety import strip_control

if TYPE_CHECKING:
    from rich.console import RenderableType

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class PairedChange:
    """The change of one strategy, or of one part of a chain, between two runs.

    Attributes:
        before, after: its name in each run.
        pair: the later run against the earlier one; the difference is above 0 if it became better.
        mean_before, mean_after: the mean scores over the problems that both runs answered.
        gained, lost: the problems with a higher score in the later run, and with a lower one.
        failed: problems in both runs that are left out because a call failed in one of them.
        not_run: problems that are left out because one of the runs has not reached them.
        lowest: the change of the mean over all problems that either run has reached if those left
            out were as bad as possible: right before and wrong after. None if neither run has
            reached any.
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
            scores: of the earlier and the later run, from 0 to 1 by problem.
            problems: the problems in both runs, in order.
            begun: those that either run has reached.
            failed: those with a failed call in one of the runs.
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
        """Points, their interval and p, as cells; dashes if there is nothing to compare."""
        return difference_cells(self.pair) if self.pair.n else ("–", "–", "–")

    @property
    def left_out(self) -> str:
        """The number of problems in both runs that are left out, with the reasons; empty if nothing is."""
        counts = {"a call failed": self.failed, "not run in both": self.not_run}
        parts = "; ".join(f"{count} ({reason})" for reason, count in counts.items() if count)
        return (
            f"{parts} of the {pluralize(self.pair.n + self.failed + self.not_run, 'problem')} in both" if parts else ""
        )


@dataclass(frozen=True)
class RunComparison:
    """The changes between two runs.

    Attributes:
        labels: the names of the earlier and the later run.
        changes: by strategy, or by part of a chain.
        common: how many problems are in both runs and the same.
        left_out: how many problems are in one run only, or are not the same.
        gone, new: strategies that are in the earlier run only, and in the later one only.
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
        found: dict[str, str] = {}
        for change in self.tested:
            if not change.pair.n:
                found[change.name] = f"nothing could be compared: left out are {change.left_out}"
            elif self._may_hide_a_loss(change):
                found[change.name] = (
                    f"too little could be compared: left out are {change.left_out}, "
                    f"with which the change could be {100 * (change.lowest or 0):+.1f} points"
                )
        return found | dict.fromkeys(self.gone, "nothing could be compared: not in the later run")

    @property
    def passed(self) -> bool:
        """True if nothing became worse by more than the tolerance, and no such loss could hide."""
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

    def table(self) -> RenderableType:
        """Return the comparison for a terminal."""
        from rich.console import Group
        from rich.text import Text

        rows = [
            (self._names(change.name), *map(str, (change.pair.n, len(change.gained), len(change.lost))), *change.cells)
            for change in self.changes
        ]
        marked = {change.name for change in self.worse} | self.untested.keys()
        table = Table(
            ("strategy", "problems", "gained", "lost", "change, points", "95 %", "p"),
            rows,
            emphasized={place for place, change in enumerate(self.changes) if change.name in marked},
        )
        notes = "\n".join([*self._names.legend, *map(self._names, self._notes())])
        shown = table.to_rich(emphasis="bold red", wrap_name=WrappedName)
        return Group(shown, Text(""), Text(strip_control(notes)))

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

    Strategies are matched by their specs. If each run has only one strategy, these two are compared
    whatever their specs.

    Args:
        before: the folder of the earlier run.
        after: the folder of the later run.
        tolerance: the largest accepted loss of a strategy, in points of accuracy; None for no test.

    Raises:
        InputError: a folder holds no run, or is damaged.
        UsageError: the runs have no problem or no strategy in common.
    """
    old, new = ResultsFolder.read(before), ResultsFolder.read(after)
    same = common_problems([old, new])
    if not same:
        tasks = " and ".join(dict.fromkeys(str(store.settings["task"]) for store in (old, new)))
        raise UsageError(f"{before} and {after} have no problem in common: are they of one task and seed? ({tasks})")
    matched = [(spec, spec) for spec in old.specs if spec in new.specs]
    if not matched and len(old.specs) == len(new.specs) == 1:
        matched = [(old.specs[0], new.specs[0])]
    if not matched:
        raise UsageError(
            f"{before} and {after} have no strategy in common: {', '.join(old.specs)} and {', '.join(new.specs)}"
        )
    every_problem = old.examples.keys() | new.examples.keys()
    matched_specs = {spec for pair in matched for spec in pair}
    gone, added = (tuple(spec for spec in store.specs if spec not in matched_specs) for store in (old, new))
    return RunComparison(
        (str(before), str(after)),
        tuple(_change(old, new, first, second, same) for first, second in matched),
        len(same),
        len(every_problem) - len(same),
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
