"""Tables: typed cells, readers of common forms, operations, and SQL over them in a locked-down process."""

from __future__ import annotations

from reasoning.tables_sql.sql import SQLError, run_sql
from reasoning.tables_sql.table import Cell, ColumnType, Table

__all__ = ["Cell", "ColumnType", "SQLError", "Table", "run_sql"]
