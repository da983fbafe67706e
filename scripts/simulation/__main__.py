"""Print the tables of docs/research/statistics-figures.md."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from reasoning.benchmarks.statistics import clopper_pearson, required_sample_size, wilson
from reasoning.tables import Table, escape_pipes
from simulation.coverage import cluster_coverage, curve_coverage, difference_coverage, mean_pairs, share_coverage
from simulation.error_rates import family_power, pair_errors, table_error
from simulation.races import RACES, race

SIZES = (20, 50, 120, 500, 1319)
HEAD = """# Simulated statistics

Coverage of the intervals, error rates of the tests, and savings of racing. The command
`PYTHONPATH=scripts python -m simulation` generates this page, and
[Statistics](../explanation/statistics.md) explains the figures.

| figures | simulation |
| --- | --- |
| single intervals | computed exactly, at accuracies from 2 to 98 % |
| clustered intervals | 2,000 replicates at each of 2, 5, 10, 30, 50, 70, 90, 95 and 98 % |
| paired intervals | 1,000 replicates at each of six pairs of accuracies and three correlations of difficulty |
| tests | 4,000 replicates |
| vote curves | 2,000 replicates |
| races | 10,000 replicates; 2,000 over families and for advice |
"""


def table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> None:
    """Print one table."""
    rendered = Table(tuple(header), list(rows), text_columns=len(header)).to_markdown(escape_pipes)
    print("\n".join([f"## {title}", "", *([textwrap.fill(note, 100), ""] if note else []), rendered, ""]), flush=True)


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def intervals(replicates: int) -> None:
    table(
        "Coverage of 95 % intervals of an accuracy",
        ("interval", "n", "mean %", "least %"),
        (
            (name, str(n), *map(percent, share_coverage(interval, n)))
            for name, interval in (("Wilson", wilson), ("exact", clopper_pearson))
            for n in SIZES
        ),
    )
    rows = []
    sizes = ((10, 4, 1), (20, 3, 1), (50, 4, 1), (120, 4, 1), (120, 10, 1), (48, 1, 8), (120, 1, 8), (360, 1, 8))
    for n, epochs, family in sizes:
        coverage = cluster_coverage(n, epochs, family, replicates // 2)
        label = f"{n} problems in {n // family} families" if family > 1 else f"{n} problems × {epochs}"
        rows.append(
            (label, *(f"{percent(sum(ones) / len(ones))} ({percent(min(ones))})" for ones in coverage.values()))
        )
    header = ("", "Wilson's, clustered", "Student's, clustered", "Wilson's, as if independent")
    note = "Mean over accuracies, and minimum in brackets, in %. Result tables use the first interval."
    table("Coverage over epochs and families", header, rows, note)
    rows = [
        (f"{n} in {n // family}", str(k), percent(label["families"]), percent(label["problems"]))
        for n, family in ((48, 8), (120, 8), (360, 9))
        for k, label in curve_coverage(n, family, replicates // 2).items()
    ]
    header = ("problems in families", "k", "families %", "as if independent %")
    table("Coverage of 95 % intervals of maj@k, ten draws a problem", header, rows)


def differences(replicates: int) -> None:
    table(
        "Coverage of 95 % intervals of a paired difference",
        ("interval", "n", "mean %", "least %", "most %"),
        (
            (name, str(n), *map(percent, coverage))
            for n in (20, 50, 120, 500)
            for name, *coverage in difference_coverage(n, replicates // 4)
        ),
    )
    columns = ("accuracies %", "Student's interval %", "bootstrap %", "significant by the t-test %")
    ends = ((0.5, 0.5), (0.6, 0.5), (0.95, 0.95), (0.98, 0.9))
    rows = [
        (
            f"{n} × {epochs}",
            " and ".join(f"{100 * accuracy:.0f}" for accuracy in accuracies),
            *map(percent, mean_pairs(n, epochs, replicates, accuracies)),
        )
        for n, epochs in ((5, 2), (10, 3), (20, 3), (50, 4), (120, 4))
        for accuracies in ends
    ]
    table("Paired differences over epochs: coverage of 95 % intervals", ("problems × epochs", *columns), rows)
    rows = [
        (
            f"{n} in {n // 8}",
            " and ".join(f"{100 * accuracy:.0f}" for accuracy in accuracies),
            *map(percent, mean_pairs(n, 1, replicates, accuracies, 8)),
        )
        for n in (48, 120, 480)
        for accuracies in ends
    ]
    columns = ("accuracies %", "clustered %", "bootstrap over problems %", "significant, clustered %")
    table("Paired differences where problems come in families", ("problems in families", *columns), rows)


def tests(replicates: int) -> None:
    table(
        "How often two strategies differ significantly (shared difficulty: correlation 0.6)",
        ("n", "true difference, points", "McNemar %", "intervals apart %"),
        (
            (str(n), f"{100 * gap:.0f}", *map(percent, pair_errors(n, replicates, gap)))
            for n in (50, 120, 500)
            for gap in (0.0, 0.05, 0.1, 0.2)
        ),
    )
    table(
        "Equally good strategies, 120 problems: any pair significantly different",
        ("strategies", "Holm %", "uncorrected %"),
        ((str(k), *map(percent, table_error(120, k, replicates // 2))) for k in (2, 4, 6)),
    )
    table(
        "Problems required for 80 % power",
        ("difference, points", "disagree on, %", "problems"),
        (
            (f"{100 * gap:.0f}", f"{100 * split:.0f}", str(required_sample_size(gap, split)))
            for gap in (0.02, 0.05, 0.1)
            for split in (0.1, 0.2, 0.4)
        ),
    )
    rows = []
    for family in (1, 4, 8):
        effect, n, power = family_power(0.1, family, replicates // 2)
        rows.append((str(family), f"{effect:.1f}", str(n), percent(power)))
    header = ("problems a family", "design effect", "problems", "difference detected %")
    table("Problems required to detect 10 points in families, and the power achieved", header, rows)


def races(replicates: int) -> None:
    header = ("race", "problems", "margin, points", "calls of the grid %", "same decision %", "grid's best stopped %")
    note = (
        'The level is 5 %. "Same decision": the race\'s winner is the best of the full grid, or within the '
        "margin of it on the problems of the race. \"Grid's best stopped\": the race stopped the grid's best "
        'although it is the best by at least the margin. "First stopped": the race stopped the first strategy'
        ' of the list. "Significant": any two of the remaining strategies differ significantly, by McNemar '
        "and Holm."
    )

    def row(name: str, n: int, margin: float, count: int = replicates, **options: Any) -> tuple[str, ...]:
        summary = race(RACES[name], n, margin, count, **options)
        cells = map(percent, (summary.calls, summary.same, summary.stopped, summary.first, summary.significant))
        return (name, str(n), f"{100 * margin:.0f}", *cells)

    more = ("first stopped %", "significant %")
    rows = (row(name, n, margin) for name in RACES for n in (500, 1319) for margin in (0.0, 0.05))
    table("Racing", (*header, *more), rows, note)
    two = list(RACES)[:2]
    for title, shuffled in (("in random order, as races take them", True), ("family by family", False)):
        rows = (
            row(name, 504, margin, replicates // 5, family=8, shuffled=shuffled)
            for name in two
            for margin in (0.0, 0.05)
        )
        table(f"Racing over 63 families of 8 problems, {title}", (*header, *more), rows)
    rows = (row(name, 500, margin, replicates // 5, sample=True) for name in list(RACES)[:3] for margin in (0.0, 0.05))
    table("Racing for inference about all similar problems, as for advice", (*header, *more), rows)


def main(quick: bool = False) -> None:
    """Print all tables."""
    print(HEAD)
    for part in (intervals, differences, tests):
        part(200 if quick else 4000)
    races(100 if quick else 10_000)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
