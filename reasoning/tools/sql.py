"""A table as a tool: questions in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from reasoning.errors import ToolError
from reasoning.session_tools import ToolSession
from reasoning.tables_sql import SQLError, Table
from reasoning.tools.arguments import text_schema

_MAX_ROWS = 50
"""Rows of a result that are shown."""


@dataclass(frozen=True)
class SQLTool:
    """Answers a SELECT over one table, which is called `w`, and which nothing can change.

    Args:
        table: the table, or its rows with the header first.
        name: the name for the model.
    """

    table: Table | Sequence[Sequence[Any]]
    name: str = "SQL"
    parameters: ClassVar[Mapping[str, Any]] = text_schema(query="a SELECT over the table w")

    @cached_property
    def _typed(self) -> Table:
        return Table.of(self.table)

    @property
    def description(self) -> str:
        """The table's columns with their types, for the model."""
        columns = ", ".join(
            f'"{name}" {kind}' for name, kind in zip(self._typed.header, self._typed.types, strict=True)
        )
        return f"shows the rows that a SELECT (SQLite) finds in the table w (row_id integer, {columns})"

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        """Return the rows as lines of cells.

        Raises:
            ToolError: the query is not valid; has the engine's message.
        """
        try:
            found = await session.tools.query(self._typed, str(arguments["query"]))
        except SQLError as error:
            raise ToolError(str(error)) from None
        return found.to_text(max_rows=_MAX_ROWS) if found.rows else "No row fits."
