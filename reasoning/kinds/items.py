"""Items: a list of short texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.boxes import find_last_box
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.kind import ParseResult, Region, Rejected, abbreviate, to_text
from reasoning.kinds.phrasing import answer_instruction, is_blank, is_refusal, strip_echo, strip_markup
from reasoning.kinds.statements import find_statements
from reasoning.kinds.text import normalize_text

_BULLET = re.compile(r"\s*(?:[-*•–]|\(?\d{1,3}[.)])\s+(?=\S)")
# The characters between a trigger and the first item.
_LEAD = re.compile(r"\A[\s:]*(?:\*\*|__)?[\s:]*")
# The text that may precede a stated list on its line: an item itself may contain "the answer is …".
_OPENING = re.compile(
    r"(?:[^\w(]|_|\([^()]*+\)|(?:so|therefore|thus|hence|the|my|final|correct|complete|answers?|items|list|as|is|are)\b)*+",
    re.IGNORECASE,
)
# The text before a JSON list.
_JSON = re.compile(r"[`\s]*+(?:(?:json|python)\s*+)?(?=\[)", re.IGNORECASE)
# "a, b, and c"
_AND = re.compile(r"\A\s*+and\s")
# Markup and math delimiters around a box.
_AROUND_BOX = " \t\n*_`$\\()[].:"
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_MAX_CHARS = 10_000
"""The characters of a reply that are examined."""


@dataclass(frozen=True)
class Items(BaseKind):
    """Several texts. Its value is a tuple of texts.

    The parser accepts texts with a separator between them, a bulleted or numbered list, and a JSON
    list.

    Attributes:
        sep: the separator between two items.
        empty: the word for an empty list; without one, an empty list is not an answer.

    Raises:
        UsageError: the separator is empty.

    Examples:
        >>> Items().parse("The answer is red; blue.")
        ('red', 'blue')
        >>> Items(sep=",", empty="nothing").parse("The answer is nothing.")
        ()
    """

    name: ClassVar[str] = "items"
    sep: str = ";"
    empty: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.sep, str) or not self.sep.strip():
            raise UsageError(f"Items(sep={self.sep!r}): the separator must be a text such as ';'")
        if not isinstance(self.empty, str | None):
            raise UsageError(f"Items(empty={self.empty!r}): the word for no items must be a text, or None")

    def instruction(self) -> str:
        return answer_instruction(f"the items, with {self.sep!r} between them")

    def direct_instruction(self) -> str:
        return f"Reply with the items alone, in one line, with {self.sep!r} between them: no other words."

    def answer_schema(self) -> Mapping[str, Any] | None:
        several = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        return {"anyOf": [several, {"type": "string", "enum": [self.empty]}]} if self.empty else several

    def reply_schema(self, *, steps: bool = False) -> Mapping[str, Any] | None:
        """Return the schema of a reply without steps, which `parse_reply` would read as a part of the list."""
        return None if steps else super().reply_schema()

    @property
    def answer_words(self) -> str:
        """The description of an answer; in JSON it needs no separator."""
        return f"the items, as a list of texts{f', or {self.empty!r}' if self.empty else ''}"

    def trigger(self) -> str:
        return f"Therefore, the answer (items with {self.sep!r} between them) is"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the items; see `Kind.parse_reply`. Without a statement the reply itself is the list."""
        text = visible_text(text, region)
        only = stated_only or self.stated_only
        instruction = self.instruction()
        return parse_list(text, self._split, _opens, self._says_none, instruction=instruction, stated_only=only)

    def target(self, target: Any) -> tuple[str, ...]:
        """Return the items of a target: a list of texts, or a text with the separator."""
        items = (
            self._split(target)
            if isinstance(target, str)
            else tuple(map(to_text, target))
            if isinstance(target, Iterable)
            else ()
        )
        none = self._says_none(target) if isinstance(target, str) else self.empty is not None and target in ((), [])
        if not items and not none:
            raise UsageError(f"the target {abbreviate(target)} is not a list of texts")
        return items

    def is_value(self, value: Any) -> bool:
        return isinstance(value, tuple | list) and all(isinstance(item, str) for item in value)

    def key(self, value: Any) -> tuple[str, ...]:
        return tuple(normalize_text(str(text)) for text in value)

    def show(self, value: Any) -> str:
        return f"{self.sep} ".join(value) or self.empty or ""

    def _says_none(self, text: str) -> bool:
        return self.empty is not None and normalize_text(text) == normalize_text(self.empty)

    def _split(self, text: str) -> tuple[str, ...]:
        """Return the items of a list.

        The first that applies: a JSON list, the lines with a separator, the bulleted lines, the
        only line.
        """
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
        pieces = [piece for row in rows for piece in split_outside_brackets(row, self.sep)]
        if self.sep == "," and len(pieces) > 2:
            pieces[-1] = _AND.sub("", pieces[-1], count=1)
        return tuple(item for piece in pieces if (item := strip_bullet(piece)) and not is_blank(piece))


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
    """Parse the list after the last trigger that has one; without a trigger the reply itself is the list.

    Args:
        text: the part of the reply that is parsed.
        split: returns the items of a paragraph, or nothing if it is not a list.
        opens: returns whether a statement may begin after the text before it on its line.
        says_none: returns whether a paragraph is the word for an empty list.
        instruction: the instruction for stating the list; a reply that repeats it is not a list
            itself.
        stated_only: accept only a list after a trigger.
    """
    for statement in find_statements(text):
        if statement.form == "key":
            return _parse_field(text[statement.start :], statement.text, split, says_none)
        opening = re.split(r"\n|[.!?] ", text[max(0, statement.start - 200) : statement.start])[-1]
        if statement.is_hash_mark or not opens(opening):
            continue
        below = _LEAD.sub("", text[statement.start : statement.start + _MAX_CHARS]).strip().partition("\n\n")[0]
        if isinstance(paragraph := strip_echo(below, instruction), Rejected):
            return ParseResult(None, paragraph.reason)
        paragraph = _boxed(paragraph, whole=True) or paragraph
        if says_none(paragraph):
            return ParseResult((), "trigger")
        if items := split(paragraph):
            return ParseResult(items, "trigger")
    if (boxed := _boxed(text, whole=False)) and (items := split(boxed)):
        return ParseResult(items, "box")
    if says_none(text[:_MAX_CHARS]):
        return ParseResult((), "list")
    items = () if stated_only or instruction in text else split(text[:_MAX_CHARS])
    return ParseResult(items, "list") if items else ParseResult(None, "nothing found")


