"""How many problems a comparison needs, before it is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.paired import families, paired_differences, scores_by_problem
from reasoning.benchmarks.analysis.summary_table import bare, many
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.statistics import required_sample_size
from reasoning.display import strip_control
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

_ASSUMED = (0.1, 0.2, 0.3, 0.4)


def required_problems(
    difference: float, pilot: Path | None = None, disagree: float | None = None, strategies: int = 2, power: float = 80
) -> RenderableType:
    """A table for the terminal: how many problems show a difference, by how often two strategies disagree.

    Args:
        difference: in points of accuracy.
        pilot: a results folder that says how often each pair disagreed. Where it has repetitions, it is the mean square
            of a problem's difference, and the problems are to have as many. Where problems come in families, it says
            how alike these are, and the problems are to come in families as large.
        disagree: or the share of problems that exactly one of two solves, in percent; neither gives a few.
        strategies: how many are compared; the level of 5 % is shared by their pairs.
        power: the chance to find the difference if it is there, in percent.

    Raises:
        UsageError: a difference or a share that makes no sense, or a pilot in which nothing can be compared.
    """
    from rich.console import Group
    from rich.text import Text

    if not 0 < difference <= 100:
        raise UsageError(f"--difference {difference:g}: points of accuracy, above 0 and at most 100")
    if disagree is not None and not 0 < disagree <= 100:
        raise UsageError(f"--disagree {disagree:g}: percent of the problems, above 0 and at most 100")
    if pilot is not None and disagree is not None:
        raise UsageError("--pilot says how often strategies disagree: give it or --disagree, not both")
    names = ShortNames.of([])
    if pilot is not None:
        store = ResultsFolder.read(pilot)
        made = paired_differences(
            scores_by_problem(store.results.values()), store.specs, families(store.results.values())
        )
        if not made:
            raise UsageError(f"{pilot} has one strategy; a pilot has at least two")
        strategies, names = len(store.specs), ShortNames.of(store.specs)
        shares = [
            (f"{pair.first} and {pair.second} ({many(pair.n, 'problem')})", pair.disagreement, pair.design_effect)
            for pair in made
            if pair.n
        ]
        if not shares:
            raise UsageError(f"{pilot}: no two strategies answered a problem in common, so it does not say how often")
    else:
        assumed = _ASSUMED if disagree is None else (disagree / 100,)
        shares = [("assumed", share, 1.0) for share in assumed]
    compared = strategies * (strategies - 1) // 2
    table = bare()
    table.add_column("strategies", overflow="fold")
    table.add_column("disagree on", justify="right")
    alike = any(effect > 1 for *_, effect in shares)
    if alike:
        table.add_column("families take", justify="right")
    table.add_column("problems", justify="right")
    for who, share, effect in shares:
        n = required_sample_size(difference / 100, share, level=0.05 / compared, power=power / 100, effect=effect)
        more = [f"× {effect:.1f}"] if alike else []
        table.add_row(Text(strip_control(names(who))), f"{100 * share:.0f} %", *more, f"{n:,}")
    told = (
        f"To find a difference of {difference:g} points {power:g} times in 100, at 5 % over {many(compared, 'pair')} "
        "(McNemar, Connor 1987):"
    )
    notes = [
        *names.legend,
        "Strategies disagree on at least as many problems as their difference needs; pilots of few problems are rough.",
    ]
    if alike:
        notes.append(
            "Problems of a family are alike: what families take is the design effect (Kish 1965), for families as "
            "large and as alike as the pilot's."
        )
    return Group(Text(told), Text(""), table, Text(""), Text(strip_control("\n".join(notes))))
