"""The tables of docs/research/results.md, as the page has them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from reasoning.spec import split

NOT_MEASURED = "Not measured yet"
_SUBJECT = re.compile(r"(\S+)(?: \(\w+\))? · (\d+) problems? · (\S+)")
_COMMAND = re.compile(r"^```sh\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"\]\(measured/([^)]+\.svg)\)")
_ROW = re.compile(r"^\| (?:\[`([^`]+)`\]\([^)]*/([\w]+)\.md\)|`([^`]+)`)( †)? \| (.*) \|$", re.MULTILINE)


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        spec: the strategy, maybe abbreviated.
        technique: the name of its technique; empty if it has no page.
        earlier: whether it was measured with earlier prompts or problems.
        cells: the other cells: accuracy, its interval, calls, tokens, seconds, the difference, the vote, and further.
    """

    spec: str
    technique: str
    earlier: bool
    cells: tuple[str, ...]


class Section(NamedTuple):
    """A table with its heading, picture, command and remarks.

    Attributes:
        heading: the heading, as Markdown.
        text: what is below the heading.
    """

    heading: str
    text: str

    @property
    def title(self) -> str:
        """The heading as plain text: task, number of problems and model."""
        return self.heading.replace("\\", "").replace("&amp;", "&").replace("&lt;", "<")

    @property
    def subject(self) -> tuple[str, int, str]:
        """The task, the number of problems, and the model."""
        found = _SUBJECT.match(self.title)
        return (found[1], int(found[2]), found[3]) if found else (self.title, 0, "")

    @property
    def picture(self) -> str:
        """The name of the file of the picture."""
        return _PICTURE.search(self.text)[1]  # type: ignore[index]  # every section has one

    @property
    def specs(self) -> frozenset[str]:
        """The strategies of the command."""
        words = shlex.split(_COMMAND.search(self.text)[1].replace("\\\n", " "))  # type: ignore[index]
        return frozenset(split(words[words.index("--strategies") + 1]))

    @property
    def rows(self) -> list[Row]:
        """The rows of the table."""
        return [
            Row(found[1] or found[3], found[2] or "", bool(found[4]), tuple(found[5].split(" | ")))
            for found in _ROW.finditer(self.text)
        ]


def read_sections(page: str) -> list[Section]:
    """Return the tables of the page."""
    parts = [part.partition("\n") for part in f"\n{page}".split("\n## ")[1:]]
    return [Section(heading, text.strip()) for heading, _, text in parts if heading != NOT_MEASURED]


def find_place(sections: Sequence[Section], heading: str, specs: Sequence[str]) -> int:
    """Return the place of a table: that of the one with its heading and no other strategies, or else the end."""
    named = frozenset(split(", ".join(specs)))
    same = (at for at, one in enumerate(sections) if one.heading == heading and one.specs <= named)
    return next(same, len(sections))
