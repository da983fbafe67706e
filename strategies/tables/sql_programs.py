"""The execution of a Binder program in SQL: calls become columns and values, the rest is plain SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reasoning.session import Session
from reasoning.strategies.tables.binder_calls import Part, ProgramError, QACall, calls_of, is_query, parse_program
from reasoning.strategies.tables.denotation import table_of_values
from reasoning.strategies.tables.model_functions import ModelFunctions
from reasoning.strategies.tables.sql_repair import find_column, repair, sql_literal
from reasoning.strategies.tables.sql_text import sql_statements, tokens
from reasoning.tables_sql import Cell, Table
from reasoning.tables_sql.operations import add_column

_MAX_COLUMNS = 20
_EQUALS = re.compile(r"(?<![<>!=])\s?={1,2}\s?\Z")


def find_sql(reply: str) -> str | None:
    """Return the program of a reply: its first query."""
    return next(iter(sql_statements(reply)), None)


async def run_sql_program(
    program: str, tables: Mapping[str, Table], session: Session, functions: ModelFunctions, max_calls: int
) -> Table:
    """Run a program and return its result.

    The calls are replaced from the innermost outwards: `map` by the name of a new column, `ans` by
    its value or values. Then the program is SQL, is repaired (see `sql_repair.repair`) and run.

    Args:
        program: the program.
        tables: the tables by name; calls ask about the columns of `w`.
        session: the session of this program.
        functions: the functions that its calls stand for.
        max_calls: the maximum number of calls of the model for this program.

    Raises:
        ProgramError: the program cannot be run.
        SQLError: the engine refuses its SQL.
    """
    return await _SQLProgram(tables, session, functions, max_calls).run(parse_program(program))


class _SQLProgram:
    """One program during its execution.

    Attributes:
        table: the table with the columns that its calls added.
    """

    def __init__(
        self, tables: Mapping[str, Table], session: Session, functions: ModelFunctions, max_calls: int
    ) -> None:
        self.table, self._tables, self._session, self._functions = tables["w"], tables, session, functions
        self._calls_left = self._max_calls = max_calls
        self._columns: dict[QACall, str] = {}

    async def run(self, parts: Sequence[Part]) -> Table:
        if sum(1 for _ in calls_of(parts)) > _MAX_COLUMNS:
            raise ProgramError(f"the program has more than {_MAX_COLUMNS} calls of QA")
        call = parts[0]
        if len(parts) == 1 and isinstance(call, QACall) and call.kind == "ans":
            return table_of_values(await self._answer(call))
        sql = await self._replace(parts)
        if not is_query(sql):
            # A column or a value alone is what the program selects.
            sql = f"SELECT {sql} FROM w"
        return await self._query(sql)

    async def _replace(self, parts: Sequence[Part]) -> str:
        """Return a program or an argument with its calls replaced."""
        replaced = ""
        for part in parts:
            if isinstance(part, str):
                replaced += part
            elif part.kind == "map":
                replaced += f"`{await self._map(part)}`"
            else:
                literals = [sql_literal(value) for value in await self._answer(part)]
                if len(literals) > 1:
                    # One of several values may be equal, none can be all of them.
                    replaced = _EQUALS.sub(" IN ", replaced)
                is_list = len(literals) > 1 or replaced.rstrip().casefold().endswith(" in")
                replaced += f"({', '.join(literals)})" if is_list else literals[0]
        return replaced

    async def _map(self, call: QACall) -> str:
        """Add the column of a call and return its name."""
        if call in self._columns:
            return self._columns[call]
        names = _column_names(await self._replace(call.argument), self.table)
        selected = self.table.select_columns(names)
        self._count(self._functions.count_calls(selected.shown))
        values = await self._functions.map(call.question, selected.header, selected.shown)
        number = len(self._columns) + 1
        while (name := f"col_{number}") in map(str.casefold, self.table.header):
            number += 1
        self.table = add_column(self.table, name, values)
        self._columns[call] = name
        return name

    async def _answer(self, call: QACall) -> tuple[Cell, ...]:
        argument = await self._replace(call.argument)
        if is_query(argument):
            rows = await self._query(argument)
        elif argument.strip() == "*":
            rows = self.table
        else:
            rows = self.table.select_columns(_column_names(argument, self.table))
        self._count(1)
        return await self._functions.answer(call.question, rows)

    async def _query(self, sql: str) -> Table:
        tables = {**self._tables, "w": self.table}
        return await self._session.tools.query(tables, repair(sql, tables))

    def _count(self, calls: int) -> None:
        self._calls_left -= calls
        if self._calls_left < 0:
            raise ProgramError(f"it needs more than {self._max_calls} calls of the model (max_calls)")


def _column_names(argument: str, table: Table) -> list[str]:
    """Return the columns that an argument lists, in backticks, in quotes or bare.

    Raises:
        ProgramError: one of them does not exist.
    """
    if (whole := find_column(argument.strip(" `\"'"), table)) is not None:
        return [whole]
    names, current = [], ""
    for token in [*tokens(argument), None]:
        if token is not None and token.source != ",":
            current += token.content
        elif current.strip():
            name = current.strip().removeprefix("w.")
            if (column := find_column(name, table)) is None:
                known = ", ".join(table.header)
                raise ProgramError(f'QA("map@…") needs columns of the table, got {name:.80}; it has {known:.300}')
            names.append(column)
            current = ""
    if not names:
        raise ProgramError('QA("map@…") needs a column')
    return names
