"""Json: repairs, schemas and error messages."""

from __future__ import annotations

import datetime
import pickle
from typing import Any

import pytest

from reasoning import kinds
from reasoning.errors import UsageError
from reasoning.kinds import Json

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"price": {"type": "number", "minimum": 0}, "size": {"enum": ["S", "L"]}},
                "required": ["price"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["items"],
}


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
def test_the_error_message_is_actionable(text: str, said: str) -> None:
    kind = Json(required=("a",), allowed=("b",))
    assert said in str(kind.error_message(text))
    assert kind.parse(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"items": [{"price": "12"}]}', 'at $.items[0].price: expected a number, found "12".'),
        ('{"items": [{"price": 1}, {"price": -1}]}', "at $.items[1].price: expected minimum 0, found -1."),
        ('{"items": [{"price": 1, "size": "M"}]}', 'at $.items[0].size: expected one of "S", "L", found "M".'),
        ('{"items": [{"price": 1, "colour": "red"}]}', 'at $.items[0]: unknown keys "colour".'),
        ('{"items": [{}]}', 'at $.items[0]: the keys "price" are missing.'),
        ('{"goods": []}', 'at $: the keys "items" are missing.'),
        ('{"items": {"price": 1}}', 'at $.items: expected a list, found {"price": 1}.'),
        ('{"items": [{"price": "1", "size": "M", "x": 1}]}', 'number, found "1"; at $.items[0].size'),
    ],
)
def test_a_schema_error_names_the_place_what_was_expected_and_what_was_found(text: str, said: str) -> None:
    kind = Json(schema=ORDER)
    assert said in str(kind.error_message(text))
    assert kind.parse_reply(text) == (None, "unfit JSON")


def test_the_instruction_contains_the_schema() -> None:
    kind = Json(schema=ORDER)
    assert '"required": ["price"]' in kind.instruction()
    assert kind.parse('First {"a": 1}, then {"items": [{"price": 2.5}]}.') == {"items": [{"price": 2.5}]}
    assert kinds.from_json(kinds.to_json(kind)) == kind == pickle.loads(pickle.dumps(kind))
    assert kind != Json(schema={})
    assert Json(schema={"type": "array", "items": {"type": "integer"}}).parse("[1, 2]") == [1, 2]
    assert Json(schema={"type": "array"}, shape="any").shape == "any"


@pytest.mark.parametrize("reference", ["http://localhost:9/schema.json", "other.json", "#/$defs/nowhere"])
def test_a_reference_outside_the_schema_is_refused_and_not_fetched(reference: str) -> None:
    with pytest.raises(UsageError, match="is not in the schema"):
        Json(schema={"properties": {"a": {"$ref": reference}}})
    inside = Json(schema={"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "number"}}})
    assert "at $.a: expected a number" in str(inside.error_message('{"a": "x"}'))


def test_a_pydantic_model_is_a_schema() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Person(pydantic.BaseModel):  # type: ignore[name-defined,misc]
        name: str
        age: int = pydantic.Field(ge=0)
        born: datetime.date | None = None

    kind = Json(schema=Person)
    assert kind.parse('{"name": "Ann", "age": 7, "born": "2019-05-01"}') == {
        "name": "Ann",
        "age": 7,
        "born": "2019-05-01",
    }
    said = str(kind.error_message('{"age": -1}'))
    assert "at $.name: Field required" in said
    assert "at $.age: Input should be greater than or equal to 0, found -1" in said
    assert "$.born" in str(kind.error_message('{"name": "Ann", "age": 7, "born": "soon"}'))
    assert repr(kind) == "Json(schema=Person)"
    stored = kinds.from_json(kinds.to_json(kind))
    assert isinstance(stored, Json)
    assert "$.age" in str(stored.error_message('{"name": "Ann", "age": -1}'))


def test_many_values_are_checked_in_bounded_time() -> None:
    text = '{"price": -1}' * 50_000 + '{"items": []}'
    assert Json(schema=ORDER).parse_reply(text).value is None
