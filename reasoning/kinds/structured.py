"""Json: an object or a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from reasoning.errors import UsageError
from reasoning.kinds.jsontext import candidates
from reasoning.kinds.kind import Reading, Region
from reasoning.kinds.passages import visible
from reasoning.kinds.stated import Stated

Shape = Literal["object", "array", "any"]

_OPENERS = {"object": re.compile(r"\{"), "array": re.compile(r"\["), "any": re.compile(r"[\[{]")}


@dataclass(frozen=True)
class Json(Stated):
    """The first complete JSON object (or array) of a reply; fences and prose around it do not matter.

    Trailing commas, single quotes, Python's True, False and None, and line breaks inside strings are repaired: they
    can mean one thing only. What was cut off is not completed.

    Attributes:
        shape: "object", "array" or "any".
        required: keys that an object must have; in an array, each object of it.
        allowed: the only keys that it may have besides those; None for any.
    """

    name: ClassVar[str] = "json"
    shape: Shape = "object"
    required: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.shape not in get_args(Shape):
            raise UsageError(f"Json(shape={self.shape!r}): the shape is one of {', '.join(get_args(Shape))}")
        for field in ("required", "allowed"):
            keys = getattr(self, field)
            if isinstance(keys, str) or not (keys is None or isinstance(keys, Iterable)):
                raise UsageError(f"Json({field}={keys!r}): give a list of keys")
            object.__setattr__(self, field, None if keys is None else tuple(keys))

    def instruction(self) -> str:
        return f"End with {self._wanted}."

    def direct(self) -> str:
        return f"Reply with {self._wanted} alone: no other words."

    def trigger(self) -> str:
        return "Therefore, the answer as JSON is"

    def read(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Reading:
        """Read the first object that fits; see `Kind.read`."""
        value, how, _ = self._examine(visible(text, region))
        return Reading(value, how)

    def complaint(self, text: str) -> str | None:
        """What is wrong with the JSON in a text, and where; None where it can be read."""
        return self._examine(visible(text, None))[2]

    def target(self, target: Any) -> Any:
        """The value that a target stands for: a dict, a list, or JSON text."""
        value = self.parse(target) if isinstance(target, str) else target
        if not isinstance(value, (dict, list)):
            raise UsageError(f"the target {target!r:.80} is not a JSON {self.shape}")
        return value

    def key(self, value: Any) -> str:
        return json.dumps(_even(value), sort_keys=True)

    def show(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False).replace("think>", "think\\u003e")  # no `<think>` of its own

    @property
    def _wanted(self) -> str:
        what = {"object": "one JSON object", "array": "one JSON array", "any": "one JSON value"}[self.shape]
        keys = f" with the keys {', '.join(map(json.dumps, self.required))}" if self.required else ""
        return what + keys

    def _examine(self, text: str) -> tuple[Any, str, str | None]:
        """Value, rule and complaint of the first object that fits, else of the one that could be read furthest."""
        fault, promise = f"There is no JSON {'value' if self.shape == 'any' else self.shape} in the reply.", -1
        for found in candidates(text, _OPENERS[self.shape]):
            wrong = found.fault or self._misfit(found.value)
            if wrong is None:
                return found.value, found.how, None
            if found.read > promise:
                fault, promise = wrong, found.read
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


def _quoted(keys: Sequence[str]) -> str:
    return ", ".join(json.dumps(key[:60], ensure_ascii=False) for key in keys[:12])


def _even(value: Any) -> Any:
    """The value with whole floats as ints, so that 1 and 1.0 have one key."""
    if isinstance(value, dict):
        return {key: _even(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_even(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
