"""Json: a JSON object or array."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar, Literal, get_args

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.json_schema import json_schema, schema_errors
from reasoning.kinds.kind import ParseResult, Region, abbreviate
from reasoning.kinds.reply_format import ANSWER, ANY, answer_object

Shape = Literal["object", "array", "any"]

_OPENERS = {"object": re.compile(r"\{"), "array": re.compile(r"\["), "any": re.compile(r"[\[{]")}
# Texts in a value that would be taken for reasoning tags.
_TAG = re.compile(r"<(?=/?[A-Za-z]{5,13}>)")
_MAX_EXAMINED = 20_000
"""The number of values in a reply that are examined."""

_MAX_VALIDATED = 100
"""The number of values in a reply that are validated by a schema."""


@dataclass(frozen=True)
class Json(BaseKind):
    """The first complete JSON object or array of a reply; fences and prose around it do not matter.

    Trailing commas, comments, keys without quotes, single and typographic quotes, Python's True,
    False and None, and line breaks inside strings are repaired, since they have only one meaning.
    JSON that was cut off is not completed.

    Attributes:
        shape: "object", "array" or "any".
        required: keys that an object must have; in an array, each object of it.
        allowed: the only keys that it may have besides those; None for any.
        schema: a JSON schema, or a pydantic model (its class), that the value must fit. The value
            stays plain data. In data files a model is written as its JSON schema, without its own
            validators.

    Raises:
        UsageError: the shape is unknown, the keys are not a list, or the schema is not valid.

    Examples:
        >>> Json(required=("price",)).parse("Sure: {price: 3.5,}")
        {'price': 3.5}
        >>> print(Json(required=("price",)).error_message("{}"))
        The JSON object lacks the keys "price".
    """

    name: ClassVar[str] = "json"
    shape: Shape = "object"
    required: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None
    schema: Mapping[str, Any] | type[Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise UsageError(f"Json(shape={self.shape!r}): the shape must be one of {', '.join(get_args(Shape))}")
        for name in ("required", "allowed"):
            keys = getattr(self, name)
            if isinstance(keys, str) or not (keys is None or isinstance(keys, Iterable)):
                raise UsageError(f"Json({name}={keys!r}): {name} must be a list of keys")
            object.__setattr__(self, name, None if keys is None else tuple(keys))
        if self.schema is not None and json_schema(self.schema).get("type") == "array" and self.shape == "object":
            object.__setattr__(self, "shape", "array")

    def instruction(self) -> str:
        return f"End with {self._description}."

    def direct_instruction(self) -> str:
        return f"Reply with {self._description} alone: no other words."

    def reply_schema(self, *, steps: bool = False) -> Mapping[str, Any] | None:
        """Return the schema of the value; a list is in the field "answer" of an object, since servers demand one.

        With steps it returns None, since the first object of a reply counts; so it does for the shape "any".
        """
        schema = self._keys_schema() if self.schema is None else json_schema(self.schema)
        if steps or schema.get("type") != self.shape:
            return None
        if self.shape == "object":
            return schema
        shared: dict[str, Any] = {name: schema.pop(name) for name in ("$defs", "definitions") if name in schema}
        # Another reference would not be found at its new place.
        return None if '"$ref": "#"' in json.dumps(schema) else {**answer_object(schema), **shared}

    def structured_instruction(self, *, steps: bool = False) -> str:
        if self.shape == "object":
            return self.direct_instruction()
        return f'Reply with a JSON object whose field "{ANSWER}" holds {self._description}: no other words.'

    def _keys_schema(self) -> dict[str, Any]:
        """Return the schema that the keys make."""
        keys = dict.fromkeys((*self.required, *(self.allowed or ())), ANY)
        one: dict[str, Any] = {"type": "object"}
        if keys:
            one |= {"properties": keys, "required": list(self.required), "additionalProperties": self.allowed is None}
        if self.shape == "array":
            return {"type": "array", "items": one if keys else ANY}
        return one

    def trigger(self) -> str:
        return "Therefore, the answer as JSON is"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the first object that fits; see `Kind.parse_reply`."""
        value, rule, _ = self._examine(visible_text(text, region))
        return ParseResult(value, rule)

    def error_message(self, text: str) -> str | None:
        """Return the error in the JSON of a text and its place; None if it can be parsed."""
        return self._examine(visible_text(text, None))[2]

    def target(self, target: Any) -> Any:
        """Return the value of a target: a dict, a list, or JSON text."""
        value = self.parse(target) if isinstance(target, str) else target
        if not self.is_value(value):
            raise UsageError(f"the target {abbreviate(target)} is not a JSON {self.shape}")
        return value

    def is_value(self, value: Any) -> bool:
        if not isinstance(value, dict | list):
            return False
        try:
            self.key(value)
        # Something in it is not JSON, has too many digits, or is nested too deeply.
        except (TypeError, ValueError, RecursionError):
            return False
        return True

    def key(self, value: Any) -> str:
        return json.dumps(_normalize_numbers(value), sort_keys=True)

    def show(self, value: Any) -> str:
        return _TAG.sub(r"\\u003c", json.dumps(value, ensure_ascii=False))

    @property
    def _description(self) -> str:
        what = {"object": "one JSON object", "array": "one JSON array", "any": "one JSON value"}[self.shape]
        keys = f" with the keys {', '.join(map(json.dumps, self.required))}" if self.required else ""
        if self.schema is not None:
            keys += f" that fits this JSON schema: {json.dumps(json_schema(self.schema), ensure_ascii=False)}"
        return what + keys

    def _examine(self, text: str) -> tuple[Any, str, str | None]:
        """Return value, rule and error of the first object that fits, else of the object that was parsed furthest."""
        error, furthest = f"There is no JSON {'value' if self.shape == 'any' else self.shape} in the reply.", -1
        validated = 0
        for found in islice(find_json(text, _OPENERS[self.shape]), _MAX_EXAMINED):
            problem = found.error or self._key_error(found.value)
            if problem is None and self.schema is not None:
                if (validated := validated + 1) > _MAX_VALIDATED:
                    break
                problem = self._schema_error(found.value)
            if problem is None:
                return found.value, found.rule, None
            if found.chars_read > furthest:
                error, furthest = problem, found.chars_read
        return None, "nothing found" if furthest < 0 else "unfit JSON", error

    def _key_error(self, value: Any) -> str | None:
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                continue
            if missing := [key for key in self.required if key not in item]:
                return f"The JSON object lacks the keys {_quoted(missing)}."
            known = (*self.required, *(item if self.allowed is None else self.allowed))
            if unknown := [key for key in item if key not in known]:
                return f"The JSON object has the unknown keys {_quoted(unknown)}; allowed are {_quoted(known)}."
        return None

    def _schema_error(self, value: Any) -> str | None:
        errors = list(islice(schema_errors(value, self.schema), 3))
        return f"The JSON does not fit: {'; '.join(errors)}." if errors else None


def _quoted(keys: Sequence[str]) -> str:
    return ", ".join(json.dumps(key[:60], ensure_ascii=False) for key in keys[:12])


def _normalize_numbers(value: Any) -> Any:
    """Return the value with whole floats as ints, so that 1 and 1.0 have the same key."""
    if isinstance(value, dict):
        return {key: _normalize_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normalize_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
