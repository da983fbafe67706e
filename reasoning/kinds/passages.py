"""Where in a reply an answer may stand: after a trigger, in a box, on the final line.

Each function looks at a bounded number of places of bounded length, so the time is linear in the text's length.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from reasoning.kinds.kind import Region

LINE = 2_000
"""Characters of a line that are looked at."""

_PLACES = 200
"""How many words that may be triggers, and how many boxes, are looked at, from the last one back."""

# What every trigger has. One literal to a pattern: several in one make the search of a long text five times slower.
_WORDS = [
    re.compile(word, re.IGNORECASE)
    for word in (r"answer(?<![^\W_]answer)", r" option", r" choice", r"####(?<!#####)(?!#)")
]
_PICKED = re.compile(r"\b(?:correct|right|best|final)$", re.IGNORECASE)  # the correct option is
_HEAD = re.compile(r"[#*_> ]{0,8}(?:the )?(?:final |correct )?", re.IGNORECASE)  # what stands before it in a heading
_HEADING = re.compile(r"answer[*_ ]{0,6}(?=\n)", re.IGNORECASE)
_TRIGGER = re.compile(
    r"""
    (?: answers?(?:\ (?:choice|option|letter|value))? | \ option | \ choice )
    ["'*_`)\]}]{0,4}                                   # **Answer**:   {"answer": …
    (?:\ ?\([^()\n]{0,80}\))?                          # the answer (arabic numerals) is
    (?:\ (?:to|of|for|in|as)\ [^\n.?!:=]{1,60}?)?      # the answer to the question is
    (?: \ ?[:=：]
      | \ [*_]{0,2}(?P<verb>is|are|was|equals|(?:would|should|must|will)\ be)(?P<negated>n['’]t)?(?![\w'’])
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BOX = re.compile(r"boxed(?:(?<=\\boxed)|(?<=\\fboxed))\s{0,4}\{")
_LEAD = " \t*_`\"'“”‘’:>"
_BARE = re.compile(r"[\s*_`#$>\-=\\\[\]().:]*|```\w*")  # a line that only opens or closes something
_BULLET = re.compile(r"^\s*[-*•]\s+")


class Statement(NamedTuple):
    """What follows a trigger, to the end of the line, or the next line that holds something.

    Attributes:
        text: what was stated; empty where nothing follows.
        mark: whether the trigger is GSM8K's "####", which is only one in front of a bare answer (else it is a heading).
        negated: whether the trigger says that this is not the answer ("isn't").
        heads: whether it may be the head of a longer text: after "Answer:", more lines follow.
        at: where it begins.
    """

    text: str
    mark: bool
    negated: bool
    heads: bool
    at: int


def visible(text: str, region: Region | None) -> str:
    """What of a reply counts: nothing inside `<think>`, and only what lies in the region."""
    text = text.rpartition("</think>")[2].partition("<think>")[0]
    return region.cut(text) if region else text


def statements(text: str) -> Iterator[Statement]:
    """What follows each trigger, the last one first; each ends where a later trigger begins."""
    end = len(text)
    words = (word for pattern in _WORDS for word in deque(pattern.finditer(text), maxlen=_PLACES))
    for word in sorted(words, key=re.Match.start, reverse=True)[:_PLACES]:
        if (trigger := _trigger(text, word)) is None:
            continue
        at = trigger.end()
        line, *below = text[at : min(end, at + LINE)].split("\n", 5)[:5]
        if _BARE.fullmatch(line):
            line = next((_BULLET.sub("", line, count=1) for line in below if not _BARE.fullmatch(line)), "")
        said, mark, end = line.strip().lstrip(_LEAD), trigger is word, word.start()
        groups = {} if trigger.re is not _TRIGGER else trigger.groupdict()
        heads = not mark and not groups.get("verb") and re.search(r"\n\s*\w", text[at : at + LINE].strip()) is not None
        yield Statement(said, mark, groups.get("negated") is not None, heads, at)


def _trigger(text: str, word: re.Match[str]) -> re.Match[str] | None:
    """The trigger to which a word belongs; None where the word is just a word."""
    if word[0].startswith("#"):
        return word
    before = text[max(0, word.start() - 40) : word.start()]
    if word[0].startswith(" ") and not _PICKED.search(before):
        return None
    if found := _TRIGGER.match(text, word.start()):
        return found
    at_line = "\n" in before or word.start() == len(before)
    return _HEADING.match(text, word.start()) if at_line and _HEAD.fullmatch(before.rpartition("\n")[2]) else None


def boxed(text: str) -> str | None:
    """What stands in the last `\\boxed{}` whose braces match, or None."""
    for match in reversed(deque(_BOX.finditer(text), maxlen=_PLACES)):
        depth, skip = 1, False
        for at in range(match.end(), min(len(text), match.end() + LINE)):
            character = text[at]
            if not skip and character in "{}":
                depth += 1 if character == "{" else -1
                if depth == 0:
                    return text[match.end() : at].strip()
            skip = character == "\\" and not skip
    return None


def final_lines(text: str) -> tuple[str, str]:
    """The last line that holds something and the one in front of it; empty where there is none, or it is very long."""
    found: list[str] = []
    end = len(text.rstrip())
    for _ in range(12):  # a few bare lines may follow: a closing fence, `$$`
        start = text.rfind("\n", 0, end) + 1
        line = text[start : min(end, start + LINE + 1)]
        if not _BARE.fullmatch(line):
            found.append("" if len(line) > LINE else line.strip())
        if len(found) == 2 or start == 0:
            break
        end = start - 1
    return (*found, "", "")[0], (*found, "", "")[1]
