"""Two versions of a chain on the same cases, part by part: what became better, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences, worst_case_change
from reasoning.benchmarks.analysis.summary_table import many, numbers
from reasoning.benchmarks.analysis.verdict import ALPHA
from reasoning.benchmarks.chains.evaluation import by_part
from reasoning.benchmarks.chains.grid import FEWEST, Grid, html, shown, terminal, text
from reasoning.benchmarks.chains.run_history import RecordedRun
from reasoning.benchmarks.chains.runner import END
from reasoning.benchmarks.statistics import detectable_difference, holm
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Change:
    """One part in both versions.

    Attributes:
        part: a step in the chain, "STEP alone", "end to end".
        first, second: the mean scores on the common cases.
        pair: the second beside the first; above 0 where the second is better. Its `adjusted` p is by Holm over all
            parts that are compared.
        gained, lost: cases on which the second scores more, and less.
        failed: cases that are left out, since a call of one of them failed.
        lowest: the change of the mean score over all of these cases, were what failed as bad as can be.
    """

    part: str
    first: float
    second: float
    pair: PairedDifference
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    failed: int
    lowest: float

    @property
    def shown(self) -> bool:
        """Whether a difference is shown: see `reasoning.benchmarks.chains.grid.shown`."""
        return shown(self.pair)


@dataclass(frozen=True, repr=False)
class VersionComparison:
    """What changed from one version to another. Print it, or let a notebook show it.

    Attributes:
        runs: the first and the second.
        changes: by part.
        common, left_out: cases in both, the same; and those that are in one only or were changed.
        files: what differs between them.
        tolerance: points by which the end may become worse, as estimated; None where that is not tested.
    """

    runs: tuple[RecordedRun, RecordedRun]
    changes: tuple[Change, ...]
    common: int
    left_out: int
    files: tuple[str, ...]
    tolerance: float | None = None

    @property
    def end(self) -> Change | None:
        """The change of the end, where both versions have one that could be told."""
        return next((one for one in self.changes if one.part == END), None)

    @property
    def passed(self) -> bool:
        """Whether the end became worse by no more than the tolerance, and no more can hide in cases that failed.

        Not where there is no end to compare.
        """
        if self.tolerance is None:
            return True
        worst = None if self.end is None else min(self.end.pair.difference.value, self.end.lowest)
        return worst is not None and -100 * worst <= self.tolerance + 1e-9

    @property
    def verdict(self) -> str:
        """What the cases allow to say of the end, in a sentence."""
        first, second = (run.name for run in self.runs)
        if self.end is None:
            return "Nothing can be said of the end: no case in both checks it."
        pair, n = self.end.pair, many(self.end.pair.n, "case")
        found = pair.difference
        if self.end.shown:
            better, worse = (second, first) if found.value > 0 else (first, second)
            low, high = sorted((abs(found.low), abs(found.high)))
            return (
                f"{better} is better than {worse} at the end by {100 * abs(found.value):.1f} points "
                f"(95 %: {100 * low:.0f} to {100 * high:.0f}; p = {pair.p_adjusted:.3f}, Holm)."
            )
        least = detectable_difference(pair.n, pair.disagreement, level=ALPHA / len(self.changes))
        if least is None or pair.n < FEWEST:
            reach = f"{n} {'is' if pair.n == 1 else 'are'} too few to show any difference"
        else:
            reach = f"{n} show differences of about {100 * least:.0f} points or more"
        return f"{first} and {second} cannot be told apart at the end: {reach}."

    @property
    def notes(self) -> list[str]:
        """What is compared, and what may be behind a difference besides the files."""
        first, second = self.runs
        notes = [
            f"before: {first.name}, after: {second.name}: {', '.join(self.files) or 'the same files'}; "
            f"{many(self.common, 'case')} in both"
        ]
        if self.left_out:
            notes.append(f"{many(self.left_out, 'case')} in one only, or changed: left out")
        if self.end:
            for what, cases in (("gained", self.end.gained), ("lost", self.end.lost)):
                if cases:
                    notes.append(f"{what}, {END}: {', '.join(cases[:8])}{', …' if len(cases) > 8 else ''}")
        models = dict.fromkeys(run.model for run in self.runs)
        notes.append(f"model: {' and '.join(models)}")
        if settings := self.settings:
            notes.append(f"not the same settings, which may be what makes a difference: {settings}")
        if not self.passed:
            notes.append(f"fails: the end became worse by more than {self.tolerance:g} points, or was not compared")
            if self.end and self.end.failed:
                worst = f"{100 * self.end.lowest:+.1f} points"
                notes.append(
                    f"{many(self.end.failed, 'case')} failed; with them the change of the end could be {worst}"
                )
        return notes

    @property
    def settings(self) -> str:
        """In which settings of the calls the runs differ: "max_tokens 1024 and 5"; empty where in none."""
        was, now = (run.sampling for run in self.runs)
        return ", ".join(
            f"{name} {was.get(name, 'not set')} and {now.get(name, 'not set')}"
            for name in sorted(was.keys() | now.keys())
            if was.get(name) != now.get(name)
        )

    @property
    def grid(self) -> Grid:
        """The changes."""
        rows = [
            (
                *(one.part, f"{one.pair.n}", f"{one.first:.2f}", f"{one.second:.2f}"),
                *(f"{len(one.gained)}", f"{len(one.lost)}", *numbers(one.pair)),
            )
            for one in self.changes
        ]
        header = ("part", "cases", "before", "after", "gained", "lost", "change,\npoints", "95 %", "p (Holm)")
        return Grid(header, rows, {one.part for one in self.changes if one.shown})

    def table(self) -> RenderableType:
        """For the terminal."""
        from rich.console import Group
        from rich.text import Text

        from reasoning.display import strip_control

        return Group(terminal(self.grid), Text(""), Text(strip_control("\n".join([self.verdict, *self.notes]))))

    def __repr__(self) -> str:
        return text(self.table())

    def _repr_html_(self) -> str:
        said = "<br>".join(map(escape, self.notes))
        return f"{html(self.grid)}<p><b>{escape(self.verdict)}</b></p><p>{said}</p>"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "first": self.runs[0].name,
            "second": self.runs[1].name,
            "models": [run.model for run in self.runs],
            "settings": [dict(run.sampling) for run in self.runs],
            "common": self.common,
            "left_out": self.left_out,
            "files": list(self.files),
            "verdict": self.verdict,
            "passed": self.passed,
            "changes": [
                {
                    "part": one.part,
                    "n": one.pair.n,
                    "first": one.first,
                    "second": one.second,
                    "difference": one.pair.difference.value,
                    "ci95": [one.pair.difference.low, one.pair.difference.high],
                    "p": one.pair.p_adjusted,
                    "gained": list(one.gained),
                    "lost": list(one.lost),
                }
                for one in self.changes
            ],
        }


def compare_versions(
    first: RecordedRun,
    second: RecordedRun,
    parts: Sequence[str] | None = None,
    *,
    limit: int | None = None,
    tolerance: float | None = None,
) -> VersionComparison:
    """Compare two runs that are kept.

    Args:
        first, second: the runs.
        parts: those to compare; by default all that both have.
        limit: only the first so many of the cases in both.
        tolerance: points by which the end may become worse.

    Raises:
        UsageError: they have no case in common.
    """
    cases = [{(one.case, one.digest) for one in run.scores.values()} for run in (first, second)]
    same = {case for case, _ in cases[0] & cases[1]}
    if not same:
        raise UsageError(f"{first.name} and {second.name} have no case in common that is the same: chain eval both")
    both = set([one for one in dict.fromkeys(case for case, _ in first.scores) if one in same][:limit])
    was, now = (by_part(one for one in run.scores.values() if one.case in both) for run in (first, second))
    changes = []
    for part in parts or [part for part in was if part in now]:
        common = [case for case in was[part] if case in now[part]]
        if not common:
            continue
        [pair] = paired_differences({"first": was[part], "second": now[part]}, ["second", "first"])
        means = (sum(scores[part][case] for case in common) / len(common) for scores in (was, now))
        gained = tuple(case for case in common if now[part][case] > was[part][case])
        lost = tuple(case for case in common if now[part][case] < was[part][case])
        begun = {one.case for run in (first, second) for one in run.scores.values() if one.part == part} & both
        worst = worst_case_change(was[part], now[part], begun)
        assert worst is not None  # there are cases in common
        changes.append(Change(part, next(means), next(means), pair, gained, lost, len(begun) - len(common), worst))
    if not changes:
        raise UsageError(f"{first.name} and {second.name} have no result in common that could be told")
    adjusted = holm({one.part: one.pair.p for one in changes})
    changes = [replace(one, pair=replace(one.pair, p_adjusted=adjusted[one.part])) for one in changes]
    names = sorted(first.files.keys() | second.files.keys())
    differ = tuple(name for name in names if _bare(first, name) != _bare(second, name))
    left_out = len({case for case, _ in cases[0] ^ cases[1]})
    return VersionComparison((first, second), tuple(changes), len(both), left_out, differ, tolerance)


def _bare(run: RecordedRun, name: str) -> str | None:
    """A file of a run, without what the chain is called."""
    text = run.files.get(name)
    return text if text is None or name != "chain.toml" else text.partition("\n")[2]
