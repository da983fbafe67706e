"""Comparison of two versions of a chain on the same cases, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.analysis.formatting import difference_cells
from reasoning.benchmarks.analysis.paired import ALPHA, EXACT, MIN_CASES
from reasoning.benchmarks.analysis.paired_change import PairedChange
from reasoning.benchmarks.analysis.regression import RunComparison
from reasoning.benchmarks.chains.evaluation import by_part
from reasoning.benchmarks.chains.run_history import RecordedRun
from reasoning.benchmarks.chains.runner import END
from reasoning.benchmarks.statistics import detectable_difference, holm
from reasoning.errors import UsageError
from reasoning.tables import Document, Table, escape_html, pluralize, render_text

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, repr=False, kw_only=True)
class VersionComparison(RunComparison):
    """The changes between two versions of a chain. Print it, or let a notebook show it.

    The change of each part is tested with Holm's correction over all parts that are compared. Only
    "end to end" decides whether the comparison passes.

    Attributes:
        runs: the earlier and the later version.
        files: the names of the files that differ between them.
    """

    runs: tuple[RecordedRun, RecordedRun]
    files: tuple[str, ...]

    @property
    def end(self) -> PairedChange | None:
        """The change of "end to end"; None if a version has no known score of it."""
        return next((change for change in self.changes if change.name == END), None)

    @property
    def tested(self) -> Sequence[PairedChange]:
        """The change of "end to end", if there is one."""
        return [self.end] if self.end else []

    @property
    def passed(self) -> bool:
        """True if "end to end" did not become worse by more than the tolerance, and no such loss could be hidden.

        A comparison without "end to end" does not pass.
        """
        return self.tolerance is None or (self.end is not None and super().passed)

    @property
    def verdict(self) -> str:
        """The conclusion about "end to end", in one sentence."""
        first, second = self.labels
        if self.end is None:
            return f"No conclusion about {END}: no case in both versions checks it."
        pair, cases = self.end.pair, pluralize(self.end.pair.n, "case")
        difference = pair.difference
        if pair.is_significant:
            better, worse = (second, first) if difference.value > 0 else (first, second)
            low, high = sorted((abs(difference.low), abs(difference.high)))
            return (
                f"{better} is better than {worse} {END} by {100 * abs(difference.value):.1f} points "
                f"(95 %: {100 * low:.0f} to {100 * high:.0f}; p = {pair.p_adjusted:.3f}, Holm)."
            )
        level, is_exact = ALPHA / len(self.changes), pair.test == EXACT
        least = detectable_difference(pair.n, pair.disagreement, level=level, exact=is_exact)
        if least is None or pair.n < MIN_CASES:
            power = f"{cases} {'is' if pair.n == 1 else 'are'} too few to show any difference"
        else:
            power = f"{cases} show differences of about {100 * least:.0f} points or more"
        return f"{first} and {second} are not significantly different {END}: {power}."

    @property
    def notes(self) -> list[str]:
        """The subject of the comparison, and other possible causes of a difference, one line each."""
        first, second = self.labels
        notes = [
            f"before: {first}, after: {second}: {', '.join(self.files) or 'the same files'}; "
            f"{pluralize(self.common, 'case')} in both"
        ]
        if self.left_out:
            notes.append(f"{pluralize(self.left_out, 'case')} in one version only, or changed: left out")
        if self.end:
            for title, cases in (("gained", self.end.gained), ("lost", self.end.lost)):
                if cases:
                    notes.append(f"{title}, {END}: {', '.join(cases[:8])}{', …' if len(cases) > 8 else ''}")
        notes.append(f"model: {' and '.join(dict.fromkeys(run.model for run in self.runs))}")
        if settings := self.settings:
            notes.append(f"the settings differ, which may cause a difference: {settings}")
        if not self.passed:
            notes.append(f"fails: {END} became worse by {self.allowed}, or was not compared")
            if self.end and self.end.failed:
                lowest = f"{100 * (self.end.lowest or 0):+.1f} points"
                notes.append(f"{pluralize(self.end.failed, 'case')} failed; with them the change could be {lowest}")
        return notes

    @property
    def settings(self) -> str:
        """The sampling parameters that differ, as in "max_tokens 1024 and 5", or "" if all are equal."""
        was, now = (run.sampling for run in self.runs)
        return ", ".join(
            f"{name} {was.get(name, 'not set')} and {now.get(name, 'not set')}"
            for name in sorted(was.keys() | now.keys())
            if was.get(name) != now.get(name)
        )

    @property
    def cells(self) -> Table:
        """The changes as a table, with significant ones emphasized."""
        rows = [
            (
                *(change.name, f"{change.pair.n}", f"{change.mean_before:.2f}", f"{change.mean_after:.2f}"),
                *(f"{len(change.gained)}", f"{len(change.lost)}", *difference_cells(change.pair)),
            )
            for change in self.changes
        ]
        header = ("part", "cases", "before", "after", "gained", "lost", "change, points", "95 %", "p (Holm)")
        significant = {index for index, change in enumerate(self.changes) if change.pair.is_significant}
        return Table(header, rows, emphasized=significant, priority=("change, points", "p (Holm)", "95 %"))

    def table(self) -> Document:
        """Return the comparison as a table, its verdict and notes."""
        return Document([self.cells, "\n".join([self.verdict, *self.notes])])

    def __repr__(self) -> str:
        return render_text(self.table())

    def _repr_html_(self) -> str:
        notes = "<br>".join(map(escape_html, self.notes))
        return f"{self.cells.to_html()}<p><b>{escape_html(self.verdict)}</b></p><p>{notes}</p>"

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as plain data."""
        return {
            "first": self.labels[0],
            "second": self.labels[1],
            "models": [run.model for run in self.runs],
            "settings": [dict(run.sampling) for run in self.runs],
            "common": self.common,
            "left_out": self.left_out,
            "files": list(self.files),
            "verdict": self.verdict,
            "passed": self.passed,
            "changes": [
                {
                    "part": change.name,
                    "n": change.pair.n,
                    "first": change.mean_before,
                    "second": change.mean_after,
                    "difference": change.pair.difference.value,
                    "ci95": [change.pair.difference.low, change.pair.difference.high],
                    "p": change.pair.p_adjusted,
                    "gained": list(change.gained),
                    "lost": list(change.lost),
                }
                for change in self.changes
            ],
        }


