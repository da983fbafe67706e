"""SQL over tables: results with types, errors that help, limits, cancellation, and forks."""

from __future__ import annotations

import asyncio
import datetime
import os
import time

import pytest

from reasoning.errors import UsageError
from reasoning.sandbox.monty_errors import SandboxUnavailable
from reasoning.tables_sql import sql_process
from reasoning.tables_sql.sql import SQLError, run_sql, run_trusted_sql, sql_columns
from reasoning.tables_sql.table import Table

TOWNS = Table.of(
    [
        ["town", "people", "since", "area km2"],
        ["Oslo", "709,037", "1 May 1048", "454.1"],
        ["Moss", "49,668", "17 Aug 1720", "138"],
        ["Nowhere", "", "", "n/a"],
    ]
)


def query(sql: str, tables: object = TOWNS, **limits: float) -> Table:
    return asyncio.run(run_sql(tables, sql, **limits))  # type: ignore[arg-type]


def test_a_result_is_a_table_with_types() -> None:
    everything = query("SELECT * FROM w")
    assert everything.header == ("row_id", "town", "people", "since", "area km2") == sql_columns(TOWNS)
    assert everything.types == ("integer", "text", "integer", "date", "number")
    assert everything.select_columns(TOWNS.header).rows == TOWNS.rows
    found = query("SELECT avg(\"area km2\") AS mean, count(*), count(people), max(since), NULL, '2024-02-30' FROM w;")
    assert found.rows == ((296.05, 3, 2, datetime.date(1720, 8, 17), None, "2024-02-30"),)
    assert query("SELECT town, town FROM w WHERE 0").header == ("town", "town_2")
    assert query("SELECT town FROM w WHERE 0").rows == ()
    commented = "-- most people\n WITH big AS (SELECT * FROM w WHERE people > 50000) SELECT count(*) FROM big"
    assert query(commented).rows == ((1,),)


def test_a_column_of_a_result_has_one_type() -> None:
    mixed = query("SELECT 1 AS a, NULL AS b UNION ALL SELECT 'x', '' UNION ALL SELECT 2.50, '2024-01-02'")
    assert mixed.types == ("text", "text")
    assert mixed.rows == (("1", None), ("x", ""), ("2.5", "2024-01-02"))


def test_a_server_that_cannot_start_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = sql_process.QueryRunner()
    monkeypatch.setattr(sql_process, "shared_runner", lambda: runner)
    monkeypatch.setattr(runner._server, "_get_zygote", lambda: _raise(SandboxUnavailable("no fork here")))
    assert query("SELECT 41 + 1").rows == ((42,),)
    assert runner._server is None


def _raise(error: Exception) -> None:
    raise error


def test_the_result_of_a_query_can_be_queried() -> None:
    assert query("SELECT row_id FROM w", query("SELECT * FROM w WHERE town = 'Moss'")).rows == ((1,),)


def test_several_tables_are_joined() -> None:
    rivers = Table.of([["river", "town"], ["Akerselva", "Oslo"], ["Alna", "Oslo"]])
    joined = query(
        "SELECT t.town, count(r.river) FROM towns t LEFT JOIN rivers r USING (town) GROUP BY 1 ORDER BY 2 DESC",
        {"towns": TOWNS, "rivers": rivers},
    )
    assert joined.rows[0] == ("Oslo", 2)


@pytest.mark.parametrize("name", ["", "a b", "sqlite_x", 'a"b', "1a"])
def test_a_name_that_sql_cannot_use_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="a table must have a name that SQL can use"):
        query("SELECT 1", {name: TOWNS})


