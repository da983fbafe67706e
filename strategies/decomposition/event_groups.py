"""Groups of events that are the same, parsed from the numbers in a reply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from reasoning.strategies.decomposition.events import Event, read_json
from reasoning.strategies.reply_parsing import match_item_mark, normalize_question

_ID = r"(?:(?:events?|numbers?|nos?\.?|ids?)\W{0,3})?#?(\d{1,4})(?![\w%]|\.\d)"
_AND = r"(?:and|und|et|y)\s{1,3}"
_BETWEEN = (
    rf"(?:\s{{0,3}}(?:[,;&+/=≡~≈↔、]{{1,3}}|<[-=]{{1,2}}>)\s{{0,3}}(?:{_AND})?"
    rf"|\s{{1,3}}(?:{_AND}|(?:is |are |equals? )?(?:the )?same (?:event )?as\s{{1,3}})|\s{{1,3}})"
)
_IDS = rf"{_ID}(?:{_BETWEEN}{_ID}){{0,200}}"
_NUMBERS = re.compile(rf"\W{{0,6}}{_IDS}", re.IGNORECASE)
_BRACKETS = re.compile(rf"[\[({{]\s{{0,3}}({_ID}(?:{_BETWEEN}{_ID}){{1,200}})\s{{0,3}}[\])}}]", re.IGNORECASE)
# "Events 4 and 7 are reported only once."
_APART = re.compile(
    rf"\W*(?:(?:the|all|any) ){{0,2}}(?:remaining|other)\b|\W{{0,6}}{_IDS}\W{{0,3}}"
    r"(?:are|is|were|do|does|have|has|stand|occur|appear)s?\b"
    r".{0,40}\b(?:once|unique|alone|differ\w*|distinct|separate|not|no)\b",
    re.IGNORECASE,
)
_STARTS = re.compile(r"[:：|→–—]|[=-]>|\s-\s")
_MARKUP = str.maketrans("", "", "*_`\\$")


def parse_groups(text: str, events: Sequence[Event]) -> list[list[Event]]:
    """Parse which events are the same.

    A group is a line with at least two numbers: "1, 4, 7", "Event 1, Event 4 and Event 7",
    "1 = 4 = 7", "(1, 4), (2, 5)", "The ferry: 1, 4", a table's row, or a list within JSON. Each
    number counts at its first occurrence. Events that no group names form groups of their own. If
    no number can be parsed, events are grouped by their general words.

    Args:
        text: the reply.
        events: the events, numbered from 1.
    """
    lists = list(_json_lists(read_json(text)))
    by_line = [numbers for line in text.splitlines() for numbers in _line_lists(line)]
    # A JSON list may stand on each line.
    if len(lists) < 2 and any(len(numbers) > 1 for numbers in by_line):
        lists = by_line
    remaining = dict(enumerate(events, 1))
    groups: list[list[Event]] = []
    for numbers in lists:
        named = [number for number in dict.fromkeys(numbers) if number in remaining]
        if len(named) > 1:
            groups.append([remaining.pop(number) for number in named])
    if not groups and not any(number in remaining for numbers in lists or by_line for number in numbers):
        return group_by_words(events)
    return sorted([*groups, *([event] for event in remaining.values())], key=lambda group: events.index(group[0]))


def _line_lists(line: str) -> list[list[int]]:
    """Return the lists of numbers in a line."""
    line = line.translate(_MARKUP).strip()
    if _APART.match(line):
        return [[number] for number in _digits(line)]
    if ";" in line and ("," in line or " and " in line):
        return [numbers for part in line.split(";") for numbers in _line_lists(part)]
    in_brackets = [_digits(found[1]) for found in _BRACKETS.finditer(line)]
    if len(in_brackets) > 1:
        return in_brackets
    mark = match_item_mark(line)
    starts = {0, mark.end() if mark else 0, *(found.end() for found in islice(_STARTS.finditer(line), 20))}
    found_lists = [_digits(found[0]) for start in starts if (found := _NUMBERS.match(line, start))]
    longest = max(found_lists, key=len, default=[])
    return [longest] if len(longest) > 1 or not in_brackets else in_brackets


def _json_lists(value: Any) -> Iterator[list[int]]:
    """Yield the lists of numbers within a JSON value."""
    parts = [*value.values()] if isinstance(value, Mapping) else value if isinstance(value, list) else []
    numbers = [_digits(str(part)) if isinstance(part, int | str) else [] for part in parts]
    if isinstance(value, list) and parts and all(len(of_part) == 1 for of_part in numbers):
        yield [number for [number] in numbers]
    for part in parts:
        yield from _json_lists(part)


def _digits(text: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d{1,4}", text)]


def group_by_words(events: Sequence[Event]) -> list[list[Event]]:
    """Group events by their general words."""
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(normalize_question(event.general), []).append(event)
    return list(groups.values())
