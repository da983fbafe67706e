"""Tables: types of columns, mended names, selections, the text for prompts, and plain data and back."""

from __future__ import annotations

import datetime
import json
import random
from pathlib import Path

import pytest

from reasoning.benchmarks.results import example_json
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Number
from reasoning.problem import Example, Problem
from reasoning.tables_sql.cell_types import infer_column
from reasoning.tables_sql.table import Table

TOWNS = [["town", "people", "since"], ["Oslo", "709,037", "1 May 1048"], ["Moss", "", "n/a"]]


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "22"], "integer", (1, 22)),
        (["1,234", "-5", "−6", "+7"], "integer", (1234, -5, -6, 7)),
        (["1 234 567", "2"], "integer", (1234567, 2)),
        (["1'234", "12’345"], "integer", (1234, 12345)),
        (["1\u202f234", "1\u00a0000"], "integer", (1234, 1000)),
        (["1.5", "2"], "number", (1.5, 2.0)),
        ([".5", "1e-3", "2.5E+3"], "number", (0.5, 0.001, 2500.0)),
        (["$1,200", "$ 3.50", "-$2", "$-4"], "number", (1200.0, 3.5, -2.0, -4.0)),
        (["5 €", "1,000€", "7"], "integer", (5, 1000, 7)),
        (["5%", "12.5 %", ""], "number", (5.0, 12.5, None)),
        (["$ (1,234)", "( 2 )", "3"], "integer", (-1234, -2, 3)),
        (["$ -1,043 ( 1,043 )", "-2 ( 2 )", "29"], "integer", (-1043, -2, 29)),
        (["5.6% ( 5.6 % )", "7%"], "number", (5.6, 7.0)),
        (["3", "--", "‐"], "integer", (3, None, None)),
        (["3", "–", "N/A", "-", " "], "integer", (3, None, None, None, None)),
        ([1, None, 3], "integer", (1, None, 3)),
        ([1, 2.5, float("nan")], "number", (1.0, 2.5, None)),
        ([1, "x"], "text", ("1", "x")),
        ([True, False], "text", ("True", "False")),
        ([10**18, 1], "text", ("1000000000000000000", "1")),
        (["2024-03-01", "2024/3/2"], "date", (datetime.date(2024, 3, 1), datetime.date(2024, 3, 2))),
        (["March 1, 2024", "1st Mar 2024"], "date", (datetime.date(2024, 3, 1),) * 2),
        (["Friday, March 1, 2024", "1-Mar-2024"], "date", (datetime.date(2024, 3, 1),) * 2),
        (["01.03.2024", "1 Sept. 2024"], "date", (datetime.date(2024, 3, 1), datetime.date(2024, 9, 1))),
        (["13/2/2024", "1/2/2024"], "date", (datetime.date(2024, 2, 13), datetime.date(2024, 2, 1))),
        (["2/13/2024", "1/2/2024"], "date", (datetime.date(2024, 2, 13), datetime.date(2024, 1, 2))),
        ([datetime.datetime(2024, 3, 1), None], "date", (datetime.date(2024, 3, 1), None)),
        ([datetime.datetime(2024, 3, 1, 10)], "text", ("2024-03-01 10:00:00",)),
    ],
)
def test_types_are_inferred_from_all_cells_of_a_column(cells: list, kind: str, values: tuple) -> None:  # type: ignore[type-arg]
    assert infer_column(cells) == (kind, values)
    assert [type(value) for value in infer_column(cells)[1]] == [type(value) for value in values]


@pytest.mark.parametrize(
    "cells",
    [
        ["007", "1"], ["12345678901234567890"], ["1", "2 km"], ["5%", "0.5"], ["$5", "5 €"], ["(1)", "(2)"], ["1-2"],
        ["1,23"], ["1,2345"], ["1 234,567"], ["--5"], ["5)"], ["1/2/2024", "3/4/2024"], ["31/31/2024"], ["2024-02-30"],
        ["1 Foo 2024"], ["May 2024"], ["inf"], ["nan"], ["1e5"], ["٣"], ["", " "], [], ["-", "n/a"], ["1", "x", "2"],
        ["1." + "0" * 50], ["4 (3)"], ["29 (84)"],
    ],
)  # fmt: skip
def test_what_has_no_single_reading_stays_text(cells: list[str]) -> None:
    assert infer_column(cells)[0] == "text"
    assert infer_column(cells)[1] == tuple(cell or None for cell in cells)