@pytest.mark.parametrize("tables", [{}, {"w": TOWNS, "W": TOWNS}])
def test_tables_have_different_names(tables: dict[str, Table]) -> None:
    with pytest.raises(UsageError, match="tables must have different names"):
        query("SELECT 1", tables)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT poeple FROM w", 'no such column: poeple; did you mean "people"? w has row_id, town, people, since'),
        ("SELECT w.poeple FROM w", 'no such column: w.poeple; did you mean "people"?'),
        ("SELECT qqq FROM w", "no such column: qqq; w has row_id, town"),
        ("SELECT * FROM towns", "no such table: towns; the tables are w"),
        ("SELECT year(since) FROM w", "no such function: year; SQLite has strftime('%Y', COLUMN) instead"),
        ("SELECT nonsense(since) FROM w", "no such function: nonsense"),
        ("SELECT town FROM w LIMIT", "incomplete input"),
        ("SELEC town FROM w", "a query must begin with SELECT or WITH, got 'SELEC'"),
        ("", "a query must begin with SELECT or WITH, got ''"),
        ("```sql\nSELECT 1\n```", "a query must begin with SELECT or WITH, got '```sql"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
        ("SELECT ?", "binding"),
        ("SELECT '\x00'", "null character"),
        ("SELECT '\ud800' || town FROM nowhere", "no such table: nowhere"),
        ("SELECT \x1b[31m", "unrecognized token"),
        ("SELECT random()", "the function random is not allowed: a query may only read the tables, with SELECT"),
        ("SELECT * FROM w a, w b, w c", "the result has more than 5 rows; add conditions or a LIMIT"),
        ("SELECT printf('%999999d', 1), printf('%999999d', 1)", "the result has more than 1000000 characters"),
    ],
)
def test_an_error_says_what_would_be_valid(sql: str, message: str) -> None:
    with pytest.raises(SQLError) as error:
        query(sql, max_rows=5)
    assert message in str(error.value)
    assert str(error.value).isprintable()


def test_a_query_without_end_stops_at_its_limit() -> None:
    forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    with pytest.raises(SQLError, match=r"the query took longer than 0\.1 s"):
        query(forever, seconds=0.1)


def test_a_query_can_be_cancelled() -> None:
    forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"

    async def cancel() -> float:
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run_sql(TOWNS, forever, seconds=60), 0.1)
        await run_sql(TOWNS, "SELECT 1")
        return time.monotonic() - started

    assert asyncio.run(cancel()) < 30


def test_concurrent_queries_get_their_own_results() -> None:
    async def several() -> list[Table]:
        return await asyncio.gather(*[run_sql(TOWNS, f"SELECT {number}") for number in range(12)])

    assert [table.rows for table in asyncio.run(several())] == [((number,),) for number in range(12)]


def test_hostile_cells_and_names_are_only_data() -> None:
    name = 'x"); DROP TABLE w; --'
    table = Table.of([[name, "row_ID"], ["'; DROP TABLE w; --", "7"], ["\ud800\x00\n", "8"]])
    found = query('SELECT "x""); DROP TABLE w; --", row_id FROM w ORDER BY row_id', table)
    assert found.header[0] == name
    assert found.rows == (("'; DROP TABLE w; --", 7), ("\ufffd\x00\n", 8))


def test_a_query_of_the_program_itself_runs_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_process, "shared_runner", None)
    assert run_trusted_sql(TOWNS, "SELECT town FROM w WHERE people > 50000").rows == (("Oslo",),)
    assert run_trusted_sql(Table.of([["a"], ["\ud800"]]), "SELECT a FROM w").rows == (("\ufffd",),)
    with pytest.raises(SQLError, match="no such column: x; w has row_id, town"):
        run_trusted_sql(TOWNS, "SELECT x FROM w")


def test_a_new_process_answers_where_none_can_be_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = sql_process.QueryRunner()
    monkeypatch.setattr(runner, "_server", None)
    monkeypatch.setattr(sql_process, "shared_runner", lambda: runner)
    assert query("SELECT town FROM w WHERE people > 50000").rows == (("Oslo",),)
    with pytest.raises(SQLError, match="the function load_extension is not allowed"):
        query("SELECT load_extension('x')")
    forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    with pytest.raises(SQLError, match=r"took longer than 0\.1 s"):
        query(forever, seconds=0.1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_runs_queries_of_its_own() -> None:
    query("SELECT 1")
    child = os.fork()
    if not child:
        try:
            os._exit(int(query("SELECT 41 + 1").rows != ((42,),)))
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert query("SELECT 2").rows == ((2,),)
