"""A table of cells, for the terminal and for a notebook. Names are folded where there is no room, and never cut."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.benchmarks.analysis.verdict import ALPHA

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


FEWEST = 6
"""Cases below which nothing is said to be shown: if all of five differ in one direction, chance does that in 2 of 2^5
times, which is above 0.05. (Student's test may go below it with two, where their differences happen to be alike.)"""


@dataclass(frozen=True)
class Grid:
    """What a table shows.

    Attributes:
        header: the titles; a line break where one may be broken.
        rows: the cells; the first of each is its name.
        bold: names of rows that stand out.
    """

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    bold: Collection[str] = ()


def shown(pair: PairedDifference) -> bool:
    """Whether a difference is shown: the interval leaves out 0, p with Holm's correction is below 0.05, and there are
    cases enough."""
    return pair.n >= FEWEST and pair.difference.excludes_zero and pair.p_adjusted < ALPHA


def terminal(grid: Grid) -> Table:
    """For 80 columns and more."""
    from rich.table import Table
    from rich.text import Text

    from reasoning.display import strip_control

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for place, title in enumerate(grid.header):
        table.add_column(title, justify="right" if place else "left", no_wrap=place > 0, overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(strip_control(cell)) for cell in row), style="bold" if row[0] in grid.bold else "")
    return table


def text(shown: RenderableType) -> str:
    """As the terminal shows it, in 80 columns."""
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    Console(file=out, width=80, highlight=False, markup=False, color_system=None).print(shown)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def html(grid: Grid) -> str:
    """For a notebook."""
    lines = [_line(grid.header, "th")]
    lines += [_line(row, "td", "font-weight:bold" if row[0] in grid.bold else "") for row in grid.rows]
    return f"<table>{''.join(lines)}</table>"


def _line(cells: Sequence[str], tag: str, style: str = "") -> str:
    shown = "".join(
        f'<{tag} style="text-align:{"right" if place else "left"}">{escape(cell)}</{tag}>'
        for place, cell in enumerate(cells)
    )
    return f'<tr style="{style}">{shown}</tr>'
