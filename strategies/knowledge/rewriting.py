"""What a model made of a problem that it was to rewrite, and what of the question it lost on the way."""

from __future__ import annotations

import re
from typing import NamedTuple

from reasoning.problem import Problem
from strategies.decomposition.least_to_most import final_question
from strategies.labelled import labelled

_LABEL = re.compile(
    r"^\W{0,6}(?:\w{1,12} )?(context|question|answer)\*{0,3}(?: ?\([^()\n]{0,200}\))?\W{0,3}:[*_ ]*", re.M | re.I
)
_SAID = re.compile(r"\bI(?: am|['’]m| think| believe| guess| feel| hope)\b[^,;.!?\n]*")  # beside the question
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_START = re.compile(r"(?:^|[.!?:\n])[\s\"'“‘(]*\w+")  # the first word of a sentence is always capitalised
_NAME = re.compile(r"\b(?!I\b)[^\W\d_]\w*")
_QUOTED = re.compile(r"[\"“„]([^\"“”„\n]{1,80})[\"”]|(?<!\w)['‘]([^'‘’\n]{1,80})['’](?!\w)")


class Rewritten(NamedTuple):
    """What the first call made of the problem."""

    context: str
    question: str


def rewritten(text: str) -> Rewritten | None:
    """The two labelled parts of a reply; None where there is no question. An answer that follows is cut off."""
    parts: dict[str, str] = {}
    for label, part in labelled(text, _LABEL):
        parts.setdefault(label[1].lower(), part)
    context = parts.get("context", "")
    empty = "".join(filter(str.isalnum, context)).casefold() in ("", "none", "na", "empty")
    return Rewritten("" if empty else context, parts["question"]) if parts.get("question") else None


def lost(problem: Problem, found: Rewritten) -> list[str]:
    """The numbers, names and quoted words of what is asked in the end that the rewriting no longer has."""
    asked = _SAID.sub("", final_question(problem))
    kept = f"{found.context}\n{found.question}"
    numbers, words = set(_NUMBER.findall(kept)), set(_NAME.findall(kept.casefold()))
    named = [name for name in _NAME.findall(_START.sub(" ", asked)) if name[0].isupper()]
    quoted = [first or second for first, second in _QUOTED.findall(asked)]
    return [
        *(number for number in _NUMBER.findall(asked) if number not in numbers),
        *(name for name in named if name.casefold() not in words),
        *(words for words in quoted if " ".join(words.split()).casefold() not in " ".join(kept.split()).casefold()),
    ]
