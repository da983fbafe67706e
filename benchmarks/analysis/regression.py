"""Two runs on the same problems: what became better and what worse, as a test of a prompt or a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.paired import (
    PairedDifference,
    families,
    paired_differences,
    scores_by_problem,
    worst_case_change,
)
from reasoning.benchmarks.analysis.summary_table import bare, many, numbers
from reasoning.benchmarks.results.folder import ResultsFolder, common_problems
from reasoning.benchmarks.results.short_names import ShortNames, WrappedName
from reasoning.display import strip_control
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class PairedChange:
    """One strategy in both runs.

    Attributes:
        before, after: its spec in each.
        pair: the run after beside the run before; its difference is above 0 where it became better.
        gained, lost: problems that only the later run solved, and only the earlier one.
        failed: problems in both runs that are left out, because a call failed in one of them.
        unrun: problems that are left out, because one of the runs has not got to them.
        lowest: the change in accuracy over the problems that either run has got to, were all that is left out of them
            as bad as can be: right in the earlier run, wrong in the later one. None where neither has got to any.
    """

    before: str
    after: str
    pair: PairedDifference
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    failed: int = 0
    unrun: int = 0
    lowest: float | None = None

    @property
    def numbers(self) -> tuple[str, str, str]:
        """Points, their interval, and p; dashes where there is nothing to compare."""
        return numbers(self.pair) if self.pair.n else ("–", "–", "–")

    @property
    def name(self) -> str:
        """What is compared."""
        return self.after if self.before == self.after else f"{self.before} → {self.after}"

    @property
    def left_out(self) -> str:
        """How many of the problems in both are left out, and why; empty where none is."""
        why = {"a call failed": self.failed, "not run in both": self.unrun}
        said = "; ".join(f"{count} ({reason})" for reason, count in why.items() if count)
        return f"{said} of the {many(self.pair.n + self.failed + self.unrun, 'problem')} in both" if said else ""


@dataclass(frozen=True)
class RunComparison:
    """What changed between two runs.

    Attributes:
        folders: of the run before and the run after.
        changes: by strategy.
        common: problems that are in both, the same.
        left_out: problems that are in one only, or are not the same.
        gone, new: strategies that are in the earlier run only, and in the later one only.
        tolerance: points of accuracy by which a strategy may become worse.
    """

    folders: tuple[Path, Path]
    changes: tuple[PairedChange, ...]
    common: int
    left_out: int
    gone: tuple[str, ...]
    new: tuple[str, ...]
    tolerance: float | None = None

    @property
    def worse(self) -> list[PairedChange]:
        """What became worse by more than the tolerance, as estimated."""
        if self.tolerance is None:
            return []
        return [one for one in self.changes if self._beyond(one.pair.difference.value)]

    @property
    def untested(self) -> dict[str, str]:
        """Strategies of the earlier run of which too little could be compared, and why.

        Too little is nothing, or so little that a loss of more than the tolerance could hide in what is left out.
        """
        found: dict[str, str] = {}
        for one in self.changes:
            if not one.pair.n:
                found[one.name] = f"nothing could be compared: left out are {one.left_out}"
            elif one.lowest is not None and self._beyond(one.lowest) and not self._beyond(one.pair.difference.value):
                found[one.name] = (
                    f"too little could be compared: left out are {one.left_out}, "
                    f"with which the change could be {100 * one.lowest:+.1f} points"
                )
        return found | dict.fromkeys(self.gone, "nothing could be compared: not in the later run")

    @property
    def passed(self) -> bool:
        """Whether nothing became worse by more than the tolerance, and nothing could have without being seen."""
        return self.tolerance is None or not (self.worse or self.untested)

    def _beyond(self, change: float) -> bool:
        """Whether a change in accuracy is a loss of more than the tolerance."""
        return self.tolerance is not None and -100 * change > self.tolerance + 1e-9

    def table(self) -> RenderableType:
        """For the terminal."""
        from rich.console import Group
        from rich.text import Text

        table = bare()
        table.add_column("strategy", overflow="fold")
        for title in ("problems", "gained", "lost", "change, points", "95 %", "p"):
            table.add_column(title, justify="right", no_wrap=True)
        worse, untested = self.worse, self.untested
        for change in self.changes:
            counts = (str(change.pair.n), str(len(change.gained)), str(len(change.lost)))
            name, style = strip_control(self._names(change.name)), change in worse or change.name in untested
            table.add_row(WrappedName(name), *counts, *change.numbers, style="bold red" if style else "")
        notes = [f"{self.folders[0]} → {self.folders[1]}: {many(self.common, 'problem')} in both"]
        if self.left_out:
            notes.append(f"left out, as in one run only or not the same: {many(self.left_out, 'problem')}")
        told = {} if self.tolerance is None else untested
        notes += [
            f"{change.name} leaves out {change.left_out}"
            for change in self.changes
            if change.left_out and change.name not in told
        ]
        for where, specs in (("earlier", self.gone), ("later", self.new)):
            if specs:
                notes.append(f"in the {where} run only: {', '.join(specs)}")
        notes += [
            f"{change.name} became worse by {self.allowed}; lost: {', '.join(change.lost[:5])}" for change in worse
        ]
        notes += [f"{name} fails, as {why}" for name, why in told.items()]
        notes = [*self._names.legend, *map(self._names, notes)]
        return Group(table, Text(""), Text(strip_control("\n".join(notes))))

    @cached_property
    def _names(self) -> ShortNames:
        ones = [spec for change in self.changes for spec in (change.before, change.after)]
        return ShortNames.of([*ones, *self.gone, *self.new])

    @property
    def allowed(self) -> str:
        """By how much a strategy that is worse became worse, in words."""
        return f"more than {self.tolerance:g} points"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
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
                    "unrun": change.unrun,
                    "lowest": change.lowest,
                    "difference": change.pair.difference.value if change.pair.n else None,
                    "ci95": [change.pair.difference.low, change.pair.difference.high] if change.pair.n else None,
                    "p": change.pair.p if change.pair.n else None,
                    "gained": list(change.gained),
                    "lost": list(change.lost),
                    "worse": change in self.worse,
                    "untested": self.untested.get(change.name),
                }
                for change in self.changes
            ],
        }


def compare_runs(before: Path, after: Path, tolerance: float | None = None) -> RunComparison:
    """Compare two results folders problem by problem.

    Strategies are matched by their specs; where each run has only one, these two are compared whatever they are called.

    Args:
        before, after: the folders.
        tolerance: points of accuracy by which a strategy may become worse.

    Raises:
        InputError: a folder holds no run, or is damaged.
        UsageError: they have no problem or no strategy in common.
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
    changes = [_change(old, new, first, second, same) for first, second in matched]
    everything = old.examples.keys() | new.examples.keys()
    named = {spec for pair in matched for spec in pair}
    gone, added = ([spec for spec in store.specs if spec not in named] for store in (old, new))
    return RunComparison(
        (before, after),
        tuple(changes),
        len(same),
        len(everything) - len(same),
        tuple(gone),
        tuple(added),
        tolerance,
    )


def _change(old: ResultsFolder, new: ResultsFolder, first: str, second: str, problems: Sequence[str]) -> PairedChange:
    wanted = set(problems)
    stored = [
        [result for result in store.results.values() if result.strategy == spec and result.problem in wanted]
        for store, spec in ((old, first), (new, second))
    ]
    was, now = (scores_by_problem(results).get(spec, {}) for results, spec in zip(stored, (first, second), strict=True))
    [pair] = paired_differences({BEFORE: was, AFTER: now}, [AFTER, BEFORE], families(stored[0] + stored[1]))
    both = [problem for problem in problems if problem in was and problem in now]
    left_out = wanted.difference(both)
    failed = left_out & {result.problem for results in stored for result in results if result.failed}
    gained = tuple(problem for problem in both if now[problem] > was[problem])
    lost = tuple(problem for problem in both if now[problem] < was[problem])
    begun = wanted & {result.problem for results in stored for result in results}
    unrun = len(left_out) - len(failed)
    return PairedChange(first, second, pair, gained, lost, len(failed), unrun, worst_case_change(was, now, begun))
