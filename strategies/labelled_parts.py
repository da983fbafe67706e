"""Texts that stand under labels: in replies, and in prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable


def labelled(text: str, label: re.Pattern[str]) -> list[tuple[re.Match[str], str]]:
    """Each place of a label with what follows it, up to the next one; what stands before the first is no part."""
    marks = list(label.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [(mark, text[mark.end() : end].strip()) for mark, end in zip(marks, ends, strict=False)]


def headed(label: str, texts: Iterable[str]) -> str:
    """The texts, each below its heading ("Draft 1:"); a line in one of them that begins like a heading is marked."""
    heading = re.compile(rf"^(?=[ \t]*{label} \d)", re.IGNORECASE | re.MULTILINE)
    numbered = enumerate((heading.sub("| ", text.strip()) for text in texts), 1)
    return "\n\n".join(f"{label} {number}:\n{text}" for number, text in numbered)
