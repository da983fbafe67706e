"""Two versions of a chain on the same cases, part by part: what became better, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.chains.evaluation import by_part
from benchmarks.pairs import Pair, pairs
from benchmarks.table import bare
from reasoning.chain.trials.runs import Run
from reasoning.chain.trials.trial import END
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Change:
    """One part in both versions.

    Attributes:
        part: a step in the chain, "STEP alone", "end to end".
        first, second: the mean scores on the common cases.
        pair: the second beside the first; above 0 where the second is better.
        gained, lost: cases on which the second scores more, and less.
    """

    part: str
    first: float
    second: float
    pair: Pair
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True)
class Versions:
    """What changed from one version to another.

    Attributes:
        runs: the first and the second.
        changes: by part.
        common, left_out: cases in both, the same; and those that are in one only or were changed.
        files: what differs between them.
    """

    runs: tuple[Run, Run]
    changes: tuple[Change, ...]
    common: int
    left_out: int
    files: tuple[str, ...]

    def table(self) -> RenderableType:
        """For the terminal."""
        from rich.console import Group

        from reasoning.display import plain

        first, second = self.runs
        table = bare()
        table.add_column("part", no_wrap=True)
        for title in ("cases", first.name, second.name, "gained", "lost", "change, points", "95 %", "p"):
            table.add_column(title, justify="right")
        for one in self.changes:
            found = one.pair.difference
            table.add_row(
                *(one.part, f"{one.pair.n}", f"{one.first:.2f}", f"{one.second:.2f}"),
                *(f"{len(one.gained)}", f"{len(one.lost)}", f"{100 * found.value:+.1f}"),
                *(f"{100 * found.low:+.0f} to {100 * found.high:+.0f}", f"{one.pair.p:.3f}"),
                style="bold" if found.shown else "",
            )
        notes = [
            f"{first.name} → {second.name}: {', '.join(self.files) or 'the same files'}; {self.common} cases in both"
        ]
        if self.left_out:
            notes.append(f"{self.left_out} cases are in one only, or were changed, and are left out")
        for end in [one for one in self.changes if one.part == END]:
            for what, cases in (("gained", end.gained), ("lost", end.lost)):
                if cases:
                    notes.append(f"{what}, {END}: {', '.join(cases[:8])}{', …' if len(cases) > 8 else ''}")
        models = dict.fromkeys(run.model for run in self.runs)
        notes.append(f"model: {' and '.join(models)}")
        return Group(table, "", plain("\n".join(notes)))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "first": self.runs[0].name,
            "second": self.runs[1].name,
            "models": [run.model for run in self.runs],
            "common": self.common,
            "left_out": self.left_out,
            "files": list(self.files),
            "changes": [
                {
                    "part": one.part,
                    "n": one.pair.n,
                    "first": one.first,
                    "second": one.second,
                    "difference": one.pair.difference.value,
                    "ci95": [one.pair.difference.low, one.pair.difference.high],
                    "p": one.pair.p,
                    "gained": list(one.gained),
                    "lost": list(one.lost),
                }
                for one in self.changes
            ],
        }


def versions(first: Run, second: Run, parts: Sequence[str] | None = None) -> Versions:
    """Compare two runs that are kept.

    Args:
        first, second: the runs.
        parts: those to compare; by default all that both have.

    Raises:
        UsageError: they have no case in common.
    """
    cases = [{(one.case, one.digest) for one in run.outcomes.values()} for run in (first, second)]
    both = {case for case, _ in cases[0] & cases[1]}
    if not both:
        raise UsageError(f"{first.name} and {second.name} have no case in common that is the same: chain eval both")
    was, now = (by_part(one for one in run.outcomes.values() if one.case in both) for run in (first, second))
    changes = []
    for part in parts or [part for part in was if part in now]:
        common = [case for case in was[part] if case in now[part]]
        if not common:
            continue
        [pair] = pairs({"first": was[part], "second": now[part]}, ["second", "first"])
        means = (sum(scores[part][case] for case in common) / len(common) for scores in (was, now))
        gained = tuple(case for case in common if now[part][case] > was[part][case])
        lost = tuple(case for case in common if now[part][case] < was[part][case])
        changes.append(Change(part, next(means), next(means), pair, gained, lost))
    if not changes:
        raise UsageError(f"{first.name} and {second.name} have no result in common that could be told")
    names = sorted(first.files.keys() | second.files.keys())
    differ = tuple(name for name in names if _bare(first, name) != _bare(second, name))
    return Versions((first, second), tuple(changes), len(both), len({case for case, _ in cases[0] ^ cases[1]}), differ)


def _bare(run: Run, name: str) -> str | None:
    """A file of a run, without what the chain is called."""
    text = run.files.get(name)
    return text if text is None or name != "chain.toml" else text.partition("\n")[2]
