"""A table for a terminal: words stay whole, and a narrow terminal shows fewer columns and says which are missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rich.cells import cell_len, chop_cells
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from reasoning.text_safety import strip_control

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType

_PART = re.compile(r"(?:\s%|(?<!\w)\(|[^\s(])*(?:\(|\s+|$)")
"""The parts of a text between which a line may end: after spaces and after the brackets of calls. A percent sign stays
with its number."""
_INDENT = "  "
"""Begins the further lines of a row header."""
_READABLE = 22
"""Columns of names and prose are not made narrower than this; others are left out instead."""
_ESSENTIAL = 3
"""The number of the most important columns that stay also if they say the same in every row: without the corrected
p-value, the other one would mislead."""
_CUT = 8
"""Columns whose cells may be cut are not made narrower than this."""


class Cells(Protocol):
    """The attributes of `reasoning.tables.Table` that a terminal shows."""

    @property
    def header(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> Sequence[Sequence[Any]]: ...
    @property
    def text_columns(self) -> int: ...
    @property
    def emphasized(self) -> Collection[int]: ...
    @property
    def priority(self) -> tuple[str, ...]: ...
    @property
    def all_columns(self) -> str: ...
    @property
    def max_widths(self) -> Mapping[int, int]: ...
    @property
    def styles(self) -> Mapping[tuple[int, int], str]: ...


@dataclass(frozen=True)
class TerminalTable:
    """A table that fits the width of the terminal that it is printed on.

    Column titles and names break between words only. If the columns do not fit, the least important ones
    are left out, and a line below the table names them. Widths are those of the terminal: an East Asian
    character takes two columns.

    Attributes:
        table: the cells, and which columns matter.
        emphasis: the `rich` style of emphasized rows.
    """

    table: Cells
    emphasis: str = "bold"

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        columns = self._columns(options.max_width)
        natural = _sum([column.natural for column in columns], 2)
        return Measurement(columns[0].least, natural).clamp(max_width=options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width = options.max_width
        columns = self._columns(width)
        gap = 2 if _sum([column.content for column in columns], 2) <= width else 1
        shown = self._fitting(columns, width, gap)
        yield self._rendered(shown, _widths(shown, width, gap), gap)
        missing = [self._describe(column.number) for column in columns if column not in shown]
        if missing:
            yield Text(f"Not shown in {width} columns: {', '.join(missing)}. {self.table.all_columns}", style="dim")

    def _columns(self, width: int) -> list[_Column]:
        readable = min(_READABLE, width // 2)
        return [_Column.of(self.table, number, readable) for number in range(len(self.table.header))]

    def _fitting(self, columns: Sequence[_Column], width: int, gap: int) -> list[_Column]:
        """Return the columns that are shown: the first one, and the most important others for which there is room."""
        shown = list(columns)
        for number in self._least_important_first():
            if _sum([column.least for column in shown], gap) <= width:
                break
            shown.remove(columns[number])
        return shown

    def _least_important_first(self) -> list[int]:
        """Return the columns without the first one.

        Columns that say the same in every row are the first to go, since one word below the table replaces them.
        """
        header, priority = self.table.header, self.table.priority

        def importance(column: int) -> tuple[bool, int, int]:
            title = header[column]
            rank = priority.index(title) if title in priority else len(priority)
            return rank >= _ESSENTIAL and self._same(column) is not None, rank, column

        return sorted(range(1, len(header)), key=importance, reverse=True)

    def _same(self, column: int) -> str | None:
        """Return the text that every row has in a column, or None."""
        texts = {str(row[column]) for row in self.table.rows}
        return texts.pop() if len(self.table.rows) > 1 and len(texts) == 1 else None

    def _describe(self, column: int) -> str:
        title, same = strip_control(self.table.header[column]), self._same(column)
        return title if same is None else f"{title} ({strip_control(same) or 'empty'} in every row)"

    def _rendered(self, shown: Sequence[_Column], widths: Sequence[int], gap: int) -> RichTable:
        out = RichTable(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
        for column, width in zip(shown, widths, strict=True):
            title = "\n".join(wrap(strip_control(self.table.header[column.number]), width))
            justify: JustifyMethod = "left" if column.number < self.table.text_columns else "right"
            out.add_column(Text(title), justify=justify, width=width, no_wrap=True, overflow="fold")
        fitted = [column.fit(width) for column, width in zip(shown, widths, strict=True)]
        for index, texts in enumerate(zip(*fitted, strict=True)):
            cells = [
                Text(text, self.table.styles.get((index, column.number), ""))
                for column, text in zip(shown, texts, strict=True)
            ]
            out.add_row(*cells, style=self.emphasis if index in self.table.emphasized else "")
        return out


@dataclass(frozen=True)
class _Column:
    """A column with its widths, in terminal columns.

    Attributes:
        number: its index.
        texts: its cells.
        least: the least width; a narrower column is left out.
        content: the width at which no cell wraps or is cut.
        natural: the width at which the title does not wrap either.
        wraps: cells continue on the next line if they are too long; otherwise they are cut.
    """

    number: int
    texts: tuple[str, ...]
    least: int
    content: int
    natural: int
    wraps: bool

    @classmethod
    def of(cls, table: Cells, number: int, readable: int) -> _Column:
        title, most = strip_control(table.header[number]), table.max_widths.get(number)
        cells = tuple(strip_control(row[number]) for row in table.rows)
        word, longest = _longest_part(title), max(map(cell_len, cells), default=0)
        wraps = number < table.text_columns and most is None
        if most is not None:
            longest = min(longest, most)
            least = max(word, min(longest, _CUT if number else readable))
        elif wraps:
            indent = len(_INDENT) * (number == 0)
            parts = max((_longest_part(cell, indent) for cell in cells), default=0)
            least = max(word, parts, min(longest, readable))
        else:
            least = max(word, longest)
        content = max(word, longest)
        return cls(number, cells, least, content, max(content, cell_len(title)), wraps)

    def fit(self, width: int) -> list[str]:
        """Return the cells in lines of at most this width. Names that are cut still differ from each other."""
        if self.wraps:
            return ["\n".join(wrap(text, width, _INDENT if self.number == 0 else "")) for text in self.texts]
        wanted = len(set(self.texts)) if self.number == 0 else 0
        for cut in (_cut_end, _cut_beginning, _cut_middle):
            texts = [cut(text, width) for text in self.texts]
            if len(set(texts)) >= wanted:
                return texts
        return [_cut_end(f"{number} {text}", width) for number, text in enumerate(self.texts, 1)]


def _cut_end(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{chop_cells(text, max(1, width - 1))[0]}…"


def _cut_beginning(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"…{_end(text, width - 1)}"


def _cut_middle(text: str, width: int) -> str:
    half = width // 2
    return text if cell_len(text) <= width else f"{_cut_end(text, half)}{_end(text, width - half)}"


def _end(text: str, width: int) -> str:
    return chop_cells(text[::-1], max(1, width))[0][::-1]


def _sum(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _widths(columns: Sequence[_Column], width: int, gap: int) -> list[int]:
    """Return the widths of columns: the natural ones if all fit, else titles wrap first, then texts."""
    natural = [column.natural for column in columns]
    if _sum(natural, gap) <= width:
        return natural
    widths = [min(column.least, width) for column in columns]
    room = width - _sum(widths, gap)
    # The column that needs least gets all of it; the others share what is left.
    wanting = sorted(range(len(columns)), key=lambda place: columns[place].content - widths[place])
    for position, place in enumerate(wanting):
        more = max(0, min(columns[place].content - widths[place], room // (len(wanting) - position)))
        widths[place] += more
        room -= more
    return widths


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Return a text in lines that end after a space or after the bracket of a call.

    Only a part that is longer than the whole width is broken inside, and a text in wide characters, which has
    no spaces.

    Args:
        text: may have several lines.
        width: the greatest width of a line, in terminal columns.
        indent: begins every line except the first.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        current = indent if lines else ""
        for part in _PART.findall(line):
            if (
                current.strip()
                and _exceeds(current, part, width)
                and not (_is_wide(part) and width - cell_len(current) > 1)
            ):
                lines.append(current.rstrip())
                current = indent
            while _exceeds(current, part, width):
                indent = indent if cell_len(indent) < width - 1 else ""
                head = chop_cells(part, max(1, width - cell_len(current)))[0] or part[0]
                lines.append(current + head)
                current, part = indent, part[len(head) :]
            current += part
        lines.append(current.rstrip())
    return lines


def _exceeds(current: str, part: str, width: int) -> bool:
    return cell_len(current) + cell_len(part.rstrip()) > width


def _is_wide(text: str) -> bool:
    return cell_len(text) != len(text)


def _longest_part(text: str, indent: int = 0) -> int:
    """Return the width of the longest part that should stay on one line."""
    longest = 0
    for place, part in enumerate(_PART.findall(text)):
        width = cell_len(part.rstrip())
        if width:
            longest = max(longest, (min(width, _CUT) if _is_wide(part) else width) + indent * (place > 0))
    return longest
