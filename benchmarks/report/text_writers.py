"""A report as Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.caveats import format_caveats
from reasoning.benchmarks.analysis.summary_table import bare
from reasoning.benchmarks.report.grid import Grid
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.tables import report_tables
from reasoning.display import strip_control

if TYPE_CHECKING:
    from rich.console import RenderableType


def to_markdown(found: ReportData) -> str:
    """The whole report as Markdown (with GitHub's tables)."""
    said = [_md(found.names(line)) for line in found.verdict if line != found.headline]
    parts = [f"# {_md(found.title)}", f"**{_md(found.names(found.headline))}**", "  \n".join(said)]
    parts.append(format_caveats([_md(found.names(one)) for one in found.remarks]))
    for grid in report_tables(found):
        legend = "\n".join(f"- {_md(one)}" for one in grid.legend)
        parts += [f"## {_md(grid.title)}", _md_table(grid), _md(grid.note), legend]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_terminal(found: ReportData) -> RenderableType:
    """Every table after the first, for the terminal."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for grid in report_tables(found):
        if grid.name == "strategies":
            continue
        table = bare()
        for place, title in enumerate(grid.header):
            table.add_column(
                Text(strip_control(title)), justify="left" if place < grid.words else "right", overflow="fold"
            )
        for row in grid.rows:
            table.add_row(*(Text(strip_control(cell)) for cell in row))
        parts += [Text(f"\n{strip_control(grid.title)}", style="bold"), Text(""), table]
        parts += [Text(strip_control(grid.note), style="dim")] if grid.note else []
    return Group(*parts)


def to_latex(found: ReportData) -> str:
    """The tables that belong into a paper, as LaTeX; needs the packages booktabs and tabularx."""
    head = ["% needs \\usepackage{booktabs,tabularx}", f"% {_tex(found.names(found.headline))}"]
    head += [f"% {_tex(found.names(one))}" for one in found.remarks]
    tables = [_tex_table(grid, found) for grid in report_tables(found) if grid.paper]
    return "\n\n".join(["\n".join(head), *tables]) + "\n"


_USED = ("calls", "prompt_tokens", "completion_tokens", "usd", "seconds")
_CSV = ("strategy", "n", "correct", "accuracy", "low", "high", "unparsed", "failed", *_USED)


def to_csv(found: ReportData) -> str:
    """The rows of the table as CSV, with full precision; totals, and empty where something is not known."""
    file = io.StringIO()
    out = csv.writer(file, lineterminator="\n")
    out.writerow(_CSV)
    for row in found.rows:
        low, high = row.interval
        shown = (row.accuracy, low, high) if row.n else (None, None, None)
        usage = dataclasses.asdict(row.usage)
        used = (usage[name] for name in _USED)
        out.writerow([row.strategy, row.n, row.correct, *shown, row.unparsed, row.failed, *used])
    return file.getvalue()


def _md(text: str) -> str:
    """Text as it stands, in a line: nothing of it is Markdown or HTML."""
    line = " ".join(strip_control(text).split())
    for mark in "\\`*[]<>|#":
        line = line.replace(mark, f"\\{mark}")
    return line.replace("_", "\\_") if "__" in line or " _" in line else line


def _md_table(grid: Grid) -> str:
    def line(cells: Sequence[str], mark: str = "") -> str:
        return f"| {' | '.join(f'{mark}{cell}{mark}' if cell else '' for cell in cells)} |"

    rule = ["---"] * grid.words + ["---:"] * (len(grid.header) - grid.words)
    rows = [line([_md(cell) for cell in row], "**" * (place in grid.bold)) for place, row in enumerate(grid.rows)]
    return "\n".join([line([_md(title) for title in grid.header]), line(rule), *rows])


_TEX = {
    **{mark: f"\\{mark}" for mark in "&%$#{}"},
    "_": r"\_\allowbreak{}",  # specs are long
    "(": r"(\allowbreak{}",
    "=": r"=\allowbreak{}",
    "\\": r"\textbackslash{}",
    "[": "{[}",  # behind the end of a row it would be a length
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
    "−": "$-$",
    "∞": r"$\infty$",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "…": r"\ldots{}",
    "�": "?",
}


def _tex(text: str) -> str:
    """Text as it stands: nothing of it is a command."""
    return "".join(_TEX.get(mark, mark) for mark in " ".join(strip_control(text).split()))


def _tex_table(grid: Grid, found: ReportData) -> str:
    first = 1 if grid.header[0] == "#" else 0  # the number of a strategy is for other tables
    words = grid.words - first
    wide = ">{\\raggedright\\arraybackslash}X" * words + "r" * (len(grid.header) - grid.words)
    header = [_stacked(title) for title in grid.header[grid.words :]]
    lines = [
        r"\begin{table}",
        r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}",
        f"  \\caption{{{_tex(grid.title)}: {_tex(found.title)}. {_tex(grid.note)}}}",
        f"  \\label{{tab:{grid.name}}}",
        f"  \\begin{{tabularx}}{{\\linewidth}}{{@{{}}{wide}@{{}}}}",
        r"    \toprule",
        f"    {' & '.join([*map(_tex, grid.header[first : first + words]), *header])} \\\\",
        r"    \midrule",
    ]
    for place, row in enumerate(grid.rows):
        cells = [_tex(cell) for cell in row[first:]]
        bold = [f"\\textbf{{{cell}}}" if cell else "" for cell in cells]
        lines.append(f"    {' & '.join(bold if place in grid.bold else cells)} \\\\")
    legend = [f"  \\par\\smallskip\\raggedright\\scriptsize {_tex(one)}" for one in grid.legend]
    return "\n".join([*lines, r"    \bottomrule", r"  \end{tabularx}", *legend, r"\end{table}"])


def _stacked(title: str) -> str:
    """A heading with a line for each word: columns of numbers are narrow."""
    lines = [_tex(word) for word in title.replace(" %", "%").split(" ")]
    return lines[0] if len(lines) == 1 else "\\shortstack[r]{" + r" \\ ".join(lines) + "}"
