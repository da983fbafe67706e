"""Tables of text cells for the terminal, Markdown, HTML, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from reasoning.text_safety import strip_control

if TYPE_CHECKING:
    from rich.console import RenderableType

    from reasoning.terminal_table import TerminalTable

_COLUMN = ' scope="col"'
"""The attribute of the title of a column."""
_BREAKS = ((re.compile(r"([(,])(?=\w)"), r"\1<wbr>"), (re.compile(r"([_=])(?=\w)"), r'\1<wbr class="narrow">'))
"""The places at which a page may break a long spec, and those within a word at which only a narrow page does."""


def break_name(escaped: str) -> str:
    """Return an escaped name with the places where a page may break it."""
    for pattern, mark in _BREAKS:
        escaped = pattern.sub(mark, escaped)
    return escaped


def escape_pipes(text: str) -> str:
    """Escape pipes and line breaks for a cell of a Markdown table; other Markdown and HTML stay as they are."""
    return text.replace("|", r"\|").replace("\n", " ")


def escape_markdown(text: str) -> str:
    """Return text as one line of Markdown, with all markup and HTML escaped."""
    line = " ".join(strip_control(text).split())
    for mark in "\\`*[]<>|#":
        line = line.replace(mark, f"\\{mark}")
    return line.replace("_", "\\_") if "__" in line or " _" in line else line


_FORMULA = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\n]")
"""The beginning of a text that a spreadsheet may run; full-width signs count too."""
_LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#{}"},
    # Specs are long, so they may break after these three.
    "_": r"\_\allowbreak{}",
    "(": r"(\allowbreak{}",
    "=": r"=\allowbreak{}",
    "\\": r"\textbackslash{}",
    # Directly after the end of a row, LaTeX would read a bracket as a length.
    "[": "{[}",
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


def escape_html(text: str) -> str:
    """Return text for HTML, with all markup escaped and without control characters."""
    return escape(strip_control(text))


def escape_csv(value: Any) -> Any:
    """Return a value for a cell of a CSV file that no spreadsheet takes for a formula.

    A text that begins like a formula gets a leading apostrophe, unless it is a number. Numbers stay
    as they are.
    """
    if not isinstance(value, str):
        return value
    # Without quotes a carriage return would begin a row, and the writer does not quote it.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if _FORMULA.match(text) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def escape_latex(text: str) -> str:
    """Return text as one line of LaTeX, with all special characters escaped."""
    return "".join(_LATEX.get(mark, mark) for mark in " ".join(strip_control(text).split()))


def pluralize(count: int, noun: str) -> str:
    """Return a number with its noun: `pluralize(1, "problem")` is "1 problem", `pluralize(2, …)` "2 problems"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def render_text(renderable: RenderableType, width: int = 80) -> str:
    """Render an object as plain text for a terminal of `width` columns."""
    from rich.console import Console

    out = io.StringIO()
    # In a notebook `rich` would display the object and write nothing.
    console = Console(file=out, width=width, highlight=False, markup=False, color_system=None, force_jupyter=False)
    console.print(renderable)
    return "\n".join(line.rstrip() for line in strip_control(out.getvalue()).splitlines())


