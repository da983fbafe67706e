"""Beliefs: the verdict that a reply states, and its probability, searched for in the list of tokens."""

from __future__ import annotations

import math

import pytest

from reasoning.messages import Completion, Token
from reasoning.strategies.verification.beliefs import parse_verdict, read_belief, share_of_true

TRUE = [
    "It displaces its own weight. Therefore, the statement is true.",
    "**Reason:** Steel floats.\n\n**Therefore, the statement is true.**",
    "Therefore, the statement is **True**.",
    "True",
    "**Verdict:** True",
    "$\\text{The statement is } \\boxed{\\text{true}}$\n\\boxed{true}",
    "Some say that it is false, but the statement is true.",
    "Therefore, the statement is not false.",
    "The answer is yes.",
    "```\nTherefore, the statement is true.\n```",
    "The statement is true, since it is false that ships sink.",
    "| Verdict |\n|---|\n| true |",
]
FALSE = ["Therefore, the statement is false.", "False.", "The statement is *not* true.", "Answer: false", "**FALSE**"]
NEITHER = ["", "Is the statement true or false?", "I cannot tell whether the statement is true or false.", "Perhaps."]


@pytest.mark.parametrize("reply", TRUE)
def test_a_verdict_is_read_in_every_form(reply: str) -> None:
    assert parse_verdict(reply) is True
    assert read_belief(Completion(reply)) == 1


@pytest.mark.parametrize("reply", FALSE)
def test_a_verdict_that_denies(reply: str) -> None:
    assert parse_verdict(reply) is False
    assert read_belief(Completion(reply)) == 0


@pytest.mark.parametrize("reply", NEITHER)
def test_without_a_verdict_there_is_no_belief(reply: str) -> None:
    assert parse_verdict(reply) is None
    assert read_belief(Completion(reply)) is None


def tokens(*parts: str, top: dict[str, float]) -> tuple[Token, ...]:
    """Tokens of which the one with a star has the given likely tokens."""
    likely = tuple((text, math.log(share)) for text, share in top.items())
    return tuple(
        Token(part.removesuffix("*"), math.log(top.get(part[:-1], 1.0)), likely if part.endswith("*") else ())
        for part in parts
    )


@pytest.mark.parametrize(
    ("parts", "top", "belief"),
    [
        (
            ["It", " floats", ". The", " statement", " is", " true*", "."],
            {" true": 0.6, " false": 0.2, " not": 0.2},
            0.75,
        ),
        (["The", " statement", " is", " **", "False*", "**"], {"False": 0.9, "True": 0.1}, 0.1),
        (["The statement is", " true*"], {" true": 0.5, " True": 0.3, " false": 0.2}, 0.8),
        (["The statement is ", "tr*", "ue", "."], {"tr": 0.7, "fal": 0.3}, 0.7),
        (["The statement is not ", "true*"], {"true": 0.8, "false": 0.2}, 0.2),
        (["The statement is", " true*"], {" true": 0.9, " certain": 0.1}, 1.0),
        (["True*", ", or is it? The", " statement", " is", " false"], {"True": 0.9}, 0.0),
    ],
)
def test_the_probability_is_that_of_the_word_of_the_verdict(
    parts: list[str], top: dict[str, float], belief: float
) -> None:
    found = tokens(*parts, top=top)
    reply = Completion("".join(part.removesuffix("*") for part in parts), tokens=found)
    assert read_belief(reply) == pytest.approx(belief)


def test_tokens_that_are_not_the_text_leave_the_verdict() -> None:
    """A server may list the tokens of hidden reasoning, or none of the verdict."""
    reply = Completion("Therefore, the statement is true.", tokens=tokens("Hm", "m", top={}))
    assert read_belief(reply) == 1


def test_a_reply_that_was_cut_off_has_no_belief() -> None:
    assert read_belief(Completion("It is often said that the statement is true", "length")) is None


def test_a_share_is_of_the_replies_with_a_verdict() -> None:
    replies = [Completion(text) for text in ("The statement is true.", "No idea.", "The statement is false.", "true")]
    assert share_of_true(replies) == pytest.approx(2 / 3)
    assert share_of_true(replies[1:2]) is None


@pytest.mark.parametrize("text", ["true " * 20_000, "the statement is " * 6_000, "not " * 25_000, "*" * 100_000])
def test_long_replies_take_linear_time(text: str) -> None:
    parse_verdict(text)