def _parse_field(
    rest: str, value: str, split: Callable[[str], tuple[str, ...]], says_none: Callable[[str], bool]
) -> ParseResult:
    """Parse the list in the answer field of a JSON object: a JSON list, or a text with a list.

    Args:
        rest: the reply from the field's value on.
        value: the value as text; see `read_field`.
        split: returns the items of a paragraph.
        says_none: returns whether a text is the word for an empty list.
    """
    if says_none(value):
        return ParseResult((), "trigger")
    if value.startswith("{"):
        return ParseResult(None, "an object instead of a list")
    items = (parse_json_list(rest.lstrip()) if value.startswith("[") else split(value)) or ()
    reason = "a refusal" if is_refusal(value) else "no list in the answer field"
    return ParseResult(items, "trigger") if items else ParseResult(None, reason)


def _boxed(text: str, *, whole: bool) -> str:
    """Return the content of the box at the end of a text, or that is the `whole` text; empty without one."""
    box = find_last_box(text)
    if box is None or text[box.end :].strip(_AROUND_BOX) or (whole and text[: box.start].strip(_AROUND_BOX)):
        return ""
    return strip_markup(box.text)


def split_outside_brackets(text: str, sep: str) -> list[str]:
    """Split a text at a separator, but not inside brackets: "4G drops (no signal; no data)" is one item.

    If the brackets do not match, the text is split at every separator.
    """
    closing: list[str] = []
    pieces, begin, at = list[str](), 0, 0
    while at < len(text):
        if text.startswith(sep, at) and not closing:
            pieces.append(text[begin:at])
            begin = at = at + len(sep)
            continue
        character = text[at]
        if character in _BRACKETS:
            closing.append(_BRACKETS[character])
        elif character in _BRACKETS.values() and (not closing or closing.pop() != character):
            return text.split(sep)
        at += 1
    return text.split(sep) if closing else [*pieces, text[begin:]]


def list_lines(text: str) -> list[str]:
    """Return the lines of a list, without fences, rules and the line that introduces it."""
    lines = [line.strip() for line in text.split("\n") if line.strip().strip("`*-")]
    return [line for line in lines if not line.endswith(":")] or lines


def parse_json_list(text: str) -> tuple[str, ...] | None:
    """Return the texts of a JSON or Python list at the beginning of the text, with nested lists flattened.

    None if the text does not begin with a list.
    """
    opening = _JSON.match(text)
    rest = text[opening.end() :] if opening else ""
    found = next(find_json(rest, re.compile(r"\A\[")), None)
    # "[1] a source" is not a list.
    if found is None or found.error or re.match(r"[ \t]*\w", rest[found.chars_read :]):
        return None
    cells = [cell for row in found.value for cell in (row if isinstance(row, list) else [row])]
    if any(isinstance(cell, (dict, list)) for cell in cells):
        return None
    return tuple(shown for cell in cells if (shown := json_value_text(cell)))


def json_value_text(value: Any) -> str:
    """Return a JSON value as text in a list: no quotes around a text, yes and no, nothing for null."""
    return "" if value is None else ("no", "yes")[value] if isinstance(value, bool) else str(value).strip()


def strip_bullet(text: str) -> str:
    """Return an item without its bullet or number and the markup around it."""
    return strip_markup(_BULLET.sub("", text, count=1) if _BULLET.match(text) else text)


def has_bullet(line: str) -> bool:
    """Return whether a line begins with a bullet or a number."""
    return _BULLET.match(line) is not None
