"""Structured replies: the JSON schema of a reply to a problem of a kind, as the sampling parameter `response_format`.

A reply has the answer in the field "answer". If a prompt asks for steps, the field "reasoning" comes
before it, since models write fields in the order of the schema, and an answer without steps costs
accuracy (Tam et al. 2024, arXiv 2408.02442).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reasoning.errors import UsageError

if TYPE_CHECKING:
    from reasoning.kinds.kind import Kind

STEPS = "reasoning"
"""The field of the steps, which no answer is parsed from."""
ANSWER = "answer"
"""The field of the answer."""

_STRICT = frozenset(
    [
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "$ref", "$defs"),
        *("title", "description", "format", "pattern", "minItems", "maxItems"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    ]
)
"""The keywords that strict schemas may have. Source: platform.openai.com/docs/guides/structured-outputs."""


ANY = {"type": ["string", "number", "boolean", "object", "array", "null"]}
"""The schema of any JSON value. llama.cpp reads the empty schema as an object."""

_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}/]")


def pattern_of(text: str) -> str:
    """Return the pattern of a text in a JSON schema. `re.escape` escapes more than its dialect allows."""
    return _SPECIAL.sub(lambda match: f"\\{match[0]}", text)


def enum_schema(kind: Kind, labels: Sequence[str]) -> dict[str, Any] | None:
    """Return the schema of one of the labels of a kind; None if the kind cannot read one of them from JSON.

    "not good" is a denial to a choice with the labels "good" and "not good", and so is no answer.
    """
    is_read = all(kind.parse(json.dumps({ANSWER: label})) == label for label in labels)
    return {"type": "string", "enum": list(labels)} if is_read else None


def object_schema(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with exactly these fields, in this order."""
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def answer_object(answer: Mapping[str, Any], *, steps: bool = False) -> dict[str, Any]:
    """Return the schema of an object with an answer, after the steps if there are any."""
    return object_schema({**({STEPS: {"type": "string"}} if steps else {}), ANSWER: answer})


def response_format(kind: Kind, *, steps: bool = False) -> dict[str, Any]:
    """Return the sampling parameter `response_format` for the replies to a problem of a kind.

    Args:
        kind: the kind of the answer.
        steps: whether the model writes its steps before the answer.

    Raises:
        UsageError: the kind has no schema of a reply; names those that have one.

    Examples:
        >>> from reasoning.kinds import Label
        >>> response_format(Label(["good", "bad"]))["json_schema"]["schema"]["properties"]
        {'answer': {'type': 'string', 'enum': ['good', 'bad']}}
    """
    schema = kind.reply_schema(steps=steps)
    if schema is None:
        if steps and kind.reply_schema() is not None:
            raise UsageError(
                f"a structured reply of the kind {kind.name!r} has no field for steps, and the prompt asks for them: "
                "use a prompt that asks for the answer alone, such as that of vanilla, or leave structured out"
            )
        raise UsageError(
            f"structured replies need a kind with a JSON schema of a reply, got {kind!r:.80}; the kinds with one are "
            "number, choice, label, yesno, date, text in a few words, items, cells, expression, calculation, many of "
            "these, and json"
        )
    schema = close_objects(schema)
    strict = schema.get("type") == "object" and is_strict(schema)
    return {"type": "json_schema", "json_schema": {"name": ANSWER, "strict": strict, "schema": schema}}


def structured_reply(kind: Kind, reply: str, reasoning: str = "", *, steps: bool = False) -> str | None:
    """Return the reply of a worked example in the form of `Kind.reply_schema`; None if there is no such form of it.

    Args:
        kind: the kind of the answer.
        reply: the reply, which states the answer.
        reasoning: the steps before it.
        steps: whether the form has a field for them.
    """
    value, schema = kind.parse(reply), kind.reply_schema(steps=steps)
    answer = (schema or {}).get("properties", {}).get(ANSWER)
    if value is None or answer is None or (reasoning and not steps):
        return None
    shown: Any = kind.show(value)
    if answer.get("type") == "number":
        shown = value
    elif isinstance(value, tuple) and value and answer.get("type") != "string":
        shown = list(value)
    shown = shown.lower() if answer.get("enum") == ["yes", "no"] else shown
    written = json.dumps({**({STEPS: reasoning} if steps else {}), ANSWER: shown}, ensure_ascii=False)
    return written if kind.parse(written) == value else None


def close_objects(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose objects have no further fields, where all their fields are required.

    Strict schemas must say so, and what fits the returned schema fits the given one.
    """
    closed = _map_inner(schema, close_objects)
    properties = closed.get("properties")
    if properties and "additionalProperties" not in closed and set(closed.get("required", ())) == set(properties):
        closed["additionalProperties"] = False
    return closed


def is_strict(schema: Any) -> bool:
    """Return whether a schema keeps the rules of strict schemas: closed objects, and keywords that servers enforce.

    A server refuses a schema that is said to be strict and is not.
    """
    if not isinstance(schema, Mapping) or not schema or not schema.keys() <= _STRICT:
        return False
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(schema.get("properties", ()))
    ):
        return False
    if schema.get("type") == "array" and "items" not in schema:
        return False
    inner: list[bool] = []
    _map_inner(schema, lambda part: inner.append(is_strict(part)))
    return all(inner)


def _map_inner(schema: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a copy with the schemas directly inside a schema changed."""
    changed = dict(schema)
    for name in ("properties", "$defs", "definitions"):
        if isinstance(inner := schema.get(name), Mapping):
            changed[name] = {key: change(part) if isinstance(part, Mapping) else part for key, part in inner.items()}
    if isinstance(items := schema.get("items"), Mapping):
        changed["items"] = change(items)
    if isinstance(options := schema.get("anyOf"), list):
        changed["anyOf"] = [change(part) if isinstance(part, Mapping) else part for part in options]
    return changed
