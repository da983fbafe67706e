"""Text that `repr` made becomes the data that it came from, and nothing else does."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.sandbox.literals import parse

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
data = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
)


@settings(max_examples=50, deadline=None)
@given(data)
def test_plain_data_survives(value):
    again = parse(repr(value))
    assert again == value
    assert repr(again) == repr(value)  # 1 is not True, -0.0 is not 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(1, 'a')", [1, "a"]),
        (f"-{10**400}", -(10**400)),
        ("{3}", [3]),
        ("set()", []),
        ("Counter({'a': 2})", {"a": 2}),
        ("dict_values([1, 2])", [1, 2]),
        ("Decimal('0.10')", 0.1),
        ("datetime.datetime(2024, 1, 2, 3, 4)", "2024-01-02T03:04:00"),
        ("datetime.timedelta(days=1, seconds=5)", "1 day, 0:00:05"),
    ],
)
def test_what_else_counts_as_data(text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    ["nan", "[inf]", "-inf", "1e999", "{'a': nan}", "Decimal('NaN')", "Decimal('1E+999')"],
)
def test_numbers_must_be_finite(text):
    with pytest.raises(ValueError, match="not a finite number"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "__import__('os')",
        "open('/etc/passwd')",
        "[i for i in (1,)]",
        "1 + 1",
        "f'{1}'",
        "b'a'",
        "...",
        "{**{}}",
        "{1: 2}[1]",
        "<function f>",
        "datetime.date(2024, 13, 1)",
        "datetime.date(x=1)",
        "datetime.date.today()",
        "set(1, 2)",
        "[" * 5000 + "]" * 5000,
        "-" * 5000 + "1",
        "'abc",
    ],
)
def test_nothing_else_is_read(text):
    with pytest.raises(ValueError, match="not plain data"):
        parse(text)


def test_negative_zero():
    assert math.copysign(1, parse("-0.0")) == -1
