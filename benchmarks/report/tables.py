"""The tables of a report, which every format writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from reasoning.benchmarks.analysis.formatting import p_cell, percent
from reasoning.benchmarks.analysis.paired import EXACT, OVER_FAMILIES, OVER_PROBLEMS, PairedDifference
from reasoning.benchmarks.analysis.summary_table import parse_rule_table, summary_table
from reasoning.benchmarks.report.calibration import Calibration
from reasoning.benchmarks.report.cost_frontier import BudgetStep, CostFrontier
from reasoning.benchmarks.report.repeatability import Repeatability
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.statistics.vote_curves import CurvePoint
from reasoning.tables import Table, pluralize

_COVERAGES = (0.25, 0.5, 0.75, 1.0)


def report_tables(data: ReportData) -> list[Table]:
    """Return all tables that have rows, with strategies by their short names."""
    tables = [
        _strategies(data),
        _differences(data),
        _pairs(data),
        _repeatability(data),
        *_budgets(data),
        _vote_curves(data),
        _calibration(data),
        _solved(data),
        _same_answers(data),
        parse_rule_table(data.comparison.parse_rules, data.specs),
    ]
    return [_with_names(table, data.names) for table in tables if table.rows]


def paper_tables(data: ReportData) -> list[Table]:
    """Return the tables for a paper; the others are for reference."""
    wanted = {"strategies", "differences", *(f"budgets-{frontier.measure}" for frontier in data.cost_frontiers[:1])}
    return [table for table in report_tables(data) if table.name in wanted]


def _with_names(table: Table, names: ShortNames) -> Table:
    rows = [tuple(map(names, row)) for row in table.rows]
    return replace(table, title=names(table.title), rows=rows, note=names(table.note))


def _strategies(data: ReportData) -> Table:
    table = summary_table(data.comparison.rows, data.comparison.free)
    return replace(
        table,
        header=("#", *table.header),
        rows=[(str(number), *row) for number, row in enumerate(table.rows, 1)],
        title="Accuracy and cost",
        name="strategies",
        note="An unparsed answer counts as not right; a failed call does not count. Calls, tokens and cost are totals; "
        "s/problem: seconds of model time for one problem.",
        text_columns=2,
    )


def _differences(data: ReportData) -> Table:
    best = data.comparison.best
    return Table(
        ("than", *_PAIRED),
        [(pair.second, *_pair_cells(pair)) for pair in data.comparison.against_best],
        title=f"By how many points {best.strategy if best else ''} is better",
        name="differences",
        note=_pair_note(data),
        priority=_PRIORITY,
    )


def _pairs(data: ReportData) -> Table:
    return Table(
        ("first", "second", *_PAIRED),
        [(pair.first, pair.second, *_pair_cells(pair)) for pair in data.comparison.pairs],
        title="Every pair: by how many points the first is better",
        name="pairs",
        note=_pair_note(data),
        text_columns=2,
        priority=("second", *_PRIORITY),
    )


_PRIORITY = ("points", "95 %", "p (Holm)")
_PAIRED = ("points", "95 %", "p", "p (Holm)", "superiority", "disagree", "problems")


def _pair_cells(pair: PairedDifference) -> tuple[str, ...]:
    difference = pair.difference
    return (
        _points(difference.value),
        f"{_points(difference.low)} to {_points(difference.high)}",
        p_cell(pair.p),
        "withheld" if pair.is_withheld else p_cell(pair.p_adjusted),
        percent(pair.superiority),
        percent(pair.disagreement),
        str(pair.n),
    )


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}".replace("-", "−").replace("+0.0", "0.0").replace("−0.0", "0.0")


_TESTS = {
    EXACT: "Exact McNemar tests, Tango's paired score intervals",
    OVER_PROBLEMS: "Paired t-tests and intervals over the mean of each problem's repetitions",
    OVER_FAMILIES: "Paired t-tests and intervals over families of problems",
}


def _pair_note(data: ReportData) -> str:
    pairs = data.comparison.pairs
    tests = "; ".join(_TESTS[test] for test in dict.fromkeys(pair.test for pair in pairs))
    withheld = (
        " Withheld: the difference could be due to replies that a limit cut off, or that were refused or failed."
        if any(pair.is_withheld for pair in pairs)
        else ""
    )
    return (
        f"{tests}, on the problems that both answered. Holm's correction is over {pluralize(len(pairs), 'pair')}. "
        "Superiority: the probability that the first is better on a problem drawn at random; a tie counts half."
        f"{withheld}"
    )


def _repeatability(data: ReportData) -> Table:
    epochs = max((row.epochs for row in data.repeatability), default=0)
    return Table(
        ("strategy", "of", "problems", "mean", "run to run ±", "by problem", "by run", "rest", "the best wins a run"),
        [_repeatability_cells(row) for row in data.repeatability],
        title="Variance between runs",
        name="repeatability",
        note=f"Over problems that were answered in all {epochs} repetitions. Run to run: the standard deviation of a "
        "run's mean on these problems, in points or in tokens of a solve. Then the sources of the variance of a solve: "
        "some problems are harder or longer, some runs are as a whole, and the rest, such as a problem that is solved "
        "in one run and not in the next. The best wins: the probability that the most accurate strategy has more right "
        "answers than this one if each is run once; in brackets, that of equally many. It assumes that runs have no "
        "effect of their own; where they do, it is too far from 50 %. With few repetitions all of these are imprecise.",
        text_columns=2,
    )


def _repeatability_cells(row: Repeatability) -> tuple[str, ...]:
    noise, is_accuracy = row.noise, row.measure == "accuracy"
    total = noise.problems + noise.repetitions + noise.interaction
    parts = (percent(part / total) if total else "–" for part in (noise.problems, noise.repetitions, noise.interaction))
    spread = (percent(row.mean), f"{100 * noise.run:.1f}") if is_accuracy else (f"{row.mean:,.0f}", f"{noise.run:,.1f}")
    wins = f"{percent(row.best_wins.first)} ({percent(row.best_wins.tie)})" if row.best_wins else ""
    return (row.strategy, row.measure, str(row.problems), *spread, *parts, wins)


def _budgets(data: ReportData) -> Iterator[Table]:
    for frontier in data.cost_frontiers:
        shares = [
            f"{point.strategy} ({point.frontier_share:.0%})" for point in frontier.points if point.frontier_share > 0.05
        ]
        yield Table(
            (
                *(f"{frontier.measure}/problem", "the best is", "not significantly different"),
                *("accuracy", "one more right", "95 %"),
            ),
            [_step_cells(frontier, step) for step in frontier.steps],
            title=f"The best at each budget of {frontier.measure}",
            name=f"budgets-{frontier.measure}",
            note=f"On {pluralize(len(data.comparison.common.problems), 'problem')}. One more right: the cost of a "
            "further right answer compared with the row above, with the ends of the interval of the difference; ∞: "
            "the difference may be 0. Share of resamples of the problems in which a strategy is on the frontier: "
            f"{', '.join(shares) or '–'}.{_excluded(data)}",
            text_columns=3,
        )


def _step_cells(frontier: CostFrontier, step: BudgetStep) -> tuple[str, ...]:
    show = amount_format(frontier.measure)
    marginal = ("", "")
    if step.marginal_cost is not None:
        ends = ["∞" if end is None else show(end) for end in (step.marginal_cost_low, step.marginal_cost_high)]
        marginal = (show(step.marginal_cost), " to ".join(ends))
    similar = ", ".join(step.not_different_from) or "–"
    return (f"from {show(step.budget)}", step.strategy, similar, percent(step.accuracy), *marginal)


def amount_format(measure: str) -> Callable[[float], str]:
    """Return the function that formats amounts of a measure of cost."""
    return {
        "tokens": lambda value: f"{value:,.0f}",
        "dollars": lambda value: f"${value:.2g}" if value < 0.1 else f"${value:,.2f}",
        "calls": lambda value: f"{value:,.1f}",
        "seconds": lambda value: f"{value:,.1f} s",
    }[measure]


def _vote_curves(data: ReportData) -> Table:
    return Table(
        ("strategy", "draws", "vote", "95 %", "any right", "95 %", "all right", "95 %"),
        [
            (
                *(curve.strategy, str(vote.k), percent(vote.mean), _interval(vote)),
                *(percent(best.mean), _interval(best), percent(every.mean), _interval(every)),
            )
            for curve in data.vote_curves
            for vote, best, every in zip(curve.majority, curve.any, curve.all, strict=True)
        ],
        title="How many draws to vote over",
        name="vote-curves",
        note="Vote: the accuracy of a vote over this number of draws, averaged over all subsets of the stored ones "
        "(maj@k). Any right: the limit of a perfect choice among them (pass@k). "
        "All right: the probability that each of them is right (pass^k).",
    )


def _interval(point: CurvePoint) -> str:
    return f"{100 * point.low:.1f}–{100 * point.high:.1f}"


def _calibration(data: ReportData) -> Table:
    parts = (f"top {part:.0%}" for part in _COVERAGES[:-1])
    return Table(
        ("strategy", "answers", "calibration error", *parts, "all"),
        [
            (row.strategy, str(row.n), f"{100 * row.error:.1f}", *(_selective(row, part) for part in _COVERAGES))
            for row in data.calibration
        ],
        title="Calibration of the confidence",
        name="calibration",
        note="Calibration error: the mean distance of confidence and accuracy, in points (ECE, ten bins). Top: the "
        "accuracy if only the most confident answers are given. Equally confident answers are kept together, so the "
        "share may be larger; it is then in brackets.",
    )


def _selective(calibration: Calibration, part: float) -> str:
    points = calibration.selective
    coverage, accuracy = next((point for point in points if point[0] >= part - 1e-9), points[-1])
    actual = f" ({coverage:.0%})".replace("%", " %") if coverage > part + 0.005 else ""
    return percent(accuracy) + actual


def _solved(data: ReportData) -> Table:
    agreement = data.agreement
    counts = [
        ("any strategy", agreement.any_correct),
        ("every strategy", agreement.all_correct),
        ("no strategy", agreement.none_correct),
    ]
    if len(agreement.solved_only_by) > 1:
        counts += [(f"only {spec}", len(problems)) for spec, problems in agreement.solved_only_by.items() if problems]
    epochs = data.comparison.results.data["epoch"].any()
    repeated = "; a problem is solved if more than half of its repetitions are right" if epochs else ""
    return Table(
        ("solved by", "problems", "share"),
        [(name, str(count), percent(count / agreement.n)) for name, count in counts] if agreement.n else [],
        title="Problems solved",
        name="solved",
        note=f"Of {pluralize(agreement.n, 'problem')} that every strategy answered{repeated}. By any strategy: the "
        f"limit of a perfect choice among their answers.{_excluded(data)}",
    )


def _excluded(data: ReportData) -> str:
    """Return a sentence about the strategies that are not compared, or "" if all are."""
    stopped = {spec: f"stopped by the race after {pluralize(n, 'problem')}" for spec, n in data.stopped.items()}
    excluded = data.comparison.common.excluded
    parts = [f"{spec} ({stopped.get(spec, f'answered {count}')})" for spec, count in excluded.items()]
    return f" Left out: {', '.join(parts)}." if parts else ""


def _same_answers(data: ReportData) -> Table:
    specs, shares = data.specs, data.agreement.same_answer
    names = [spec for spec in specs if any(spec in pair for pair in shares)]

    def cell(row: str, column: str) -> str:
        share = shares.get((row, column), shares.get((column, row)))
        return "–" if share is None else f"{share:.0%}".replace("%", " %")

    return Table(
        ("#", "strategy", *(str(specs.index(spec) + 1) for spec in names)),
        [(str(specs.index(row) + 1), row, *(cell(row, column) for column in names)) for row in names],
        title="Share of equal answers",
        name="agreement",
        note="On the problems that both strategies answered, right or wrong.",
        text_columns=2,
    )
