"""What a reply quotes, the answer that it gives, and where a text has the quotation."""

from __future__ import annotations

import re

from reasoning.strategies.reply_parsing import split_by_labels

_SECTION = re.compile(r"^\W{0,6}section\s?\d{1,2}\W{0,4}:", re.MULTILINE | re.IGNORECASE)
_ANSWER = re.compile(
    r"^\W{0,6}(?:(?:so|thus|hence|therefore),? )?(?:the )?(?:final )?answer(?:\W{0,4}:| is\b:?|\W{0,4}$)", re.M | re.I
)
_BULLET = re.compile(r"^\s*(?:[-*•>]\s+)+")
_CUT = re.compile(r"^\s*(?:…|\.{2,})|[.…\s]+$")  # dots for what is left out
_WORD = re.compile(r"\w+|[^\w\s]")
_MARKS = str.maketrans("“”„‘’", '"""\'\'')


def parse_sections(text: str) -> list[str]:
    """The sections that a reply quotes, without the quotation marks around them."""
    before = text[: next((match.start() for match in _ANSWER.finditer(text)), len(text))]
    found = (_BULLET.sub("", part).strip("*\"“”„'‘’«»` \n") for _, part in split_by_labels(before, _SECTION))
    return [section for section in found if section]


def find_in_context(section: str, context: str) -> str | None:
    """The place of the context that a section copies, as the context has it; None where it is no copy.

    Spaces, case and the form of quotation marks may differ, and there may be dots for what is left out at both ends.
    """
    words = [word.casefold() for word in _WORD.findall(_CUT.sub("", section.translate(_MARKS)))]
    found = list(_WORD.finditer(context.translate(_MARKS)))
    spoken = "\0".join(["", *(match[0].casefold() for match in found), ""])
    at = spoken.find("\0".join(["", *words, ""])) if words else -1
    if at < 0:
        return None
    first = spoken.count("\0", 0, at)
    return context[found[first].start() : found[first + len(words) - 1].end()]


def parse_answer_part(text: str) -> str | None:
    """What stands behind the last "Answer:" of a reply, or behind what means the same."""
    return [None, *(part for _, part in split_by_labels(text, _ANSWER))][-1]
