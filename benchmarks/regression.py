"""Two runs on the same problems: what became better and what worse, as a test of a prompt or a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from benchmarks import problems
from benchmarks.pairs import Pair, outcomes, pairs
from benchmarks.store import Store
from benchmarks.table import bare
from reasoning.display import plain
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Change:
    """One strategy in both runs.

    Attributes:
        before, after: its spec in each.
        pair: the run after beside the run before; its difference is above 0 where it became better.
        gained, lost: problems that only the later run solved, and only the earlier one.
    """

    before: str
    after: str
    pair: Pair
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def name(self) -> str:
        """What is compared."""
        return self.after if self.before == self.after else f"{self.before} → {self.after}"


@dataclass(frozen=True)
class Regression:
    """What changed between two runs.

    Attributes:
        folders: of the run before and the run after.
        changes: by strategy.
        common: problems that are in both, the same.
        left_out: problems that are in one only, or are not the same.
        alone: strategies that are in one only.
        tolerance: points of accuracy by which a strategy may become worse.
    """

    folders: tuple[Path, Path]
    changes: tuple[Change, ...]
    common: int
    left_out: int
    alone: tuple[str, ...]
    tolerance: float | None = None

    @property
    def worse(self) -> list[Change]:
        """What became worse by more than the tolerance."""
        if self.tolerance is None:
            return []
        return [one for one in self.changes if -100 * one.pair.difference.value > self.tolerance + 1e-9]

    def table(self) -> RenderableType:
        """For the terminal."""
        from rich.console import Group
        from rich.text import Text

        table = bare()
        table.add_column("strategy", overflow="fold")
        for title in ("problems", "gained", "lost", "change, points", "95 %", "p"):
            table.add_column(title, justify="right", no_wrap=True)
        worse = self.worse
        for change in self.changes:
            found = change.pair.difference
            table.add_row(
                *(Text(plain(change.name)), f"{change.pair.n}", f"{len(change.gained)}", f"{len(change.lost)}"),
                *(f"{100 * found.value:+.1f}", f"{100 * found.low:+.0f} to {100 * found.high:+.0f}"),
                f"{change.pair.p:.3f}",
                style="bold red" if change in worse else "",
            )
        notes = [f"{self.folders[0]} → {self.folders[1]}: {self.common} problems in both"]
        if self.left_out:
            notes.append(f"{self.left_out} problems are in one run only, or are not the same, and are left out")
        if self.alone:
            notes.append(f"in one run only: {', '.join(self.alone)}")
        for change in worse:
            lost = ", ".join(change.lost[:5])
            notes.append(f"{change.name} became worse by more than {self.tolerance:g} points; lost: {lost}")
        return Group(table, Text(""), Text(plain("\n".join(notes))))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "common": self.common,
            "left_out": self.left_out,
            "alone": list(self.alone),
            "changes": [
                {
                    "before": change.before,
                    "after": change.after,
                    "n": change.pair.n,
                    "difference": change.pair.difference.value,
                    "ci95": [change.pair.difference.low, change.pair.difference.high],
                    "p": change.pair.p,
                    "gained": list(change.gained),
                    "lost": list(change.lost),
                    "worse": change in self.worse,
                }
                for change in self.changes
            ],
        }

    def junit(self) -> str:
        """A JUnit report: a test case for each strategy, failed where it became worse."""
        worse = self.worse
        suite = ElementTree.Element(
            "testsuite", name="reasoning bench compare", tests=str(len(self.changes)), failures=str(len(worse))
        )
        for change in self.changes:
            case = ElementTree.SubElement(suite, "testcase", classname="benchmark", name=_clean(change.name))
            if change in worse:
                found = change.pair.difference
                message = (
                    f"{100 * found.value:+.1f} points (95 %: {100 * found.low:+.0f} to {100 * found.high:+.0f}) on "
                    f"{change.pair.n} problems; at most {self.tolerance:g} points of loss are allowed"
                )
                failure = ElementTree.SubElement(case, "failure", message=message)
                failure.text = _clean("lost: " + ", ".join(change.lost))
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def regression(before: Path, after: Path, tolerance: float | None = None) -> Regression:
    """Compare two results folders problem by problem.

    Strategies are matched by their specs; where each run has only one, these two are compared whatever they are called.

    Args:
        before, after: the folders.
        tolerance: points of accuracy by which a strategy may become worse.

    Raises:
        InputError: a folder holds no run, or is damaged.
        UsageError: they have no problem or no strategy in common.
    """
    old, new = Store.read(before), Store.read(after)
    common = [
        name
        for name, example in old.examples.items()
        if name in new.examples and problems.to_json(example) == problems.to_json(new.examples[name])
    ]
    if not common:
        raise UsageError(f"{before} and {after} have no problem in common: are they of one task and seed?")
    matched = [(spec, spec) for spec in old.specs if spec in new.specs]
    if not matched and len(old.specs) == len(new.specs) == 1:
        matched = [(old.specs[0], new.specs[0])]
    if not matched:
        raise UsageError(
            f"{before} and {after} have no strategy in common: {', '.join(old.specs)} and {', '.join(new.specs)}"
        )
    wanted = set(common)
    was, now = (
        outcomes(result for result in store.results.values() if result.problem in wanted) for store in (old, new)
    )
    changes = [_change(first, second, was.get(first, {}), now.get(second, {})) for first, second in matched]
    everything = old.examples.keys() | new.examples.keys()
    named = {spec for pair in matched for spec in pair}
    alone = [spec for spec in dict.fromkeys([*old.specs, *new.specs]) if spec not in named]
    return Regression(
        (before, after), tuple(changes), len(common), len(everything) - len(common), tuple(alone), tolerance
    )


def _change(first: str, second: str, was: dict[str, float], now: dict[str, float]) -> Change:
    [pair] = pairs({BEFORE: was, AFTER: now}, [AFTER, BEFORE])
    both = [problem for problem in was if problem in now]
    gained = tuple(problem for problem in both if now[problem] > was[problem])
    lost = tuple(problem for problem in both if now[problem] < was[problem])
    return Change(first, second, pair, gained, lost)


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(letter for letter in plain(text) if letter >= " " or letter in "\t\n")
