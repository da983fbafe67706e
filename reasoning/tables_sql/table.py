"""The typed table: a header, rows of values, the type of each column, and the text of each cell as it was written."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from reasoning.errors import UnknownName, UsageError
from reasoning.tables_sql.cell_types import Cell, ColumnType, as_cell, infer_column, show_cell
from reasoning.text_safety import strip_control, to_line

__all__ = ["Cell", "ColumnType", "Table"]

_T = TypeVar("_T")

MAX_CELL_CHARS = 1_000_000
"""The length of the longest cell, in characters."""
MAX_CELLS = 5_000_000
"""The largest number of cells of a table."""


@dataclass(frozen=True)
class Table:
    """A table with typed columns. It never changes: operations return new tables.

    `Table.of` infers the types of rows of texts; `reasoning.tables_sql.reading` reads files and data
    frames.

    Attributes:
        header: the names of the columns, different from each other also in lower case.
        rows: the values, each row as long as the header. Empty cells are None.
        title: the subject of the table.
        types: the type of each column: "text", "integer", "number" or "date". By default the
            narrowest that holds the values.
        shown: the cells as the source wrote them, row by row ("$1,200" for 1200). By default the
            values as text.
        source: the source's own rows with the header first, if names were mended or short rows filled
            up; else None.

    Examples:
        >>> table = Table.of([["town", "people", "since"], ["Oslo", "709,037", "1 May 1048"], ["Moss", "", "n/a"]])
        >>> table.types
        ('text', 'integer', 'date')
        >>> table.rows[0], table.rows[1]
        (('Oslo', 709037, datetime.date(1048, 5, 1)), ('Moss', None, None))
        >>> print(table.select_columns(["people", "town"]).to_text())
        people | town
        709,037 | Oslo
         | Moss
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    types: tuple[ColumnType, ...] = ()
    shown: tuple[tuple[str, ...], ...] = ()
    source: tuple[tuple[str, ...], ...] | None = None

    def __post_init__(self) -> None:
        header, rows = tuple(self.header), tuple([tuple(row) for row in self.rows])
        if len({name.casefold() for name in header}) < len(header) or not all(header):
            raise UsageError(f"the names of columns must be different and not empty, got {header!r:.200}")
        for number, row in enumerate(rows, 1):
            if len(row) != len(header):
                raise UsageError(f"row {number} must have {len(header)} cells, one for each column, got {len(row)}")
        object.__setattr__(self, "header", header)
        if not self.types:
            columns = [
                infer_column(column, long_as_text=False) if _is_typed(column) else _as_text(column)
                for column in _columns(rows)
            ]
            types = tuple([column_type for column_type, _ in columns]) or ("text",) * len(header)
            object.__setattr__(self, "types", types)
            rows = _rows([column for _, column in columns])
        object.__setattr__(self, "rows", rows)
        if not self.shown:
            object.__setattr__(self, "shown", tuple([tuple([show_cell(cell) for cell in row]) for row in rows]))

    @classmethod
    def of(cls, rows: Table | Iterable[Sequence[Any]], title: str = "") -> Table:
        """Return a table with inferred types.

        Names of columns are mended if need be: an empty one becomes "column_2", and the second of two
        equal ones "year_2". Short rows are filled up with empty cells, and a row that is longer than
        the header adds columns.

        Args:
            rows: rows of cells, the first of which is the header; a table is returned unchanged,
                besides its title. Texts are interpreted; numbers, dates and None stay. See
                `reasoning.tables_sql.cell_types.infer_column`.
            title: the subject of the table.

        Raises:
            UsageError: a row is not a sequence of cells, or a limit of size is exceeded.
        """
        if isinstance(rows, Table):
            return replace(rows, title=title) if title else rows
        is_source = isinstance(rows, str | Path | Mapping) or hasattr(rows, "itertuples") or _are_records(rows)
        if is_source or isinstance(rows, bytes) or not isinstance(rows, Iterable):
            hint = "; reasoning.tables_sql.reading.read_table reads files, data frames, records and columns"
            raise UsageError(
                f"a table must be rows of cells, the first of them the header, got {to_line(f'{rows!r:.80}')}"
                f"{hint if is_source else ''}"
            )
        cells = [_cells(row, number) for number, row in enumerate(rows)]
        width = max(map(len, cells), default=0)
        if width * len(cells) > MAX_CELLS:
            raise UsageError(f"a table must have at most {MAX_CELLS:,} cells, got {len(cells):,} rows of {width:,}")
        source = tuple([tuple([_show(cell) for cell in row]) for row in cells])
        written = tuple([(*row, *("",) * (width - len(row))) for row in source])
        header = mend_names(written[0]) if written else ()
        body = [(*row, *(None,) * (width - len(row))) for row in cells[1:]]
        columns = [infer_column(column) for column in _columns(body)] or [("text", ())] * width
        mended = written != source or (written and header != written[0])
        return cls(
            header,
            _rows([values for _, values in columns], len(body)),
            title,
            tuple([column_type for column_type, _ in columns]),
            written[1:],
            source if mended else None,
        )

    def __repr__(self) -> str:
        columns = ", ".join(f"{name}: {kind}" for name, kind in zip(self.header, self.types, strict=True))
        title = f"{self.title!r:.60}, " if self.title else ""
        return f"Table({title}{len(self.rows)} rows, {columns[:200]}{'…' if len(columns) > 200 else ''})"

    def index(self, name: str) -> int:
        """Return the number of a column, from 0. Case and spaces do not matter.

        Raises:
            UnknownName: there is no such column; names the nearest.
        """
        if name in self.header:
            return self.header.index(name)
        names = [_key(one) for one in self.header]
        if names.count(_key(name)) != 1:
            raise UnknownName("column", name, self.header)
        return names.index(_key(name))

    def column(self, name: str) -> tuple[Cell, ...]:
        """Return the values of a column.

        Raises:
            UnknownName: there is no such column; names the nearest.
        """
        index = self.index(name)
        return tuple([row[index] for row in self.rows])

    def select_columns(self, names: Iterable[str]) -> Table:
        """Return a table of some columns, in the order of `names`; a name that is given twice counts once.

        Raises:
            UnknownName: there is no such column; names the nearest.
        """
        indexes = list(dict.fromkeys(self.index(name) for name in names))
        rows = tuple([_pick(row, indexes) for row in self.rows])
        shown = tuple([_pick(row, indexes) for row in self.shown])
        return Table(_pick(self.header, indexes), rows, self.title, _pick(self.types, indexes), shown)

    def select_rows(self, indexes: Iterable[int]) -> Table:
        """Return a table of some rows, numbered from 0, in the order of `indexes`.

        Raises:
            UsageError: there is no such row.
        """
        indexes = list(indexes)
        for index in indexes:
            if not 0 <= index < len(self.rows):
                raise UsageError(f"the number of a row must be from 0 to {len(self.rows) - 1}, got {index}")
        return Table(self.header, _pick(self.rows, indexes), self.title, self.types, _pick(self.shown, indexes))

    def to_text(self, max_rows: int | None = None) -> str:
        """Return the table as lines such as "a | b", the header first, with the cells as they were written.

        A line break within a cell becomes a space, a pipe gets a backslash, and control characters
        are replaced, so that no cell can imitate a row or another cell.

        Args:
            max_rows: the number of rows to write; a last line says how many are left out. None writes
                all.
        """
        shown = self.shown if max_rows is None else self.shown[:max_rows]
        left_out = len(self.shown) - len(shown)
        return write_lines([self.header, *shown]) + (f"\n… {left_out} more rows" if left_out else "")

    def as_written(self) -> str:
        """Return the text of the source: as `to_text`, but with the source's own names and short rows."""
        return write_lines(self.written)

    @property
    def written(self) -> list[list[str]]:
        """The source's own rows, with the header first."""
        rows = (self.header, *self.shown) if self.source is None else self.source
        return [list(row) for row in rows] if self.header else []

    def to_json(self) -> list[list[str]] | dict[str, Any]:
        """Return the table as plain data: rows of texts, or an object if these alone do not tell title and types."""
        if Table.of(self.written) == self:
            return self.written
        cells = [[cell.isoformat() if isinstance(cell, datetime.date) else cell for cell in row] for row in self.rows]
        data = {"title": self.title, "header": list(self.header), "types": list(self.types), "rows": cells}
        return {**data, "shown": [list(row) for row in self.shown]}

    @classmethod
    def from_json(cls, data: Any) -> Table:
        """Return the table of `to_json`.

        Raises:
            UsageError, KeyError: the data has another form.
        """
        if not isinstance(data, Mapping):
            return cls.of(data)
        types = tuple(data["types"])
        rows = [
            tuple(
                [
                    datetime.date.fromisoformat(cell) if cell and column_type == "date" else cell
                    for cell, column_type in zip(row, types, strict=True)
                ]
            )
            for row in data["rows"]
        ]
        return cls(data["header"], tuple(rows), data["title"], types, tuple([tuple(row) for row in data["shown"]]))


