"""The operations of Chain-of-Table: what may follow what, the guards, and the arguments in replies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reasoning.strategies.tables import table_operations as ops
from reasoning.strategies.tables.operation_arguments import mask_digits, parse_group, parse_new_column, parse_sort
from reasoning.strategies.tables.table_operations import END, TRANSITIONS, OperationSkipped, TableState, parse_operation
from reasoning.tables_sql import Table

RIDERS = Table.of(
    [
        ["Rank", "Rider", "Team", "Points"],
        ["1", "Ana (ESP)", "Norte", "40"],
        ["2", "Bea (ITA)", "Gelo", "1,030"],
        ["3", "Cleo (ESP)", "Norte", ""],
        ["4", "Dina (CZE)", "Norte", "20"],
    ]
)
STATE = TableState(RIDERS)
ALL = TRANSITIONS[ops.START]


def test_each_operation_comes_once_at_most_and_every_chain_ends() -> None:
    def longest(name: str, seen: tuple[str, ...]) -> int:
        assert name not in seen
        return max(longest(after, (*seen, name)) if after != END else len(seen) + 1 for after in TRANSITIONS[name])

    assert longest(ops.START, ()) == 6  # the start and five operations
    assert len(ALL) == 5
    assert TRANSITIONS[ops.SORT_BY] == (END,)


def test_a_skipped_operation_is_not_allowed_again() -> None:
    state = STATE.skip(ops.ADD_COLUMN)
    assert state.allowed == ALL[1:]
    assert state.then(ops.SELECT_ROW, "*", RIDERS).skip(ops.GROUP_BY).allowed == (ops.SELECT_COLUMN, ops.SORT_BY, END)


@pytest.mark.parametrize(
    ("reply", "operation"),
    [
        ("f_select_row(row 1) -> f_group_by(Team) -> <END>", "select_row"),
        ("f_add_column(Country) -> f_select_row(row 1)", "select_row"),
        ("Sure! The next operation is **f_group_by**(Team).", "group_by"),
        ("f\\_sort\\_by(Points)", "sort_by"),
        ("select_column(Rider)", "select_column"),
        ("Select rows 1 to 3.", "select_row"),
        ("1. Group by Team", "group_by"),
        ("The next operation must be one of f_select_row, f_group_by, <END>.\nf_group_by(Team)", "group_by"),
        ("<END>", END),
        ("<END> f_select_row", END),
        ("f_add_column(Country) -> <END>", END),
        ("No need to select rows or to group by anything.", END),
        ("f_filter(Team)", END),
        ("", END),
        ("f_" * 50_000, END),
    ],
)
def test_the_first_allowed_operation_of_a_plan_counts(reply: str, operation: str) -> None:
    allowed = ("select_row", "select_column", "group_by", "sort_by", END)
    assert parse_operation(reply, allowed) == operation


def test_a_column_is_added_from_parts_of_cells() -> None:
    state = ops.add_column(STATE, "Country", ["ESP", "ita", "ESP", "CZE"])
    assert state.table.header == ("Rank", "Rider", "Team", "Points", "Country")
    assert state.table.column("Country") == ("ESP", "ita", "ESP", "CZE")
    assert (state.chain, state.last) == (("f_add_column(Country)",), ops.ADD_COLUMN)
    assert STATE.table == RIDERS


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("team", ["Ana", "Bea", "Cleo", "Dina"], "there is a column team already"),
        ("Number of riders", ["1", "2", "3", "4"], "a count is not part of any cell"),
        ("Country", ["ESP", "ITA", "", "CZE"], "no value for row 3"),
        ("Sport", ["a", "a", "a", "a"], "the same value in every row"),
        ("Squad", ["Norte", "Gelo", "Norte", "Norte"], "repeats the column Team"),
        ("Country", ["Spain", "Italy", "Spain", "Czechia"], "not parts of the cells of one column"),
        ("Mixed", ["ESP", "Gelo", "Norte", "CZE"], "not parts of the cells of one column"),
    ],
)
def test_the_guards_of_a_new_column(name: str, values: list[str], reason: str) -> None:
    with pytest.raises(OperationSkipped, match=reason):
        ops.add_column(STATE, name, values)


def test_rows_are_selected_by_their_numbers_in_the_table_as_it_is() -> None:
    state = ops.select_rows(STATE, (1, 3))
    assert state.table.column("Rider") == ("Bea (ITA)", "Dina (CZE)")
    assert state.chain == ("f_select_row(row 2, row 4)",)
    assert ops.select_rows(state, (1,)).table.column("Rider") == ("Dina (CZE)",)
    assert ops.select_rows(STATE, (0, 1, 2, 3)).chain == ("f_select_row(*)",)
    assert ops.select_rows(STATE, ()).table.rows == ()
    with pytest.raises(OperationSkipped):
        ops.select_rows(STATE, None)


def test_columns_are_selected() -> None:
    assert ops.select_columns(STATE, ("Rider", "Points")).chain == ("f_select_column(Rider, Points)",)
    for names in (None, ()):
        with pytest.raises(OperationSkipped):
            ops.select_columns(STATE, names)


def test_grouping_counts_and_leaves_the_rows() -> None:
    state = ops.group_by(STATE, "Team")
    assert state.table == RIDERS
    assert state.groups is not None
    assert [tuple(map(str, row)) for row in state.groups.rows] == [("Norte", "3"), ("Gelo", "1")]
    assert state.to_text().endswith("\n\nThe rows grouped by Team:\nTeam | count\nNorte | 3\nGelo | 1")
    assert ops.sort_by(state, "Points", descending=False).groups == state.groups
    with pytest.raises(OperationSkipped, match="4 different values in 4 rows"):
        ops.group_by(STATE, "Rider")
    # Four different values in five rows are as many as may be.
    assert ops.group_by(TableState(Table.of([["a"], *([digit] for digit in "11234")])), "a").groups is not None


def test_sorting_is_by_numbers_with_empty_cells_last() -> None:
    state = ops.sort_by(STATE, "Points", descending=True)
    assert state.table.column("Points") == (1030, 40, 20, None)
    assert state.chain == ('f_sort_by(Points, "large to small")',)
    with pytest.raises(OperationSkipped, match="not a column of numbers"):
        ops.sort_by(STATE, "Team", descending=True)
    with pytest.raises(OperationSkipped, match="sorted by Rank already"):
        ops.sort_by(STATE, "Rank", descending=False)


def test_numbers_in_the_question_are_masked() -> None:
    assert mask_digits("Who won in 1999 and 2,001?") == "Who won in # and #,#?"


@pytest.mark.parametrize(
    "reply",
    [
        "f_add_column(Country). The values: ESP | ITA | ESP",
        "Sure!\n**f_add_column**(Country)\nThe values are: **ESP** | ITA | ESP |",
        "f_add_column('Country'). Values: ESP, ITA, ESP.",
        "f_add_column(Country)\nrow 1 | ESP\nrow 2 | ITA\nrow 3 | ESP",
        "```\nf_add_column(Country). The value: ESP | ITA | ESP\n```",
    ],
)
def test_a_new_column_is_read_in_the_forms_of_chat_models(reply: str) -> None:
    assert parse_new_column(reply, 3) == ("Country", ["ESP", "ITA", "ESP"])


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Country: ESP | ITA",
        "f_add_column(Country)",
        "f_add_column(). The values: a | b | c",
        "f_add_column(" * 9_000,
    ],
)
def test_a_new_column_without_name_or_values_is_skipped(reply: str) -> None:
    with pytest.raises(OperationSkipped):
        parse_new_column(reply, 3)


@pytest.mark.parametrize(
    ("reply", "column", "descending"),
    [
        ('f_sort_by(Points). The order: "large to small"', "Points", True),
        ("f_sort_by(points), the order is small to large.", "Points", False),
        ("**f_sort_by**(Points, descending)", "Points", True),
        ('f_sort_by(Rank, "small to large")', "Rank", False),
        ("Sort by:\n`f_sort_by(Points)` in ascending order", "Points", False),
    ],
)
def test_sorting_is_read_in_the_forms_of_chat_models(reply: str, column: str, descending: bool) -> None:
    assert parse_sort(reply, RIDERS) == (column, descending)


@pytest.mark.parametrize(
    ("read", "reply", "reason"),
    [
        (parse_sort, "f_sort_by(Points)", "no order"),
        (parse_sort, "f_sort_by(Weight). The order: large to small", "no column of the table"),
        (parse_sort, "f_sort_by(Rank, Points). large to small", "several columns"),
        (parse_group, "f_group_by(Weight)", "no column of the table"),
        (parse_group, "f_group_by(Rank, Team)", "several columns"),
        (parse_group, "", "no column of the table"),
    ],
)
def test_other_arguments_are_skipped(read: Callable[[str, Table], object], reply: str, reason: str) -> None:
    with pytest.raises(OperationSkipped, match=reason):
        read(reply, RIDERS)
    assert parse_group("Sure: **f_group_by**(`team`)", RIDERS) == "Team"
