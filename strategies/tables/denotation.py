"""Denotations: the values that a program computes, as an answer of the problem's kind."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from reasoning.kinds import Cells, Choice, Items, Kind, Label, Number, Text, YesNo
from reasoning.tables_sql import Cell, Table
from reasoning.tables_sql.cell_types import show_cell

_MAX_VALUES = 50
"""The values of the longest text answer."""
_TRUTH = {"1": True, "0": False, "1.0": True, "0.0": False}


def result_form(kind: Kind) -> str:
    """Return what a program's result must be for a kind of answer, as a sentence for a prompt."""
    if isinstance(kind, YesNo):
        return "The result is one value: 1 for yes, 0 for no."
    if isinstance(kind, Choice):
        return "The result is the text or the label of one option."
    if isinstance(kind, Label):
        return f"The result is one of these texts: {', '.join(kind.options)}."
    if isinstance(kind, Number):
        return "The result is one number."
    if isinstance(kind, Items | Cells):
        return "The result is one row for each item of the answer."
    return "The result is what the question asks for and nothing else."


def read_denotation(kind: Kind, result: Table, source: Table) -> Any | None:
    """Return a result as a value of a kind; None if it is empty or is no such value.

    Lists take all values. A text takes the values of the first column, with commas. Any other kind
    takes one value: the first column's if all of its rows are equal; a number, else that of the only
    column of numbers. Dates are shown as the source table writes them.

    Args:
        kind: the kind of the answer.
        result: the rows that a program returned.
        source: the table of the problem.
    """
    columns = [[cell for cell in column if cell is not None] for column in zip(*result.rows, strict=True)]
    shown = _written_dates(source)

    def text(cell: Cell) -> str:
        return shown.get(cell, "") or show_cell(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)

    if isinstance(kind, Items | Cells):
        values = tuple(
            text(cell).strip() for row in result.rows for cell in row if cell is not None and text(cell).strip()
        )
        return values or None
    if isinstance(kind, Number):
        numbers = [column for column in columns if column and all(isinstance(cell, int | float) for cell in column)]
        columns = numbers if len(numbers) == 1 or (columns and columns[0] in numbers[:1]) else columns
    cells = list(dict.fromkeys(map(text, columns[0]))) if columns else []
    if not cells:
        return None
    if isinstance(kind, Text):
        return ", ".join(cells) if len(cells) <= _MAX_VALUES else None
    if len(cells) > 1:
        return None
    if isinstance(kind, YesNo):
        return _TRUTH.get(cells[0], kind.parse(cells[0]))
    return kind.parse(cells[0])


def table_of_values(values: Sequence[Cell]) -> Table:
    """Return values as a result: a table of one column."""
    return Table(("value",), tuple((value,) for value in values))


def _written_dates(table: Table) -> dict[Cell, str]:
    return {
        cell: shown
        for row, texts in zip(table.rows, table.shown, strict=True)
        for cell, shown in zip(row, texts, strict=True)
        if isinstance(cell, datetime.date)
    }