def mend_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of columns on one line each, none of them empty, and different also in lower case.

    Examples:
        >>> mend_names(["year", "", "Year", "a\\nb"])
        ('year', 'column_2', 'Year_2', 'a b')
    """
    lines = [" ".join(strip_control(name).split()) for name in names]
    taken = {name.casefold() for name in lines}
    mended, seen, counts = list[str](), set[str](), dict[str, int]()
    for number, name in enumerate(lines, 1):
        if not name or name.casefold() in seen:
            base, count = (name, counts.get(name.casefold(), 2)) if name else ("column", number)
            while (unique := f"{base}_{count}").casefold() in taken:
                count += 1
            counts[base.casefold()] = count + 1
            name = unique
            taken.add(name.casefold())
        seen.add(name.casefold())
        mended.append(name)
    return tuple(mended)


def write_lines(rows: Iterable[Sequence[str]]) -> str:
    """Return rows as lines of cells, joined by " | "; see `Table.to_text`."""
    return "\n".join([" | ".join([_escape(cell) for cell in row]) for row in rows])


def _escape(cell: str) -> str:
    if cell.isprintable() and "|" not in cell:
        return cell
    return strip_control(cell).replace("\n", " ").replace("|", "\\|")


def _pick(row: Sequence[_T], indexes: Iterable[int]) -> tuple[_T, ...]:
    return tuple([row[index] for index in indexes])


def _key(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").split())


def _are_records(rows: object) -> bool:
    return isinstance(rows, list | tuple) and bool(rows) and all(isinstance(row, Mapping) for row in rows)


def _is_typed(column: Sequence[Cell]) -> bool:
    return not any(isinstance(cell, str) for cell in column)


def _as_text(column: Sequence[Cell]) -> tuple[ColumnType, tuple[Cell, ...]]:
    return "text", tuple([cell if cell is None else show_cell(cell) for cell in column])


def _columns(rows: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True))


def _rows(columns: Sequence[Sequence[Cell]], number: int = 0) -> tuple[tuple[Cell, ...], ...]:
    return tuple(zip(*columns, strict=True)) if columns else ((),) * number


def _cells(row: Any, number: int) -> tuple[Any, ...]:
    if isinstance(row, str | bytes | Mapping) or not isinstance(row, Iterable):
        raise UsageError(f"row {number} of a table must be a sequence of cells, got {row!r:.80}")
    cells = tuple(row)
    for column, cell in enumerate(cells, 1):
        if isinstance(cell, str) and len(cell) > MAX_CELL_CHARS:
            raise UsageError(
                f"a cell must have at most {MAX_CELL_CHARS:,} characters, got {len(cell):,} in row {number}, "
                f"column {column}"
            )
        if isinstance(cell, list | tuple | Mapping | set):
            raise UsageError(
                f"a cell must be a text, a number, a date or empty, got {cell!r:.60} in row {number}, column {column}"
            )
    return cells


def _show(cell: Any) -> str:
    return cell if isinstance(cell, str) else show_cell(as_cell(cell))
