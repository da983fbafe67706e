"""Events as documents tell them: how they are read from replies, and which of them are one and the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARK = re.compile(r"(?:[-*•]|\(?\d{1,2}[.)])\s+")
_NUMBERS = re.compile(r"\W{0,6}(\d{1,4}(?:[,;& ]{1,3}(?:and )?\d{1,4}){0,200})")


@dataclass(frozen=True)
class Event:
    """One event as one document tells it; `general` is what makes it comparable."""

    source: str
    told: str
    general: str


def events_in(text: str, source: str, most: int) -> list[Event]:
    """The events of a reply: its lines with two parts; those of a bare list count too."""
    found = []
    for line in map(str.strip, text.splitlines()):
        mark = _MARK.match(line)
        told, _, general = (part.strip() for part in line[mark.end() if mark else 0 :].partition("|"))
        if told and (mark or general) and told.lower().strip(".") != "none":
            found.append(Event(source, told, general or told))
    return found[:most]


def grouped(text: str, events: Sequence[Event]) -> list[list[Event]]:
    """The events by what they mean: each number counts once, at its first place; what no line names stays alone."""
    left = dict(enumerate(events, 1))
    groups: list[list[Event]] = []
    for line in map(str.strip, text.splitlines()):
        mark = _MARK.match(line)
        numbers = _NUMBERS.match(line, mark.end()) if mark else None
        if numbers or (numbers := _NUMBERS.match(line)):
            named = map(int, re.findall(r"\d+", numbers[1]))
            if group := [left.pop(number) for number in named if number in left]:
                groups.append(group)
    return sorted([*groups, *([event] for event in left.values())], key=lambda group: events.index(group[0]))


def sources(events: Sequence[Event]) -> list[str]:
    """The documents that tell of these events, each once."""
    return list(dict.fromkeys(event.source for event in events))
