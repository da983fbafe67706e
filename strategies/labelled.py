"""The parts of a reply that stand under labels."""

from __future__ import annotations

import re


def labelled(text: str, label: re.Pattern[str]) -> list[tuple[re.Match[str], str]]:
    """Each place of a label with what follows it, up to the next one; what stands before the first is no part."""
    marks = list(label.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [(mark, text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=False)]
