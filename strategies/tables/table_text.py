"""Tables in prompts: as numbered rows, as a CREATE TABLE statement, as columns with their first values."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword

from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.tables_sql import Table
from reasoning.tables_sql.forms import read_named_tables
from reasoning.tables_sql.sql import ROW_ID, sql_columns
from reasoning.text_safety import to_line

_RESERVED = frozenset({"w", "rows", "ans", "qa_map", "qa_ans"})
"""Names that mean something else in programs."""
MAX_CELL_CHARS = 300
"""The characters of a cell that a prompt shows."""


def table_of(problem: Problem, technique: str) -> Table:
    """Return the table of a problem.

    Raises:
        UsageError: the problem has no table, or the table has no columns.
    """
    if problem.table is None:
        raise UsageError(
            f"{technique} needs a table, and this problem has none: give Problem(question, table=rows), with the names "
            "of the columns as the first row, or `reasoning ask --table FILE.csv`"
        )
    table = Table.of(problem.table)
    if not table.header:
        raise UsageError(f"{technique} needs a table with at least one column, got an empty one")
    return table


def tables_of(problem: Problem, technique: str) -> dict[str, Table]:
    """Return the tables of a problem by name: its table as `w`, and those that its context holds.

    Raises:
        UsageError: the problem has no table.

    Source: `reasoning.tables_sql.forms.read_named_tables` says how a context holds tables.
    """
    tables = {"w": table_of(problem, technique)}
    taken = set(_RESERVED)
    for name, table in read_named_tables(problem.context or "").items():
        folded = name.casefold()
        usable = name.isidentifier() and not iskeyword(name) and not folded.startswith("sqlite_")
        if usable and folded not in taken and table.header:
            tables[name] = table
            taken.add(folded)
    return tables


def question_of(problem: Problem) -> str:
    """Return the problem without its table: the context, the question and the options."""
    values = problem.values()
    return "\n\n".join(part for part in (values["context"], values["question"], values["options"]) if part)


def show_cell(text: str) -> str:
    """Return a cell for one line of a prompt, cut to a maximum length; it can imitate neither a row nor a cell."""
    line = to_line(text[:MAX_CELL_CHARS]) + ("…" if len(text) > MAX_CELL_CHARS else "")
    return line.replace("|", "\\|")


def numbered_rows(table: Table, rows: Iterable[int] | None = None) -> str:
    r"""Return a table with a line "col :" for its header and a line such as "row 1 :" for each row, from 1.

    Of the forms of tables in prompts that the paper compares, models read this one best.

    Args:
        table: the table.
        rows: the indexes of the rows that are shown, with the numbers that they have in the table;
            None shows all.

    Source: Wang et al. 2024, arXiv 2401.04398, appendix (PIPE encoding).

    Examples:
        >>> print(numbered_rows(Table.of([["town", "people"], ["Oslo", "709,037"], ["Moss", "n/a"]])))
        col : town | people
        row 1 : Oslo | 709,037
        row 2 : Moss | n/a
    """
    indexes = range(len(table.shown)) if rows is None else rows
    return "\n".join(
        [f"col : {_joined(table.header)}", *(f"row {index + 1} : {_joined(table.shown[index])}" for index in indexes)]
    )


def with_title(table: Table, text: str) -> str:
    """Return a table's text below its title, if it has one."""
    return f"Table: {show_cell(table.title)}\n{text}" if table.title else text


def create_statement(table: Table, rows: int | None = None) -> str:
    r"""Return a CREATE TABLE statement with the types of the columns, and the first rows in a comment.

    Args:
        table: the table; it is called `w`.
        rows: the number of rows that are shown; None shows all.

    Source: Rajkumar et al. 2022, arXiv 2204.00498; Cheng et al. 2022, arXiv 2210.02875.

    Examples:
        >>> print(create_statement(Table.of([["town", "people"], ["Oslo", "709,037"], ["Moss", "49,668"]]), 1))
        CREATE TABLE w (row_id integer, `town` text, `people` integer);
        /* The first 1 of 2 rows:
        row_id | town | people
        0 | Oslo | 709037 */
    """
    shown = table.rows[:rows]
    left_out = len(shown) < len(table.rows)
    count = f"The first {len(shown)} of {len(table.rows)} rows:" if left_out else f"All {len(shown)} rows:"
    own = len(sql_columns(table)) == len(table.header)
    # Numbers and dates as the engine has them, so that a query can compare them.
    cells = [row if own else (index, *row) for index, row in enumerate(shown)]
    lines = [sql_columns(table), *(["" if cell is None else str(cell) for cell in row] for row in cells)]
    text = "\n".join(map(_joined, lines)).replace("*/", "* /")
    return with_title(table, f"{_create('w', table)}\n/* {count}\n{text} */")


def create_statements(tables: Mapping[str, Table], rows: int | None = None) -> str:
    """Return the statement of `w` with its first rows, and those of further tables, whose rows the context shows."""
    further = [_create(name, table) for name, table in tables.items() if name != "w"]
    return "\n".join([create_statement(tables["w"], rows), *further])


def column_values(table: Table, rows: int = 3) -> str:
    """Return the columns of a table with their first values, as JSON, one column a line."""
    lines = [
        json.dumps([show_cell(name), *(show_cell(row[index]) for row in table.shown[:rows])], ensure_ascii=False)
        for index, name in enumerate(table.header)
    ]
    return with_title(table, "\n".join(lines))


def quote_column(name: str) -> str:
    """Return the name of a column for a query, in backticks."""
    doubled = name.replace("`", "``")
    return f"`{doubled}`"


def _create(name: str, table: Table) -> str:
    """Return the statement that creates a table, with the column that numbers the rows unless it has its own."""
    columns = [f"{quote_column(one)} {kind}" for one, kind in zip(table.header, table.types, strict=True)]
    added = [f"{ROW_ID} integer"] * (len(sql_columns(table)) - len(table.header))
    return f"CREATE TABLE {name} ({', '.join([*added, *columns])});"


def _joined(cells: Sequence[str]) -> str:
    return " | ".join(map(show_cell, cells))
