"""The triggers of statements: "the answer is", "Answer:", "<answer>", "####" and the like.

A bounded number of places is examined, each of bounded length, so the time is linear in the text's
length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

MAX_PLACES = 200
"""The number of possible triggers that are examined, from the last one backwards."""

# Every trigger contains one of these literals. They are searched first, because most texts lack most of
# them. Each literal has its own pattern: one pattern for several makes the search of a long text five
# times slower. Case is ignored by searching a copy of the text in lower case, which is far quicker than
# patterns that ignore it. All following patterns expect that copy.
_WORDS = {
    "answer": re.compile(r"answer(?<![^\W_]answer)"),
    " option": re.compile(r" option"),
    " choice": re.compile(r" choice"),
}
# Only kinds with a fixed set of answers take what follows a conclusion's heading, or "let's go with", for the answer:
# other conclusions are sentences.
_CLOSED_WORDS = _WORDS | {
    "conclusion": re.compile(r"conclusion"),
    "verdict": re.compile(r"verdict"),
    "go with": re.compile(r"go with"),
}
# These are searched in the text itself.
_SIGNS = {
    "####": re.compile(r"####(?<!#####)(?!#)"),
    "Ans": re.compile(r"Ans(?=:|\. )(?<!\wAns)"),
    "ANS": re.compile(r"ANS(?=:|\. )(?<!\wANS)"),
}
# "the correct option is"
_PICKED = re.compile(r"\b(?:correct|right|best|final)$")
# The text before the word in a heading.
_HEAD = re.compile(r"[#*_> ]{0,8}(?:(?:the|my|in) )?(?:final |correct |overall )?")
_CHOOSES = re.compile(r"\b(?:let['’]?s|let us|i|we|i['’](?:ll|d)|we['’](?:ll|d)|will|would|to) $")
_NAME = r"answers?(?:[ _](?:choice|option|letter|value))?"
_FORMS = {
    "heading": re.compile(r"answer[*_ ]{0,6}(?:(?=\n)| ?[-–—] )"),
    "conclusion": re.compile(r"(?:conclusion|verdict)[*_ ]{0,6}(?:[:：]|(?=\n))"),
    "tag": re.compile(rf"{_NAME}[>\]]"),
    "key": re.compile(rf"{_NAME}[\"']\s?:"),
}
_BEFORE = re.compile(r"(?:(?P<tag>[<\[])(?:\w{1,12}[_ ])?|(?P<key>[\"'])(?:\w{1,20}[_ ])?)$")
"""The text before the word in <final_answer>, [ANSWER] and {"final_answer": …}."""
_TRIGGER = re.compile(
    r"""
    (?: answers?(?:\ (?:choice|option|letter|value))? | \ option | \ choice )
    ["'*_`)\]}]{0,4}                                   # **Answer**:
    (?:\ ?\([^()\n]{0,80}\))?                          # the answer (arabic numerals) is
    (?:\ here|\ (?:to|of|for|in|as|from|among|given|that|which|we|i|based\ on)\ [^\n.?!:=]{1,60}?)?  # to the question
    (?:,?\ (?:therefore|thus|then|hence|so),?)?
    (?: \ ?(?:[:=：]|->|→)
      | \ [*_]{0,2}(?P<verb>is|are|was|equals|(?:would|should|must|will|can\ only)\ be|(?:comes|turns)\ out\ to\ be
                          |(?:has|appears|seems)\ to\ be|becomes)
        (?P<negated>n['’]t)?(?![\w'’])
    )
    """,
    re.VERBOSE,
)


def first_trigger_end(text: str) -> int | None:
    """Return the end of a text's first trigger; None if no trigger is among the first possible ones."""
    lower = to_lower(text)
    words = (word.start() for found in find_words(text, lower) for word in islice(found, MAX_PLACES))
    ends = (trigger[1] for word in sorted(words) if (trigger := match_trigger(lower, word)))
    return next(ends, None)


def to_lower(text: str) -> str:
    """Return the text in lower case, letter by letter, so that all positions stay the same."""
    return (text if text.isascii() else text.replace("İ", "i")).lower()


def find_words(text: str, lower: str, conclusions: bool = False) -> list[Iterator[re.Match[str]]]:
    """Return the matches of each word that a trigger may contain.

    Args:
        text: the text.
        lower: the text in lower case; see `to_lower`.
        conclusions: whether "conclusion", "verdict" and "go with" are such words too.
    """
    patterns = _CLOSED_WORDS if conclusions else _WORDS
    words = [pattern.finditer(lower) for literal, pattern in patterns.items() if literal in lower]
    return words + [pattern.finditer(text) for literal, pattern in _SIGNS.items() if literal in text]


def match_trigger(lower: str, start: int) -> tuple[str, int, bool] | None:
    """Return the form, the end and the negation of the trigger that contains a word; None if none does.

    Args:
        lower: the text in lower case; see `to_lower`.
        start: the position of the word.
    """
    first = lower[start]
    if first == "#":
        return "mark", start + 4, False
    # "Ans:"
    if first == "a" and lower[start + 3] != "w":
        return "colon", start + 4, False
    before = lower[max(0, start - 40) : start]
    if first == "g":
        return ("conclusion", start + 7, False) if _CHOOSES.search(before) else None
    if first in "cv":
        found = _HEAD.fullmatch(before.rpartition("\n")[2]) and _FORMS["conclusion"].match(lower, start)
        return ("conclusion", found.end(), False) if found else None
    if first == " " and not _PICKED.search(before):
        return None
    quoted = "<" in before or "[" in before or '"' in before or "'" in before
    opened = _BEFORE.search(before) if quoted else None
    if opened and (found := _FORMS[str(opened.lastgroup)].match(lower, start)):
        return str(opened.lastgroup), found.end(), False
    if found := _TRIGGER.match(lower, start):
        return "verb" if found["verb"] else "colon", found.end(), found["negated"] is not None
    at_line = "\n" in before or start == len(before)
    found = _FORMS["heading"].match(lower, start) if at_line and _HEAD.fullmatch(before.rpartition("\n")[2]) else None
    return ("heading", found.end(), False) if found else None
