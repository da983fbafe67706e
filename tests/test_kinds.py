"""How answers are read, compared, scored and named. The hard cases of reading stand in `answers.tsv`."""

from __future__ import annotations

import csv
import json
import math
import string
import time
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reasoning import kinds
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import Choice, Items, Json, Kind, Number, Region, Stated, Text, YesNo

COLOURS = Choice(["red ball", "blue", "ambiguous", "a green cube"])
EVERY: list[Any] = [Number(), COLOURS, Choice({"1": "cat", "2": "dog"}), YesNo(), Text(), Text(whole=True)]
EVERY += [Items(), Items(sep=","), Json(), Json(shape="any", required=("a",))]
IDS = [repr(kind)[:30] for kind in EVERY]


def rows() -> list[dict[str, str]]:
    """The table of hard cases: tabs between columns; `\\n`, `\\t` and `\\\\` escaped."""
    with (Path(__file__).parent / "answers.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def unescaped(text: str) -> str:
    return "\\".join(part.replace("\\n", "\n").replace("\\t", "\t") for part in text.split("\\\\"))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row['kind'][:20]}: {row['text'][:50]}")
def test_hard_cases(row: dict[str, str]) -> None:
    kind = kinds.from_json(json.loads(row["kind"]) if row["kind"].startswith("{") else row["kind"])
    reading = kind.read(unescaped(row["text"]))
    shown = "" if reading.value is None else kind.show(reading.value)
    assert shown == unescaped(row["expected"]), f"{row['why']}; read as {reading}"
    assert (kind.complaint(unescaped(row["text"])) is None) == (reading.value is not None)


@pytest.mark.parametrize(
    ("text", "value", "how"),
    [
        ("The answer is 18. \\boxed{5}\n7", 18, "trigger"),
        ("It is 18. \\boxed{5}\n7", 5, "box"),
        ("It is 18.\n7", 7, "final line"),
        ("It is 18 or so", 18, "last candidate"),
        ("It is", None, "nothing found"),
        ("The answer is 3-5. \\boxed{5}", None, "a range"),
        ("The answer is unknown. \\boxed{5}", None, "a refusal"),
    ],
)
def test_each_rule_has_its_name(text: str, value: int | None, how: str) -> None:
    assert Number().read(text) == (value, how)


def test_only_what_is_stated() -> None:
    for text, value in [("16 - 3 - 4 = 9 eggs, and then she sells", None), ("The answer is 9.", 9), ("\\boxed{9}", 9)]:
        assert Number().parse(text, stated_only=True) == value
    assert COLOURS.parse("So I take (B) because", stated_only=True) is None
    assert YesNo().parse("Yes, since the winter", stated_only=True) is None
    assert Text().parse("one\ntwo", stated_only=True) is None
    assert Items().parse("one; two; thr", stated_only=True) is None
    assert Text(whole=True).parse("one; two; thr", stated_only=True) is None


def test_a_region_limits_where_to_look() -> None:
    text = "Explanation: the answer is 18.\nWrong explanation: the answer is 5."
    assert Number().parse(text, region=Region(before="Wrong explanation")) == 18
    assert Number().parse("<plan>3</plan><answer>4</answer>5", region=Region("<answer>", "</answer>")) == 4
    assert Number().parse("no such section: 4", region=Region("<answer>")) is None
    assert Number().parse("no such end: 4", region=Region(before="</answer>")) == 4


