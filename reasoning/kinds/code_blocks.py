"""The fenced code blocks of a Markdown text, found in time linear in its length."""

from __future__ import annotations

import re
from itertools import islice
from os.path import commonprefix
from typing import NamedTuple

MAX_FENCES = 10_000
"""The number of fences that are examined."""

_FENCE = re.compile(r"^[ \t]*+(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]*+)[^`\n]*+$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block.

    Attributes:
        language: the first word after the opening fence, in lower case, or empty.
        content: the text between the fences.
        closed: whether the block has a closing fence; without one it ends with the text.
        end: the position in the text after the block.
        size: its characters, with the fences.
    """

    language: str
    content: str
    closed: bool
    end: int = 0
    size: int = 0

    @property
    def text(self) -> str:
        """Return the content without common indentation, ending with one line break."""
        lines = [line if line.strip() else "" for line in self.content.strip("\n").split("\n")]
        # `commonprefix` compares characters, not paths.
        margin = commonprefix([line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line])  # noqa: RUF071
        return "\n".join(line.removeprefix(margin) for line in lines) + "\n"


def find_code_blocks(text: str) -> tuple[list[Block], str | None]:
    """Return the fenced blocks, and the text before a lone closing fence, which the prompt had opened."""
    found: list[Block] = []
    opened: re.Match[str] | None = None
    fences = list(islice(_FENCE.finditer(text), MAX_FENCES))
    for fence in fences:
        if opened is None:
            opened = fence
        elif fence[1].startswith(opened[1]) and not fence[2]:
            size = fence.end() - opened.start()
            found.append(Block(opened[2].lower(), text[opened.end() : fence.start()], True, fence.end(), size))
            opened = None
    if opened is not None:
        if len(fences) == 1 and not opened[2] and not text[opened.end() :].strip():
            return [], text[: opened.start()]
        found.append(Block(opened[2].lower(), text[opened.end() :], False, len(text), len(text) - opened.start()))
    return found, None
