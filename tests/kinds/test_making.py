"""Kinds as values: how they are created, printed, stored and named, and their instructions."""

from __future__ import annotations

import datetime
import json
import textwrap
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from reasoning import Chain, Problem, Prompt, Step, kinds
from reasoning.answer import Answered
from reasoning.errors import UnknownName, UsageError
from reasoning.kinds import (
    BaseKind,
    Choice,
    Code,
    Composite,
    Date,
    Items,
    Json,
    Kind,
    Label,
    Number,
    Spans,
    Text,
    YesNo,
)
from reasoning.testing import ScriptedLLM
from tests.kinds.samples import COLOURS, EVERY, GOOD, IDS


@pytest.mark.parametrize("kind", ["number", Number])
def test_a_problem_needs_a_kind_and_not_its_name(kind: Any) -> None:
    with pytest.raises(UsageError, match=r"did you mean kinds\.Number\(…\)\?"):
        Problem("What is 2 + 2?", kind)


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
        (lambda: Items(empty=5), "the word for no items must be a text"),  # type: ignore[arg-type]
        (lambda: Json(required="key"), "list of keys"),  # type: ignore[arg-type]
        (lambda: Json(shape="dict"), "object, array, any"),  # type: ignore[arg-type]
        (lambda: Json(schema=5), "a JSON schema \\(a dict\\) or a pydantic model"),  # type: ignore[arg-type]
        (lambda: Json(schema={"type": "objekt"}), r"not a valid JSON schema: \$.type"),
        (lambda: Json(schema={"$schema": 5}), r"not a valid JSON schema: \$schema must be a text, got 5"),
        (lambda: Label(["one"]), "at least two labels"),
        (lambda: Label(["a b", "A_B"]), "all different"),
        (lambda: Label("abc"), "a list of labels"),
        (lambda: Date("%d.%m."), "one of %Y, %y"),
        (lambda: Date("%d.%m.%Y %H"), "one of %Y, %y"),
        (lambda: Date("%d.%d.%m.%Y"), "each once"),
        (lambda: Code(""), "one word"),
        (lambda: Code("c plus plus"), "one word"),
        (lambda: Composite([Number()]), "2 to 26 kinds"),
        (lambda: Composite([Number(), "yesno"]), "kinds that have one answer each"),  # type: ignore[list-item]
        (lambda: Composite([Number(), Composite([Number(), YesNo()])]), "kinds that have one answer each"),
        (lambda: Composite([Number(), YesNo()], names=["a"]), "a name for each"),
        (lambda: Composite({"a": Number(), "A": YesNo()}), "all different"),
        (lambda: kinds.get("many", kinds="number"), "a list of kinds"),
        (lambda: kinds.from_json({"kind": "many", "kinds": ["number", "yesna"]}), "did you mean 'yesno'"),
        (lambda: kinds.from_json(5), "a kind must be a word"),
        (lambda: kinds.from_json({"options": []}), "a kind must be a word"),
    ],
)
def test_invalid_parameters_raise_when_the_kind_is_created(make: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()


@pytest.mark.parametrize("kind", EVERY, ids=IDS)
def test_a_kind_is_a_frozen_value_that_prints_and_stores_as_its_constructor(kind: Any) -> None:
    names = {one.__name__: one for one in kinds.KINDS.values()}
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
    assert isinstance(kinds.PARSER_VERSION, int)
    assert set(kinds.__all__) <= set(dir(kinds))


def test_other_error_messages_repeat_the_instruction() -> None:
    assert (
        Number().error_message("The answer is 3-5.") == f"No answer could be read (a range). {Number().instruction()}"
    )
    assert Number().error_message("The answer is 3.") is None


def answer_of(kind: Any) -> str:
    """Return an answer of a kind, as a model would state it."""
    if isinstance(kind, Date):
        return kind.show(Date().parse(GOOD["date"]))
    good = {"choice": "labels", "label": "options"}.get(kind.name)
    return str(getattr(kind, good)[0] if good else GOOD[kind.name])


LINE = [kind for kind in EVERY if not isinstance(kind, Json | Code | Composite | Spans) and kind != Text(whole=True)]


@pytest.mark.parametrize("kind", LINE, ids=repr)
def test_a_model_that_repeats_the_instruction_has_not_answered(kind: Any) -> None:
    wanted = kind.instruction().partition('"The answer is" and ')[2]
    for said in (kind.instruction(), f"The answer is {wanted}", f"**The answer is and {wanted}**"):
        assert kind.parse_reply(f"It is hard to say.\n{said}").value is None, said


@pytest.mark.parametrize("kind", LINE, ids=repr)
def test_the_text_behind_the_repetition_is_parsed(kind: Any) -> None:
    wanted = kind.instruction().partition('"The answer is" and ')[2].removesuffix(".")
    assert kind.parse_reply(f"The answer is {wanted}: {answer_of(kind)}").value == kind.target(answer_of(kind))


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind != Text(whole=True)], ids=repr)
def test_every_kind_has_an_instruction_and_parses_its_trigger(kind: Any) -> None:
    assert kind.instruction()
    assert kind.direct_instruction()
    assert kind.trigger().startswith("Therefore, ")
    if not isinstance(kind, Json | Code | Composite | Spans):
        assert kind.parse_reply(f"{kind.trigger()} {answer_of(kind)}.").rule == "trigger"