def test_long_cells_are_read_in_linear_time() -> None:
    for text in ("1" * 100_000, "1," * 50_000, "1,000" * 20_000, "(" * 100_000, " " * 100_000, "1 May " * 20_000):
        assert infer_column([text])[0] == "text"
        Table.of([[text], [text]])


def test_cells_are_kept_as_they_were_written() -> None:
    table = Table.of(TOWNS, title="Towns")
    assert table.types == ("text", "integer", "date")
    assert table.rows == (("Oslo", 709037, datetime.date(1048, 5, 1)), ("Moss", None, None))
    assert table.shown == (("Oslo", "709,037", "1 May 1048"), ("Moss", "", "n/a"))
    assert Table.of(table) is table
    assert Table.of(table, title="Other").title == "Other"
    assert table.to_text() == "town | people | since\nOslo | 709,037 | 1 May 1048\nMoss |  | n/a"
    assert table.to_text(1).endswith("Oslo | 709,037 | 1 May 1048\n… 1 more rows")
    assert repr(table) == "Table('Towns', 2 rows, town: text, people: integer, since: date)"
    assert hash(table) == hash(Table.of(TOWNS, title="Towns"))


def test_columns_and_rows_are_selected() -> None:
    table = Table.of(TOWNS)
    assert table.column("people") == (709037, None)
    assert table.column(" PEOPLE ") == (709037, None)
    narrow = table.select_columns(["since", "Town", "town"])
    assert (narrow.header, narrow.types) == (("since", "town"), ("date", "text"))
    assert narrow.shown[0] == ("1 May 1048", "Oslo")
    assert table.select_rows([1, 0, 1]).column("town") == ("Moss", "Oslo", "Moss")
    assert table.select_rows([]).to_text() == "town | people | since"
    assert table.select_rows([]).types == table.types
    with pytest.raises(UnknownName, match="did you mean 'people'"):
        table.column("peeple")
    with pytest.raises(UsageError, match="from 0 to 1, got 2"):
        table.select_rows([2])


def test_names_are_mended_and_short_rows_filled_up() -> None:
    table = Table.of([["a", "", "A", "a\nb", "column_2"], ["1"], ["1", "2", "3", "4", "5", "6"]])
    assert table.header == ("a", "column_2_2", "A_2", "a b", "column_2", "column_6") or table.header == (
        "a", "column_3", "A_2", "a b", "column_2", "column_6"
    )  # fmt: skip
    assert table.rows[0] == (1, None, None, None, None, None)
    assert len({name.casefold() for name in table.header}) == 6
    # The prompt of a problem shows the source's own rows.
    assert table.as_written() == "a |  | A | a b | column_2\n1\n1 | 2 | 3 | 4 | 5 | 6"
    assert table.select_rows([0]).as_written().startswith("a | column")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,b", "rows of cells"),
        ({"a": 1}, "rows of cells"),
        ([{"a": 1}], "rows of cells, .* got \\[{'a': 1}\\]; reasoning.tables_sql.reading.read_table reads"),
        (Path("a.csv"), "read_table reads files, data frames"),
        (["ab"], "row 0 of a table must be a sequence of cells, got 'ab'"),
        ([["a"], 5], "row 1 of a table"),
        ([["a"], [["b"]]], "a cell must be a text, a number, a date or empty, got \\['b'\\] in row 1, column 1"),
        ([["a"], ["b" * 1_000_001]], "at most 1,000,000 characters, got 1,000,001 in row 1, column 1"),
    ],
)
def test_what_is_no_table_is_refused(rows: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Table.of(rows)  # type: ignore[arg-type]


def test_a_table_is_checked() -> None:
    with pytest.raises(UsageError, match="different and not empty"):
        Table(("a", "A"), ())
    with pytest.raises(UsageError, match="row 1 must have 2 cells, one for each column, got 1"):
        Table(("a", "b"), ((1,),))  # type: ignore[arg-type]
    typed = Table(("a", "b", "c"), ((1, "x", None), (2.5, "1", None)))
    assert typed.types == ("number", "text", "text")
    assert typed.shown == (("1", "x", ""), ("2.5", "1", ""))


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "b"], ["1", "2"]],
        [["town", "people"], ["Oslo", "709,037"], ["", " x "]],
        [["a", "a", ""], ["1"], ["1", "2", "3", "4"]],
        [["only a header"]],
        [["a"], [""]],
        [],
    ],
)
def test_the_prompt_shows_rows_of_texts_as_before(rows: list[list[str]]) -> None:
    values = Problem("How many?", table=rows).values()
    assert values["table"] == "\n".join(" | ".join(row) for row in rows)
    assert values["problem"] == "\n\n".join(part for part in (values["table"], "How many?") if part)


