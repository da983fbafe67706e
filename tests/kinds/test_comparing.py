"""Comparison and scoring of answers."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reasoning.chain.list_kind import ListOf
from reasoning.errors import UsageError
from reasoning.kinds import Cells, Choice, Code, Composite, Date, Expression, Items, Json, Number, Text, YesNo
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


HUGE = [10**400, -(10**400), 10**5000, 5e-324, 1.7e308, math.nan, math.inf, -math.inf, Fraction(10**400, 3)]
HUGE += [Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1e99999"), complex(1, math.nan)]
HUGE += ["9" * 5000, "1e400", "1+2j", "nan", "\ud800", "x\udfff", b"\xff", datetime.datetime.max, float, object()]
SPECIAL = [*HUGE, *GOOD.values(), ("x",), None, "0.5", "1/3", "50%"]
# Hypothesis needs a `repr` of what it samples from, and some of these have none.
LEAVES = st.integers(0, len(SPECIAL) - 1).map(lambda index: SPECIAL[index]) | st.integers() | st.floats()
LEAVES |= st.booleans() | st.text(max_size=5) | st.fractions() | st.decimals() | st.complex_numbers() | st.dates()
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
SCORING = [*EVERY, Number(percent=True, tolerance=0.5), Number(decimals=0), Choice(["x", "y"], several=True)]
SCORING += [ListOf(Number()), ListOf(Json())]


@pytest.mark.parametrize("kind", SCORING, ids=repr)
@settings(deadline=None, max_examples=60)
@given(value=ANYTHING, target=ANYTHING)
@example(value=10**400, target="0.5")
@example(value="0.5", target=10**400)
@example(value=(10**400, False), target=("0.5", "no"))
def test_every_pair_has_a_score_unless_the_target_is_an_error(kind: Any, value: Any, target: Any) -> None:
    try:
        expected = kind.target(target)
    except UsageError:
        with pytest.raises(UsageError, match="target"):
            kind.score(value, target)
    else:
        assert kind.score(value, target) in (True, False)
        assert kind.score(expected, target)


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
@settings(deadline=None, max_examples=5)
@given(data=st.data())
def test_no_value_raises_for_a_target_of_the_kind(kind: Any, data: st.DataObject) -> None:
    target = data.draw(values(kind))
    for value in HUGE:
        for one in (value, [value], (value, value), {"a": value, "price": 1}):
            assert kind.score(one, target) in (True, False)


def test_what_is_no_value_of_a_kind_is_wrong() -> None:
    assert not YesNo().score("no", "yes")
    assert not YesNo().score("no", "no")
    assert not Number().score("18", 18)
    assert not Number().score(True, 1)
    assert not Json().score([{"a": {1}}], [{"a": [1]}])
    assert not Composite([Number(), YesNo()]).score("18", (18, True))
    assert not Choice(["x", "y"], several=True).score("AB", ["A", "B"])
    assert not Choice(["x", "y"], several=True).score(("A", ["B"]), ["A", "B"])
    assert not Choice(["x", "y"], several=True).is_value(("A", 1))


@pytest.mark.parametrize(
    ("value", "target", "right"),
    [
        (10**400, 10**400, True),
        (10**400 + 1, 10**400, False),
        (10**400, "0.5", False),
        (10**400, 0.5, False),
        (0.5, 10**400, False),
        (1e308, 10**309, False),
        (101, "100", True),
        (101.1, "100", False),
        (10**400 + 10**397, 10**400, True),
    ],
)
def test_numbers_beyond_the_floats_are_scored(value: Any, target: Any, right: bool) -> None:
    assert Number(tolerance=0.01).score(value, target) is (right or value == 10**400 + 1)


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
    assert Text().f1(None, target) == Text().f1(10**5000, target) == 0.0
    with pytest.raises(UsageError, match="target"):
        Text().f1(value, 5)
