"""Numbered lists in replies: proposals, steps."""

from __future__ import annotations

import re

_MARK = re.compile(
    r"^[ \t]{0,8}(?:\*\*|#{1,3}[ \t]?)?(?:(?:step|option|choice|candidate) )?#?(\d{1,2})(?:[.):](?!\d)|\*\*)[ \t*:.]*",
    re.IGNORECASE | re.MULTILINE,
)


def numbered(text: str) -> list[tuple[int, str]]:
    """The items of a list such as `1. …` or `#1. …` with their numbers; none where no line begins with a number.

    An item goes on over the lines below it; what stands before the first one is no item, and an empty one is none.
    """
    marks = list(_MARK.finditer(text))
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    items = [(int(mark[1]), text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=False)]
    return [(number, item) for number, item in items if item]