def test_generated_rows_are_shown_as_before_and_come_back_from_a_results_folder() -> None:
    cells = [
        "", " ", "1", "2.5", "$3", "5%", "n/a", "-", "2024-01-02", "1 May 2020", "3/4/2020", "13/4/2020", "a", "A", "é",
        "007", "1,234", "(5)", "\u00a0", "year", "Year_2", "column_1", "1e-3", "row_id", 'q"t', "it's", "(", "١",
    ]  # fmt: skip
    for seed in range(400):
        chance = random.Random(seed)
        rows = [[chance.choice(cells) for _ in range(chance.randrange(5))] for _ in range(chance.randrange(6))]
        table = Table.of(rows)
        assert Table.from_json(json.loads(json.dumps(table.to_json()))) == table
        if any(rows):
            assert Problem("?", table=rows).values()["table"] == "\n".join(" | ".join(row) for row in rows)
        for kind, column in zip(table.types, zip(*table.rows, strict=True), strict=bool(table.rows)):
            expected = {"text": str, "integer": int, "number": float, "date": datetime.date}[kind]
            assert all(cell is None or type(cell) is expected for cell in column)


def test_no_cell_imitates_a_row_or_a_terminal_code() -> None:
    problem = Problem("?", table=[["a", "b"], ["1\n2 | 3", "\x1b[31mred\u202e|"]])
    assert problem.values()["table"] == "a | b\n1 2 \\| 3 | �[31mred�\\|"
    assert "\x1b" not in repr(problem)


def test_the_repr_of_a_problem_has_its_cells_as_before() -> None:
    rows = [["a", "a"], ["1"]]
    assert repr(Problem("?", table=rows)) == f"Problem(question='?', table={rows!r})"
    assert repr(Problem("?", table=Table.of([["a", "b"], [1, None]]))) == (
        "Problem(question='?', table=[['a', 'b'], ['1', '']])"
    )


def test_a_problem_has_a_table() -> None:
    problem = Problem("?", table=TOWNS)
    assert problem.table == Table.of(TOWNS)
    assert problem == Problem("?", table=Table.of(TOWNS))
    assert Problem("?", table=[["a"], [1.5]]).values()["table"] == "a\n1.5"
    with pytest.raises(UsageError, match="must be a sequence of cells"):
        Problem("?", table=["a,b"])


def test_a_data_frame_is_refused_with_what_reads_it() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(UsageError, match="read_table reads files, data frames"):
        Problem("?", table=pandas.DataFrame({"a": [1]}))


@pytest.mark.parametrize(
    "table",
    [
        Table.of(TOWNS),
        Table.of(TOWNS, title="Towns"),
        Table.of([["a", "a", ""], ["1"], ["1", "2", "3", "4"]]),
        Table(("a", "b"), (("1", 5), ("2", None))),
        Table(("day", "x"), ((datetime.date(2024, 3, 1), 0.1 + 0.2),)),
        Table(("a",), ()),
        Table.of([]),
    ],
)
def test_a_results_folder_gives_a_table_back(table: Table) -> None:
    assert Table.from_json(table.to_json()) == table
    example = Example(Problem("?", Number(), table=table, id="1"), "1")
    assert example_json.from_json(example_json.to_json(example)) == example


def test_rows_of_texts_stay_rows_in_a_results_folder() -> None:
    data = example_json.to_json(Example(Problem("?", Number(), table=TOWNS, id="1"), "1"))
    assert data["table"] == TOWNS
