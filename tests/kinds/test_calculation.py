"""Calculation: answers that are arithmetic, evaluated exactly."""

from __future__ import annotations

import json
import re
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning import kinds
from reasoning.errors import UsageError
from reasoning.kinds import Calculation
from reasoning.kinds.arithmetic import evaluate, normalize_signs

KIND = Calculation()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("8 / (3 - 8 / 3)", 24),
        ("-2 * -3", 6),
        ("2 - -3", 5),
        ("2 - 3 - 4", -5),
        ("8 / 4 / 2", 1),
        ("+2", 2),
        ("-(2 + 3)", -5),
        ("2 * -(1 + 2)", -6),
        ("1.5 * 2", 3),
        ("1/3 + 1/6", Fraction(1, 2)),
        ("(" * 90 + "7" + ")" * 90, 7),
        ("-" * 100 + "2", 2),
    ],
)
def test_values(text: str, value: Fraction) -> None:
    worked = evaluate(text)
    assert worked is not None
    assert worked.value == value


NONE = (
    "",
    " ",
    "()",
    "(2",
    "2)",
    "2 3",
    "2 (3)",
    "* 2",
    "2 *",
    "2 + * 3",
    "1 / 0",
    "1 / (2 - 2)",
    "2 ** 3",
    "a",
    "2 + x",
)


@pytest.mark.parametrize("text", [*NONE, "1.", ".5", "1e5", "__import__('os')", "1," * 5, "9" * 201])
def test_other_texts_are_not_arithmetic(text: str) -> None:
    assert evaluate(text) is None


@given(st.text("0123456789.+-*/() ", max_size=40))
def test_no_text_raises(text: str) -> None:
    worked = evaluate(text)
    assert worked is None or worked.numbers
    KIND.parse_reply(f"The answer is {text}")


expressions = st.recursive(
    st.integers(0, 20).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=8,
)


@given(expressions)
def test_values_equal_those_of_python_fractions(text: str) -> None:
    words = re.findall(r"\d+|\S", text)
    exact = "".join(f"F({word})" if word.isdigit() else word for word in words)
    try:
        wanted = eval(exact, {"F": Fraction})  # noqa: S307  # the expression is this test's own
    except ZeroDivisionError:
        wanted = None
    worked = evaluate(text)
    assert (worked.value if worked else None) == wanted
    if worked:
        assert [str(number) for number in worked.numbers] == [word for word in words if word.isdigit()]


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("Answer: (4 * 5) + (10 - 6) = 24", "(4 * 5) + (10 - 6)"),
        ("The answer is (4*5)+(10-6).", "(4*5)+(10-6)"),
        ("The answer is 4 × 5 + 10 − 6, which equals 24.", "4 * 5 + 10 - 6"),
        ("So **(4 x 5) + (10 - 6) = 24**", "(4 * 5) + (10 - 6)"),
        (r"It is \boxed{(4 \times 5) + (10 - 6)}", "(4 * 5) + (10 - 6)"),
        (r"The answer is $\frac{8}{3 - \frac{8}{3}}$.", "((8)/(3 - ((8)/(3))))"),
        (r"The answer is \( (4 + 5) \div 3 - 1 \)", "(4 + 5) / 3 - 1"),
        ("The answer is [4 + 5] / 3", "(4 + 5) / 3"),
        ("First 4 * 5 = 20.\n1. 10 - 6 = 4\n`(4 * 5) + (10 - 6)`", "(4 * 5) + (10 - 6)"),
        ("(4)*5*(6)", "(4)*5*(6)"),
        ("Answer: 3 * 8 = (12 - 6) / 2 = 24", "3 * 8"),  # not an answer with other numbers than it begins with
        ("The answer is 24.", None),
        ("The answer is 4 + (5 - .", None),
        ("I cannot find one.", None),
        ("", None),
    ],
)
def test_parsing(reply: str, value: str | None) -> None:
    assert KIND.parse(reply) == value
    if value:
        assert KIND.parse(KIND.show(value)) == value


def test_the_same_numbers_and_value_are_the_same_answer() -> None:
    assert KIND.same("(10 - 6) + 4 * 5", "5 * 4 + 10 - 6")
    assert KIND.score("5 * 4 + 10 - 6", "(10 - 6) + 4 * 5")
    assert not KIND.same("4 * 6", "4 * 5 + 10 - 6")
    assert not KIND.same("4 + 5 * 6 - 10", "4 * 5 + 6 - 10")
    assert not KIND.score(None, "4 * 6")
    assert not KIND.score("anything", "4 * 6")
    with pytest.raises(UsageError, match="is not a calculation"):
        KIND.score("4 * 6", "twenty-four")


def test_it_behaves_like_the_other_kinds() -> None:
    assert kinds.from_json(json.loads(json.dumps(kinds.to_json(KIND)))) == KIND
    assert kinds.get("calculation") == KIND
    assert KIND.parse(f"The answer is {KIND.instruction().partition('such as ')[2].partition(',')[0]}") == "(2 + 3) * 4"


@pytest.mark.parametrize("piece", ["(", "1+", "-", "x ", r"\frac{", "1 x ", "**", "1.", "= ", "\\boxed{1+"])
def test_the_time_is_linear(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        started = time.process_time()
        normalize_signs(text)
        KIND.parse_reply(text)
        return time.process_time() - started

    seconds(1000)
    assert seconds(200_000) < 20
