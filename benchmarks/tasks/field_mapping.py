"""Which columns of a data set hold the question, the answer and the rest."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reasoning.errors import UnknownName, UsageError, nearest

_PLACE = re.compile(r"\{([^{}]+)\}")
_LETTERED = re.compile(r"\n+options:\s*\n((?:\([A-Z]\) ?[^\n]*\n?){2,})\s*$", re.IGNORECASE)
_OPTION = re.compile(r"^\(([A-Z])\) ?(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Fields:
    """Where in a row each part of a problem stands.

    A value is a column ("Answer"), a way into one ("choices.text", "answers.0"), or a text with columns in braces
    ("{Body} {Question}").

    Attributes:
        question, answer, options, context, id: where they stand; empty for none.
        family: what the problems that are alike have in common, such as a passage or the question that they vary; see
            `Example`. It changes no result, and so it is no part of a task's version.
        kind: the kind of answer, the same for all rows: a word, or a JSON object with its parameters. Empty to tell by
            the answers.
        index: the answer is the number of the right option, from 0.
        any_of: the answer is a list, each of which is right.
        lettered: the question ends with its options, "Options:" and lines such as "(A) red".
        where: rows of which the column on the left of "!=" holds the text on its right are left out.
    """

    question: str = "question"
    answer: str = "answer"
    options: str = ""
    context: str = ""
    id: str = ""
    kind: str = ""
    index: bool = False
    any_of: bool = False
    lettered: bool = False
    where: str = ""
    family: str = field(default="", repr=False)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Fields:
        """From names and values; flags may be "yes" or true. Raises UnknownName for other names."""
        known = {one.name: one.type for one in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in known:
                raise UnknownName("field", name, known, "of the mapping")
            if known[name] == "bool":
                values[name] = value in (True, "yes", "true", "1")
            else:
                values[name] = json.dumps(value) if isinstance(value, Mapping) else str(value)
        if values.get("kind", "").startswith("{"):
            _object(values["kind"])
        return cls(**values)

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Whether the row is not left out by `where`."""
        column, unequal, unwanted = self.where.partition("!=")
        return not unequal or str(_at(row, column.strip())) != unwanted.strip()

    def normalize(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as a line with `question`, `answer`, `options`, …. Raises UsageError where a column is missing."""
        line = {
            name: _at(row, place)
            for name in ("question", "answer", "options", "context", "id", "family")
            if (place := getattr(self, name))
        }
        if self.lettered and (found := _LETTERED.search(line["question"])):
            line["options"] = dict(_OPTION.findall(found[1]))
            line["question"] = line["question"][: found.start()]
            line["answer"] = str(line["answer"]).strip("() ")
        options = line.get("options")
        if isinstance(options, Mapping) and {"label", "text"} <= options.keys():
            line["options"] = dict(zip(options["label"], options["text"], strict=True))
        if self.index:
            line["answer"] = _letter(line["answer"])
        if self.kind:
            line["kind"] = _object(self.kind) if self.kind.startswith("{") else self.kind
        return line


def parse_mapping(text: str) -> dict[str, str]:
    """The names and values of "question=Body, answer=Answer".

    Commas in braces, brackets and double quotes do not count.

    Raises:
        UsageError: that makes no sense.
    """
    return dict(_pair(part) for part in _parts(text) if part.strip())


def _parts(text: str) -> Iterator[str]:
    start, depth, quoted = 0, 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += (letter in "{[") - (letter in "}]")
            if letter == "," and depth <= 0:
                yield text[start:place]
                start = place + 1
    yield text[start:]


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not value.strip():
        raise UsageError(f"{part.strip()!r}: write a mapping as NAME=COLUMN, such as 'question=Body, answer=Answer'")
    value = value.strip()
    return name.strip(), value[1:-1] if len(value) > 2 and value[0] == value[-1] == '"' else value


def _object(kind: str) -> Any:
    try:
        return json.loads(kind)
    except ValueError as error:
        raise UsageError(f"kind={kind!r} is no JSON object: {error}") from None


def _at(row: Mapping[str, Any], place: str) -> Any:
    if "{" in place:
        return _PLACE.sub(lambda column: str(_at(row, column[1])), place)
    value: Any = row
    for part in [place] if place in row else place.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            like = nearest(part, row)
            raise UsageError(
                f"there is no column {place!r}; " + (f"did you mean {like!r}?" if like else f"there are {list(row)}")
            )
    return value


def _letter(number: Any) -> str:
    if not isinstance(number, int) or not 0 <= number < 26:
        raise UsageError(f"the answer is the number of an option, from 0; not {number!r}")
    return chr(ord("A") + number)
