"""Numbered lists, as replies give them and as prompts show them: proposals, steps, questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from reasoning.strategies.labelled_parts import labelled

_MARK = re.compile(
    r"^[ \t]{0,8}(?:\*\*|#{1,3}[ \t]?)?(?:(?:step|option|choice|candidate) )?#?(\d{1,2})(?:[.):](?!\d)|\*\*)[ \t*:.]*",
    re.IGNORECASE | re.MULTILINE,
)


def numbered(text: str) -> list[tuple[int, str]]:
    """The items of a list such as `1. …` or `#1. …` with their numbers; none where no line begins with a number.

    An item goes on over the lines below it; what stands before the first one is no item, and an empty one is none.
    """
    return [(int(mark[1]), item) for mark, item in labelled(text, _MARK) if item]


def listing(items: Iterable[str], mark: str = "") -> str:
    """The items, one a line, each behind its number (and a mark before that)."""
    return "\n".join(f"{mark}{number}. {item}" for number, item in enumerate(items, 1))


def steps_of(text: str, known: Sequence[str] = ()) -> list[str]:
    """The steps in a reply that goes on after the known ones, which it may repeat, or count anew. Lines where none
    is numbered."""
    found = numbered(text) or list(enumerate((line.strip() for line in text.splitlines()), len(known) + 1))
    later = [step for number, step in found if number > len(known)]
    anew = bool(found and known) and found[0][0] == 1 and not _alike(found[0][1], known[0])
    steps = [step for _, step in found] if anew or not later else later
    return [step for step in steps if step and step not in known]


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio() > 0.6  # a step that is told again, not a next one
