"""The lines of a recording: the model's reply, the authors' answer and ours."""

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
from reasoning.kinds.reply_lines import final_lines
from reasoning.kinds.statements import find_statements

FOLDER = Path(__file__).parents[2] / "../shared/replay"
"""The folder of the recordings, next to the checkout; the tests are skipped without it."""


def lines(name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a recording as they were stored."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


@dataclass(frozen=True)
class Sample:
    """One reply, with the authors' answer and ours.

    Attributes:
        id: the id of the line, with the number of the sample if it has several.
        text: the reply, unchanged.
        reference: the right answer.
        kind: the kind of the answer.
        recorded: the authors' answer as they wrote it; None if they parsed nothing or did not store
            it.
        theirs: their answer as a value of the kind; None without one.
        counted: whether the authors counted the reply as right; None if they counted only its line.
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
        """Return the result of our parser."""
        return self.kind.parse_reply(self.text)

    @cached_property
    def stated(self) -> ParseResult:
        """Return the result of our parser without the last candidate."""
        return self.kind.parse_reply(self.text, stated_only=True)

    @cached_property
    def right(self) -> bool:
        """Return whether our answer is right."""
        return self.ours.value is not None and self.kind.score(self.ours.value, self.reference)

    @property
    def same(self) -> bool:
        """Return whether both answers are the same, or both are missing."""
        if self.theirs is None or self.ours.value is None:
            return self.theirs is None and self.ours.value is None
        return self.kind.same(self.theirs, self.ours.value)

    @cached_property
    def statement(self) -> str:
        """Return the text behind the last trigger; an empty text without a trigger."""
        found = next(find_statements(self.text), None)
        return found.text if found else ""

    @property
    def last_line(self) -> str:
        """Return the last line that is not empty."""
        return final_lines(self.text)[0]


def first_number(text: str) -> float | None:
    """Return the first number of a text as the authors of several papers parse it, with sign and separators."""
    match = re.search(r"-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)", text)
    return float(match[0].replace(",", "")) if match else None
