"""Cells: the cells of a table that answer a question."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.items import has_bullet, list_lines, parse_json_list, parse_list, strip_bullet
from reasoning.kinds.kind import ParseResult, Region, abbreviate, to_text
from reasoning.kinds.number import Number
from reasoning.kinds.number_lexer import lex_numbers, to_plain_text
from reasoning.kinds.phrasing import answer_instruction, is_refusal, strip_markup
from reasoning.kinds.text import normalize_text

# The line under a table's header.
_RULE = re.compile(r"[|\s:+=-]*")
_QUOTED = re.compile(r'\s*+"([^"\n]{1,200})"[\s.]*+(?:,|$)|([^,]++(?:(?<=\d),(?=\d{3}(?!\d))[^,]++)*+)(?:,|$)')
_DATED = re.compile(r"(?<=[A-Za-z] \d),(?= \d{4}\b)|(?<=[A-Za-z] \d\d),(?= \d{4}\b)")
_AND = re.compile(r"(?:^|\s)(?:and|&)\s")


@dataclass(frozen=True)
class Cells(BaseKind):
    """One or more cells of a table. Its value is a tuple of texts.

    The parser accepts "a | b", a row or a column of a Markdown table, a JSON list, a bulleted list,
    "a; b" and "a, b". A comma does not separate inside a number, a date or quotes, nor next to "|"
    or ";" as the separator. Cells that are numbers (with or without separators, currency, percent)
    are compared as numbers, all others as texts.

    Attributes:
        ordered: whether the order of the cells matters.

    Source: Pasupat and Liang 2015, arXiv 1508.00305, §2.

    Examples:
        >>> Cells().parse("The answer is 1,000 | Peru")
        ('1,000', 'Peru')
        >>> Cells().score(("Peru", "1000"), ["1,000", "Peru"])
        True
    """

    name: ClassVar[str] = "cells"
    ordered: bool = False

    def instruction(self) -> str:
        return answer_instruction("the cells, with | between them")

    def direct_instruction(self) -> str:
        return "Reply with the cells alone, in one line, with | between them: no other words."

    def answer_schema(self) -> Mapping[str, Any] | None:
        return {"type": "array", "items": {"type": "string"}, "minItems": 1}

    def reply_schema(self, *, steps: bool = False) -> Mapping[str, Any] | None:
        """Return the schema of a reply without steps, which `parse_reply` would read as a part of the list."""
        return None if steps else super().reply_schema()

    @property
    def answer_words(self) -> str:
        """The description of an answer; in JSON it needs no separator."""
        return "the cells, as a list of texts"

    def trigger(self) -> str:
        return "Therefore, the answer (cells with | between them) is"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the cells; see `Kind.parse_reply`. Without a statement the reply itself is the list."""
        text = visible_text(text, region)
        only = stated_only or self.stated_only
        return parse_list(text, _split, _opens, instruction=self.instruction(), stated_only=only)

    def target(self, target: Any) -> tuple[str, ...]:
        """Return the cells of a target: a list of texts and numbers, a number, or a text with separators."""
        if isinstance(target, str):
            cells = _split(target)
        elif isinstance(target, Iterable) and not isinstance(target, (dict, bytes)):
            cells = tuple(to_text(cell).strip() for cell in target)
        else:
            cells = (to_text(target),) if isinstance(target, (int, float)) and not isinstance(target, bool) else ()
        if not cells or not all(cells):
            raise UsageError(f"the target {abbreviate(target)} is not a list of cells")
        return cells

    def is_value(self, value: Any) -> bool:
        return isinstance(value, tuple | list) and all(isinstance(cell, str) for cell in value)

    def key(self, value: Any) -> Hashable:
        cells = [_cell(str(cell)) for cell in value]
        return tuple(cells if self.ordered else sorted(cells))

    def show(self, value: Any) -> str:
        return " | ".join(value) + (" |" if len(value) == 1 and len(_split(value[0])) > 1 else "")


def _opens(text: str) -> bool:
    """Return whether a statement may begin after this text.

    It may not begin after a separator, except in the parentheses of a trigger.
    """
    return "|" not in re.sub(r"\([^()]{0,80}\)", "", text)


def _split(text: str) -> tuple[str, ...]:
    """Return the cells of a paragraph."""
    if (found := parse_json_list(text)) is not None:
        return found
    lines = list_lines(text)
    if any("|" in line for line in lines):
        rows = [line for line in lines if "|" in line]
        # A header and the line under it.
        rows = rows[2:] if len(rows) > 2 and _RULE.fullmatch(rows[1]) else rows
        pieces = [piece for row in rows if not _RULE.fullmatch(row) for piece in row.split("|")]
    elif len(lines) > 1 and any(map(has_bullet, lines)):
        pieces = [strip_bullet(line) for line in lines if has_bullet(line)]
    elif len(lines) != 1 or is_refusal(lines[0]):
        return ()
    else:
        pieces = lines[0].split(";") if ";" in lines[0] else _commas(lines[0])
    return tuple(cell for piece in pieces if (cell := strip_markup(piece)))


def _commas(line: str) -> list[str]:
    """Split a line at its commas, and at the "and" before the last of several pieces."""
    line = _DATED.sub("\0", line)
    pieces = [(quoted or bare).replace("\0", ",").strip() for quoted, bare in _QUOTED.findall(line)]
    pieces = [piece for piece in pieces if piece]
    return [*pieces[:-1], *_AND.split(pieces[-1])] if len(pieces) > 1 else pieces


def _cell(text: str) -> tuple[int, str]:
    """Return the key of a cell: a number if it contains nothing else, otherwise a text."""
    text = to_plain_text(text).strip().rstrip("%").rstrip()
    token = next(lex_numbers(text), None)
    if token is not None and token.value is not None and (token.start, token.end) == (0, len(text)):
        return 0, repr(Number().key(token.value))
    return 1, normalize_text(text)