@dataclass(frozen=True)
class Table:
    """A table of text cells.

    Attributes:
        header: column titles.
        rows: cells, as text; `to_csv` also takes numbers and None.
        title: the subject of the table, in one line.
        name: a word that identifies the table, such as "strategies".
        note: an explanation of the columns for the reader.
        text_columns: the number of leading columns that hold text. They are aligned to the left and may wrap; the
            others hold numbers, aligned to the right.
        emphasized: indices of the rows that are shown in bold.
        legend: explanations of abbreviated names, one line each.
        priority: titles of the columns that a narrow terminal shows first, the most important one first; the others
            follow in their order. The first column is always shown. A column that says the same in every row is left
            out before the others, unless it is one of the first three of these.
        all_columns: how to see the columns that a narrow terminal leaves out.
        max_widths: by column, the width in characters above which a terminal cuts a cell with an ellipsis.
        styles: by row and column, the `rich` style of a cell in a terminal.
    """

    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    title: str = ""
    name: str = ""
    note: str = ""
    text_columns: int = 1
    emphasized: Collection[int] = frozenset()
    legend: tuple[str, ...] = ()
    priority: tuple[str, ...] = ()
    all_columns: str = "A wider terminal shows all."
    max_widths: Mapping[int, int] = field(default_factory=dict)
    styles: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def __rich__(self) -> TerminalTable:
        return self.to_rich()

    def to_rich(self, *, emphasis: str = "bold") -> TerminalTable:
        """Return the table for a terminal, without lines between cells.

        Args:
            emphasis: the `rich` style of emphasized rows.
        """
        from reasoning.terminal_table import TerminalTable

        return TerminalTable(self, emphasis)

    def to_markdown(self, escape: Callable[[str], str] = escape_markdown) -> str:
        """Return the table in GitHub's Markdown, with emphasized rows in bold.

        Args:
            escape: the function that escapes a cell; `escape_pipes` keeps the Markdown of cells that are written here.
        """

        def line(cells: Sequence[str], mark: str = "") -> str:
            return f"| {' | '.join(f'{mark}{cell}{mark}' if cell else '' for cell in cells)} |"

        rule = ["---"] * self.text_columns + ["---:"] * (len(self.header) - self.text_columns)
        rows = [
            line([escape(cell) for cell in row], "**" * (index in self.emphasized))
            for index, row in enumerate(self.rows)
        ]
        return "\n".join([line([escape(title) for title in self.header]), line(rule), *rows])

    def to_html(self, *, inline_styles: bool = True, attributes: str = "", row_header: int | None = None) -> str:
        """Return the table as an HTML element. All cells are escaped.

        Args:
            inline_styles: align cells with style attributes, for a notebook. Otherwise cells have the classes "text"
                and "short", and emphasized rows the class "emphasized", for a page with a style sheet; long cells
                may then break after brackets and commas.
            attributes: HTML attributes of the table element, with a leading space.
            row_header: the index of the column with the row headers. Columns before it are "short".
        """

        def cell(tag: str, column: int, text: str, scope: str = "") -> str:
            is_text, content = column < self.text_columns, escape_html(text)
            if inline_styles:
                style = f' style="text-align:{"left" if is_text else "right"}"'
            else:
                short = " short" * (row_header is not None and column < row_header)
                style = f' class="text{short}"' if is_text else ""
                content = break_name(content) if is_text else content
                # A title may wrap between its words, but not before its percent sign.
                content = content.replace(" %", "\u00a0%") if scope == _COLUMN else content
            return f"<{tag}{style}{scope}>{content}</{tag}>"

        head = "".join(cell("th", column, title, _COLUMN) for column, title in enumerate(self.header))
        emphasis = ' style="font-weight:bold"' if inline_styles else ' class="emphasized"'
        body = []
        for index, row in enumerate(self.rows):
            cells = [
                cell("th", column, text, ' scope="row"') if column == row_header else cell("td", column, text)
                for column, text in enumerate(row)
            ]
            body.append(f"<tr{emphasis if index in self.emphasized else ''}>{''.join(cells)}</tr>")
        return f"<table{attributes}><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"

    def to_latex(self, caption: str) -> str:
        """Return the table as a LaTeX float; it needs the packages booktabs and tabularx.

        Args:
            caption: plain text. The label is "tab:" and the table's name.
        """
        columns = ">{\\raggedright\\arraybackslash}X" * self.text_columns
        columns += "r" * (len(self.header) - self.text_columns)
        numbers = [_stacked(title) for title in self.header[self.text_columns :]]
        lines = [
            r"\begin{table}",
            r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}",
            f"  \\caption{{{escape_latex(caption)}}}",
            f"  \\label{{tab:{self.name}}}",
            f"  \\begin{{tabularx}}{{\\linewidth}}{{@{{}}{columns}@{{}}}}",
            r"    \toprule",
            f"    {' & '.join([*map(escape_latex, self.header[: self.text_columns]), *numbers])} \\\\",
            r"    \midrule",
        ]
        for index, row in enumerate(self.rows):
            cells = [escape_latex(cell) for cell in row]
            bold = [f"\\textbf{{{cell}}}" if cell else "" for cell in cells]
            lines.append(f"    {' & '.join(bold if index in self.emphasized else cells)} \\\\")
        legend = [f"  \\par\\smallskip\\raggedright\\scriptsize {escape_latex(line)}" for line in self.legend]
        return "\n".join([*lines, r"    \bottomrule", r"  \end{tabularx}", *legend, r"\end{table}"])

    def to_csv(self) -> str:
        """Return the header and the rows as CSV.

        None becomes an empty cell, numbers keep their precision, and no text is a formula.
        """
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(map(escape_csv, row) for row in [self.header, *self.rows])
        return file.getvalue()


@dataclass(frozen=True)
class Document:
    """Tables and sentences that are printed one below the other.

    Attributes:
        parts: tables and texts, in order.
        emphasis: the `rich` style of emphasized rows in a terminal.
    """

    parts: Sequence[Table | str]
    emphasis: str = "bold"

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        spaced: list[RenderableType] = []
        for part in self.parts:
            if not part:
                continue
            shown: RenderableType = (
                Text(strip_control(part)) if isinstance(part, str) else part.to_rich(emphasis=self.emphasis)
            )
            spaced += [*([Text("")] if spaced else []), shown]
        return Group(*spaced)

    @property
    def tables(self) -> list[Table]:
        """The tables, in order."""
        return [part for part in self.parts if isinstance(part, Table)]

    def to_html(self) -> str:
        """Return the tables and texts as HTML, one below the other."""
        parts = (
            part.to_html() if isinstance(part, Table) else f"<p>{escape_html(part).replace(chr(10), '<br>')}</p>"
            for part in self.parts
        )
        return "\n".join(parts)

    def to_markdown(self) -> str:
        """Return the texts and the tables in GitHub's Markdown, with the markup of texts escaped."""
        parts = (
            "  \n".join(map(escape_markdown, part.splitlines())) if isinstance(part, str) else part.to_markdown()
            for part in self.parts
        )
        return "\n\n".join(filter(None, parts))

    def to_csv(self) -> str:
        """Return the tables as CSV, with an empty line between two of them."""
        return "\n".join(table.to_csv() for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        """Return the rows of the tables as plain data: by the table's name, or "rows"."""
        return {
            table.name or "rows": [dict(zip(table.header, row, strict=True)) for row in table.rows]
            for table in self.tables
        }


def _stacked(title: str) -> str:
    """Return a LaTeX heading with one line for each word, because number columns are narrow."""
    lines = [escape_latex(word) for word in title.replace(" %", "%").split(" ")]
    return lines[0] if len(lines) == 1 else "\\shortstack[r]{" + r" \\ ".join(lines) + "}"
