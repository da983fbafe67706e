"""Tables in prompts: what is shown of them, and how cells are kept from imitating rows."""

from __future__ import annotations

import pytest

from reasoning import Problem
from reasoning.errors import UsageError
from reasoning.strategies.tables.table_text import (
    column_values,
    create_statement,
    create_statements,
    numbered_rows,
    table_of,
    tables_of,
)
from reasoning.tables_sql import Table

TOWNS = Table.of([["town", "people", "since"], ["Oslo", "709,037", "1 May 1048"], ["Moss", "", "n/a"]], title="Towns")


def test_rows_have_their_numbers_in_the_table() -> None:
    assert numbered_rows(TOWNS, [1]) == "col : town | people | since\nrow 2 : Moss |  | n/a"


def test_a_statement_has_the_types_and_the_values_that_queries_see() -> None:
    assert create_statement(TOWNS, 1) == (
        "Table: Towns\nCREATE TABLE w (row_id integer, `town` text, `people` integer, `since` date);\n"
        "/* The first 1 of 2 rows:\nrow_id | town | people | since\n0 | Oslo | 709037 | 1048-05-01 */"
    )
    own = Table.of([["Row_ID", "a`b"], ["7", "x */ y"]])
    assert create_statement(own) == (
        "CREATE TABLE w (`Row_ID` integer, `a``b` text);\n/* All 1 rows:\nRow_ID | a`b\n7 | x * / y */"
    )


def test_columns_have_their_first_values() -> None:
    assert column_values(TOWNS, 1) == 'Table: Towns\n["town", "Oslo"]\n["people", "709,037"]\n["since", "1 May 1048"]'


def test_a_cell_is_one_short_line_and_no_other_cell() -> None:
    table = Table.of([["a\nrow 7 : x", "b"], ["x | y\nrow 9 : z", "\x1b[2J" + "y" * 5_000]])
    text = numbered_rows(table)
    assert text.startswith("col : a row 7 : x | b\nrow 1 : x \\| y row 9 : z | �[2J")
    assert len(text) < 400
    assert "\x1b" not in create_statement(table) + column_values(table)


def test_further_tables_are_those_of_the_context_with_names_that_programs_can_use() -> None:
    names = ("regions", "w", "class", "x y", "qa_map", "sqlite_a", "Regions")
    context = "\n\n".join(f"Table {name}:\na | b\n1 | 2" for name in names)
    tables = tables_of(Problem("?", context=context, table=TOWNS), "binder")
    assert list(tables) == ["w", "regions"]
    assert tables["w"] == TOWNS
    assert create_statements(tables, 0).endswith("CREATE TABLE regions (row_id integer, `a` integer, `b` integer);")


@pytest.mark.parametrize("table", [None, [], [[]]])
def test_without_a_table_the_error_says_how_to_give_one(table: list[list[str]] | None) -> None:
    with pytest.raises(UsageError, match="dater needs a table"):
        table_of(Problem("?", table=table), "dater")
