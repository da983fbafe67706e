"""Comparison and scoring of answers."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reasoning.errors import UsageError
from reasoning.kinds import Cells, Code, Composite, Date, Expression, Items, Json, Number, Text, YesNo
from reasoning.kinds.text import f1
from tests.kinds.samples import COLOURS, EVERY, GOOD, IDS, NUMBERS, TONES, values


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
@settings(deadline=None)
@given(data=st.data())
def test_values_are_the_same_if_their_keys_are_equal(kind: Any, data: st.DataObject) -> None:
    drawn = [data.draw(values(kind)) for _ in range(3)]
    for a in drawn:
        assert kind.same(a, a)
        assert kind.score(a, a)
        for b in drawn:
            assert kind.same(a, b) == kind.same(b, a) == (kind.key(a) == kind.key(b))
            if kind.same(a, b):
                assert hash(kind.key(a)) == hash(kind.key(b))
    a, b, c = drawn
    assert not (kind.same(a, b) and kind.same(b, c)) or kind.same(a, c)


@settings(deadline=None)
@given(a=NUMBERS, b=NUMBERS, near=st.floats(-1e-5, 1e-5))
def test_same_numbers_have_equal_keys(a: float, b: float, near: float) -> None:
    for x, y in [(a, b), (a, a + near), (a, -a)]:
        assert Number().same(x, y) == (Number().key(x) == Number().key(y))
    assert Number().same(a, a)


def test_number_keys_are_rounded() -> None:
    parse, same, key = Number().parse, Number().same, Number().key
    assert len({key(parse(text)) for text in ["18", "18.0", "$18", "18.0000000001", "36/2"]}) == 1
    assert same(0.1 + 0.2, 0.3)
    assert same(17.999999999999996, 18)
    assert not same(18, 18.01)
    assert not same(10**20, 10**20 + 1)
    assert not same(1e-9, 2e-9)
    assert not same(1e-9, 0)
    assert Number(decimals=2).same(0.333, 0.3333)
    assert not Number().same(0.333, 0.3333)
    assert type(key(0.1 + 0.7)) is float
    assert type(key(18.0)) is int


@pytest.mark.parametrize(
    ("value", "target", "right"),
    [
        (18, "18", True),
        (18, 18, True),
        (18, 18.0, True),
        (17.999999999999996, "18", True),
        (18.01, "18", False),
        (18, "$18", True),
        (1234, "1,234", True),
        (10**20, str(10**20 + 1), False),
        (1 / 3, "0.333", True),
        (1 / 3, "0.33", True),
        (1 / 3, 0.33, True),
        (1 / 3, "0.34", False),
        (0.3, "0.33", False),
        (0.333, "1/3", True),
        (0.3333, "1/3", True),
        (0.33, "1/3", False),
        (0.25, "1/4", True),
        (0.25, Fraction(1, 4), True),
        (2.5, Decimal("2.50"), True),
        (18.004, "18.00", True),
        (18.01, "18.00", False),
        (2.675, "2.68", True),
        (50, "50%", True),
        (0.5, "50%", False),
        (0.0012, "1.2e-3", True),
        (0.0013, "1.2e-3", False),
        (None, "18", False),
        (10**299, 1.5, False),
    ],
)
def test_numbers_are_right_to_the_precision_of_the_target(value: Any, target: Any, right: bool) -> None:
    assert Number().score(value, target) is right


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (Number(), "many"),
        (Number(), True),
        (Number(), None),
        (Number(), math.nan),
        (COLOURS, "E"),
        (COLOURS, "red"),
        (YesNo(), "maybe"),
        (YesNo(), 1),
        (Text(), ""),
        (Text(), 5),
        (Items(), 5),
        (Items(), ()),
        (Json(), "{"),
        (Json(), 5),
        (TONES, "mixed"),
        (TONES, True),
        (Date(), "yesterday"),
        (Date(), "2002-02-30"),
        (Date(), 20020227),
        (Expression(), " "),
        (Expression(), True),
        (Expression(), ["x"]),
        (Cells(), ()),
        (Cells(), {"a": 1}),
        (Cells(), [""]),
        (Code(), ""),
        (Code(), 5),
        (Composite([Number(), YesNo()]), "a) 3"),
        (Composite([Number(), YesNo()]), ["3"]),
        (Composite([Number(), YesNo()]), {"a": 3}),
        (Composite([Number(), YesNo()]), ["3", "perhaps"]),
        (Composite([Number(), YesNo()]), 5),
    ],
)
def test_a_target_of_another_kind_is_an_error_and_never_just_wrong(kind: Any, target: Any) -> None:
    with pytest.raises(UsageError, match="target"):
        kind.score(None, target) if isinstance(kind, Number) else kind.score(kind.parse(GOOD[kind.name]), target)


def test_targets_of_choices() -> None:
    assert all(COLOURS.score("B", target) for target in ["B", "b", "(B)", "B.", "blue", "Blue "])
    assert not COLOURS.score("A", "blue")
    assert YesNo().score(True, "True")
    assert YesNo().score(False, "no")
    assert Items().score(("a", "b"), ["A", "b"])
    assert Json().score({"a": 1.0}, '{"a": 1}')


def test_targets_of_the_other_kinds() -> None:
    assert TONES.score("very positive", "Very_Positive")
    assert Date("%m/%d/%Y").score(datetime.date(2002, 2, 27), "2002-02-27")
    assert Date("%m/%d/%Y").score(datetime.date(2002, 2, 27), datetime.datetime(2002, 2, 27, 12))
    assert Date("%m/%d/%Y").score(datetime.date(2002, 2, 3), "02/03/2002")
    assert not Date("%d/%m/%Y").score(datetime.date(2002, 2, 3), "02/03/2002")
    assert Expression().score("5", 5)
    assert Code().score("x = 1\n", "```python\nx = 1\n```")
    assert Code().score("x = 1  \n\n", "x = 1")
    assert not Code().score("x = 1\n", "x  = 1")
    many = Composite({"age": Number(), "old": YesNo()})
    for target in [(0.333, "no"), ["1/3", False], {"old": "no", "age": "0.333"}, "age) 1/3\nold) no"]:
        assert many.score((0.333, False), target)
        assert not many.score((0.333, True), target)
        assert not many.score(None, target)
    assert many.target({"age": "3", "old": "yes"}) == (3, True)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (("1,000", "b"), ("B", "$1000"), True),
        (("0.5",), ("50%",), False),
        (("1990.0",), ("1990",), True),
        (("a", "a"), ("a",), False),
        (("a", "b"), ("b", "a"), True),
        (("The Hague",), ("the hague.",), True),
        (("5 km",), ("5",), False),
        (("2-1",), ("1",), False),
    ],
)
def test_cells_are_numbers_or_texts_in_any_order(a: tuple[str, ...], b: tuple[str, ...], same: bool) -> None:
    assert Cells().same(a, b) is same
    assert Cells(ordered=True).same(a, b) is (same and a not in [("a", "b"), ("1,000", "b")])


@pytest.mark.parametrize(
    ("value", "target", "share"),
    [
        ("The Eiffel Tower, Paris", "Eiffel tower", 0.8),
        ("a b b", "b b b", 0.8),  # the article is no word
        ("Paris", "London", 0.0),
        ("Paris!", "the PARIS", 1.0),
        ("in 1,234 days", "1,234", 0.5),
    ],
)
def test_f1_of_words(value: str, target: str, share: float) -> None:
    assert f1(value, target) == pytest.approx(share) == pytest.approx(f1(target, value))
    assert Text().f1(value, target) == f1(value, target)
    assert Text().f1(None, target) == 0.0
    with pytest.raises(UsageError, match="target"):
        Text().f1(value, 5)
