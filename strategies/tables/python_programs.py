"""The execution of a Binder program in Python, with the functions `qa_map` and `qa_ans`, in the interpreter."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reasoning.sandbox.code_extraction import extract_code
from reasoning.sandbox.execution import PlainData, ResultSource
from reasoning.session import Session
from reasoning.strategies.implicit_imports import add_imports
from reasoning.strategies.tables.binder_calls import ProgramError
from reasoning.strategies.tables.denotation import table_of_values
from reasoning.strategies.tables.model_functions import ModelFunctions
from reasoning.strategies.tables.sql_repair import find_column
from reasoning.tables_sql import Cell, Table
from reasoning.tables_sql.cell_types import as_cell, show_cell
from reasoning.tables_sql.table import mend_names

_PLACES = ("ans", ResultSource.EXPRESSION, ResultSource.PRINTED, ResultSource.ASSIGNED)
_MAX_TEXT = 2_000_000
"""The characters of the rows that a program may pass to a function."""


def find_python(reply: str) -> str | None:
    """Return the program of a reply, with the imports that it lacks."""
    code = extract_code(reply)
    return None if code is None else add_imports(code)


async def run_python_program(
    program: str, tables: Mapping[str, Table], session: Session, functions: ModelFunctions, max_calls: int
) -> Table:
    """Run a program and return its result; see `sql_programs.run_sql_program`.

    The variable `rows` is a list of one dictionary a row, with dates as texts in ISO form and None for
    empty cells; further tables are such lists under their own names. `qa_map(rows, question, columns)`
    returns a list with one value a row, and `qa_ans(rows, question, columns)` a value, or a list of
    several. The result is the variable `ans`, else the last expression, printed line or assignment.

    Raises:
        ProgramError: the program cannot be run.
    """
    table, calls_left = tables["w"], max_calls

    def count(calls: int) -> None:
        nonlocal calls_left
        calls_left -= calls
        if calls_left < 0:
            raise ProgramError(f"it needs more than {max_calls} calls of the model (max_calls)")

    async def qa_map(rows: list[Any], question: str, columns: list[str] | str) -> list[PlainData]:
        _check_rows(rows)
        names = _column_names(columns, rows, table)
        cells = _cells(rows, names)
        count(functions.count_calls(cells))
        values = await functions.map(_question(question, "map@"), names, cells)
        return [_plain(value) for value in values]

    async def qa_ans(rows: list[Any], question: str, columns: list[str] | str | None = None) -> PlainData:
        _check_rows(rows)
        names = _column_names(columns or list(rows[0] if rows else ()), rows, table)
        count(1)
        # The program may have made these rows, with keys that are no names of columns.
        asked = Table(mend_names(names), tuple(map(tuple, _cells(rows, names))))
        values: list[PlainData] = [
            _plain(value) for value in await functions.answer(_question(question, "ans@"), asked)
        ]
        return values[0] if len(values) == 1 else values

    interpreter = session.tools.interpreter
    ran = await interpreter.arun(
        program,
        inputs={"rows" if name == "w" else name: _dictionaries(one) for name, one in tables.items()},
        functions={"qa_map": qa_map, "qa_ans": qa_ans},
        result=_PLACES,
        limits=replace(interpreter.limits, output_chars=max(interpreter.limits.output_chars, _MAX_TEXT)),
    )
    if ran.error is not None:
        raise ProgramError(ran.error)
    return table_of_values([as_cell(value) for value in _values(ran.value)])


def _dictionaries(table: Table) -> list[PlainData]:
    return [dict(zip(table.header, map(_plain, row), strict=True)) for row in table.rows]


def _values(value: PlainData) -> Sequence[PlainData]:
    """Return the values of a result: a list's, those of rows one by one, or one value."""
    if isinstance(value, bool):
        return [int(value)]
    if isinstance(value, dict):
        return _values(list(value.values()))
    if isinstance(value, list):
        return [one for item in value for one in (_values(item) if isinstance(item, list | dict) else [item])]
    return [value]


def _question(question: str, mark: str) -> str:
    return " ".join(str(question).removeprefix(mark).split())


def _check_rows(rows: object) -> None:
    """Raise ProgramError if the first argument of a function is no list of rows."""
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise ProgramError("qa_map and qa_ans need rows: a list of dictionaries, such as rows")


def _column_names(columns: Sequence[str] | str, rows: Sequence[Any], table: Table) -> list[str]:
    """Return the names of columns as the rows have them.

    Raises:
        ProgramError: the rows have no such column.
    """
    known = list(rows[0]) if rows else list(table.header)
    names = []
    for name in columns if isinstance(columns, Iterable) and not isinstance(columns, str) else [columns]:
        found = name if name in known else find_column(str(name), table)
        if not isinstance(found, str) or found not in known:
            raise ProgramError(f"the rows have no column {name!r:.80}; they have {', '.join(map(str, known)):.300}")
        names.append(found)
    if not names:
        raise ProgramError("qa_map and qa_ans need at least one column")
    return list(dict.fromkeys(names))


def _cells(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[str]]:
    return [[show_cell(as_cell(row.get(name))) for name in names] for row in rows]


def _plain(value: Cell) -> str | int | float | None:
    return value.isoformat() if isinstance(value, datetime.date) else value
