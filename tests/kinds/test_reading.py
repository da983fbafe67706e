"""Parsing of replies: properties that hold for every kind and any text."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reasoning.kinds import (
    Choice,
    Code,
    Composite,
    Date,
    Expression,
    Items,
    Json,
    Label,
    Number,
    Region,
    Spans,
    Text,
    YesNo,
)
from tests.kinds.samples import COLOURS, EVERY, IDS, NASTY, PIECES, seconds, texts, values


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
@settings(deadline=None)
@given(data=st.data())
def test_a_shown_value_parses_to_itself(kind: Any, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    assert kind.parse(kind.show(value)) == value
    assert kind.score(value, value)
    assert kind.score(value, kind.show(value))
    assert not kind.score(None, value)


STATED = [kind for kind in EVERY if kind.name not in ("json", "code", "many", "spans") and kind != Text(whole=True)]


@pytest.mark.parametrize("kind", STATED, ids=repr)
@settings(deadline=None)
@given(data=st.data())
def test_a_stated_value_is_parsed_in_any_place(kind: Any, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    noise = data.draw(st.sampled_from(["", "First 12 of 30 (A) no. ", "One; two.\n\nBlue. Yes.\n", "\\boxed{3}\n"]))
    wrap = data.draw(
        st.sampled_from(["The answer is {}", "**Answer:** {}", "So the final answer is: {}", "Answer:\n{}"])
    )
    end = data.draw(st.sampled_from(["", ".", "\n", ".\n\nIs that clear?"]))
    assert kind.parse_reply(noise + wrap.replace("{}", kind.show(value)) + end) == (value, "trigger")


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
@settings(deadline=None)
@given(text=NASTY | st.text(st.characters(), max_size=200), stated_only=st.booleans())
@example(text="1" * 5000, stated_only=False)
@example(text="The answer is " + "9" * 400 + ".5e99999999999", stated_only=False)
@example(text="[" * 5000 + "{" * 5000, stated_only=False)
@example(text='{"a":' * 3000, stated_only=True)
@example(text="\\boxed{" + "\\frac{" * 500, stated_only=False)
@example(text="The answer is " + "(" * 900 + ")" * 900, stated_only=False)
def test_no_text_raises_and_every_value_is_valid(kind: Any, text: str, stated_only: bool) -> None:
    check(kind, text, stated_only)


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
@settings(deadline=None)
@given(data=st.data())
def test_no_cut_of_a_hard_case_raises(kind: Any, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(texts()))
    at = data.draw(st.integers(0, len(text)))
    check(kind, text[:at], data.draw(st.booleans()))
    check(kind, text[at:], data.draw(st.booleans()))


def check(kind: Any, text: str, stated_only: bool) -> None:
    value, how = kind.parse_reply(text, stated_only=stated_only)
    assert isinstance(how, str)
    assert how
    assert value == kind.parse(text, stated_only=stated_only)
    assert (kind.error_message(text) is None) == (kind.parse(text) is not None)
    if value is not None:
        # An empty array is JSON, and a text may have no spans.
        assert value not in ("", ()) or isinstance(kind, Spans)
        assert value != [] or isinstance(kind, Json)
        assert kind.same(value, value)
        assert kind.score(value, value)
        assert kind.key(value) == kind.key(value)
        assert isinstance(kind.show(value), str)
        hash(kind.key(value))
        if stated_only:
            assert kind.parse(text) is not None
    if isinstance(value, float):
        assert math.isfinite(value)
        assert not value.is_integer()


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
def test_each_cut_of_each_hard_case_of_the_kind_is_parsed(kind: Any) -> None:
    for text in texts():
        for at in range(0, len(text), 7):
            assert kind.parse_reply(text[:at]).rule


@pytest.mark.parametrize(
    ("text", "value", "how"),
    [
        ("The answer is 18. \\boxed{5}\n7", 18, "trigger"),
        ("It is 18. \\boxed{5}\n7", 5, "box"),
        ("It is 18.\n7", 7, "final line"),
        ("It is 18 or so", 18, "last candidate"),
        ("It is", None, "nothing found"),
        ("The answer is 12. \\boxed{5}", 5, "box"),
        ("The answer is 3-5. \\boxed{5} + 1", None, "a range"),
        ("The answer is unknown. \\boxed{5} was given", None, "a refusal"),
    ],
)
def test_each_rule_has_its_name(text: str, value: int | None, how: str) -> None:
    assert Number().parse_reply(text) == (value, how)


@pytest.mark.parametrize(
    ("kind", "text", "how"),
    [
        (Label(["a b", "c"]), "The answer is a b or c", "several labels"),
        (Label(["a b", "c"]), "The answer is not c", "a negation"),
        (Date("%m/%d/%Y"), "The answer is 02/30/2002", "no such date"),
        (Date(), "The answer is 02/03/2002", "an ambiguous date"),
        (Date("%m/%d/%Y"), "The answer is 2/3/02", "a year of two digits"),
        (Date(), "The answer is May 5", "no full date"),
        (Date(), "from 2002-02-27 to 2002-02-28", "several dates"),
        (Expression(), "The answer is that nobody can ever know such things", "no expression"),
        (Code(), "```python\nx\n```", "block of the language"),
        (Code(), "```python\nx", "block of the language, not closed"),
        (Code(), "```\nx\n```", "block"),
        (Code(), "```rust\nx\n```", "block of another language"),
        (Code(), "x = 1", "plain code"),
        (Code(), "x = 1\n```", "block, opened by the prompt"),
        (Json(), '{"a": 1}', "JSON"),
        (Json(), "{a: 1}", "repaired JSON"),
        (Json(schema={"required": ["b"]}), '{"a": 1}', "unfit JSON"),
        (Composite([Number(), YesNo()]), '{"a": 1, "b": "no"}', "JSON"),
        (Composite([Number(), YesNo()]), "a) 1\nb) no", "marked lines"),
        (Composite([Number(), YesNo()]), "It is a) 1 and b) no", "marks"),
        (Composite([Number(), YesNo()]), "The answer is 1; no", "trigger"),
        (Composite([Number(), YesNo()]), "1\nno", "lines"),
        (Composite([Number(), YesNo()]), "a) 1-2\nb) no", "not every answer: a: a range"),
        (Composite({"age": Number(), "old": YesNo()}), "age: 7", "not every answer: old: nothing found"),
    ],
)
def test_further_rules_and_reasons_have_names(kind: Any, text: str, how: str) -> None:
    assert kind.parse_reply(text).rule == how


def test_stated_answers_only() -> None:
    for text, value in [("16 - 3 - 4 = 9 eggs, and then she sells", None), ("The answer is 9.", 9), ("\\boxed{9}", 9)]:
        assert Number().parse(text, stated_only=True) == value
        assert Number(stated_only=True).parse(text) == value
    assert COLOURS.parse("So I take (B) because", stated_only=True) is None
    assert Choice(COLOURS.options, stated_only=True).parse("So I take (B) because") is None
    assert YesNo().parse("Yes, since the winter", stated_only=True) is None
    assert Text().parse("one\ntwo", stated_only=True) is None
    assert Items().parse("one; two; thr", stated_only=True) is None
    assert Items(stated_only=True).parse("one; two; thr") is None
    assert Text(whole=True).parse("one; two; thr", stated_only=True) is None
    assert Date().parse("It was 2002-02-27, and the day aft", stated_only=True) is None
    assert Expression().parse("So $x = 5$ and then", stated_only=True) is None
    assert Code().parse("```python\nx = 1\ny =", stated_only=True) is None
    assert Code().parse("```python\nx = 1\n```\n```python\ny =", stated_only=True) == "x = 1\n"
    assert Composite([Number(), YesNo()]).parse("3\nyes", stated_only=True) is None


def test_a_region_restricts_the_search() -> None:
    text = "Explanation: the answer is 18.\nWrong explanation: the answer is 5."
    assert Number().parse(text, region=Region(before="Wrong explanation")) == 18
    assert Number().parse("<plan>3</plan><answer>4</answer>5", region=Region("<answer>", "</answer>")) == 4
    assert Number().parse("no such section: 4", region=Region("<answer>")) is None
    assert Number().parse("no such end: 4", region=Region(before="</answer>")) == 4
    for kind in EVERY:
        assert kind.parse("nothing of that sort", region=Region("<answer>")) is None


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
def test_the_time_does_not_grow_faster_than_the_text(kind: Any) -> None:
    for piece in PIECES:
        body = (piece * (30_000 // len(piece) + 1))[:30_000]
        for text in (body, f"The answer is {body}", f"{body}\n\nThe answer is no \\boxed{{"):
            took = seconds(kind, text)
            assert took < 2, f"{piece!r}: {took:.3f} s"  # about 0.01 s; quadratic time would take half a minute


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
def test_a_megabyte_is_parsed_quickly(kind: Any) -> None:
    choices = random.Random(1)
    few = choices.sample(PIECES, 8)
    text = "".join(choices.choices(few, k=1_000_000 // (1 + max(map(len, few)))))
    text = (text * (1_000_000 // len(text) + 1))[:1_000_000]
    took = seconds(kind, text)
    assert took < 4, f"{few}: {took:.3f} s"


def test_the_global_decimal_precision_does_not_matter() -> None:
    import decimal

    with decimal.localcontext() as context:
        context.prec = 3
        assert Number().parse("The answer is 2 2/3.") == 2 + 2 / 3
        assert Number().score(0.33333333, "0.3333")
