"""The kind of a step that is run for each item of a list: several values of one kind."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds import Json, Kind, ParseResult, Region
from reasoning.kinds.kind import abbreviate


@dataclass(frozen=True)
class ListOf:
    """The kind of a tuple of values of one kind. A chain builds such values; no reply is parsed as one.

    Attributes:
        of: the kind of each value.
    """

    name: ClassVar[str] = "each"
    of: Kind

    def instruction(self) -> str:
        """Return "": no reply is asked for."""
        return ""

    direct_instruction = trigger = instruction

    def reply_schema(self, *, steps: bool = False) -> None:
        """Return None: no reply is asked for."""

    def structured_instruction(self, *, steps: bool = False) -> str:
        """Return "": no reply is asked for."""
        return ""

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Return a result without a value: no reply holds several values."""
        return ParseResult(None, "nothing found")

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> None:
        """Return None, as `parse_reply`."""

    def error_message(self, text: str) -> str | None:
        """Return the reason why a text is not a value of this kind."""
        return "Several values are no single reply."

    def same(self, a: Any, b: Any) -> bool:
        """Return True if two lists have equal values in the same order."""
        return self.key(a) == self.key(b)

    def target(self, target: Any) -> tuple[Any, ...]:
        """Return the values that a list of targets stands for."""
        return tuple(self.of.target(item) for item in _targets(target))

    def key(self, value: Any) -> Hashable:
        """Return a hashable key that is equal for equal lists."""
        return tuple(map(self.of.key, value))

    def score(self, value: Any, target: Any) -> bool:
        """Return True if each value is right and their number is that of the targets."""
        targets = _targets(target)
        fits = isinstance(value, tuple | list) and len(value) == len(targets)
        # All scores are computed first, so that an invalid target always raises.
        scores = list(map(self.of.score, value if fits else [None] * len(targets), targets))
        return fits and all(scores)

    def show(self, value: Any) -> str:
        """Return the values as a JSON list if they are JSON, else numbered, one a line."""
        if isinstance(self.of, Json):
            return json.dumps(list(value), ensure_ascii=False)
        return "\n".join(f"{number}. {self.of.show(item)}" for number, item in enumerate(value, 1))


def _targets(target: Any) -> Sequence[Any]:
    if not isinstance(target, list | tuple):
        raise UsageError(f"the target {abbreviate(target)} is not a list")
    return target


def show_item(item: Any) -> str:
    """Return an item of a list as a prompt shows it."""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)