NUMBERS = st.integers() | st.integers(-(10**290), 10**290) | st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=8).filter(lambda word: word not in ("answer", "unknown"))
PHRASES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values as the kind's own parse gives them."""
    if isinstance(kind, Number):
        return NUMBERS.filter(lambda n: 1e-290 < abs(n) < 1e299 or n == 0).map(
            lambda n: int(n) if float(n).is_integer() else n
        )
    if isinstance(kind, Choice):
        return st.sampled_from(tuple(kind.labels))
    if isinstance(kind, YesNo):
        return st.booleans()
    if isinstance(kind, Items):
        return st.lists(PHRASES, min_size=1).map(tuple)
    if isinstance(kind, Json):
        fitting: st.SearchStrategy[Any] = st.dictionaries(st.text(), JSON).map(lambda value: {**value, "a": 1})
        return fitting | st.lists(fitting) if kind.shape == "any" else fitting
    return PHRASES


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
@settings(deadline=None)
@given(data=st.data())
def test_what_is_shown_is_read_again(kind: Any, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    assert kind.parse(kind.show(value)) == value
    assert kind.score(value, value)
    assert kind.score(value, kind.show(value))
    assert not kind.score(None, value)


@pytest.mark.parametrize("kind", [*EVERY[:6], Items()], ids=IDS[:7])
@settings(deadline=None)
@given(data=st.data())
def test_a_stated_value_is_read_wherever_it_stands(kind: Any, data: st.DataObject) -> None:
    if isinstance(kind, Text) and kind.whole:
        return
    value = data.draw(values(kind))
    noise = data.draw(st.sampled_from(["", "First 12 of 30 (A) no. ", "One; two.\n\nBlue. Yes.\n", "\\boxed{3}\n"]))
    wrap = data.draw(
        st.sampled_from(["The answer is {}", "**Answer:** {}", "So the final answer is: {}", "Answer:\n{}"])
    )
    end = data.draw(st.sampled_from(["", ".", "\n", ".\n\nIs that clear?"]))
    assert kind.read(noise + wrap.format(kind.show(value)) + end) == (value, "trigger")


ATOMS = [
    "answer is",
    "Answer:",
    "####",
    "\\boxed{",
    "}",
    "\n",
    " ",
    ".",
    ",",
    "-",
    "–",
    "1",
    "23",
    "/",
    ":",
    "=",
    "%",
    "$",
    "(",
    ")",
]
ATOMS += [
    "A",
    "b",
    "I",
    "(B)",
    "yes",
    "no",
    "not",
    "but",
    "{",
    "[",
    '"',
    "'",
    "\\",
    "e9",
    "x",
    "10^",
    "\\frac{1}",
    "blue",
    "May",
    ";",
    "- ",
]
ATOMS += [
    "<think>",
    "</think>",
    "½",
    "٣",
    "İ",
    "ſ",
    "\ud800",
    "\x00",
    "**",
    "`",
    "or",
    "to",
    "I don't know",
    "99999999999999999999",
]
NASTY = st.lists(st.sampled_from(ATOMS), max_size=30).map("".join) | st.lists(st.sampled_from(ATOMS), max_size=30).map(
    " ".join
)


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
@settings(deadline=None)
@given(text=NASTY | st.text(st.characters(), max_size=200), stated_only=st.booleans())
@example(text="1" * 5000, stated_only=False)
@example(text="The answer is " + "9" * 400 + ".5e99999999999", stated_only=False)
@example(text="[" * 5000 + "{" * 5000, stated_only=False)
@example(text='{"a":' * 3000, stated_only=True)
def test_no_text_breaks_it_and_what_it_reads_is_sound(kind: Any, text: str, stated_only: bool) -> None:
    value, how = kind.read(text, stated_only=stated_only)
    assert isinstance(how, str)
    assert how
    assert value == kind.parse(text, stated_only=stated_only)
    kind.complaint(text)
    if value is not None:
        assert value not in ("", (), [])
        assert kind.same(value, value)
        assert kind.score(value, value)
        assert isinstance(kind.show(value), str)
        hash(kind.key(value))
    if isinstance(value, float):
        assert math.isfinite(value)
        assert not value.is_integer()


@settings(deadline=None)
@given(a=NUMBERS, b=NUMBERS, near=st.floats(-1e-5, 1e-5))
def test_same_numbers_have_equal_keys(a: float, b: float, near: float) -> None:
    for x, y in [(a, b), (a, a + near), (a, -a)]:
        assert Number().same(x, y) == (Number().key(x) == Number().key(y))
    assert Number().same(a, a)


def test_number_keys_round_and_do_not_hang_on_floats() -> None:
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
    ],
)
def test_a_target_of_another_kind_is_an_error_and_never_just_wrong(kind: Any, target: Any) -> None:
    with pytest.raises(UsageError, match="target"):
        kind.score(None, target) if isinstance(kind, Number) else kind.score(kind.parse(GOOD[kind.name]), target)


