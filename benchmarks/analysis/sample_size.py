"""The number of problems that a comparison needs, before it is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.paired import EXACT, paired_differences
from reasoning.benchmarks.analysis.score_table import families, scores_by_problem
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.statistics import required_sample_size
from reasoning.errors import UsageError
from reasoning.tables import Document, Table, pluralize

if TYPE_CHECKING:
    pass

_ASSUMED = (0.1, 0.2, 0.3, 0.4)


def required_problems(
    difference: float, pilot: Path | None = None, disagree: float | None = None, strategies: int = 2, power: float = 80
) -> Document:
    """Return a table for a terminal: the number of problems that a difference needs, by disagreement.

    Args:
        difference: the difference to find, in points of accuracy.
        pilot: a results folder from which the disagreement of each pair of strategies is measured.
            With repetitions, that is the mean square of a problem's difference, and the run needs
            the same number of repetitions. With families of problems, the similarity within
            families is measured too, and the run needs families of the same size.
        disagree: instead of a pilot, the share of problems that exactly one of two strategies
            solves, in percent; by default several shares.
        strategies: the number of strategies to compare. Their pairs share the level of 5 %.
        power: the probability of finding the difference if it exists, in percent.

    Raises:
        UsageError: a difference or a share is out of range, or nothing can be compared in the pilot.
    """
    if not 0 < difference <= 100:
        raise UsageError(f"--difference must be above 0 and at most 100 points of accuracy, got {difference:g}")
    if disagree is not None and not 0 < disagree <= 100:
        raise UsageError(f"--disagree must be above 0 and at most 100 percent of the problems, got {disagree:g}")
    if pilot is not None and disagree is not None:
        raise UsageError("--pilot tells how often strategies disagree: give --pilot or --disagree, not both")
    names = ShortNames.of([])
    if pilot is not None:
        run = ResultsFolder.read(pilot)
        strategies, names, pairs = len(run.specs), ShortNames.of(run.specs), _pilot(run, pilot)
    else:
        pairs = [("assumed", share, 1.0, True) for share in (_ASSUMED if disagree is None else (disagree / 100,))]
    compared = strategies * (strategies - 1) // 2
    has_families = any(effect > 1 for *_, effect, _ in pairs)
    rows = []
    level = 0.05 / compared
    for pair, share, effect, exact in pairs:
        n = required_sample_size(difference / 100, share, level=level, power=power / 100, effect=effect, exact=exact)
        rows.append((names(pair), f"{100 * share:.0f} %", *([f"× {effect:.1f}"] if has_families else []), f"{n:,}"))
    header = ("strategies", "disagree on", *(["design effect"] if has_families else []), "problems")
    is_exact = all(exact for *_, exact in pairs)
    test = "exact power of McNemar's exact test" if is_exact else "normal approximation of the power, Connor 1987"
    title = (
        f"To find a difference of {difference:g} points {power:g} times in 100, at 5 % over "
        f"{pluralize(compared, 'pair')} ({test}):"
    )
    notes = [
        *names.legend,
        "Strategies disagree on at least as many problems as their difference needs; small pilots are imprecise.",
    ]
    if has_families:
        notes.append(
            "Problems of a family are alike: the design effect (Kish 1965) is for families as large and as alike as "
            "the pilot's."
        )
    return Document([title, Table(header, rows, priority=("problems", "disagree on")), "\n".join(notes)])


def _pilot(run: ResultsFolder, folder: Path) -> list[tuple[str, float, float, bool]]:
    """Return the names, disagreement and design effect of each pair in a pilot, and whether its test is exact."""
    results = run.results.values()
    pairs = paired_differences(scores_by_problem(results), run.specs, families(results))
    if not pairs:
        raise UsageError(f"{folder}: a pilot must have at least two strategies, got one")
    answered = [pair for pair in pairs if pair.n]
    if not answered:
        raise UsageError(f"{folder}: no two strategies answered a problem in common")
    return [
        (
            f"{pair.first} and {pair.second} ({pluralize(pair.n, 'problem')})",
            pair.disagreement,
            pair.design_effect,
            pair.test == EXACT,
        )
        for pair in answered
    ]
