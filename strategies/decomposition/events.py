"""Events as documents tell them: the documents, what replies say of them, and which events are one and the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasoning.problem import Problem
from strategies.replies import folded

_GAP = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_MARK = re.compile(r"(?:[-*•]|\(?\d{1,2}[.)])\s+")
_NUMBERS = re.compile(r"\W{0,6}(\d{1,4}(?:[,;& ]{1,3}(?:and )?\d{1,4}){0,200})")


@dataclass(frozen=True)
class Event:
    """One event as one document tells it; `general` is what makes it comparable."""

    source: str
    told: str
    general: str


def documents(problem: Problem) -> Mapping[str, str]:
    """The problem's inputs by name, else the parts of its context between lines of `---`."""
    parts = [part.strip() for part in _GAP.split(problem.context or "") if part.strip()]
    return problem.inputs or {f"document {number}": part for number, part in enumerate(parts, 1)}


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


def same_words(events: Sequence[Event]) -> list[list[Event]]:
    """The events by the general words in which they are said."""
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(folded(event.general), []).append(event)
    return list(groups.values())


def sources(events: Sequence[Event]) -> list[str]:
    """The documents that tell of these events, each once."""
    return list(dict.fromkeys(event.source for event in events))
