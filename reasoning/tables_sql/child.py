"""One query over tables in an SQLite database in memory. It runs as text in a process of its own.

This file uses the standard library only, and the process can neither import nor read anything else.
The query is untrusted: it may read the tables that the request names, and nothing else.
"""

from __future__ import annotations

import json
import re
import sqlite3
import time
from typing import Any

FUNCTIONS = frozenset(
    re.findall(
        r"\S+",
        """abs avg ceil ceiling char coalesce concat concat_ws count cume_dist date datetime dense_rank exp first_value
    floor format glob group_concat hex ifnull iif instr json json_array json_array_length json_extract
    json_group_array json_group_object json_object json_quote json_type json_valid -> ->> julianday lag last_value
    lead length like likelihood likely ln log log10 log2 lower ltrim max min mod nth_value ntile nullif octet_length
    percent_rank pi pow power printf quote rank replace round row_number rtrim sign sqrt string_agg strftime substr
    substring sum time timediff total trim trunc typeof unicode unixepoch unlikely upper""",
    )
)
"""The functions that a query may call. Those that give other values each time are left out."""
_TABLE_FUNCTIONS = ("json_each", "json_tree")
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 10_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 100,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_AFFINITIES = {"text": "TEXT", "integer": "INTEGER", "number": "REAL", "date": "TEXT"}
_ACTIONS = {
    sqlite3.SQLITE_ATTACH: "ATTACH",
    sqlite3.SQLITE_DETACH: "DETACH",
    sqlite3.SQLITE_PRAGMA: "PRAGMA",
    sqlite3.SQLITE_INSERT: "INSERT",
    sqlite3.SQLITE_UPDATE: "UPDATE",
    sqlite3.SQLITE_DELETE: "DELETE",
    sqlite3.SQLITE_TRANSACTION: "a transaction",
}
_START = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/|\()*+([A-Za-z]*)", re.DOTALL)
_STEPS = 20_000
"""Instructions of the engine between two looks at the clock, about a millisecond."""


def answer(request: str) -> str:
    """Run a query and return its columns and rows, or its error, as JSON.

    Args:
        request: JSON with the tables (name, columns, types, rows), the query and its limits.
    """
    job = json.loads(request)
    try:
        result = _Query(job).run()
    except MemoryError:
        result = {"error": f"the query needs more than {job['memory_mb']} MB of memory"}
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, RecursionError) as error:
        result = {"error": f"{error}"[:1000] or type(error).__name__}
    return json.dumps(result, ensure_ascii=False)


class _Query:
    """A query with its own database."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.job = job
        self.refused = ""
        self.readable = {table["name"].lower() for table in job["tables"]} | set(_TABLE_FUNCTIONS)
        self.modules: set[str] = set()
        self.deadline = 0.0

    def run(self) -> dict[str, Any]:
        connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        connection.execute(f"PRAGMA hard_heap_limit = {int(self.job['memory_mb'] * 2**20)}")
        # What a sort or a materialized view does not hold in memory would go to a file.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA trusted_schema = OFF")
        self.modules = {row[0].lower() for row in connection.execute("PRAGMA module_list")}
        for table in self.job["tables"]:
            _insert(connection, table)
        connection.execute("PRAGMA query_only = ON")
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        connection.set_authorizer(self._authorize)
        connection.set_progress_handler(self._is_late, _STEPS)
        self.deadline = time.monotonic() + self.job["seconds"]
        try:
            return self._select(connection)
        except sqlite3.Error as error:
            if self.refused:
                return {"error": f"{self.refused} is not allowed: a query may only read the tables, with SELECT"}
            if self._is_late():
                return {"error": f"the query took longer than {self.job['seconds']:g} s"}
            return {"error": f"{error}"[:1000]}

    def _select(self, connection: sqlite3.Connection) -> dict[str, Any]:
        match = _START.match(self.job["sql"])
        word = match[1].upper() if match else ""
        if word not in ("SELECT", "WITH", "VALUES"):
            return {"error": f"a query must begin with SELECT or WITH, got {word or self.job['sql'][:40]!r}"}
        cursor = connection.execute(self.job["sql"])
        rows: list[tuple[Any, ...]] = []
        room = self.job["max_chars"]
        for row in cursor:
            if len(rows) == self.job["max_rows"]:
                return {"error": f"the result has more than {self.job['max_rows']} rows; add conditions or a LIMIT"}
            cells = tuple([cell.decode(errors="replace") if isinstance(cell, bytes) else cell for cell in row])
            room -= sum([len(cell) if isinstance(cell, str) else 10 for cell in cells])
            if room < 0:
                return {"error": f"the result has more than {self.job['max_chars']} characters; select less"}
            rows.append(cells)
        return {"columns": [column[0] for column in cursor.description or ()], "rows": rows}

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            name = (first or "").lower()
            # A common table expression is read by its name if no column of it is: count(*).
            built_in = name in self.modules or name.startswith(("sqlite_", "pragma_"))
            if name in self.readable or (not second and not built_in):
                return sqlite3.SQLITE_OK
            what = f"reading {first}"
        elif action == sqlite3.SQLITE_FUNCTION:
            if (second or "").lower() in FUNCTIONS:
                return sqlite3.SQLITE_OK
            what = f"the function {second}"
        else:
            what = _ACTIONS.get(action, "this statement")
        self.refused = self.refused or what[:100]
        return sqlite3.SQLITE_DENY

    def _is_late(self) -> bool:
        return time.monotonic() > self.deadline


def _insert(connection: sqlite3.Connection, table: dict[str, Any]) -> None:
    columns = ", ".join(
        f"{_quote(name)} {_AFFINITIES[kind]}" for name, kind in zip(table["columns"], table["types"], strict=True)
    )
    connection.execute(f"CREATE TABLE {_quote(table['name'])} ({columns})")
    places = ", ".join("?" * len(table["columns"]))
    connection.executemany(f"INSERT INTO {_quote(table['name'])} VALUES ({places})", table["rows"])


def _quote(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
