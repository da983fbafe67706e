"""SQL in replies of chat models, and the repair of its names and literals."""

from __future__ import annotations

import pytest

from reasoning.strategies.tables import sql_repair
from reasoning.strategies.tables.sql_repair import _ColumnCells, find_column, nearest_cell, repair
from reasoning.strategies.tables.sql_text import MAX_CHARS, sql_statements
from reasoning.tables_sql import Cell, Table

TABLE = Table.of(
    [
        ["Town", "Number of laps", "Order", "Date", "Year"],
        ["Oslo (S)", "3", "a", "June 29, 2008", "1990"],
        ["Moss", "4", "b", "July 1, 2009", "1991"],
    ],
    title="The laps of 2008",
)


@pytest.mark.parametrize(
    ("reply", "queries"),
    [
        ("SELECT a FROM w", ["SELECT a FROM w"]),
        ("Sure! Here it is:\n```sql\nSELECT a\nFROM w;\n```\nIt selects a.", ["SELECT a\nFROM w"]),
        ("```\nselect a from w\n```", ["select a from w"]),
        ("**SQL:** `SELECT a FROM w`. It selects a.", ["SELECT a FROM w"]),
        ("`SELECT `a` FROM w`.", ["SELECT `a` FROM w"]),
        ("SELECT a FROM w\nThis query selects a.", ["SELECT a FROM w"]),
        ("SELECT a FROM w\n\nThe select is simple.", ["SELECT a FROM w"]),
        ("1. select a from w\n2. select b\nfrom w", ["select a from w", "select b\nfrom w"]),
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("WITH x AS (SELECT a FROM w)\nSELECT * FROM x", ["WITH x AS (SELECT a FROM w)\nSELECT * FROM x"]),
        ("SELECT ';' FROM w; done", ["SELECT ';' FROM w"]),
        ('QA("ans@who?"; SELECT a FROM w)', ['QA("ans@who?"; SELECT a FROM w)']),
        ("SELECT a FROM w WHERE QA(\"map@x; y?\"; a) = 'z'; ok", ["SELECT a FROM w WHERE QA(\"map@x; y?\"; a) = 'z'"]),
        ("We select the rows with care.", []),
        ("", []),
        ("SELECT " + "a, " * MAX_CHARS + "b FROM w", []),
    ],
)
def test_the_queries_of_a_reply(reply: str, queries: list[str]) -> None:
    assert sql_statements(reply) == queries


@pytest.mark.parametrize(
    ("query", "repaired"),
    [
        # The table's title, or any other name, is w; what WITH defines stays.
        ("SELECT Town FROM The laps of 2008", 'SELECT "Town" FROM w'),
        ("SELECT Town FROM laps AS l WHERE l.Town = 'Moss'", 'SELECT "Town" FROM w AS l WHERE l."Town" = \'Moss\''),
        ("SELECT Town FROM 'laps' JOIN `t` ON 1", 'SELECT "Town" FROM w JOIN w ON 1'),
        ("WITH x AS (SELECT * FROM t) SELECT * FROM x", "WITH x AS (SELECT * FROM w) SELECT * FROM x"),
        # Names of columns: with spaces, with _, in another case, reserved words.
        ("SELECT Number of laps FROM w", 'SELECT "Number of laps" FROM w'),
        ("SELECT max(number_of_laps) FROM w", 'SELECT max("Number of laps") FROM w'),
        ("SELECT Order FROM w ORDER BY order", 'SELECT "Order" FROM w ORDER BY "Order"'),
        ("SELECT date(Date) FROM w", 'SELECT date("Date") FROM w'),
        ("SELECT `year` FROM w WHERE [town] = 'Moss'", 'SELECT "Year" FROM w WHERE "Town" = \'Moss\''),
        # Double quotes around no column are a text, but not those of an alias.
        ('SELECT Year FROM w WHERE Town = "Moss"', 'SELECT "Year" FROM w WHERE "Town" = \'Moss\''),
        ('SELECT COUNT(*) AS "n" FROM w ORDER BY "n"', 'SELECT COUNT(*) AS "n" FROM w ORDER BY "n"'),
        # Literals become the cells that they nearly are: case, spelling, dates as the source wrote them.
        ("SELECT 1 FROM w WHERE Town = 'moss'", "SELECT 1 FROM w WHERE \"Town\" = 'Moss'"),
        ("SELECT 1 FROM w WHERE Town <> 'Oslo(S)'", "SELECT 1 FROM w WHERE \"Town\" <> 'Oslo (S)'"),
        ("SELECT 1 FROM w WHERE Town NOT IN ('mos', 'x')", "SELECT 1 FROM w WHERE \"Town\" NOT IN ('Moss', 'x')"),
        ("SELECT 1 FROM w WHERE Date = 'june 29, 2008'", "SELECT 1 FROM w WHERE \"Date\" = '2008-06-29'"),
        # ... but no pattern, no other digits, and no text that nothing is compared with.
        ("SELECT 1 FROM w WHERE Town LIKE '%oss'", "SELECT 1 FROM w WHERE \"Town\" LIKE '%oss'"),
        ("SELECT 1 FROM w WHERE Year = '1992'", "SELECT 1 FROM w WHERE \"Year\" = '1992'"),
        ("SELECT Town || 'mos' FROM w", "SELECT \"Town\" || 'mos' FROM w"),
        # Names before a dot and the number of a row are no texts.
        ('SELECT "l"."Town", "row_id" FROM w AS l', 'SELECT "l"."Town", "row_id" FROM w AS l'),
        ("SELECT 1 -- a comment\nFROM w /* and more */", "SELECT 1 \nFROM w "),
    ],
)
def test_names_and_literals_are_repaired(query: str, repaired: str) -> None:
    assert repair(query, {"w": TABLE}) == repaired


