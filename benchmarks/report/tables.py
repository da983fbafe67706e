"""The tables of a report as cells of text, from which every format is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from reasoning.benchmarks.analysis.summary_table import filled, many
from reasoning.benchmarks.report.calibration import Calibration
from reasoning.benchmarks.report.cost_frontier import BudgetStep, CostFrontier
from reasoning.benchmarks.report.grid import Grid, share
from reasoning.benchmarks.report.pair_grids import differences, every_pair
from reasoning.benchmarks.report.repeatability import Repeatability
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.statistics.vote_curves import CurvePoint

_COVERAGES = (0.25, 0.5, 0.75, 1.0)


def report_tables(found: ReportData) -> list[Grid]:
    """All tables that have any rows."""
    made = [
        strategies(found),
        differences(found),
        every_pair(found),
        between_runs(found),
        *budgets(found),
        draws(found),
        sureness(found),
        solved(found),
        same(found),
        readings(found),
    ]
    return [_named(grid, found.names) for grid in made if grid.rows]


def _named(grid: Grid, names: ShortNames) -> Grid:
    """The table with every strategy called by its name, and those that it has explained."""
    rows = tuple(tuple(map(names, row)) for row in grid.rows)
    legend = tuple(names.legend) if grid.name == "strategies" else ()
    return replace(grid, title=names(grid.title), rows=rows, note=names(grid.note), legend=legend)


def strategies(found: ReportData) -> Grid:
    """One row for each strategy."""
    header, rows = filled(found.rows, found.free)
    return Grid(
        "strategies",
        "Accuracy and cost",
        ("#", *header),
        tuple((str(number), *row) for number, row in enumerate(rows, 1)),
        "An answer that could not be read counts as not right; a failed call does not count. Calls, tokens and cost "
        "are totals; s each: seconds of model time for one problem.",
        words=2,
        bold=frozenset(place for place, row in enumerate(found.rows) if row.best),
        paper=True,
    )


def between_runs(found: ReportData) -> Grid:
    """What changes from run to run."""
    most = max((one.epochs for one in found.repeatability), default=0)
    return Grid(
        "runs",
        "Between runs",
        ("strategy", "of", "problems", "mean", "run to run ±", "by problem", "by run", "rest", "the best wins a run"),
        tuple(_run(one) for one in found.repeatability),
        f"Of problems that were answered in all {most} repetitions. Run to run: the standard deviation of a run's mean "
        "on these problems, in points or in tokens of a solve. Then where the variance of a solve comes from: some "
        "problems are harder or longer, some runs are as a whole, and the rest, such as a problem that is solved in "
        "one run and not in the next. The best wins: how likely the most accurate strategy has more right answers than "
        "this one when each is run once; as many, in brackets. Few repetitions tell all of it roughly.",
        words=2,
    )


def _run(one: Repeatability) -> tuple[str, ...]:
    noise, accuracy = one.noise, one.measure == "accuracy"
    whole = noise.problems + noise.repetitions + noise.interaction
    parts = (share(part / whole) if whole else "–" for part in (noise.problems, noise.repetitions, noise.interaction))
    spread = (share(one.mean), f"{100 * noise.run:.1f}") if accuracy else (f"{one.mean:,.0f}", f"{noise.run:,.1f}")
    wins = f"{share(one.best_wins.first)} ({share(one.best_wins.tie)})" if one.best_wins else ""
    return (one.strategy, one.measure, str(one.problems), *spread, *parts, wins)


def budgets(found: ReportData) -> Iterator[Grid]:
    """The best at each budget, by measure."""
    for one in found.cost_frontiers:
        left = [f"{point.strategy} ({point.frontier_share:.0%})" for point in one.points if point.frontier_share > 0.05]
        yield Grid(
            f"budgets-{one.measure}",
            f"The best at each budget of {one.measure}",
            (f"{one.measure} a problem", "the best is", "not told apart from", "accuracy", "one more right", "95 %"),
            tuple(_step(one, step) for step in one.steps),
            f"On {many(len(found.on.problems), 'problem')}. One more right: what a further right answer costs "
            "beside the row above, with the ends of the interval of the difference; ∞: the difference may be none. Of "
            f"resamples of the problems, on the frontier: {', '.join(left) or 'none'}.{_left_out(found)}",
            words=3,
            paper=one is found.cost_frontiers[0],
        )


def draws(found: ReportData) -> Grid:
    """Accuracy against the number of draws."""
    return Grid(
        "draws",
        "How many draws to vote over",
        ("strategy", "draws", "vote", "95 %", "any right", "95 %"),
        tuple(
            (one.strategy, str(most.k), share(most.mean), _ends(most), share(either.mean), _ends(either))
            for one in found.vote_curves
            for most, either in zip(one.majority, one.any, strict=True)
        ),
        "Vote: the accuracy of the vote of so many draws, over all subsets of the stored ones (maj@k). Any right: what "
        "a perfect choice among them would reach (pass@k).",
    )


def sureness(found: ReportData) -> Grid:
    """Calibration and selective accuracy."""
    return Grid(
        "confidence",
        "Whether the confidence means what it says",
        ("strategy", "answers", "calibration error", *(f"surest {one:.0%}" for one in _COVERAGES[:-1]), "all"),
        tuple(
            (one.strategy, str(one.n), f"{100 * one.error:.1f}", *(_surest(one, part) for part in _COVERAGES))
            for one in found.calibration
        ),
        "Calibration error: how many points confidence and accuracy are apart, on average (ECE, ten bins). Surest: the "
        "accuracy where only the surest answers are given; equally sure ones go together, so the share may be larger, "
        "and then stands in brackets.",
    )


def solved(found: ReportData) -> Grid:
    """Which problems any, all or one of the strategies solve."""
    of = found.agreement
    if not of.n:
        return Grid("solved", "", (), ())
    lines = [("any strategy", of.any_correct), ("every strategy", of.all_correct), ("no strategy", of.none_correct)]
    lines += [
        (f"only {spec}", len(ids)) for spec, ids in of.solved_only_by.items() if ids and len(of.solved_only_by) > 1
    ]
    epochs = any(result.epoch for result in found.results)
    repeated = "; one is solved where more than half of its repetitions are right" if epochs else ""
    return Grid(
        "solved",
        "Who solves what",
        ("solved by", "problems", "share"),
        tuple((name, str(count), share(count / of.n)) for name, count in lines),
        f"Of {many(of.n, 'problem')} that every strategy answered{repeated}. By any strategy: what a perfect "
        f"choice among them would reach.{_left_out(found)}",
    )


def _left_out(found: ReportData) -> str:
    """A sentence about those that are not compared; empty where all are."""
    stopped = {spec: f"stopped by the race after {many(after, 'problem')}" for spec, after in found.stopped.items()}
    each = [f"{spec} ({stopped.get(spec, f'answered {count}')})" for spec, count in found.on.excluded.items()]
    return f" Left out: {', '.join(each)}." if each else ""


def same(found: ReportData) -> Grid:
    """How often two strategies say the same."""
    specs = found.specs
    shares = found.agreement.same_answer
    names = [spec for spec in specs if any(spec in pair for pair in shares)]

    def cell(row: str, column: str) -> str:
        same = shares.get((row, column), shares.get((column, row)))
        return "–" if same is None else f"{same:.0%}".replace("%", " %")

    return Grid(
        "agreement",
        "How often two strategies give the same answer",
        ("#", "strategy", *(str(specs.index(spec) + 1) for spec in names)),
        tuple((str(specs.index(row) + 1), row, *(cell(row, column) for column in names)) for row in names),
        "On the problems that both answered; right or wrong.",
        words=2,
    )


def readings(found: ReportData) -> Grid:
    """How the answers were read."""
    return Grid(
        "readings",
        "How the answers were read",
        ("rule", *(str(number) for number in range(1, len(found.specs) + 1))),
        tuple(
            (rule, *(f"{counts.get(spec, 0) or '·'}" for spec in found.specs))
            for rule, counts in found.parse_rules.items()
        ),
        "Columns are strategies by number. A rule with 'unparsed' or 'failed' gave no answer.",
    )


def _step(costs: CostFrontier, step: BudgetStep) -> tuple[str, ...]:
    show = amount(costs.measure)
    if step.marginal_cost is None:
        more = ("", "")
    else:
        ends = ["∞" if end is None else show(end) for end in (step.marginal_cost_low, step.marginal_cost_high)]
        more = (show(step.marginal_cost), " to ".join(ends))
    return (
        f"from {show(step.budget)}",
        step.strategy,
        ", ".join(step.not_different_from) or "–",
        share(step.accuracy),
        *more,
    )


def amount(measure: str) -> Callable[[float], str]:
    """How an amount of a measure is shown."""
    return {
        "tokens": lambda value: f"{value:,.0f}",
        "dollars": lambda value: f"${value:.2g}" if value < 0.1 else f"${value:,.2f}",
        "calls": lambda value: f"{value:,.1f}",
        "seconds": lambda value: f"{value:,.1f} s",
    }[measure]


def _surest(one: Calibration, part: float) -> str:
    coverage, accuracy = next((point for point in one.selective if point[0] >= part - 1e-9), one.selective[-1])
    beyond = f" ({coverage:.0%})".replace("%", " %") if coverage > part + 0.005 else ""
    return share(accuracy) + beyond


def _ends(point: CurvePoint) -> str:
    return f"{100 * point.low:.1f}–{100 * point.high:.1f}"
