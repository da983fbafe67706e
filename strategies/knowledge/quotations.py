"""Quotations: parsing them from a reply, finding them in the context, and parsing the answer after them."""

from __future__ import annotations

import re

from reasoning.strategies.reply_parsing import split_by_labels

_SECTION = re.compile(r"^\W{0,6}section\s?\d{1,2}\W{0,4}:", re.MULTILINE | re.IGNORECASE)
_ANSWER = re.compile(
    r"^\W{0,6}(?:(?:so|thus|hence|therefore),? )?(?:the )?(?:final )?answer(?:\W{0,4}:| is\b:?|\W{0,4}$)", re.M | re.I
)
_BULLET = re.compile(r"^\s*(?:[-*•>]\s+)+")
# Dots in place of omitted text.
_CUT = re.compile(r"^\s*(?:…|\.{2,})|[.…\s]+$")
_WORD = re.compile(r"\w+|[^\w\s]")
_MARKS = str.maketrans("“”„‘’", '"""\'\'')


def parse_sections(text: str) -> list[str]:
    """Return the sections that a reply quotes, without quotation marks."""
    quotations = text[: next((match.start() for match in _ANSWER.finditer(text)), len(text))]
    sections = (_BULLET.sub("", part).strip("*\"“”„'‘’«»` \n") for _, part in split_by_labels(quotations, _SECTION))
    return [section for section in sections if section]


def find_in_context(section: str, context: str) -> str | None:
    """Return the part of the context that a section copies, or None if it is not a copy.

    Spaces, case and the form of quotation marks may differ, and dots may stand for omitted text at
    both ends.
    """
    words = [word.casefold() for word in _WORD.findall(_CUT.sub("", section.translate(_MARKS)))]
    matches = list(_WORD.finditer(context.translate(_MARKS)))
    joined = "\0".join(["", *(match[0].casefold() for match in matches), ""])
    position = joined.find("\0".join(["", *words, ""])) if words else -1
    if position < 0:
        return None
    first = joined.count("\0", 0, position)
    return context[matches[first].start() : matches[first + len(words) - 1].end()]


def parse_answer_part(text: str) -> str | None:
    """Return the text after the last "Answer:" of a reply or an equivalent label, or None."""
    return [None, *(part for _, part in split_by_labels(text, _ANSWER))][-1]