def test_further_tables_keep_their_names_and_have_columns_and_cells_of_their_own() -> None:
    tables = {"w": TABLE, "parks": Table.of([["Park", "Town", "Size (ha)"], ["Ekeberg", "Moss", "25"]])}
    query = 'SELECT size_ha FROM Parks JOIN towns ON "Parks"."Town" = w.town WHERE park = "ekeberg"'
    assert repair(query, tables) == (
        'SELECT "Size (ha)" FROM Parks JOIN w ON "Parks"."Town" = w."Town" WHERE "Park" = \'Ekeberg\''
    )


def test_a_literal_is_never_a_cell_with_other_digits_or_of_little_similarity() -> None:
    assert nearest_cell("1990", TABLE, "Year") == 1990
    assert nearest_cell("1999", TABLE, "Year") == "1999"
    assert nearest_cell("Bergen", TABLE, "Town") == "Bergen"
    assert nearest_cell("", TABLE, "Town") == ""
    assert nearest_cell("x" * 100_000, TABLE, "Town") == "x" * 100_000


def test_the_cells_of_a_column_are_read_once_and_few_texts_are_compared_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, compared, most_similar = [], [], _ColumnCells._most_similar

    class Counting(_ColumnCells):
        def __init__(self, table: Table, column: str) -> None:
            read.append(column)
            super().__init__(table, column)

        def _most_similar(self, wanted: str) -> Cell | None:
            compared.append(wanted)
            return most_similar(self, wanted)

    monkeypatch.setattr(sql_repair, "_ColumnCells", Counting)
    literals = ", ".join(f"'Oslo{'x' * number}'" for number in range(300))
    assert repair(f"SELECT Town FROM w WHERE Town IN ({literals})", {"w": TABLE}).count("'Oslo") == 300
    assert read == ["Town"]
    assert len(compared) <= 20


def test_a_name_that_two_columns_share_is_none_of_them() -> None:
    table = Table.of([["a b", "a_b", "c"], ["1", "2", "3"]])
    assert find_column("a b", table) == "a b"
    assert find_column("A-B", table) is None
    assert find_column("C", table) == "c"


@pytest.mark.parametrize(
    "unit",
    [
        "SELECT ",
        "SELECT (",
        "'",
        '"',
        "`",
        "/*",
        "QA(",
        "SELECT `",
        "```sql\nSELECT",
        "\n\nSELECT;",
        "`SELECT ",
        "WITH ",
    ],
)
def test_hostile_text_is_read_and_repaired_at_once(unit: str) -> None:
    # Quadratic time would take minutes for 100,000 characters.
    assert all(len(query) <= MAX_CHARS for query in sql_statements(unit * (100_000 // len(unit))))
    assert isinstance(repair((unit * MAX_CHARS)[:MAX_CHARS], {"w": TABLE}), str)
