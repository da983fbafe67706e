"""The results of a step that is run for each item of a list: several values of one kind."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.kinds import Json, Kind, ParseResult, Region


@dataclass(frozen=True)
class ListOf:
    """Values of one kind, as a tuple. It is made by a chain and read from no reply.

    Attributes:
        of: the kind of each value.
    """

    name: ClassVar[str] = "each"
    of: Kind

    def instruction(self) -> str:
        return ""

    direct_instruction = trigger = instruction

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Nothing: no reply holds several."""
        return ParseResult(None, "nothing found")

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> None:
        """None, as `read`."""

    def error_message(self, text: str) -> str | None:
        return "Several values are no single reply."

    def same(self, a: Any, b: Any) -> bool:
        return self.key(a) == self.key(b)

    def target(self, target: Any) -> tuple[Any, ...]:
        """The values that a list of targets stands for."""
        return tuple(self.of.target(one) for one in target)

    def key(self, value: Any) -> Hashable:
        return tuple(map(self.of.key, value))

    def score(self, value: Any, target: Any) -> bool:
        """Whether there are as many values as targets, and each is right."""
        return value is not None and len(value) == len(target) and all(map(self.of.score, value, target))

    def show(self, value: Any) -> str:
        """A JSON list where they are JSON, else one a line, numbered as the items were."""
        if isinstance(self.of, Json):
            return json.dumps(list(value), ensure_ascii=False)
        return "\n".join(f"{number}. {self.of.show(one)}" for number, one in enumerate(value, 1))


def show_item(item: Any) -> str:
    """An item of a list as a prompt shows it."""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, default=str)
