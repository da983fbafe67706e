"""YesNo: yes or no, true or false."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import Rejected, abbreviate, to_text
from reasoning.kinds.phrasing import answer_instruction, first_sentence, is_refusal, resolve_negation, strip_line_markup

_WORD = re.compile(r"(?<![\w-])(?<!\w['’])(?:yes|no|true|false)(?!\w|['’]\w)", re.IGNORECASE)
# "no" before a noun is not an answer: "no answer", "no way to know", "no-one".
_NOUN = re.compile(
    r"(?:-|\s+)(?!(?:because|since|as|it|they|he|she|we|you|this|that|these|there|and|but|or|if|not|matter)\b)\w",
    re.IGNORECASE,
)
_DENIED = re.compile(r"(?:\bnot|n['’]t|\bneither)\s(?:\w{1,20}\s)?[*_\"'(]{0,4}$", re.IGNORECASE)
_LEAD = re.compile(
    r"(?:\s?(?:that|it|this|is|a|an|definitely|clearly|probably|likely|most|simply)[,:]?\s)*[\s(*_\"'“]*", re.IGNORECASE
)
_JOINED = re.compile(r"\s?(?:/|\bor\b|\band\b|\bnor\b)\s?[*_\"'(]{0,4}(?:yes|no|true|false)\b", re.IGNORECASE)
# In running text the word is an answer only alone at the beginning of a sentence, or at its very end.
_OPENS = re.compile(
    r"(?:^|[.!?\n])\s*(?:[*_]{0,3}A(?:nswer)?:|(?:So|Therefore|Thus|Hence|Overall|In conclusion),?\s)?\s*[*_\"'(]{0,4}$"
    r"|\banswer (?:the|this|your|that) question(?: is)?[:,]\s[*_\"'(]{0,4}$"
)
# The last step of a reply may be its answer.
_STEP = re.compile(r"^[*_#\s]{0,5}Step \d{1,2}[*_]{0,3}:[*_]{0,3}\s[*_]{0,3}$", re.IGNORECASE)
_PAUSES = re.compile(
    r"[*_\"')]{0,4}\s*(?:[,.!;:—–]|\n|$|(?<=\s)(?:it|they|he|she|this|that|there|you|we|because|since)\b)",
    re.IGNORECASE,
)
_CLOSES = re.compile(r"(?:\b(?:so|is|be|say|but|therefore|thus|hence)|[:,—–=])[,:]?\s*[*_\"'(]{0,4}$", re.IGNORECASE)
_ENDS = re.compile(r"[*_\"')]{0,4}\s*(?:[.!]|\n|$)")


@dataclass(frozen=True)
class YesNo(BaseKind):
    """Yes or no; "true" and "false" are accepted as well. Its value is True or False.

    Examples:
        >>> YesNo().parse("No, they met in 1990.")
        False
        >>> YesNo().parse_reply("The answer is yes and no.")
        ParseResult(value=None, rule='yes and no')
    """

    name: ClassVar[str] = "yesno"
    _is_closed: ClassVar[bool] = True

    def instruction(self) -> str:
        return answer_instruction("yes or no")

    def direct_instruction(self) -> str:
        return "Reply with yes or no alone: no reasoning, no other words."

    def answer_schema(self) -> Mapping[str, Any] | None:
        return {"type": "string", "enum": ["yes", "no"]}

    def trigger(self) -> str:
        return "Therefore, the answer (Yes or No) is"

    def parse_statement(self, text: str, *, continues: bool = False) -> bool | Rejected | None:
        """Return the first yes or no of a sentence; a sentence with both must begin with one of them."""
        text = text.rstrip()
        found = _find_words(first_sentence(text))
        if not found:
            denied = resolve_negation(text)
            return Rejected("a refusal") if is_refusal(text) else denied if isinstance(denied, Rejected) else None
        value, start, end = found[0]
        if value is None:
            return Rejected("a negation")
        if _JOINED.match(text, end) or (len({value for value, *_ in found}) > 1 and not _LEAD.fullmatch(text[:start])):
            return Rejected("yes and no")
        return value

    def parse_line(self, line: str, before: str) -> bool | None:
        """Return the answer of a line that contains only the word."""
        word = strip_line_markup(line).rstrip("!").casefold()
        return _VALUES.get(word)

    def parse_first_line(self, line: str) -> bool | None:
        """Return the answer of a line that contains only the word."""
        return self.parse_line(line, "")

    def parse_last_candidate(self, text: str) -> bool | Rejected | None:
        """Return the last yes or no that is alone at the beginning of a sentence, or at its very end."""
        last = text.rstrip().rfind("\n") + 1
        for value, start, end in reversed(_find_words(text)):
            head, tail = text[max(0, start - 40) : start], text[end : end + 20]
            opens = _OPENS.search(head) is not None and (start <= 40 or head.strip() != "")
            opens = opens or (start > last and _STEP.match(text[last:start][:40]) is not None)
            if (opens and _PAUSES.match(tail)) or (_CLOSES.search(head) and _ENDS.match(tail)):
                return Rejected("a negation") if value is None else value
        return None

    def target(self, target: Any) -> bool:
        """Return the bool of a target: a bool, or a text with one of the four words."""
        value = target if isinstance(target, bool) else _VALUES.get(to_text(target).strip().casefold())
        if value is None:
            raise UsageError(f"the target {abbreviate(target)} is neither yes nor no")
        return value

    def is_value(self, value: Any) -> bool:
        return isinstance(value, bool)

    def key(self, value: Any) -> bool:
        return bool(value)

    def show(self, value: Any) -> str:
        return "yes" if value else "no"


_VALUES = {"yes": True, "true": True, "no": False, "false": False}


def _find_words(text: str) -> list[tuple[bool | None, int, int]]:
    """Return each yes or no in a text with its position; the value of a denied one ("not true") is None."""
    found: list[tuple[bool | None, int, int]] = []
    for match in _WORD.finditer(text):
        word = match[0].casefold()
        if word == "no" and _NOUN.match(text, match.end()):
            continue
        denied = _DENIED.search(text[max(0, match.start() - 40) : match.start()])
        found.append((None if denied else _VALUES[word], match.start(), match.end()))
    return found
