"""The lines of a recording: what a model said, what the authors read in it, and what we read."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from reasoning.kinds import Kind, ParseResult
from reasoning.kinds.answer_locations import final_lines, find_statements

FOLDER = Path(__file__).parents[2] / "../shared/replay"
"""Where the recordings are: beside the checkout, or nowhere."""


def lines(name: str) -> Iterator[dict[str, Any]]:
    """The lines of a recording, as they were stored."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


@dataclass(frozen=True)
class Sample:
    """One reply, with the authors' answer and ours.

    Attributes:
        id: of the line, and where it has several samples the sample's number.
        text: the reply, unchanged.
        reference: the right answer.
        kind: what kind of answer was asked for.
        recorded: what the authors read, as they wrote it; None where they read nothing, or where it was not stored.
        theirs: the same as a value of the kind; None where it has none.
        counted: whether the authors counted the reply as right; None where only its line was counted.
    """

    id: str
    text: str
    reference: Any
    kind: Kind
    recorded: str | None
    theirs: Any
    counted: bool | None

    @cached_property
    def ours(self) -> ParseResult:
        return self.kind.parse_reply(self.text)

    @cached_property
    def stated(self) -> ParseResult:
        """What is read without falling back on the last candidate."""
        return self.kind.parse_reply(self.text, stated_only=True)

    @cached_property
    def right(self) -> bool:
        return self.ours.value is not None and self.kind.score(self.ours.value, self.reference)

    @property
    def same(self) -> bool:
        """Whether both read the same, or both read nothing."""
        if self.theirs is None or self.ours.value is None:
            return self.theirs is None and self.ours.value is None
        return self.kind.same(self.theirs, self.ours.value)

    @cached_property
    def said(self) -> str:
        """What follows the last trigger; empty where there is none."""
        found = next(find_statements(self.text), None)
        return found.text if found else ""

    @property
    def last_line(self) -> str:
        return final_lines(self.text)[0]


def first_number(text: str) -> float | None:
    """The first number of a text, as the authors of several papers read it: with its sign and its separators."""
    match = re.search(r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)", text)
    return float(match[0].replace(",", "")) if match else None