def compare_versions(
    first: RecordedRun,
    second: RecordedRun,
    *,
    limit: int | None = None,
    tolerance: float | None = None,
) -> VersionComparison:
    """Compare two recorded runs.

    Args:
        first: the earlier run.
        second: the later run.
        limit: the largest number of common cases; the first ones are taken.
        tolerance: the largest accepted loss of "end to end", in points; None for no test.

    Raises:
        UsageError: the runs have no case in common, or no known score of one.
    """
    cases = [{(score.case, score.digest) for score in run.scores.values()} for run in (first, second)]
    same = {case for case, _ in cases[0] & cases[1]}
    if not same:
        raise UsageError(
            f"{first.name} and {second.name} have no unchanged case in common: run `reasoning chain eval` on both"
        )
    common = [case for case in dict.fromkeys(case for case, _ in first.scores) if case in same][: limit or None]
    wanted = set(common)
    was, now = (by_part(score for score in run.scores.values() if score.case in wanted) for run in (first, second))
    changes = []
    for part in [part for part in was if part in now]:
        if was[part].keys().isdisjoint(now[part]):
            continue
        begun = {score.case for run in (first, second) for score in run.scores.values() if score.part == part} & wanted
        order = [case for case in common if case in begun]
        changes.append(PairedChange.between(part, part, (was[part], now[part]), order, begun=begun, failed=begun))
    if not changes:
        raise UsageError(f"{first.name} and {second.name} have no known score of a case in common")
    adjusted = holm({change.name: change.pair.p for change in changes})
    changes = [replace(c, pair=replace(c.pair, p_adjusted=adjusted[c.name])) for c in changes]
    names = sorted(first.files.keys() | second.files.keys())
    return VersionComparison(
        labels=(first.name, second.name),
        changes=tuple(changes),
        common=len(common),
        left_out=len({case for case, _ in cases[0] ^ cases[1]}),
        tolerance=tolerance,
        runs=(first, second),
        files=tuple(name for name in names if _without_title(first, name) != _without_title(second, name)),
    )


def _without_title(run: RecordedRun, name: str) -> str | None:
    """Return a file of a run, without the chain's name."""
    text = run.files.get(name)
    return text if text is None or name != "chain.toml" else text.partition("\n")[2]
