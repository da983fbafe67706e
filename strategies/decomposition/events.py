"""Events in documents: splitting the documents, parsing their events, and grouping events that are the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reasoning.problem import Problem
from reasoning.strategies.reply_parsing import normalize_question

_GAP = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_MARK = re.compile(r"(?:[-*•]|\(?\d{1,2}[.)])\s+")
_NUMBERS = re.compile(r"\W{0,6}(?:(?:events?|numbers?)\W{1,3})?(\d{1,4}(?:[,;& ]{1,3}(?:and )?\d{1,4}){0,200})", re.I)
_FORM = "when, where, who and what"
"""The heading of the prompt's own format, which models copy."""


@dataclass(frozen=True)
class Event:
    """One event as one document reports it.

    Attributes:
        source: name of the document.
        told: the document's description.
        general: the same in general words, which make it comparable.
    """

    source: str
    description: str
    general: str


def documents_of(problem: Problem) -> Mapping[str, str]:
    """Return the problem's inputs by name, or else the parts of its context between lines of `---`."""
    parts = [part.strip() for part in _GAP.split(problem.context or "") if part.strip()]
    return problem.inputs or {f"document {number}": part for number, part in enumerate(parts, 1)}


def parse_events(text: str, source: str, limit: int) -> list[Event]:
    """Parse the events of a reply, without repetitions.

    A line with two parts is an event, whether list item or table row; so is an item of a list with
    one part.

    Args:
        text: the reply.
        source: name of the document.
        limit: maximum number of events.
    """
    events: dict[tuple[str, str], Event] = {}
    for line in (line.strip("| \t") for line in text.splitlines()):
        mark = _MARK.match(line)
        description, _, general = (part.strip() for part in line[mark.end() if mark else 0 :].partition("|"))
        normalized = normalize_question(description)
        if normalized and (mark or general) and normalized != "none" and not description.lower().startswith(_FORM):
            events.setdefault(
                (normalized, normalize_question(general)), Event(source, description, general or description)
            )
    return [*events.values()][:limit]


def parse_groups(text: str, events: Sequence[Event]) -> list[list[Event]]:
    """Parse which events are the same.

    Each number counts at its first occurrence. Events that no line names form groups of their own.
    If no number can be parsed, events are grouped by their general words.

    Args:
        text: the reply, with the numbers of one group on each line.
        events: the events, numbered from 1.
    """
    remaining = dict(enumerate(events, 1))
    groups: list[list[Event]] = []
    for line in map(str.strip, text.splitlines()):
        mark, label = _MARK.match(line), line.rfind(":") + 1
        matches = (_NUMBERS.match(line, start) for start in {label, mark.end() if mark else 0, 0})
        numbers = max((re.findall(r"\d+", match[1]) for match in matches if match), key=len, default=[])
        if group := [remaining.pop(number) for number in map(int, numbers) if number in remaining]:
            groups.append(group)
    if not groups:
        return group_by_words(events)
    return sorted([*groups, *([event] for event in remaining.values())], key=lambda group: events.index(group[0]))


def group_by_words(events: Sequence[Event]) -> list[list[Event]]:
    """Group events by their general words."""
    groups: dict[str, list[Event]] = {}
    for event in events:
        groups.setdefault(normalize_question(event.general), []).append(event)
    return list(groups.values())


def sources_of(events: Sequence[Event]) -> list[str]:
    """Return the documents that report these events, without repetitions."""
    return list(dict.fromkeys(event.source for event in events))
