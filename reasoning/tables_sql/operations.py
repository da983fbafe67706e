"""Operations on tables as pure functions: select, add a column, count groups, sort.

They are those of Chain-of-Table (Wang et al. 2024, arXiv 2401.04398, section 3.2). SQL does the rest;
see `reasoning.tables_sql.sql`.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from reasoning.errors import UsageError
from reasoning.tables_sql.cell_types import Cell, as_cell, infer_column, show_cell
from reasoning.tables_sql.table import Table, mend_names


def select_row(table: Table, indexes: Iterable[int]) -> Table:
    """Return a table of some rows, numbered from 0; see `Table.select_rows`."""
    return table.select_rows(indexes)


def select_column(table: Table, names: Iterable[str]) -> Table:
    """Return a table of some columns; see `Table.select_columns`."""
    return table.select_columns(names)


def add_column(table: Table, name: str, values: Sequence[Any]) -> Table:
    """Return the table with one more column, whose type is inferred.

    Args:
        table: the table.
        name: the name of the new column.
        values: its cells, one for each row.

    Raises:
        UsageError: the name is empty or taken, or the number of values is not that of the rows.
    """
    [name] = mend_names([name]) if name.strip() else [""]
    if not name or name.casefold() in map(str.casefold, table.header):
        raise UsageError(f"a new column must have a name of its own, got {name!r:.80}")
    if len(values) != len(table.rows):
        raise UsageError(f"a new column must have {len(table.rows)} values, one for each row, got {len(values)}")
    column_type, cells = infer_column(values)
    shown = [value if isinstance(value, str) else show_cell(as_cell(value)) for value in values]
    return Table(
        (*table.header, name),
        tuple([(*row, cell) for row, cell in zip(table.rows, cells, strict=True)]),
        table.title,
        (*table.types, column_type),
        tuple([(*row, text) for row, text in zip(table.shown, shown, strict=True)]),
    )


def group_by(table: Table, column: str) -> Table:
    """Return a table of the different values of a column and their numbers of rows, the most frequent first.

    Values of equal frequency keep the order in which they first occur. Empty cells are a group.

    Raises:
        UnknownName: there is no such column.

    Examples:
        >>> riders = Table.of([["rider", "country"], ["Ana", "ESP"], ["Bea", "ITA"], ["Eva", "ESP"]])
        >>> print(group_by(riders, "country").to_text())
        country | count
        ESP | 2
        ITA | 1
    """
    index = table.index(column)
    counts = Counter([row[index] for row in table.rows]).most_common()
    shown = dict(zip(reversed(table.column(column)), reversed([row[index] for row in table.shown]), strict=True))
    return Table(
        mend_names([table.header[index], "count"]),
        tuple(counts),
        table.title,
        (table.types[index], "integer"),
        tuple([(shown[value], str(count)) for value, count in counts]),
    )


def sort_by(table: Table, column: str, *, descending: bool = False) -> Table:
    """Return the table with its rows sorted by a column: numbers and dates by value, texts by character.

    Rows with equal values keep their order, and rows with an empty cell come last.

    Raises:
        UnknownName: there is no such column.
    """
    cells = table.column(column)
    filled = [index for index, cell in enumerate(cells) if cell is not None]
    empty = [index for index, cell in enumerate(cells) if cell is None]
    return table.select_rows([*sorted(filled, key=lambda index: _key(cells[index]), reverse=descending), *empty])


def _key(cell: Cell) -> Any:
    """Return a key that compares with those of the same column."""
    return cell.toordinal() if isinstance(cell, datetime.date) else cell