GOOD = {"choice": "A", "yesno": "yes", "text": "x", "items": "x", "json": "{}", "number": "1"}


def test_targets_of_choices() -> None:
    assert all(COLOURS.score("B", target) for target in ["B", "b", "(B)", "B.", "blue", "Blue "])
    assert not COLOURS.score("A", "blue")
    assert YesNo().score(True, "True")
    assert YesNo().score(False, "no")
    assert Items().score(("a", "b"), ["A", "b"])
    assert Json().score({"a": 1.0}, '{"a": 1}')


def test_choices_by_list_by_mapping_and_by_label() -> None:
    assert COLOURS.labels == ("A", "B", "C", "D")
    assert COLOURS.menu().splitlines()[1] == "(B) blue"
    assert Choice({"yes": "it does", "no": "it does not"}).parse("The answer is no.") == "no"
    assert Choice(["A) 5", "B) 6 or more"]).options == ("5", "6 or more")
    assert Choice(labels="ABC").menu() == ""
    assert Choice(labels="ABC").parse("The answer is (C).") == "C"
    assert Choice(["red", "blue"]) == Choice(("red", "blue"), ("A", "B"))
    assert "among A through D" in COLOURS.trigger()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Choice(), "2 to 26 options, got 0"),
        (lambda: Choice(["one"]), "2 to 26 options, got 1"),
        (lambda: Choice("ABC"), "several options"),
        (lambda: kinds.get("choice", options=5), "several options"),
        (lambda: kinds.get("json", required=5), "list of keys"),
        (lambda: Choice(["a", "b"], labels=["A"]), "2 options and 1 labels"),
        (lambda: Choice(labels=["a", "A"]), "all different"),
        (lambda: Number(decimals=-1), "decimals"),
        (lambda: Items(sep=" "), "separator"),
        (lambda: Json(required="key"), "list of keys"),  # type: ignore[arg-type]
        (lambda: Json(shape="dict"), "object, array, any"),  # type: ignore[arg-type]
        (lambda: kinds.from_json(5), "a kind is a word"),
        (lambda: kinds.from_json({"options": []}), "a kind is a word"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(make: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
def test_a_kind_is_a_frozen_value_that_prints_and_stores_as_its_constructor(kind: Any) -> None:
    names: dict[str, Any] = {type(kind).__name__: type(kind)}
    assert eval(repr(kind), names) == kind  # noqa: S307
    assert hash(kind) == hash(eval(repr(kind), names))  # noqa: S307
    assert kinds.from_json(json.loads(json.dumps(kinds.to_json(kind)))) == kind
    assert isinstance(kind, Kind)
    with pytest.raises(AttributeError):
        kind.decimals = 3


def test_kinds_by_name() -> None:
    assert kinds.get("number") == Number()
    assert kinds.get("choice", options=["red", "blue"]) == Choice(["red", "blue"])
    assert kinds.from_json({"kind": "items", "sep": ","}) == Items(sep=",")
    assert kinds.to_json(Number()) == {"kind": "number"}
    with pytest.raises(UnknownName, match=r"unknown kind 'numbr'; did you mean 'number'\?"):
        kinds.get("numbr")
    with pytest.raises(
        UnknownName, match=r"unknown parameter 'decimal' of the kind 'number'; did you mean 'decimals'\?"
    ):
        kinds.from_json({"kind": "number", "decimal": 3})
    assert isinstance(kinds.CHECKER, int)
    assert set(kinds.__all__) <= set(dir(kinds))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no braces", "There is no JSON object in the reply."),
        ('{"a": 1', "not complete: it ends before all its brackets are closed"),
        ('{"a": 1\n "b": 2}', "line 2, column 2, near"),
        ('{"b": 1}', 'lacks the keys "a"'),
        ('{"a": 1, "z": 2}', 'unknown keys "z"; allowed are "a", "b"'),
        ('{"a": ' + "[" * 80 + "]" * 80 + "}", "nested deeper than 64 levels"),
        ('{"a": NaN}', "not finite"),
        ('Like {this}: {"a": 1 "b": 2}', "near"),
    ],
)
def test_json_says_what_is_wrong_in_words_that_can_be_acted_on(text: str, said: str) -> None:
    kind = Json(required=("a",), allowed=("b",))
    assert said in str(kind.complaint(text))
    assert kind.parse(text) is None


