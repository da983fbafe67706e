"""The lines of a reply that may state the answer: the final ones, and a first line that stands alone."""

from __future__ import annotations

import re

MAX_LINE_CHARS = 2_000
"""The characters of a line that are examined."""
# A line that only opens or closes something.
BARE_LINE = re.compile(r"[\s*_`#$>\-=\\\[\]().:]*|(?:```|~~~)\w*|\"{3}|'{3}")
# The same where signs are an answer: markup alone, and a sign that opens what follows.
FRAME_LINE = re.compile(r"[\s*_`#$:.]*|-{3,}|={3,}|\\[\[\]()]|(?:```|~~~)\w*|\"{3}|'{3}")
OPENING_SIGN = re.compile(r"[\[(>-]")


def final_lines(text: str, *, literal: bool = False) -> tuple[str, str]:
    """Return the last line that is not empty, and the one before it.

    A line that is missing or longer than `MAX_LINE_CHARS` is returned as an empty text. With
    `literal`, a line of signs ("] ]", "->") counts too.
    """
    found: list[str] = []
    end = len(text.rstrip())
    only = literal and "\n" not in text.strip()
    # A few bare lines may follow: a closing fence, `$$`.
    for _ in range(12):
        start = text.rfind("\n", 0, end) + 1
        line = text[start : min(end, start + MAX_LINE_CHARS + 1)].strip()
        if literal:
            bare = FRAME_LINE.fullmatch(line) or (not only and OPENING_SIGN.fullmatch(line))
        else:
            bare = BARE_LINE.fullmatch(line)
        if not bare:
            found.append("" if len(line) > MAX_LINE_CHARS else line.strip())
        if len(found) == 2 or start == 0:
            break
        end = start - 1
    return (*found, "", "")[0], (*found, "", "")[1]


def first_line(text: str) -> str:
    """Return the first line if the second is empty and more follows; otherwise an empty text."""
    line, _, rest = text.strip()[: MAX_LINE_CHARS + 1].partition("\n")
    return line.strip() if re.match(r"[^\S\n]{0,20}\n", rest) and len(line) <= MAX_LINE_CHARS else ""
