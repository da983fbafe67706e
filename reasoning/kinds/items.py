"""Items: several short texts in a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_locations import find_statements, visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.kind import ParseResult, Region, Rejected
from reasoning.kinds.phrasing import answer_instruction, is_blank, is_refusal, strip_echo, strip_markup
from reasoning.kinds.text import normalize_text

_BULLET = re.compile(r"\s*(?:[-*•–]|\(?\d{1,3}[.)])\s+(?=\S)")
_LEAD = re.compile(r"\A[\s:]*(?:\*\*|__)?[\s:]*")  # between a trigger and the first item
# What may stand in front of a stated list on its line: an item itself may say "the answer is …".
_OPENING = re.compile(
    r"(?:[^\w(]|_|\([^()]*+\)|(?:so|therefore|thus|hence|the|my|final|correct|complete|answers?|items|list|as|is|are)\b)*+",
    re.IGNORECASE,
)
_JSON = re.compile(r"[`\s]*+(?:(?:json|python)\s*+)?(?=\[)", re.IGNORECASE)  # in front of a list in JSON
_AND = re.compile(r"\A\s*+and\s")  # "a, b, and c"
_LONGEST = 10_000  # characters of a reply that are looked at


@dataclass(frozen=True)
class Items(BaseKind):
    """Texts with a separator between them, one to a line of a bulleted or numbered list, or a list in JSON. Its value
    is a tuple of texts.

    Attributes:
        sep: what stands between two items.
        empty: the word that says that there are none; without one, no items are no answer.
    """

    name: ClassVar[str] = "items"
    sep: str = ";"
    empty: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.sep, str) or not self.sep.strip():
            raise UsageError(f"Items(sep={self.sep!r}): the separator is a text such as ';'")

    def instruction(self) -> str:
        return answer_instruction(f"the items, with {self.sep!r} between them")

    def direct_instruction(self) -> str:
        return f"Reply with the items alone, in one line, with {self.sep!r} between them: no other words."

    def trigger(self) -> str:
        return f"Therefore, the answer (items with {self.sep!r} between them) is"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Read the items; see `Kind.read`. Without a statement the reply itself is the list."""
        text = visible_text(text, region)
        only = stated_only or self.stated_only
        asked = self.instruction()
        return parse_list(text, self._split, _opens, self._says_none, instruction=asked, stated_only=only)

    def target(self, target: Any) -> tuple[str, ...]:
        """The items that a target stands for: a list of texts, or a text with the separator."""
        items = (
            self._split(target)
            if isinstance(target, str)
            else tuple(map(str, target))
            if isinstance(target, Iterable)
            else ()
        )
        none = self._says_none(target) if isinstance(target, str) else self.empty is not None and target in ((), [])
        if not items and not none:
            raise UsageError(f"the target {target!r:.80} is not a list of texts")
        return items

    def key(self, value: Any) -> tuple[str, ...]:
        return tuple(normalize_text(str(strip_bullet)) for strip_bullet in value)

    def show(self, value: Any) -> str:
        return f"{self.sep} ".join(value) or self.empty or ""

    def _says_none(self, text: str) -> bool:
        return self.empty is not None and normalize_text(text) == normalize_text(self.empty)

    def _split(self, text: str) -> tuple[str, ...]:
        """The items of a list: of JSON, its lines with a separator, else its bulleted lines, else its only line."""
        if (found := parse_json_list(text)) is not None:
            return found
        lines = list_lines(text)
        rows: list[str] = []
        for line in lines if not all(map(has_bullet, lines)) else []:
            if self.sep in line or (rows and rows[-1].endswith(self.sep)):
                rows.append(line)
        rows = rows or [line for line in lines if has_bullet(line)] or (lines if len(lines) == 1 else [])
        if len(rows) == 1 and is_refusal(rows[0]):
            return ()
        pieces = [piece for row in rows for piece in row.split(self.sep)]
        if self.sep == "," and len(pieces) > 2:
            pieces[-1] = _AND.sub("", pieces[-1], count=1)
        return tuple(one for piece in pieces if (one := strip_bullet(piece)) and not is_blank(piece))


def _opens(text: str) -> bool:
    return _OPENING.fullmatch(text) is not None


def parse_list(
    text: str,
    split: Callable[[str], tuple[str, ...]],
    opens: Callable[[str], bool],
    says_none: Callable[[str], bool] = lambda _: False,
    *,
    instruction: str,
    stated_only: bool,
) -> ParseResult:
    """Read the list behind the last trigger that has one; without a trigger the reply itself is the list.

    Args:
        text: what of the reply counts.
        split: the items of a paragraph; none where it is no list.
        opens: whether a statement may begin behind what stands in front of it on its line.
        says_none: whether a paragraph is the word for no items.
        instruction: how to state the list; a reply that repeats it is none itself.
        stated_only: take only what follows a trigger.
    """
    for said in find_statements(text):
        opening = re.split(r"\n|[.!?] ", text[max(0, said.start - 200) : said.start])[-1]
        if said.is_hash_mark or not opens(opening):
            continue
        below = _LEAD.sub("", text[said.start : said.start + _LONGEST]).strip().partition("\n\n")[0]
        if isinstance(paragraph := strip_echo(below, instruction), Rejected):
            return ParseResult(None, paragraph.reason)
        if says_none(paragraph):
            return ParseResult((), "trigger")
        if items := split(paragraph):
            return ParseResult(items, "trigger")
    if says_none(text[:_LONGEST]):
        return ParseResult((), "list")
    items = () if stated_only or instruction in text else split(text[:_LONGEST])
    return ParseResult(items, "list") if items else ParseResult(None, "nothing found")


def list_lines(text: str) -> list[str]:
    """The lines of a list, without fences, rules and the line that introduces it."""
    lines = [line.strip() for line in text.split("\n") if line.strip().strip("`*-")]
    return [line for line in lines if not line.endswith(":")] or lines


def parse_json_list(text: str) -> tuple[str, ...] | None:
    """The texts of a list in JSON or Python, if the text begins with one: lists in it are taken apart."""
    opening = _JSON.match(text)
    rest = text[opening.end() :] if opening else ""
    found = next(find_json(rest, re.compile(r"\A\[")), None)
    if found is None or found.error or re.match(r"[ \t]*\w", rest[found.chars_read :]):  # "[1] a source" is no list
        return None
    cells = [cell for row in found.value for cell in (row if isinstance(row, list) else [row])]
    if any(isinstance(cell, (dict, list)) for cell in cells):
        return None
    return tuple(shown for cell in cells if (shown := json_value_text(cell)))


def json_value_text(value: Any) -> str:
    """A value of JSON as one would write it in a list: no quotes around a text, yes and no, nothing for null."""
    return "" if value is None else ("no", "yes")[value] if isinstance(value, bool) else str(value).strip()


def strip_bullet(text: str) -> str:
    """An item without its bullet or number and the marks around it."""
    return strip_markup(_BULLET.sub("", text, count=1) if _BULLET.match(text) else text)


def has_bullet(line: str) -> bool:
    """Whether a line has a bullet or a number in front."""
    return _BULLET.match(line) is not None
