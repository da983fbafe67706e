"""The tables of paired differences in a report."""

from __future__ import annotations

from reasoning.benchmarks.analysis.paired import EXACT, OVER_FAMILIES, OVER_PROBLEMS, PairedDifference
from reasoning.benchmarks.analysis.summary_table import many, p_value
from reasoning.benchmarks.report.grid import Grid, share
from reasoning.benchmarks.report.report_data import ReportData


def differences(found: ReportData) -> Grid:
    """The best strategy against each other one."""
    best = found.best.strategy if found.best else ""
    return Grid(
        "differences",
        f"By how many points {best} is better",
        ("than", *_PAIRED),
        tuple((pair.second, *_paired(pair)) for pair in found.against_best),
        _on_pairs(found),
        paper=True,
    )


def every_pair(found: ReportData) -> Grid:
    """All pairs of strategies."""
    return Grid(
        "pairs",
        "Every pair: by how many points the first is better",
        ("first", "second", *_PAIRED),
        tuple((pair.first, pair.second, *_paired(pair)) for pair in found.pairs),
        _on_pairs(found),
        words=2,
    )


_PAIRED = ("points", "95 %", "p", "p (Holm)", "superiority", "disagree", "problems")


def _paired(pair: PairedDifference) -> tuple[str, ...]:
    found = pair.difference
    return (
        _points(found.value),
        f"{_points(found.low)} to {_points(found.high)}",
        p_value(pair.p),
        p_value(pair.p_adjusted),
        share(pair.superiority),
        share(pair.disagreement),
        str(pair.n),
    )


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


_TESTS = {
    EXACT: "Exact McNemar tests, Tango's paired score intervals",
    OVER_PROBLEMS: "Paired t-tests and intervals over the mean of each problem's repetitions",
    OVER_FAMILIES: "Paired t-tests and intervals over families of problems",
}


def _on_pairs(found: ReportData) -> str:
    tests = "; ".join(_TESTS[test] for test in dict.fromkeys(pair.test for pair in found.pairs))
    return (
        f"{tests}, on the problems that both answered. Holm's correction is over "
        f"{many(len(found.pairs), 'pair')}. Superiority: how likely the first is better on a problem drawn at "
        "random; a tie counts half."
    )
