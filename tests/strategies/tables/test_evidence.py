"""Lists of columns and rows in replies, sub-questions with gaps, and their queries, as chat models write them."""

from __future__ import annotations

import pytest

from reasoning.strategies.tables.cloze import choose_cloze, fill, parse_cloze, parse_queries
from reasoning.strategies.tables.evidence import parse_columns, parse_rows, union_of_top
from reasoning.tables_sql import Table
from reasoning.voting import VoteSample

TABLE = Table.of([["Ship, name", "Length (m)", "home_port", "Order", "Ship"], ["a", "1", "x", "y", "z"]])


@pytest.mark.parametrize(
    ("reply", "columns"),
    [
        ("The answer is: f_col([Ship, name, length (m)])", ("Ship, name", "Length (m)")),
        ("**f_col**([\"home port\", 'Order'])", ("home_port", "Order")),
        ("f\\_col([Order]).", ("Order",)),
        ("f_col(order, Length (m)) because they matter", ("Length (m)", "Order")),
        ("First f_col([Order]). But the answer is: f_col([Ship])", ("Ship",)),
        ("f_col([*])", TABLE.header),
        ("- Ships matter.\nColumns: `Ship, name`, **Order**", ("Ship, name", "Order")),
        ("f_col([Ship, Order])", ("Order", "Ship")),
        ("f_col([Ship and Order])", ("Order", "Ship")),
        ("f_col([Ship owner, Order])", ("Order",)),
        ("f_col([])", None),
        ("f_col([Weight])", None),
        ("I am not sure.", None),
        ("", None),
    ],
)
def test_columns(reply: str, columns: tuple[str, ...] | None) -> None:
    assert parse_columns(reply, TABLE) == columns


@pytest.mark.parametrize(
    ("reply", "rows"),
    [
        ("f_row([row 2, row 4])", (2, 4)),
        ("Sure!\n**f_row**(['row 4', 'row 2', 'row 2'])", (2, 4)),
        ("f_row([2, 4])", (2, 4)),
        ("f_row(row 2 - row 4)", (2, 3, 4)),
        ("f_row([row 2 to 3, 5])", (2, 3, 5)),
        ("f_row([*])", (1, 2, 3, 4, 5)),
        ("f_row([])", ()),
        ("f_row([row 3, row 99])", (3,)),
        ("f_row([row 99])", None),
        ("f_row([row 1-9999999])", (1, 2, 3, 4, 5)),
        ("The rows are 1, 2 and 5.", (1, 2, 5)),
        ("Row 3 has 15 wins.", (3,)),
        ("No idea.", None),
        ("", None),
    ],
)
def test_rows(reply: str, rows: tuple[int, ...] | None) -> None:
    assert parse_rows(reply, 1, 5) == rows


def test_rows_of_a_later_part_have_their_own_numbers() -> None:
    assert parse_rows("f_row([row 1, row 101, row 150])", 101, 150) == (101, 150)


def test_the_union_is_that_of_the_heaviest_lists_and_ties_go_to_the_first() -> None:
    lists = [(1, 2), (3,), (3,), (4,), None, (5,)]
    samples = [VoteSample(value) for value in lists]
    assert union_of_top(samples, 1, "equal") == {3}
    assert union_of_top(samples, 2, "equal") == {1, 2, 3}
    likely = [
        VoteSample(value, logprob=logprob, tokens=1) for value, logprob in [((1,), -3.0), ((1,), -3.0), ((2,), -0.1)]
    ]
    assert union_of_top(likely, 1, "equal") == {1}
    assert union_of_top(likely, 1, "mean_probability") == {2}


WINS = ("June {how many wins in June?} wins", "May {how many wins in May?} wins")


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        ("\n".join(WINS), WINS),
        ("Sure! Here they are:\n\n1. " + "\n2. ".join(WINS) + "\n\nThat is all.", WINS),
        ("- " + "\n- ".join(WINS), WINS),
        ("```\n" + "\n".join(WINS) + "\n```", WINS),
        ("none", ()),
        ("**None.** The question needs no number.", ()),
        ("June has wins", None),
        ("", None),
    ],
)
def test_sub_questions(reply: str, lines: tuple[str, ...] | None) -> None:
    assert parse_cloze(reply) == lines


def test_sub_questions_are_kept_only_for_numeric_questions() -> None:
    none: tuple[str, ...] = ()
    assert choose_cloze([VoteSample(WINS), VoteSample(WINS), VoteSample(none)], "equal") == WINS
    assert choose_cloze([VoteSample(none), VoteSample(none), VoteSample(WINS)], "equal") == ()
    # Each line asks once how many.
    assert choose_cloze([VoteSample((*WINS, "{which month?} is best"))], "equal") == ()
    assert choose_cloze([VoteSample(("{how many wins and how many losses?}",))], "equal") == ()
    # The samples ask so, together, at least once each: unread ones count among them.
    one = (WINS[0],)
    assert choose_cloze([VoteSample(one), VoteSample(None)], "equal") == ()
    assert choose_cloze([VoteSample(WINS), VoteSample(None)], "equal") == WINS
    assert choose_cloze([], "equal") == ()


@pytest.mark.parametrize(
    ("reply", "queries"),
    [
        ("1. SELECT COUNT(*) FROM w\n2. SELECT 2 FROM w", ("SELECT COUNT(*) FROM w", "SELECT 2 FROM w")),
        ("```sql\nSELECT 1;\nSELECT 2;\n```", ("SELECT 1", "SELECT 2")),
        ("SQL 1: `SELECT 1`\nSQL 2: `SELECT 2`", ("SELECT 1", "SELECT 2")),
        ("**1.** SELECT 1\n**2.** SELECT 2", ("SELECT 1", "SELECT 2")),
        ("2. SELECT 2", ("", "SELECT 2")),
        ("SELECT 1", None),
        ("SELECT 1; SELECT 2; SELECT 3", None),
        ("I cannot.", None),
    ],
)
def test_queries_are_assigned_by_number_or_not_at_all(reply: str, queries: tuple[str, ...] | None) -> None:
    assert parse_queries(reply, 2) == queries


def test_gaps_are_filled_once_and_lines_without_a_value_are_dropped() -> None:
    assert fill(WINS, ("2", "")) == ("June 2 wins",)
    assert fill(WINS, ()) == ()
    assert fill(("{a} of {b}",), ("\\1 {c}",)) == ("\\1 {c} of {b}",)


@pytest.mark.parametrize("unit", ["f_col(", "f_col([a,", "row 1 ", "f_row(1-9999", "{", "{a}", "row 1\n", "1. SELECT "])
def test_hostile_replies_are_read_at_once(unit: str) -> None:
    reply = unit * (100_000 // len(unit))
    parse_columns(reply, TABLE)
    assert set(parse_rows(reply, 1, 100) or ()) <= set(range(1, 101))
    assert all(len(line) <= 400 for line in parse_cloze(reply) or ())
    parse_queries(reply, 3)
