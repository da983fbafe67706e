"""Charts of measured results: each technique next to a vote with about as many tokens."""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from reasoning.pages.palette import ON_WHITE
from technique_pages.measurements import REFERENCE, Measured, tokens_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, DIM, LINE, TECHNIQUE, VOTE = (ON_WHITE[name] for name in ("ink", "dim", "line", "s1", "s2"))
"""Colours on a white background, whatever the theme of the reader's page."""

_SIZE = 10.5


def file_name(task: str, taken: Collection[str]) -> str:
    """Return the name of a new chart's file; further charts of a task are numbered."""
    name = "results-" + re.sub(r"\W+", "-", task).strip("-")
    names = (f"{name}.svg", *(f"{name}-{number}.svg" for number in range(2, len(taken) + 2)))
    return next(one for one in names if one not in taken)


def picture(measured: Measured) -> str:
    """Draw the rows of a table from top to bottom as SVG: accuracy with its 95 % interval, and the vote's."""
    import matplotlib
    from matplotlib.figure import Figure

    rows = measured.ranked
    votes = [measured.vote_for(row) for row in rows]
    figure = Figure(figsize=(9.6, 0.95 + 0.34 * len(rows)), dpi=72, facecolor="white")
    height = figure.get_figheight()
    axes = figure.add_axes((0.36, 0.55 / height, 0.52, 1 - 0.95 / height))
    label: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": _SIZE,
        "parse_math": False,
    }
    for place, (row, vote) in enumerate(zip(rows, votes, strict=True)):
        _mark(axes, place, row.accuracy, *row.interval, TECHNIQUE, "o")
        if vote is not None:
            _mark(axes, place + 0.27, vote.accuracy, vote.low, vote.high, VOTE, "D")
        axes.text(-0.02, place, measured.found.names(row.strategy), ha="right", color=INK, **label)
        axes.text(1.02, place, f"{tokens_of(row):,.0f} tokens", ha="left", color=DIM, **label)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    highest = [*(row.interval[1] for row in rows), *(vote.high for vote in votes if vote is not None)]
    axes.set_xlim(0, 100 * min(1.0, max([0.2, *highest]) + 0.02))
    axes.set_yticks([])
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(colors=DIM, labelsize=_SIZE - 1, length=0)
    axes.set_xlabel("accuracy, %, with 95 % intervals", color=DIM, fontsize=_SIZE)
    top: dict[str, Any] = {"transform": axes.transAxes, "fontsize": _SIZE, "va": "bottom"}
    axes.text(0, 1.01, "● technique", color=TECHNIQUE, **top)
    if measured.votes:
        axes.text(0.2, 1.01, f"◇ a vote over {REFERENCE} with about as many tokens", color=VOTE, **top)
    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "results", "font.family": "sans-serif"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _mark(axes: Axes, place: float, value: float, low: float, high: float, colour: str, marker: str) -> None:
    thick = 2.2 if marker == "o" else 1.1
    axes.plot((100 * low, 100 * high), (place, place), color=colour, linewidth=thick, solid_capstyle="butt")
    face = colour if marker == "o" else "white"
    axes.plot(100 * value, place, marker, color=colour, markersize=thick + 4.4, markerfacecolor=face, clip_on=False)
