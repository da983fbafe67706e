"""Writers of a report: Markdown, LaTeX, CSV, JSON and HTML files, chosen by the suffix, and the terminal."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.caveats import format_caveats
from reasoning.benchmarks.analysis.summary_table import numbers_table
from reasoning.benchmarks.report.html_page import write_page
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.tables import paper_tables, report_tables
from reasoning.errors import UnknownName
from reasoning.files import atomic_write
from reasoning.tables import escape_latex, escape_markdown
from reasoning.text_safety import dump_json, strip_control

if TYPE_CHECKING:
    from rich.console import RenderableType


def to_markdown(data: ReportData) -> str:
    """Return the whole report as Markdown, with GitHub's tables."""
    details = [escape_markdown(data.names(line)) for line in data.details]
    parts = [f"# {escape_markdown(data.comparison.title)}", f"**{escape_markdown(data.names(data.headline))}**"]
    parts += ["  \n".join(details)]
    parts.append(format_caveats([escape_markdown(data.names(caveat)) for caveat in data.comparison.caveats]))
    for table in report_tables(data):
        legend = "\n".join(f"- {escape_markdown(line)}" for line in table.legend)
        title = f"## {escape_markdown(table.title)}"
        parts += [title, table.to_markdown(escape_markdown), escape_markdown(table.note), legend]
    return "\n\n".join(part for part in parts if part) + "\n"


def to_terminal(data: ReportData) -> RenderableType:
    """Return every table except the first, which the commands always print, for a terminal."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for table in report_tables(data):
        if table.name == "strategies":
            continue
        title = Text(f"\n{strip_control(table.title)}", style="bold")
        parts += [title, Text(""), table.to_rich(emphasis="")]
        parts += [Text(strip_control(table.note), style="dim")] if table.note else []
    return Group(*parts)


def to_latex(data: ReportData) -> str:
    """Return the tables for a paper as LaTeX, which needs the packages booktabs and tabularx."""
    head = ["% needs \\usepackage{booktabs,tabularx}", f"% {escape_latex(data.names(data.headline))}"]
    head += [f"% {escape_latex(data.names(caveat))}" for caveat in data.comparison.caveats]
    tables = []
    for table in paper_tables(data):
        if table.header[0] == "#":
            # The numbers of the strategies are for other tables.
            rows = [row[1:] for row in table.rows]
            table = dataclasses.replace(table, header=table.header[1:], rows=rows, text_columns=table.text_columns - 1)
        tables.append(table.to_latex(f"{table.title}: {data.comparison.title}. {table.note}"))
    return "\n\n".join(["\n".join(head), *tables]) + "\n"


def to_csv(data: ReportData) -> str:
    """Return the summaries of the strategies as CSV: totals, with full precision; unknown values are empty."""
    return numbers_table(data.comparison.rows).to_csv()


def _to_json(data: ReportData) -> str:
    return dump_json(data.to_json(), indent=2) + "\n"


_WRITERS: Mapping[str, Callable[[ReportData], str]] = {
    ".md": to_markdown,
    ".tex": to_latex,
    ".csv": to_csv,
    ".json": _to_json,
}
FORMATS = (".html", *_WRITERS)
"""The suffixes that a report's file may have."""


def check_format(path: Path) -> None:
    """Check that the file's suffix is one of `FORMATS`.

    Raises:
        UnknownName: the suffix is not a format.
    """
    if path.suffix not in FORMATS:
        raise UnknownName("format of a report", path.suffix, FORMATS, f"of {path}")


def save(data: ReportData, path: Path, *, traces: bool = True) -> None:
    """Write a report atomically: an error leaves an existing file as it was.

    Args:
        data: the report.
        path: a file whose suffix is one of `FORMATS`.
        traces: include prompts and replies, if the format is HTML.

    Raises:
        UnknownName: the suffix is not a format.
        InputError: the file cannot be written, or the folder is damaged.
    """
    check_format(path)
    if path.suffix == ".html":
        write_page(data, path, traces=traces)
        return
    atomic_write(path, _WRITERS[path.suffix](data))