@dataclass(frozen=True)
class Weekday(BaseKind):
    """A kind of a user."""

    name: ClassVar[str] = "weekday"

    def instruction(self) -> str:
        return "End with one line: The answer is Monday, or another day of the week."

    def parse_line(self, line: str, before: str) -> str | None:
        return next((day for day in ("monday", "sunday") if day in line.lower()), None)

    def key(self, value: str) -> str:
        return value


def test_a_users_kind_takes_ten_lines() -> None:
    kind: Kind = Weekday()
    assert kind.parse_reply("The answer is **Sunday**.") == ("sunday", "trigger")
    assert kind.parse_reply("I don't know").value is None
    assert kind.score("sunday", "Sunday")
    assert kinds.to_json(kind) == {"kind": "weekday"}


def test_the_kind_in_the_package_s_docstring_works() -> None:
    code = textwrap.dedent("    @dataclass" + (kinds.__doc__ or "").partition("    @dataclass")[2])
    assert len(code.strip().splitlines()) <= 10
    names: dict[str, Any] = {"dataclass": dataclass, "BaseKind": BaseKind, "__name__": "a_user"}
    exec(code, names)  # noqa: S102
    kind: Kind = names["Weekday"]()
    assert kind.parse_reply("It rains.\n\nThe answer is **Friday**.") == ("friday", "trigger")
    assert kind.parse("I don't know.") is None
    assert kind.score("friday", "Friday")
    assert not kind.score("friday", "Monday")
    assert repr(kind) == "Weekday()"


def test_a_kind_prints_only_changed_parameters() -> None:
    assert repr(Number()) == "Number()"
    assert repr(Number(decimals=2, stated_only=True)) == "Number(stated_only=True, decimals=2)"
    assert repr(Date("%d.%m.%Y")) == "Date(format='%d.%m.%Y')"
    assert repr(Composite([Number(), Text()])) == "Composite(kinds=(Number(), Text()), names=('a', 'b'))"


def test_a_composite_instruction_uses_those_of_its_kinds() -> None:
    asked = Composite({"age": Number(), "grown": YesNo(), "notes": Items(sep=",")}).instruction().splitlines()
    assert asked[0] == "End with 3 lines, one for each answer:"
    assert asked[1:] == [
        '- one that begins with "age)" and gives one number in digits.',
        '- one that begins with "grown)" and gives yes or no.',
        "- one that begins with \"notes)\" and gives the items, with ',' between them.",
    ]
    assert Composite([Number(), YesNo()]).parse_reply("a) The answer is 3.\nb) The answer is yes.").value == (3, True)


def test_an_answer_carries_its_rule() -> None:
    problem = Problem("How many?", Number())
    answered = problem.parse("It is 5.\nThe answer is 18.")
    assert isinstance(answered, Answered)
    assert (answered.value, answered.rule, answered.is_stated) == (18, "trigger", True)
    strict = Problem("How many?", Number(stated_only=True)).parse("She has 18 of them, I guess.")
    assert (strict.state, strict.reason) == ("unparsed", "nothing found")
    step = Step("day", Prompt(input="{text}"), returns=Date("%m/%d/%Y"))
    chained = Chain(step).run("When?", ScriptedLLM(["The answer is Feb 27, 2002."]))
    assert (chained.value, getattr(chained, "rule", "")) == (datetime.date(2002, 2, 27), "trigger")
