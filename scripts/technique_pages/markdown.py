"""Markdown text. Text from models and data sets is shown verbatim, and never parsed as Markdown or HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from reasoning.tables import Table, escape_pipes
from reasoning.text_safety import strip_control

_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
_DOI = re.compile(r"doi (10\.\d{4,9}/[\w./-]+\w)")
_TICKS = re.compile(r"`+")


def fence(text: str) -> str:
    """Return any text as a block, within a fence that is longer than any in the text."""
    marks = "`" * max(3, _ticks(text) + 1)
    return f"{marks}text\n{strip_control(text)}\n{marks}"


def code(text: str) -> str:
    """Return any text as inline code; line breaks become spaces."""
    line = " ".join(strip_control(text).split()) or " "
    marks = "`" * (_ticks(line) + 1)
    pad = " " if "`" in (line[0], line[-1]) else ""
    return f"{marks}{pad}{line}{pad}{marks}"


def prose(text: str) -> str:
    """Return our own text as Markdown: code stays between single backticks, papers become links."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        words = re.sub(
            r"([*_\[\]])", r"\\\1", parts[index].replace("&", "&amp;").replace("<", "&lt;").replace("->", "→")
        )
        words = _ARXIV.sub(lambda match: link(match[0], f"https://arxiv.org/abs/{match[1]}"), words)
        parts[index] = _DOI.sub(lambda match: link(match[0], f"https://doi.org/{match[1]}"), words)
    return "`".join(parts)


def link(words: str, target: str) -> str:
    """Return a link."""
    return f"[{words}]({target})"


def folded(title: str, body: str) -> str:
    """Return a collapsible part; the title is plain text."""
    return f"<details><summary>{escape(strip_control(title), quote=False)}</summary>\n\n{body}\n\n</details>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> str:
    """Return a table of Markdown cells; the last `numbers` columns are right-aligned."""
    return Table(tuple(header), rows, text_columns=len(header) - numbers).to_markdown(escape_pipes)


def _ticks(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)
