"""The boxes of a reply: the contents of `\\boxed{}`."""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

from reasoning.kinds.phrasing import first_sentence
from reasoning.kinds.reply_lines import MAX_LINE_CHARS
from reasoning.kinds.statements import Statement

_MAX_BOXES = 200
"""The number of boxes that are examined, from the last one backwards."""
_BOX = re.compile(r"\\(?:boxed|fbox)\s{0,4}(?:\{|(?P<bare>[^\s{}\\$.,;]{1,20}+))")
_JOINT = re.compile(
    r"[\s$*]*(?:\\[)\]])?(?P<comma>,?)\s?(?:\\text\s?\{\s*)?(?P<word>(?:or|and)\b|(?<=,)|(?<=,\s))[\s$*}]*(?:\\[(\[])?\s*",
    re.IGNORECASE,
)
_NOT = re.compile(r"\bnot[\s*_$\\(\[]{1,6}$", re.IGNORECASE)
# A brace after a backslash is a character, not a delimiter.
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
# The text after a box that is no final one: the rest of a calculation, or a verb.
_USED = re.compile(
    r"[\s$)\\\]*]{0,6}(?:[-+*/×÷=<>≈^]|\\(?:times|cdot|div|approx|neq?|leq?|geq?)\b"
    r"|(?:is|was|are|were|has|have|had|does|did|can|will|would|must)\b(?!\s(?:the|our|my)\b[^.\n]{0,30}\banswer|\scorrect\b))"
)


class Box(NamedTuple):
    """The content of a `\\boxed{}`, or of several that conjunctions join.

    Attributes:
        text: the content; of several boxes with the conjunctions between them.
        start: the position at which it begins.
        end: the position at which it ends.
        parts: the contents of the boxes that are joined; empty for one box.
    """

    text: str
    start: int
    end: int
    parts: tuple[str, ...] = ()


def find_last_box(text: str) -> Box | None:
    """Return the last `\\boxed{}` whose braces match, or the last `\\boxed` with a word after it; None without one.

    Boxes that a conjunction joins are one: "3 or 4" in "\\boxed{3} or \\boxed{4}".
    """
    if "boxed" not in text and "fbox" not in text:
        return None
    last: Box | None = None
    for match in reversed(deque(_BOX.finditer(text), maxlen=_MAX_BOXES)):
        # "It is not \\boxed{5}."
        if (box := _box(text, match)) is None or _NOT.search(text, max(0, match.start() - 12), match.start()):
            continue
        if last is None:
            last = box
        elif (joint := _JOINT.fullmatch(text, box.end, last.start)) is None or len(last.text) > MAX_LINE_CHARS:
            break
        elif box.text != last.text:
            joined = f"{box.text}{joint['comma']} {joint['word']} {last.text}".replace("  ", " ")
            last = Box(joined, box.start, last.end, (box.text, *(last.parts or [last.text])))
    return last


def _box(text: str, match: re.Match[str]) -> Box | None:
    if match["bare"]:
        return Box(str(match["bare"]), match.start(), match.end())
    depth = 1
    for brace in _BRACE.finditer(text, match.end(), match.end() + MAX_LINE_CHARS):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return Box(text[match.end() : brace.start()].strip(), match.start(), brace.end())
    return None


def is_final_box(text: str, box: Box, after: Statement) -> bool:
    """Return whether a box states the answer of a text although a statement stands before it.

    Such a statement may be a first guess or an earlier result. A box within a calculation, or one
    that its sentence then describes ("\\boxed{5} is for …"), states nothing, and a field or a tag
    outranks all boxes.
    """
    if after.form in ("key", "tag") or box.start < after.start + len(first_sentence(after.text)):
        return False
    return _USED.match(text, box.end, box.end + MAX_LINE_CHARS) is None


def last_boxed(text: str) -> str | None:
    """Return the content of the last box; None without one."""
    box = find_last_box(text)
    return box.text if box else None
