"""Calls of a model within SQL: parsed into a tree, and rejected with the reason."""

from __future__ import annotations

import pytest

from reasoning.strategies.tables.binder_calls import ProgramError, QACall, calls_of, parse_program


def test_parentheses_and_separators_within_quotes_do_not_count() -> None:
    program = "SELECT a FROM w WHERE QA(\"map@is it (in 2008; so far) a port?\"; `x (y)`, b) = ')' AND (c = 1)"
    before, call, after = parse_program(program)
    assert before == "SELECT a FROM w WHERE "
    assert call == QACall("map", "is it (in 2008; so far) a port?", ("`x (y)`, b",))
    assert after == " = ')' AND (c = 1)"


def test_calls_are_a_tree_and_come_innermost_first() -> None:
    program = (
        'SELECT QA("map@d?"; e) FROM w WHERE a IN QA("ans@who?"; SELECT a FROM w WHERE (QA("map@y\'s?"; '
        'QA("map@z?"; c)) > 3))'
    )
    parts = parse_program(program)
    assert [call.question for call in calls_of(parts)] == ["d?", "z?", "y's?", "who?"]
    [outer] = [part for part in parts if isinstance(part, QACall) and part.kind == "ans"]
    assert outer.argument == (
        "SELECT a FROM w WHERE (",
        QACall("map", "y's?", (QACall("map", "z?", ("c",)),)),
        " > 3)",
    )


@pytest.mark.parametrize(
    ("program", "call"),
    [
        ('qa ( "map@x?" , b )', QACall("map", "x?", ("b",))),
        ("QA(“map@x?”; b)", QACall("map", "x?", ("b",))),
        ("QA('ans@x?'; SELECT b FROM w)", QACall("ans", "x?", ("SELECT b FROM w",))),
        ('QA("is it?"; b)', QACall("map", "is it?", ("b",))),
        ('QA("is it?"; (SELECT b FROM w))', QACall("ans", "is it?", ("(SELECT b FROM w)",))),
        ('QA("MAP@ is\n it?"; b)', QACall("map", "is it?", ("b",))),
    ],
)
def test_forms_of_chat_models_are_read(program: str, call: QACall) -> None:
    assert parse_program(program) == (call,)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ('QA("map@is "X" good?"; a)', "no quotes inside"),
        ("QA('map@it''s \"so\"?'; a)", "without quotes inside"),
        ("QA(map@x; a)", "must begin with its question in double quotes"),
        ('QA("map@x?")', "with ; and a column"),
        ('QA("map@x?"; )', "has no column or query"),
        ('QA("map@"; a)', "the question must be a text"),
        ('QA("map@x?"; a', "a parenthesis is not closed"),
        ("a)", "was not opened"),
        ("QA(" * 3_000, "nested deeper"),
        ("(" * 3_000, "nested deeper"),
        ("a" * 20_000, "more than 10,000 characters"),
    ],
)
def test_other_calls_are_rejected_with_the_reason(program: str, reason: str) -> None:
    with pytest.raises(ProgramError, match=reason):
        parse_program(program)
