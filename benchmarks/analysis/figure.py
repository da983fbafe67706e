"""A small SVG figure of a comparison for notebooks: accuracies with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.tables import escape_html
from reasoning.text_safety import strip_control

# In pixels: the whole figure, the column of names, a line, and the column of numbers.
_WIDTH, _NAMES, _LINE, _RIGHT = 680, 270, 22, 56
_LETTERS = 44
"""The most characters of a strategy's name; the tooltip has the whole spec."""


def accuracy_figure(rows: Sequence[StrategySummary]) -> str:
    """Return the accuracies as dots on their 95 % intervals, as SVG, or "" if no solve counts."""
    rows = [row for row in rows if row.n]
    if not rows:
        return ""
    bottom = _LINE * len(rows) + 6
    ticks = "".join(
        f'<line x1="{_x(share)}" x2="{_x(share)}" y1="0" y2="{bottom}" stroke="currentColor" opacity=".18"/>'
        f'<text x="{_x(share)}" y="{bottom + 14}" text-anchor="middle" opacity=".65">{100 * share:.0f} %</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    names = ShortNames.of(row.strategy for row in rows)
    marks = "".join(
        _mark(row, names.by_spec[row.strategy], _LINE * index + _LINE / 2 + 2) for index, row in enumerate(rows)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{bottom + 20}" role="img" '
        f'viewBox="0 0 {_WIDTH} {bottom + 20}" style="max-width:100%" font-family="system-ui,sans-serif" '
        f'font-size="12" fill="currentColor"><title>Accuracies with 95 % intervals</title>{ticks}{marks}</svg>'
    )


def _mark(row: StrategySummary, name: str, y: float) -> str:
    low, high = row.interval
    short = strip_control(name) if len(name) <= _LETTERS else f"{strip_control(name)[: _LETTERS - 1]}…"
    colour, weight = ("#2a9d5c", "bold") if row.best else ("currentColor", "normal")
    return (
        f'<g font-weight="{weight}"><title>{escape_html(row.strategy)}</title>'
        f'<text x="{_NAMES - 12}" y="{y + 4}" text-anchor="end">{escape_html(short)}</text>'
        f'<line x1="{_x(low)}" x2="{_x(high)}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2" opacity=".6"/>'
        f'<circle cx="{_x(row.accuracy)}" cy="{y}" r="4.5" fill="{colour}"/>'
        f'<text x="{_WIDTH}" y="{y + 4}" text-anchor="end">{100 * row.accuracy:.1f} %</text></g>'
    )


def _x(share: float) -> float:
    return round(_NAMES + share * (_WIDTH - _NAMES - _RIGHT - 14), 1)
