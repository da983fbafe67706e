"""Events as documents tell them: the documents, what replies say of them, and which events are one and the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasoning.problem import Problem
from reasoning.strategies.reply_parsing import normalize_question

_GAP = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_MARK = re.compile(r"(?:[-*•]|\(?\d{1,2}[.)])\s+")
_NUMBERS = re.compile(r"\W{0,6}(?:(?:events?|numbers?)\W{1,3})?(\d{1,4}(?:[,;& ]{1,3}(?:and )?\d{1,4}){0,200})", re.I)
_FORM = "when, where, who and what"  # the prompt's own words


@dataclass(frozen=True)
class Event:
    """One event as one document tells it; `general` is what makes it comparable."""

    source: str
    told: str
    general: str


def documents_of(problem: Problem) -> Mapping[str, str]:
    """The problem's inputs by name, else the parts of its context between lines of `---`."""
    parts = [part.strip() for part in _GAP.split(problem.context or "") if part.strip()]
    return problem.inputs or {f"document {number}": part for number, part in enumerate(parts, 1)}


def parse_events(text: str, source: str, most: int) -> list[Event]:
    """The events of a reply, each once: its lines with two parts, rows of a table too; those of a bare list count."""
    found: dict[tuple[str, str], Event] = {}
    for line in (line.strip("| \t") for line in text.splitlines()):
        mark = _MARK.match(line)
        told, _, general = (part.strip() for part in line[mark.end() if mark else 0 :].partition("|"))
        says = normalize_question(told)
        if says and (mark or general) and says != "none" and not told.lower().startswith(_FORM):
            found.setdefault((says, normalize_question(general)), Event(source, told, general or told))
    return [*found.values()][:most]


def parse_groups(text: str, events: Sequence[Event]) -> list[list[Event]]:
    """The events by what they mean: each number counts once, at its first place; what no line names stays alone. Where
    no number can be read, events are the same that are said in the same general words."""
    left = dict(enumerate(events, 1))
    groups: list[list[Event]] = []
    for line in map(str.strip, text.splitlines()):
        mark, label = _MARK.match(line), line.rfind(":") + 1
        read = (_NUMBERS.match(line, start) for start in {label, mark.end() if mark else 0, 0})
        named = max((re.findall(r"\d+", one[1]) for one in read if one), key=len, default=[])
        if group := [left.pop(number) for number in map(int, named) if number in left]:
            groups.append(group)
    if not groups:
        return group_by_words(events)
    return sorted([*groups, *([event] for event in left.values())], key=lambda group: events.index(group[0]))


def group_by_words(events: Sequence[Event]) -> list[list[Event]]:
    """The events by the general words in which they are said."""
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(normalize_question(event.general), []).append(event)
    return list(groups.values())


def sources_of(events: Sequence[Event]) -> list[str]:
    """The documents that tell of these events, each once."""
    return list(dict.fromkeys(event.source for event in events))
