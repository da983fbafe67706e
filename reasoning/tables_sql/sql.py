"""SQL over tables: one SELECT in a process of its own that can reach nothing but the tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from reasoning.errors import ReasoningError, UsageError, nearest
from reasoning.sandbox.cancellation import CancelToken
from reasoning.tables_sql.cell_types import Cell, parse_date, show_cell
from reasoning.tables_sql.table import Table, mend_names
from reasoning.text_safety import to_line

TABLE_NAME = "w"
"""The name of a single table in SQL."""
ROW_ID = "row_id"
"""The column with the number of each row, from 0."""

_MEMORY_MB = 128
_MAX_CHARS = 1_000_000
_MAX_NAME = 100
"""Characters that are kept of a result's name of a column."""
_UNKNOWN = re.compile(r"no such (column|table|function): (.{1,200})")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_INSTEAD = {
    "year": "strftime('%Y', COLUMN)",
    "month": "strftime('%m', COLUMN)",
    "day": "strftime('%d', COLUMN)",
    "extract": "strftime('%Y', COLUMN)",
    "date_part": "strftime('%Y', COLUMN)",
    "datediff": "julianday(A) - julianday(B)",
    "now": "date('now')",
    "left": "substr(COLUMN, 1, N)",
    "right": "substr(COLUMN, -N)",
    "concat": "A || B",
    "isnull": "COLUMN IS NULL",
    "nvl": "coalesce(A, B)",
    "if": "iif(CONDITION, A, B)",
    "to_number": "CAST(COLUMN AS REAL)",
    "split_part": "substr and instr",
    "charindex": "instr(TEXT, PART)",
    "position": "instr(TEXT, PART)",
    "len": "length(TEXT)",
    "regexp": "LIKE or GLOB",
    "regexp_replace": "replace(TEXT, A, B)",
    "median": "ORDER BY with LIMIT and OFFSET",
    "stddev": "sqrt(avg(X * X) - avg(X) * avg(X))",
    "greatest": "max(A, B)",
    "least": "min(A, B)",
}
"""The equivalents in SQLite of functions of other engines."""


class SQLError(ReasoningError):
    """A query that could not be answered; the message is the engine's, with what would be valid."""


async def run_sql(
    tables: Table | Mapping[str, Table], sql: str, *, seconds: float = 5.0, max_rows: int = 10_000
) -> Table:
    """Run a query on tables and return its result.

    The query runs in SQLite, in a process of its own that holds copies of the tables and nothing else.
    It may only read: no other statement, no file, no extension. Each table has a column `row_id` that
    numbers its rows from 0, unless it has a column of that name already. Columns have the table's own
    names; names with spaces need quotes. Numbers are numbers, dates are texts in ISO form, and empty
    cells are NULL.

    Args:
        tables: a table, which is called `w` in the query, or tables by their names.
        sql: one SELECT statement, untrusted.
        seconds: the time limit.
        max_rows: the largest number of rows of the result.

    Returns:
        The result. A column with numbers is "integer" or "number", one with dates in ISO form "date",
        any other "text". Equal names of columns are made different.

    Raises:
        SQLError: the query cannot be answered: it is not a valid SELECT, or exceeds a limit.
        UsageError: a table's name cannot be used in SQL.

    Examples:
        >>> import asyncio
        >>> towns = Table.of([["town", "people"], ["Oslo", "709,037"], ["Moss", "49,668"]])
        >>> asyncio.run(run_sql(towns, "SELECT town FROM w WHERE people > 100000")).rows
        (('Oslo',),)
        >>> asyncio.run(run_sql(towns, "SELECT sum(poeple) FROM w"))
        Traceback (most recent call last):
        reasoning.tables_sql.sql.SQLError: no such column: poeple; did you mean "people"? w has row_id, town, people
    """
    # Problems have tables, and importing them must be quick.
    import asyncio

    from reasoning.tables_sql.sql_process import shared_runner

    named, request = _to_request(tables, sql, seconds, max_rows)
    runner, cancel_token = shared_runner(), CancelToken()
    try:
        result = await asyncio.get_running_loop().run_in_executor(runner.threads, runner.run, request, cancel_token)
    except asyncio.CancelledError:
        cancel_token.cancel()
        raise
    return _to_table(result, named)


