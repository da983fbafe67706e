"""What a reply quotes, the answer that it gives, and where a text has the quotation."""

from __future__ import annotations

import re

from strategies.labelled import labelled

_SECTION = re.compile(r"^\W{0,6}section\s?\d{1,2}\W{0,4}:", re.MULTILINE | re.IGNORECASE)
_ANSWER = re.compile(r"^\W{0,6}(?:final )?answer\W{0,4}:", re.MULTILINE | re.IGNORECASE)
_WORD = re.compile(r"\w+|[^\w\s]")
_MARKS = str.maketrans("“”„‘’", '"""\'\'')


def quoted(text: str) -> list[str]:
    """The sections that a reply quotes, without the quotation marks around them."""
    before = text[: next((match.start() for match in _ANSWER.finditer(text)), len(text))]
    found = (part.strip("*\"“”„'‘’ \n") for _, part in labelled(before, _SECTION))
    return [section for section in found if section]


def in_context(section: str, context: str) -> str | None:
    """The place of the context that a section copies, as the context has it; None where it is no copy.

    Spaces, case and the form of quotation marks may differ, and the section may end with dots for what is left out.
    """
    words = _WORD.findall(section.translate(_MARKS).casefold().rstrip(". …"))
    found = list(_WORD.finditer(context.translate(_MARKS)))
    spoken = "\0".join(["", *(match[0].casefold() for match in found), ""])
    at = spoken.find("\0".join(["", *words, ""])) if words else -1
    if at < 0:
        return None
    first = spoken.count("\0", 0, at)
    return context[found[first].start() : found[first + len(words) - 1].end()]


def stated(text: str) -> str | None:
    """What stands behind the last "Answer:" of a reply."""
    return [None, *(part for _, part in labelled(text, _ANSWER))][-1]
