"""Statements and reasons as chat models write them."""

from __future__ import annotations

import pytest

from reasoning.messages import Completion
from reasoning.strategies.verification.statements import key_of, negated, parse_reason, parse_statement

NOT_ALL = [
    "Not all swans are white.",
    "Sure! Here is the negation:\n\nNot all swans are white.",
    "**Negation:** Not all swans are white.",
    "Negation: “Not all swans are white.”",
    "1. Not all swans are white.",
    "- **Not all swans are white.**",
    "```\nNot all swans are white.\n```",
    '```json\n{"negation": "Not all swans are white."}\n```',
    'The negation of "All swans are white" is "Not all swans are white."',
    "$\\text{Not all swans are white.}$",
    "> Not all swans are white.",
    "| Not all swans are white. |",
    "What is the negation?\nThe statement: Not all swans are white.",
    "### Negation\nNot all swans are white.\n\nNote: the quantifier is denied.",
    "Certainly! Not all swans are white.",
    "Yes, not all swans are white.",
    "The statement claims that not all swans are white.",
]


@pytest.mark.parametrize("reply", NOT_ALL)
def test_a_statement_is_read_in_every_form(reply: str) -> None:
    assert key_of(parse_statement(reply)) == "not all swans are white"


@pytest.mark.parametrize("reply", ["Great Britain is an island.", "Here are mountains.", "OK is a word."])
def test_a_statement_that_begins_like_an_introduction_is_kept(reply: str) -> None:
    assert parse_statement(reply) == reply


@pytest.mark.parametrize("reply", ["", "Sure!", "\n\n```\n```", "Is it?", "Here it is:", "###", "A" * 100_000])
def test_what_states_nothing_is_empty(reply: str) -> None:
    assert parse_statement(reply) == ""


@pytest.mark.parametrize("reply", ["", "All swans are white.", "**All swans are white**", "Why?"])
def test_a_negation_that_says_nothing_new_is_replaced_by_a_plain_one(reply: str) -> None:
    assert negated("All swans are white.", reply) == 'It is not true that "All swans are white".'


STATEMENT = "Ships float."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("a hull displaces much water.", "A hull displaces much water."),
        ("This statement is true, because a hull displaces much water.", "A hull displaces much water."),
        ("The statement is false because steel is dense. This means that ships sink.", "Steel is dense."),
        ("because steel is dense", "Steel is dense."),
        ("**Because** steel is dense.", "Steel is dense."),
        ("Reason: steel is dense.", "Steel is dense."),
        ("", ""),
        ("Ships float.", ""),
        ("Yes.", ""),
    ],
)
def test_a_reason_is_one_sentence_without_its_label(reply: str, reason: str) -> None:
    assert parse_reason(Completion(reply), STATEMENT) == reason


def test_a_reason_that_was_cut_off_counts_up_to_its_last_whole_sentence() -> None:
    assert parse_reason(Completion("steel is dense. It sin", "length"), STATEMENT) == "Steel is dense."
    assert parse_reason(Completion("steel is den", "length"), STATEMENT) == ""


@pytest.mark.parametrize(
    "text", ["because " * 14_000, '"' * 100_000, "is " * 33_000, "statement: " * 9_000, "\\text{" * 20_000]
)
def test_long_replies_take_linear_time(text: str) -> None:
    parse_reason(Completion(text), STATEMENT)
    negated(STATEMENT, text)
