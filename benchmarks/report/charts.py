"""The charts of a report, each for a wide and for a narrow screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.report.cost_frontier import CostFrontier
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.svg import DIM, INK, LINE, PAPER, SERIES, svg
from reasoning.benchmarks.report.tables import amount_format
from reasoning.text_safety import strip_control

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTHS = {"wide": 9.6, "narrow": 4.6}
"""Widths in inches of 72 units: a wide chart has 691 units, a narrow one 331, about the width of a phone."""
_MARKERS = "os^DvPX*"
_SIZE = 10.5


def differences(data: ReportData) -> str:
    """Return a forest plot of the best strategy against every other strategy, with intervals."""
    pairs, best = data.comparison.against_best, data.comparison.best
    best_name = strip_control(data.names(best.strategy)) if best else ""

    def draw(axes: Axes, narrow: bool) -> None:
        low = min([-5.0, *(100 * pair.difference.low for pair in pairs)])
        high = max([5.0, *(100 * pair.difference.high for pair in pairs)])
        axes.axvline(0, color=DIM, linewidth=1)
        for row, pair in enumerate(pairs):
            value, ends = 100 * pair.difference.value, (100 * pair.difference.low, 100 * pair.difference.high)
            significant = pair.is_shown
            axes.plot(ends, (row, row), color=SERIES[0] if significant else DIM, linewidth=2.2, solid_capstyle="butt")
            axes.plot(
                *([value], [row]),
                color=SERIES[0],
                marker="o" if significant else "D",
                markersize=7,
                markerfacecolor=SERIES[0] if significant else PAPER,
                markeredgecolor=SERIES[0] if significant else DIM,
                markeredgewidth=1.5,
                # A mark at 100 points is on the edge.
                clip_on=False,
            )
            if narrow:
                # The line at 0 may run through the name.
                background = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}
                name = _name(data, pair.second, 34)
                _text(axes, low, row - 0.36, name, ha="left", va="center", bbox=background)
                _text(axes, high, row - 0.36, _signed(value), ha="right", va="center", color=DIM)
            else:
                gutter = axes.get_yaxis_transform()
                name = _name(data, pair.second, 44)
                _text(axes, -0.02, row, name, ha="right", va="center", transform=gutter)
                _text(axes, 1.02, row, _signed(value), ha="left", va="center", color=DIM, transform=gutter)
        axes.set_ylim(len(pairs) - 0.4, -0.8 if narrow else -0.6)
        axes.set_xlim(low, high)
        axes.set_yticks([])
        _label_axes(axes, x="points better than each", y="")

    label = (
        f"By how many points {best_name} is better than each other strategy, with 95 % intervals; the table has the "
        "numbers."
    )
    longest = max(len(_name(data, pair.second, 44)) for pair in pairs)
    return _render(
        "differences",
        label,
        draw,
        height=lambda narrow: 0.85 + (0.46 if narrow else 0.34) * len(pairs),
        # About 6.2 units for a character.
        left=lambda narrow: 0.12 if narrow else 0.25 + 0.086 * longest,
        right=lambda narrow: 0.24 if narrow else 0.5,
    )


def _signed(points: float) -> str:
    """Return whole points with a sign; 0 has none."""
    return f"{round(points):+d}".replace("-", "−") if round(points) else "0"


def costs(data: ReportData, frontier: CostFrontier) -> str:
    """Return a chart of accuracy against cost with the frontier; numbers mark the strategies."""
    specs = data.specs
    show = amount_format(frontier.measure)

    def draw(axes: Axes, narrow: bool) -> None:
        best = [point for point in frontier.points if point.on_frontier]
        spread = frontier.points[-1].cost / max(frontier.points[0].cost, 1e-12)
        if spread > 8:
            axes.set_xscale("log")
        if best:
            xs = [point.cost for point in best] + [_end(frontier, spread > 8)]
            ys = [100 * point.accuracy for point in best]
            axes.step(xs, [*ys, ys[-1]], where="post", color=SERIES[0], linewidth=1.6, alpha=0.75)
        for point in frontier.points:
            colour = SERIES[0] if point.on_frontier else DIM
            axes.plot((point.cost,) * 2, (100 * point.low, 100 * point.high), color=colour, linewidth=1.2, alpha=0.55)
        for point in frontier.points:
            axes.plot(
                *([point.cost], [100 * point.accuracy]),
                color=SERIES[0],
                marker="o" if point.on_frontier else "D",
                markersize=7.5,
                markerfacecolor=SERIES[0] if point.on_frontier else PAPER,
                markeredgecolor=SERIES[0] if point.on_frontier else DIM,
                markeredgewidth=1.4,
            )
        axes.margins(x=0.07)
        axes.set_ylim(*_percent_limits(point.high for point in frontier.points))
        _format_cost_axis(axes, show, narrow)
        _number_points(axes, [(p.cost, 100 * p.accuracy, str(specs.index(p.strategy) + 1)) for p in frontier.points])
        _label_axes(axes, x=f"{frontier.measure}/problem", y="accuracy, %")

    label = f"Accuracy against {frontier.measure} per problem, with 95 % intervals; the table below has the frontier."
    return _render(f"costs-{frontier.measure}", label, draw, height=lambda narrow: 3.4 if narrow else 4.2)


def _end(frontier: CostFrontier, log: bool) -> float:
    """Return the end of the frontier's line, a little beyond the most expensive point."""
    first, last = frontier.points[0].cost, frontier.points[-1].cost
    return last * (last / first) ** 0.05 if log else last + 0.05 * (last - first)