def run_trusted_sql(tables: Table | Mapping[str, Table], sql: str) -> Table:
    """Run a query that this program wrote itself, such as one that computes a target, in this process.

    Arguments, result and errors are those of `run_sql`, which is for all other queries: here, a hostile
    one could take the memory of this process.
    """
    from reasoning.tables_sql import child

    named, request = _to_request(tables, sql, 60, 10_000)
    return _to_table(json.loads(child.answer(dump_request(request))), named)


def dump_request(request: Mapping[str, Any]) -> str:
    """Return the text of a request. Half a character (a lone surrogate) becomes U+FFFD."""
    return _SURROGATE.sub("\ufffd", json.dumps(request, ensure_ascii=False))


def sql_columns(table: Table) -> tuple[str, ...]:
    """Return the names of the columns that a table has in SQL, `row_id` first."""
    has_row_id = ROW_ID in map(str.casefold, table.header)
    return table.header if has_row_id else (ROW_ID, *table.header)


def _to_request(
    tables: Table | Mapping[str, Table], sql: str, seconds: float, max_rows: int
) -> tuple[Mapping[str, Table], dict[str, Any]]:
    """Return the tables by name, and the request of `reasoning.tables_sql.child`."""
    named = {TABLE_NAME: tables} if isinstance(tables, Table) else dict(tables)
    _check_names(named)
    return named, {
        "tables": [_describe(name, table) for name, table in named.items()],
        "sql": sql,
        "seconds": seconds,
        "memory_mb": _MEMORY_MB,
        "max_rows": max_rows,
        "max_chars": _MAX_CHARS,
    }


def _describe(name: str, table: Table) -> dict[str, Any]:
    columns = sql_columns(table)
    added = len(columns) - len(table.header)
    rows = [(index, *row)[1 - added :] for index, row in enumerate(table.rows)]
    return {
        "name": name,
        "columns": columns,
        "types": [*["integer"] * added, *table.types],
        "rows": [[_to_sql(cell) for cell in row] for row in rows],
    }


def _to_sql(cell: Cell) -> str | int | float | None:
    return cell if isinstance(cell, str | int | float | None) else show_cell(cell)


def _check_names(tables: Mapping[str, Table]) -> None:
    for name in tables:
        if not name.isidentifier() or name.casefold().startswith("sqlite_"):
            raise UsageError(f"a table must have a name that SQL can use, such as 'towns', got {name!r:.80}")
    if not tables or len({name.casefold() for name in tables}) < len(tables):
        raise UsageError(f"tables must have different names, got {', '.join(tables) or 'none'}")


def _to_table(result: dict[str, Any], tables: Mapping[str, Table]) -> Table:
    if "error" in result:
        raise SQLError(_explain(to_line(str(result["error"])), tables))
    names, rows = result["columns"], result["rows"]
    columns = [_typed(column) for column in zip(*rows, strict=True)]
    cells = tuple(zip(*columns, strict=True)) if columns else ((),) * len(rows)
    # An expression without a name is its own name.
    return Table(mend_names([name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…" for name in names]), cells)


def _typed(column: tuple[Any, ...]) -> tuple[Cell, ...]:
    """Return the cells of a column: dates for texts that all are dates, else the column's own values."""
    present = [cell for cell in column if cell is not None]
    if present and all(isinstance(cell, str) and _ISO.fullmatch(cell) for cell in present):
        dates = [None if cell is None else parse_date(cell) for cell in column]
        if sum(date is not None for date in dates) == len(present):
            return tuple(dates)
    return column


def _explain(message: str, tables: Mapping[str, Table]) -> str:
    """Return the engine's message with what would be valid."""
    match = _UNKNOWN.match(message)
    if match is None:
        return message
    what, name = match[1], match[2].rpartition(".")[2] if match[1] == "column" else match[2]
    if what == "function":
        instead = _INSTEAD.get(name.lower())
        return f"{message}; SQLite has {instead} instead" if instead else message
    if what == "table":
        return f"{message}; the tables are {', '.join(tables)}"
    known = {column: None for table in tables.values() for column in sql_columns(table)}
    similar = nearest(name, known)
    suggestion = f'; did you mean "{similar}"?' if similar else ";"
    listed = "; ".join(f"{table} has {', '.join(map(to_line, sql_columns(one)))}" for table, one in tables.items())
    return f"{message}{suggestion} {listed[:500]}{'…' if len(listed) > 500 else ''}"
