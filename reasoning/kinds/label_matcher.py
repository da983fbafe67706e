"""Search for the labels of options in a text: "B", "(b)", "B.", "option B"; not the article "A" or the pronoun "I"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_FILLER = (
    r"(?:(?i:therefore|thus|clearly|definitely|certainly|likely|probably|most|simply|indeed|actually|still|either|both"
    r"|the|that|option|choice|answer|letter)[,:]?\s)"
)
_AFTER_A_WORD = re.compile(
    r"\s(?:because|since|as|for|with|and|or|which|while|but|rather)\b|\s?[-–—(=]\s?\S", re.IGNORECASE
)
_REASON = re.compile(r"\s(?:because|since|which|while|but)\b")
_CLOSED = re.compile(r"[*_\"'`$]{0,4}(?:[)\]};:!]|[.,](?!\d)|\s*$)")
# A label that others could have: "C", "(C)", "**C.**".
_LETTER = r"(?:[*_\"'`$]{0,3}[(\[{]\s?(?P<bracketed>[A-Za-z])\s?[)\]}]|[*_\"'`$]{0,4}(?P<bare>[B-HJ-Z])(?![\w'’-]))"
_DIGITS = r"(?:[*_\"'`$]{0,3}[(\[{]\s?(?P<bracketed>\d{1,2})\s?[)\]}]|(?P<bare>(?!)))"
_CLAIM = r"(?:(?i:choose|chose|pick|select|go with|must be|it is|it's|so|therefore|thus|hence|answer|option),?\s)"
_BEGINS = r"[)\]}*_\"'`$.]{0,4}\s(?:is|was|isn['’]t|wasn['’]t|does|doesn['’]t|can|cannot|would|has|seems|fails)\b"
_SUBJECT = re.compile(_BEGINS)
_LISTED = re.compile(r"\s*(?:[-*•]\s+)?\**(?:\(\w{1,3}\)|\w[.):])\**\s")


@dataclass(frozen=True)
class LabelMatcher:
    """A search for labels in a text.

    Attributes:
        labels: the labels, spelled as they are returned.
    """

    labels: tuple[str, ...]

    def find_label(self, written: str) -> str | None:
        """Return the label that a text spells, in any case; None for any other text."""
        return self._known.get(written.casefold())

    def match_leading(self, text: str) -> tuple[str, int] | None:
        """Return the label at the beginning of a statement, and its end.

        A bare letter that could be a word ("A", "I", lower case) or a quantity counts only if
        nothing, punctuation or a word such as "because" follows.
        """
        match = self._leading.match(text)
        label = self.find_label(match["label"]) if match else None
        if match is None or label is None:
            return None
        written, rest = match["label"], text[match.end() :]
        if len(written) > 1 and not written.isdigit():
            doubtful = False
        else:
            doubtful = written != label or written in "AI" or written.isdigit()
        if _CLOSED.match(rest) or not doubtful or (written == label and _AFTER_A_WORD.match(rest)):
            return label, match.end()
        return None

    def match_other(self, text: str) -> int | None:
        """Return the end of a leading label that is written like these but is not on the menu; None without one."""
        match = self._other.match(text) if self._other else None
        if match is None or self.find_label(match["bracketed"] or match["bare"]):
            return None
        closed = match["bracketed"] or _CLOSED.match(text, match.end()) or _REASON.match(text, match.end())
        return match.end() if closed else None

    def names_other(self, text: str) -> bool:
        """Return whether a sentence claims a label that is not on the menu: "So it is (F)"."""
        found = self._claimed_other.finditer(text) if self._claimed_other else ()
        return any(not self.find_label(match["bracketed"] or match["bare"]) for match in found)

    def find_named(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Yield the labels that occur anywhere as labels, "(B)", "option B", "B is correct", with start and end."""
        for match in self._named.finditer(text):
            group = match.lastgroup or 0
            if label := self.find_label(match[group]):
                yield label, match.start(group), match.end()

    def match_enumeration(self, text: str, label: str, end: int) -> tuple[list[str], int, bool]:
        """Return the labels of the enumeration whose first label ends at `end`: "A, B and C".

        Returns:
            The labels, the end of the last one, and whether they are alternatives ("or").
        """
        labels, either = [label], False
        while (match := self._joined.match(text, end)) and (other := self.find_label(match["label"])):
            labels.append(other)
            either = either or match["or"] is not None
            end = match.end()
        return labels, end, either

    @cached_property
    def _known(self) -> dict[str, str]:
        return {label.casefold(): label for label in self.labels}

    @property
    def _any(self) -> str:
        return "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))

    @cached_property
    def _leading(self) -> re.Pattern[str]:
        return re.compile(rf"{_FILLER}{{0,4}}[(\[{{*_\"'`$]{{0,5}}(?P<label>(?i:{self._any}))(?!\w)")

    @cached_property
    def _named(self) -> re.Pattern[str]:
        return re.compile(
            rf"[(\[{{]\s?(?P<bracketed>(?i:{self._any}))\s?[)\]}}]"
            rf"|\b(?i:option|choice|answer|letter)\s[(*_\"'`]{{0,4}}(?P<option>{self._any})(?![\w'’-])"
            rf"|\b(?i:choose|chose|pick|select|go with|must be|it is|it's)\s[(*_\"'`]{{0,4}}"
            rf"(?P<chosen>{self._any})(?=[)*_\"'`]{{0,4}}(?:[.,;:!]|\s*$))"
            rf"|(?:\bis|:)\s[(*_\"'`]{{0,4}}(?P<last>{self._any})(?=[)*_\"'`]{{0,4}}[.!]?\s*$)"
            rf"|(?<![\w'’-])(?P<right>{self._any})(?=\sis\s(?:the\s|our\s|my\s)?(?:correct|right|best|final|answer|true)\b)"
        )

    @property
    def _style(self) -> str | None:
        """Return the pattern of a label that is written like these: one letter, or digits; None for words."""
        if all(len(label) == 1 and label.isascii() and label.isalpha() for label in self.labels):
            return _LETTER
        return _DIGITS if all(label.isdigit() for label in self.labels) else None

    @cached_property
    def _other(self) -> re.Pattern[str] | None:
        return re.compile(rf"(?:\\text\{{\s?)?{_FILLER}{{0,4}}{self._style}") if self._style else None

    @cached_property
    def _claimed_other(self) -> re.Pattern[str] | None:
        return re.compile(rf"\b{_CLAIM}{{1,3}}{self._style}{_CLOSED.pattern}") if self._style else None

    @cached_property
    def _joined(self) -> re.Pattern[str]:
        return re.compile(
            rf"[)\]}}*_\"'`$]{{0,4}}\s?(?:(?P<or>/|,?\s?\bor\s)|&|,?\s?\band\s|,(?=\s?[(\[]?(?:{self._any})[)\]]?(?:[,.&]|\s(?:and|or)\s|$)))"
            rf"\s?(?:(?:maybe|perhaps|possibly|even)\s)?(?:option\s)?[(\[{{*_\"'`]{{0,4}}(?P<label>{self._any})(?!\w)"
            # "B, and C is wrong"; but "B or C is right"
            rf"(?(or)|(?!{_BEGINS}))"
        )


def begins_clause(text: str, end: int) -> bool:
    """Return whether a label that ends at `end` is the subject of a sentence in the singular: "C is wrong"."""
    return _SUBJECT.match(text, end) is not None


def is_list_item(line: str) -> bool:
    """Return whether a line looks like an item of a list of options: "(A) …", "B. …"; not "A: It is likely that:"."""
    return _LISTED.match(line) is not None and not line.endswith(":")
