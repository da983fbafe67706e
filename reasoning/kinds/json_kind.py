"""Json: an object or a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar, Literal, get_args

from reasoning.errors import UsageError
from reasoning.kinds.answer_locations import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.json_schema import json_schema, schema_errors
from reasoning.kinds.kind import ParseResult, Region

Shape = Literal["object", "array", "any"]

_OPENERS = {"object": re.compile(r"\{"), "array": re.compile(r"\["), "any": re.compile(r"[\[{]")}
_TAG = re.compile(r"<(?=/?[A-Za-z]{5,13}>)")  # in a text of a value: what would be taken for reasoning
_SEEN = 20_000  # values of a reply that are looked at
_CHECKED = 100  # values of a reply that are checked by a schema


@dataclass(frozen=True)
class Json(BaseKind):
    """The first complete JSON object (or array) of a reply; fences and prose around it do not matter.

    Trailing commas, comments, keys without quotes, single and typographic quotes, Python's True, False and None, and
    line breaks inside strings are repaired: they can mean one thing only. What was cut off is not completed.

    Attributes:
        shape: "object", "array" or "any".
        required: keys that an object must have; in an array, each object of it.
        allowed: the only keys that it may have besides those; None for any.
        schema: a JSON schema, or a pydantic model (its class), that the value must fit. The value stays plain data. In
            data files a model stands as its JSON schema, without validators of its own.
    """

    name: ClassVar[str] = "json"
    shape: Shape = "object"
    required: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None
    schema: Mapping[str, Any] | type[Any] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise UsageError(f"Json(shape={self.shape!r}): the shape is one of {', '.join(get_args(Shape))}")
        for name in ("required", "allowed"):
            keys = getattr(self, name)
            if isinstance(keys, str) or not (keys is None or isinstance(keys, Iterable)):
                raise UsageError(f"Json({name}={keys!r}): give a list of keys")
            object.__setattr__(self, name, None if keys is None else tuple(keys))
        if self.schema is not None and json_schema(self.schema).get("type") == "array" and self.shape == "object":
            object.__setattr__(self, "shape", "array")

    def instruction(self) -> str:
        return f"End with {self._wanted}."

    def direct_instruction(self) -> str:
        return f"Reply with {self._wanted} alone: no other words."

    def trigger(self) -> str:
        return "Therefore, the answer as JSON is"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Read the first object that fits; see `Kind.read`."""
        value, how, _ = self._examine(visible_text(text, region))
        return ParseResult(value, how)

    def error_message(self, text: str) -> str | None:
        """What is wrong with the JSON in a text, and where; None where it can be read."""
        return self._examine(visible_text(text, None))[2]

    def target(self, target: Any) -> Any:
        """The value that a target stands for: a dict, a list, or JSON text."""
        value = self.parse(target) if isinstance(target, str) else target
        if not isinstance(value, (dict, list)):
            raise UsageError(f"the target {target!r:.80} is not a JSON {self.shape}")
        return value

    def key(self, value: Any) -> str:
        return json.dumps(_even(value), sort_keys=True)

    def show(self, value: Any) -> str:
        return _TAG.sub(r"\\u003c", json.dumps(value, ensure_ascii=False))

    @property
    def _wanted(self) -> str:
        what = {"object": "one JSON object", "array": "one JSON array", "any": "one JSON value"}[self.shape]
        keys = f" with the keys {', '.join(map(json.dumps, self.required))}" if self.required else ""
        if self.schema is not None:
            keys += f" that fits this JSON schema: {json.dumps(json_schema(self.schema), ensure_ascii=False)}"
        return what + keys

    def _examine(self, text: str) -> tuple[Any, str, str | None]:
        """Value, rule and complaint of the first object that fits, else of the one that could be read furthest."""
        fault, promise = f"There is no JSON {'value' if self.shape == 'any' else self.shape} in the reply.", -1
        checked = 0
        for found in islice(find_json(text, _OPENERS[self.shape]), _SEEN):
            wrong = found.error or self._misfit(found.value)
            if wrong is None and self.schema is not None:
                if (checked := checked + 1) > _CHECKED:
                    break
                wrong = self._unfit(found.value)
            if wrong is None:
                return found.value, found.rule, None
            if found.chars_read > promise:
                fault, promise = wrong, found.chars_read
        return None, "nothing found" if promise < 0 else "unfit JSON", fault

    def _misfit(self, value: Any) -> str | None:
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, dict):
                continue
            if missing := [key for key in self.required if key not in item]:
                return f"The JSON object lacks the keys {_quoted(missing)}."
            known = (*self.required, *(item if self.allowed is None else self.allowed))
            if unknown := [key for key in item if key not in known]:
                return f"The JSON object has the unknown keys {_quoted(unknown)}; allowed are {_quoted(known)}."
        return None

    def _unfit(self, value: Any) -> str | None:
        found = list(islice(schema_errors(value, self.schema), 3))
        return f"The JSON does not fit: {'; '.join(found)}." if found else None


def _quoted(keys: Sequence[str]) -> str:
    return ", ".join(json.dumps(key[:60], ensure_ascii=False) for key in keys[:12])


def _even(value: Any) -> Any:
    """The value with whole floats as ints, so that 1 and 1.0 have one key."""
    if isinstance(value, dict):
        return {key: _even(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_even(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