def test_other_complaints_repeat_the_instruction() -> None:
    assert Number().complaint("The answer is 3-5.") == f"No answer could be read (a range). {Number().instruction()}"
    assert Number().complaint("The answer is 3.") is None


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != Text(whole=True)], ids=lambda kind: repr(kind)[:30])
def test_every_kind_says_how_to_answer_and_its_trigger_is_read(kind: Any) -> None:
    assert kind.instruction()
    assert kind.direct()
    assert kind.trigger().startswith("Therefore, ")
    if not isinstance(kind, Json):
        assert (
            kind.read(f"{kind.trigger()} {GOOD[kind.name] if kind.name != 'choice' else kind.labels[0]}.").how
            == "trigger"
        )


@dataclass(frozen=True)
class Weekday(Stated):
    """A kind of a user's own."""

    name: ClassVar[str] = "weekday"

    def instruction(self) -> str:
        return "End with one line: The answer is D, where D is a day of the week."

    def only(self, line: str, before: str) -> str | None:
        return next((day for day in ("monday", "sunday") if day in line.lower()), None)

    def key(self, value: str) -> str:
        return value


def test_a_kind_of_ones_own_takes_ten_lines() -> None:
    kind: Kind = Weekday()
    assert kind.read("The answer is **Sunday**.") == ("sunday", "trigger")
    assert kind.read("I don't know").value is None
    assert kind.score("sunday", "Sunday")
    assert kinds.to_json(kind) == {"kind": "weekday"}


PIECES = [
    "1 ",
    "1,",
    "1-",
    "1/",
    "1:",
    "1=",
    "a ",
    "(A) ",
    "the answer to ",
    "answer is ",
    "Answer: x\n",
    "####",
    "\\boxed{",
    "{",
    "[",
]
PIECES += [
    '{"',
    '{"a":',
    "{'a':",
    "[1,",
    '"',
    "'",
    "\n",
    "*",
    "<<1=",
    "no ",
    "not yes ",
    ";",
    "- a\n",
    "blue ",
    "\\",
    "½",
    "May 5, ",
    "1 x ",
]


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
def test_a_megabyte_is_read_in_no_time(kind: Any) -> None:
    for piece in PIECES:
        text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
        took = seconds(kind, text)
        assert took < 1, f"{piece!r}: {took:.3f} s"  # some 0.05 s; backtracking would take minutes


def seconds(kind: Any, text: str) -> float:
    """Seconds of processor time, so that a busy machine does not matter."""
    begun = time.process_time()
    kind.read(text)
    return time.process_time() - begun


def test_the_precision_that_others_set_for_decimals_does_not_matter() -> None:
    import decimal

    with decimal.localcontext() as context:
        context.prec = 3
        assert Number().parse("The answer is 2 2/3.") == 2 + 2 / 3
        assert Number().score(0.33333333, "0.3333")
