"""The scorer of WikiTableQuestions: the denotation of an answer must be that of the target."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.kinds import Kind
from reasoning.problem import accepted_answers
from reasoning.tables_sql.cell_types import parse_date, parse_number

_LONGEST = 1_000
"""Characters of an item above which only case and spaces are normalized."""
_QUOTES = str.maketrans({**dict.fromkeys("‘’´`", "'"), **dict.fromkeys("“”", '"'), **dict.fromkeys("‐‑‒–—−", "-")})
_CITATION = re.compile(r"(?<!^)\[[^\[\]]*\]$|^\[[0-9]+\]$|[•♦†‡*#+]$")
_DETAILS = re.compile(r"(?<!^) \([^()]*\)$")
_QUOTED = re.compile(r'"([^"]*)"')
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_LONGEST_QUANTITY = 40
_QUANTITY = re.compile(
    r"(?:[Ss]ince |#|[Nn]o\. )?(?P<number>[$€£]?\s?(?=[0-9.]*[0-9])[0-9,]{0,20}(?:\.[0-9]{1,20})?)(?:st|nd|rd|th)?"
    r"(?:\s(?P<scale>thousand|million|billion))?(?:\s?[a-z]{1,12}(?:/h)?\.?)?"
)
_PART_OF_DATE = re.compile(
    r"(?:(?P<first>[0-9]{1,2}) )?(?P<month>[A-Za-z]{3,9})\.?(?: (?P<day>[0-9]{1,2})(?:st|nd|rd|th)?)?"
    r"(?:,? (?P<year>[0-9]{4}))?"
)
_PARTS = re.compile(r"(x{2,4}|[0-9]{1,4})-(xx|[0-9]{1,2})-(xx|[0-9]{1,2})")

Value = int | float | tuple[int | None, int | None, int | None] | None
"""A number, a date as year, month and day of which some are unknown, or neither."""


@dataclass(frozen=True)
class DenotationScorer:
    """Compares lists as the official evaluator of WikiTableQuestions does.

    An answer is right if it has as many different items as the target, and each item of the target
    matches one of the answer. Two items match if they are the same text after normalization, the same
    number (to 1e-6), or the same date in all of its parts ("xx-01-02" is 2 January of an unknown year).
    Normalization drops diacritics, case, typographic quotes and dashes, outermost quotation marks, a
    final period, and at the end citations ("[1]", "†") and details in brackets (" (2001)").

    One thing differs: the official evaluator takes the numbers and dates of targets from annotations
    that the data set on the hub lacks. Here they are read from the text: "1,234", "5 years", "4th",
    "$1.2 billion", "March 1, 2024", "March 1", "March 2024". Of the 7,881 targets of the two test sets,
    99.6 % have the value of their annotation. In answers, numbers and dates may be written as in a table.

    Attributes:
        kind: the kind of the answer, whose values are lists of texts.
        target: the right list, or `AnyOf` several.

    Source: Pasupat and Liang 2015, arXiv 1508.00305; evaluator of the data set, version 1.0.2.
    """

    kind: Kind
    target: Any

    about: ClassVar[str] = "as WikiTableQuestions' evaluator: the same set of texts, numbers and dates, normalized"

    def __call__(self, value: Any) -> bool:
        if not isinstance(value, tuple | list):
            return False
        return any(same_denotation(value, self.kind.target(target)) for target in accepted_answers(self.target))


def same_denotation(answer: Any, target: Any) -> bool:
    """Return whether two lists of texts denote the same set; see `DenotationScorer`.

    Examples:
        >>> same_denotation(["1,200", "Café (old)[3]"], ["cafe", "1200.0"])
        True
        >>> same_denotation(["5"], ["5 years"]), same_denotation(["5 years"], ["5"])
        (True, False)
    """
    answers, targets = _items(answer, read_value), _items(target, read_target)
    if len(answers) != len(targets):
        return False
    return all(any(_match(one, other) for other in answers) for one in targets)


def normalize(text: str) -> str:
    """Return the text of an item without what the evaluator ignores; see `DenotationScorer`."""
    if len(text) > _LONGEST:
        return " ".join(text.lower().split())
    text = "".join(letter for letter in unicodedata.normalize("NFKD", text) if unicodedata.category(letter) != "Mn")
    text, before = text.translate(_QUOTES).strip(), None
    while text != before:
        before = text
        text = _DETAILS.sub("", _CITATION.sub("", text).strip()).strip()
        if match := _QUOTED.fullmatch(text):
            text = match[1].strip()
    return " ".join(text.removesuffix(".").lower().split())


def read_value(text: str) -> Value:
    """Return the number or date that an item of an answer states, or None."""
    if (number := parse_number(text)) is not None:
        return number
    if (date := parse_date(text)) is not None:
        return date.year, date.month, date.day
    match = _PARTS.fullmatch(text.lower()) if len(text) < 12 else None
    if match is None or not text.lower().strip("x-"):
        return None
    year, month, day = (None if part.startswith("x") else int(part) for part in match.groups())
    # A year alone is a number.
    return year if month is None and day is None else (year, month, day)


def read_target(text: str) -> Value:
    """Return the number or date that an item of a target states, also with a unit or in part, or None."""
    if (value := read_value(text)) is not None or len(text) > _LONGEST_QUANTITY:
        return value
    if match := _QUANTITY.fullmatch(text):
        number = parse_number(match["number"].lstrip("0") or "0")
        return None if number is None else number * _SCALES.get((match["scale"] or "").lower(), 1)
    if match := _PART_OF_DATE.fullmatch(text):
        if (date := parse_date(f"1 {match['month']} 2000")) is None:
            return None
        year, day, first = (int(match[part]) if match[part] else None for part in ("year", "day", "first"))
        return year, date.month, first if day is None else day
    return None


def _items(texts: Any, read: Callable[[str], Value]) -> list[tuple[str, Value]]:
    """Return the different items of a list: each its normalized text, and its number or date if it is one."""
    items = {}
    for text in map(str, texts):
        value, normalized = read(text.strip()), normalize(text)
        items[normalized if value is None else value] = normalized, value
    return list(items.values())


def _match(one: tuple[str, Value], other: tuple[str, Value]) -> bool:
    if one[0] == other[0]:
        return True
    if isinstance(one[1], int | float) and isinstance(other[1], int | float):
        return abs(one[1] - other[1]) < 1e-6
    return isinstance(one[1], tuple) and one[1] == other[1]