def vote_curves(data: ReportData) -> str:
    """Return a chart of accuracy against the number of draws: for the vote, for any and for all of the draws."""
    from matplotlib.ticker import MaxNLocator

    def draw(axes: Axes, narrow: bool) -> None:
        ends = []
        for index, curve in enumerate(data.vote_curves):
            colour, marker = SERIES[index % len(SERIES)], _MARKERS[index % len(_MARKERS)]
            ks = [point.k for point in curve.majority]
            low, high = [100 * p.low for p in curve.majority], [100 * p.high for p in curve.majority]
            axes.fill_between(ks, low, high, color=colour, alpha=0.14, linewidth=0)
            number = data.specs.index(curve.strategy) + 1
            lines = (curve.majority, "-", ""), (curve.any, "--", " any"), (curve.all, ":", " all")
            for points, dashes, suffix in lines:
                ys = [100 * point.mean for point in points]
                axes.plot(ks, ys, dashes, color=colour, marker=marker, markersize=5, linewidth=1.6)
                ends.append((ks[-1], ys[-1], f"{number}{suffix}", colour))
        shown = [p for curve in data.vote_curves for p in (*curve.majority, *curve.any, *curve.all)]
        axes.set_ylim(*_percent_limits(p.high for p in shown))
        axes.margins(x=0.12 if narrow else 0.08)
        _label_ends(axes, ends)
        axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 10, integer=True))
        _label_axes(axes, x="draws/problem", y="accuracy, %")

    label = "Accuracy of a vote against the number of draws, with 95 % intervals; dashed: any of the draws is right; "
    label += "dotted: all of them are."
    return _render("draws", label, draw, height=lambda narrow: 3.2 if narrow else 3.8)


def reliability(data: ReportData) -> str:
    """Return a chart of accuracy by confidence; the diagonal is perfect calibration."""

    def draw(axes: Axes, narrow: bool) -> None:
        axes.plot((0, 100), (0, 100), color=LINE, linewidth=1.2)
        ends = []
        for index, calibration in enumerate(data.calibration):
            colour, marker = SERIES[index % len(SERIES)], _MARKERS[index % len(_MARKERS)]
            bins = calibration.bins
            xs, ys = [100 * b.confidence for b in bins], [100 * b.accuracy for b in bins]
            most = max(b.n for b in bins)
            axes.plot(xs, ys, color=colour, linewidth=1.2, alpha=0.6)
            axes.scatter(xs, ys, s=[20 + 100 * b.n / most for b in bins], color=colour, marker=marker, linewidths=0)
            ends.append((xs[-1], ys[-1], str(data.specs.index(calibration.strategy) + 1), colour))
        axes.set_xlim(-3, 109)
        axes.set_ylim(-4, 104)
        _label_ends(axes, ends)
        _label_axes(axes, x="confidence, %", y="accuracy, %")

    label = "Accuracy against confidence; larger marks stand for more answers, the line for a confidence that is right."
    return _render("reliability", label, draw, height=lambda narrow: 3.4, half=True)


def selective(data: ReportData) -> str:
    """Return a chart of the accuracy if only the most confident answers are given."""

    def draw(axes: Axes, narrow: bool) -> None:
        ends = []
        for index, calibration in enumerate(data.calibration):
            colour, marker = SERIES[index % len(SERIES)], _MARKERS[index % len(_MARKERS)]
            xs = [100 * coverage for coverage, _ in calibration.selective]
            ys = [100 * accuracy for _, accuracy in calibration.selective]
            axes.plot(xs, ys, color=colour, marker=marker, markersize=4, linewidth=1.4)
            ends.append((xs[-1], ys[-1], str(data.specs.index(calibration.strategy) + 1), colour))
        axes.set_xlim(0, 109)
        axes.set_ylim(-4, 104)
        _label_ends(axes, ends)
        _label_axes(axes, x="answers given, most confident first, %", y="accuracy, %")

    label = "Accuracy against the share of problems that are answered, the most confident first."
    return _render("selective", label, draw, height=lambda narrow: 3.4, half=True)


