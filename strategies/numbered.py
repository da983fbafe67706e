"""Numbered lists in replies: proposals, steps."""

from __future__ import annotations

import re

from strategies.labelled import labelled

_MARK = re.compile(
    r"^[ \t]{0,8}(?:\*\*|#{1,3}[ \t]?)?(?:(?:step|option|choice|candidate) )?#?(\d{1,2})(?:[.):](?!\d)|\*\*)[ \t*:.]*",
    re.IGNORECASE | re.MULTILINE,
)


def numbered(text: str) -> list[tuple[int, str]]:
    """The items of a list such as `1. …` or `#1. …` with their numbers; none where no line begins with a number.

    An item goes on over the lines below it; what stands before the first one is no item, and an empty one is none.
    """
    return [(int(mark[1]), item) for mark, item in labelled(text, _MARK) if item]
