"""Events in documents: splitting the documents and parsing their events."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.kinds.json_repair import find_json
from reasoning.problem import Problem
from reasoning.strategies.reply_parsing import match_item_mark, normalize_question, plain_item

_GAP = re.compile(r"^[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_ROW = re.compile(r"\|\s*[*_]{0,2}\d{1,3}[*_]{0,2}[.)]?\s*\|")
_RULE = re.compile(r"[\s|:-]*-{3,}[\s|:-]*")
_GENERAL = re.compile(
    r"(?:in )?general(?:i[sz]ed)?(?: (?:words|terms|form|event|version))?\W{0,3}:\W{0,3}", re.IGNORECASE
)
_JSON = re.compile(r"\A[^\w\[{]{0,8}(?:json)?\s{0,8}(?=[\[{])", re.IGNORECASE)
_OPEN = re.compile(r"[\[{]")
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
    one part, and an object or list of a JSON list. A line "General: …" below an event is its
    general form. A table's header is left out.

    Args:
        text: the reply.
        source: name of the document.
        limit: maximum number of events.
    """
    found = _json_events(text)
    lines = [] if found else [line.strip() for line in text.splitlines() if line.strip()]
    for line, below in zip(lines, [*lines[1:], ""], strict=False):
        cells = _ROW.sub("1. ", line, count=1) if _ROW.match(line) else line
        cells = cells.strip("| \t")
        mark = match_item_mark(cells)
        parts = plain_item(cells[mark.end() if mark else 0 :]).replace("→", "|").partition("|")
        description, general = parts[0].strip(), parts[2].partition("|")[0].strip()
        if found and (label := _GENERAL.match(description)):
            found[-1] = found[-1][0], description[label.end() :]
        elif (mark or general) and not ("|" in line and _RULE.fullmatch(below)):
            found.append((description, general))
    events: dict[tuple[str, str], Event] = {}
    for description, general in found:
        key = normalize_question(description), normalize_question(general)
        if key[0] and key[0] != "none" and not description.lower().startswith(_FORM):
            events.setdefault(key, Event(source, description, general or description))
    return [*events.values()][:limit]


def _json_events(text: str) -> list[tuple[str, str]]:
    """Return description and general form of each row of a reply that is a JSON list."""
    value = read_json(text)
    if isinstance(value, Mapping):
        value = next((part for part in value.values() if isinstance(part, list)), ())
    rows = [
        [*row.values()] if isinstance(row, Mapping) else row if isinstance(row, list) else [row] for row in value or ()
    ]
    texts = ([cell for cell in row if isinstance(cell, str)] for row in rows)
    return [(cells[0], cells[1] if len(cells) > 1 else "") for cells in texts if cells]


def read_json(text: str) -> Any:
    """Return the JSON value with which a reply begins, or None."""
    opening = _JSON.match(text)
    found = next(find_json(text[opening.end() :], _OPEN), None) if opening else None
    return None if found is None or found.error else found.value


def sources_of(events: Sequence[Event]) -> list[str]:
    """Return the documents that report these events, without repetitions."""
    return list(dict.fromkeys(event.source for event in events))