def _render(
    name: str,
    label: str,
    draw: Callable[[Axes, bool], None],
    height: Callable[[bool], float],
    half: bool = False,
    left: Callable[[bool], float] = lambda _: 0.62,
    right: Callable[[bool], float] = lambda _: 0.24,
) -> str:
    """Return a chart for a wide and a narrow screen; the page shows one of them. A half chart serves both.

    Args:
        name: a word that identifies the chart.
        label: a description for screen readers.
        draw: draws on the axes; its second argument is True for a narrow screen.
        height: the height in inches, by whether the screen is narrow.
        half: one small chart for both screens.
        left: the left margin in inches, by whether the screen is narrow.
        right: the right margin.
    """
    from matplotlib.figure import Figure

    parts = []
    for screen, inches in {"half": _WIDTHS["narrow"]}.items() if half else _WIDTHS.items():
        narrow = screen != "wide"
        size = inches, height(narrow)
        figure = Figure(figsize=size, dpi=72)
        axes = figure.add_axes(_axes_box(size, left=left(narrow), bottom=0.62, right=right(narrow), top=0.14))
        axes.set_facecolor("none")
        axes.grid(axis="both", color=LINE, linewidth=0.6)
        axes.set_axisbelow(True)
        for side, spine in axes.spines.items():
            spine.set_visible(side == "bottom")
            spine.set_color(DIM)
        axes.tick_params(colors=DIM, labelcolor=DIM, labelsize=_SIZE - 1, length=3)
        draw(axes, narrow)
        parts.append(f'<div class="chart {screen}">{svg(figure, f"{name}-{screen}", label)}</div>')
    return "".join(parts)


def _axes_box(
    size: tuple[float, float], *, left: float, bottom: float, right: float, top: float
) -> tuple[float, float, float, float]:
    """Return the position of the axes in a figure of this size, with margins in inches."""
    width, height = size
    return left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height


def _label_axes(axes: Axes, *, x: str, y: str) -> None:
    axes.set_xlabel(x, color=DIM, fontsize=_SIZE)
    if y:
        axes.set_ylabel(y, color=DIM, fontsize=_SIZE)


def _percent_limits(high: Iterable[float]) -> tuple[float, float]:
    """Return the limits of an axis of percentages that starts at 0."""
    top = min(1.0, max([0.2, *high]))
    return -4 * top, 104 * top


def _format_cost_axis(axes: Axes, show: Callable[[float], str], narrow: bool) -> None:
    """Format the amounts on the cost axis as in the tables."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    if axes.get_xscale() == "log":
        low, high = axes.get_xlim()
        far = high / low > (40 if narrow else 10_000)
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if far else (1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: show(value)))


def _number_points(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write a number next to each point, at a position that covers no other point."""
    taken: list[tuple[float, float]] = []
    spots = [tuple(axes.transData.transform((x, y))) for x, y, _ in points]
    for (at_x, at_y, text), (x, y) in zip(points, spots, strict=True):
        options = [(11, 9), (-11, 9), (11, -9), (-11, -9), (22, 0), (-22, 0), (0, 20), (0, -20)]
        busy = [*taken, *(spot for spot in spots if spot != (x, y))]

        def free(option: tuple[int, int], x: float = x, y: float = y, busy: Any = busy) -> float:
            return min((max(abs(x + option[0] - a), abs(y + option[1] - b)) for a, b in busy), default=99.0)

        best = next((option for option in options if free(option) > 13), max(options, key=free))
        taken.append((x + best[0], y + best[1]))
        axes.annotate(
            *(text, (at_x, at_y)),
            xytext=best,
            textcoords="offset points",
            ha="center",
            va="center",
            color=INK,
            fontsize=_SIZE,
        )


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write a label to the right of the end of each line; labels at about the same place are below each other.

    Args:
        axes: the axes, with their limits.
        ends: the x and y of each end, its label and its colour.
    """
    written: list[tuple[float, float]] = []
    for x, y, label, colour in sorted(ends, key=lambda end: -end[1]):
        at_x, at_y = axes.transData.transform((x, y))
        above = [other_y for other_x, other_y in written if abs(other_x - at_x) < 3 * _SIZE]
        place = min([at_y, *(other_y - 1.1 * _SIZE for other_y in above)])
        written.append((at_x, place))
        axes.annotate(
            *(label, (x, y)),
            xytext=(9, place - at_y),
            textcoords="offset points",
            ha="left",
            va="center",
            color=colour,
            fontsize=_SIZE,
        )


def _text(axes: Axes, x: float, y: float, text: str, color: str = INK, **options: Any) -> None:
    axes.text(x, y, text, color=color, fontsize=_SIZE, parse_math=False, **options)


def _name(data: ReportData, spec: str, most: int) -> str:
    """Return a strategy's number and name, cut in the middle if it is long."""
    name = strip_control(data.names(spec))
    if len(name) > most:
        name = f"{name[: most - 12]}…{name[-11:]}"
    return f"{data.specs.index(spec) + 1}  {name}"
