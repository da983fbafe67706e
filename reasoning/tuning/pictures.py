"""Pictures of tuning as SVG: the course of a training, and the scores of compared models with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.benchmarks.statistics import wilson
from reasoning.pages.palette import ON_WHITE
from reasoning.tables import escape_html
from reasoning.tuning.svg import WIDTH, frame_picture

_GAP, _TOP, _BOTTOM = 56, 40, 46
"""The space left of a plot, above it and below it, in pixels."""
_TICKS = 4


@dataclass(frozen=True)
class _Plot:
    """A plot with two axes from 0: its place in the picture, and the largest values.

    Attributes:
        left, width, height: its place, in pixels.
        most_x, most_y: the values at the ends of the axes.
    """

    left: int
    width: int
    height: int
    most_x: float
    most_y: float

    def x(self, value: float) -> float:
        return round(self.left + self.width * value / (self.most_x or 1), 1)

    def y(self, value: float) -> float:
        return round(_TOP + self.height * (1 - value / (self.most_y or 1)), 1)

    def draw_axes(self, title: str, below: str, show: Callable[[float], str]) -> str:
        """Return lines and numbers of both axes, with a title and a name of the lower axis."""
        ink, dim, line = ON_WHITE["ink"], ON_WHITE["dim"], ON_WHITE["line"]
        parts = [_text(self.left, 20, title, ink, more=' font-weight="bold"')]
        for index in range(_TICKS + 1):
            share = index / _TICKS
            height = self.y(share * self.most_y)
            parts.append(
                f'<line x1="{self.left}" x2="{self.left + self.width}" y1="{height}" y2="{height}" stroke="{line}"/>'
            )
            parts.append(_text(self.left - 8, height + 4, show(share * self.most_y), dim, "end"))
        ends = (0, round(self.most_x))
        parts += [_text(self.x(value), _TOP + self.height + 18, f"{value:,}", dim, "middle") for value in ends]
        parts.append(_text(self.left + self.width / 2, _TOP + self.height + 36, below, dim, "middle"))
        return "".join(parts)

    def draw_line(self, points: Sequence[tuple[float, float]], colour: str, *, marks: bool = False) -> str:
        """Return a line through points, with a mark at each if wanted."""
        path = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        dots = (f'<circle cx="{self.x(x)}" cy="{self.y(y)}" r="4" fill="{colour}"/>' for x, y in points)
        return line + "".join(dots if marks else ())


def draw_training(log: Sequence[Mapping[str, Any]], title: str) -> str:
    """Return a picture of the losses by step, and of the share of held-out replies that are exactly right.

    Args:
        log: the lines of the log.
        title: what screen readers say.
    """
    losses = [(line["step"], line["loss"]) for line in log if "loss" in line]
    held = [line for line in log if "held_out_loss" in line]
    held_losses = [(line["step"], line["held_out_loss"]) for line in held]
    last = max((step for step, _ in losses), default=1)
    highest = max((loss for _, loss in (*losses, *held_losses)), default=1.0)
    trained, unseen = ON_WHITE["s1"], ON_WHITE["s2"]
    width = (WIDTH - 2 * _GAP - 30) // 2
    left = _Plot(_GAP, width, 180, last, highest)
    parts = [left.draw_axes("loss of a token of the reply", "step", lambda value: f"{value:.2f}")]
    parts.append(left.draw_line(losses, trained))
    parts.append(_text(left.left + width, _TOP - 4, "trained on", trained, "end"))
    if held:
        parts.append(left.draw_line(held_losses, unseen, marks=True))
        parts.append(_text(left.left + width - 70, _TOP - 4, "held out", unseen, "end"))
        right = _Plot(2 * _GAP + width, width, 180, last, 1.0)
        number = held[-1]["held_out"]
        parts.append(right.draw_axes(f"exact replies of {number} held out", "step", _percent))
        exact = [(line["step"], line["held_out_exact"]) for line in held]
        for step, count in exact:
            low, high = wilson(count, number)
            ends = f'x1="{right.x(step)}" x2="{right.x(step)}" y1="{right.y(low)}" y2="{right.y(high)}"'
            parts.append(f'<line {ends} stroke="{unseen}" stroke-opacity="0.4" stroke-width="3"/>')
        parts.append(right.draw_line([(step, count / number) for step, count in exact], unseen, marks=True))
    return frame_picture(parts, 180 + _TOP + _BOTTOM, title)


@dataclass(frozen=True)
class ScoreRow:
    """A score to draw: from 0 to 1, with its interval, its name, and words at its right."""

    name: str
    score: float
    low: float
    high: float
    about: str = ""


def draw_scores(groups: Mapping[str, Sequence[ScoreRow]], title: str) -> str:
    """Return a picture of scores as dots with their intervals as lines, in groups with a title each."""
    left, width, row = 230, 260, 26
    plot = _Plot(left, width, 0, 1.0, 1.0)
    parts: list[str] = []
    top = 28.0
    for name, rows in groups.items():
        parts.append(_text(12, top, name, ON_WHITE["ink"], more=' font-weight="bold"'))
        for place, one in enumerate(rows):
            height = top + row * (place + 1)
            colour = ON_WHITE["dim"] if place == 0 else ON_WHITE["s1"]
            parts.append(
                f'<line x1="{left}" x2="{left + width}" y1="{height}" y2="{height}" stroke="{ON_WHITE["line"]}"/>'
                f'<line x1="{plot.x(one.low)}" x2="{plot.x(one.high)}" y1="{height}" y2="{height}" '
                f'stroke="{colour}" stroke-width="3"/>'
                f'<circle cx="{plot.x(one.score)}" cy="{height}" r="5" fill="{colour}"/>'
            )
            parts.append(_text(left - 12, height + 4, one.name, ON_WHITE["ink"], "end"))
            parts.append(_text(left + width + 14, height + 4, one.about, ON_WHITE["dim"]))
        top += row * (len(rows) + 1) + 14
    parts += [_text(plot.x(share), top, f"{share:g}", ON_WHITE["dim"], "middle") for share in (0.0, 0.5, 1.0)]
    parts.append(_text(left + width / 2, top + 20, "mean score, with 95 % intervals", ON_WHITE["dim"], "middle"))
    return frame_picture(parts, round(top) + 32, title)


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}"{more}>{escape_html(text)}</text>'
