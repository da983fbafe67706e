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
_CLOSED = re.compile(r"[*_\"'`$]{0,4}(?:[)\]};:!]|[.,](?!\d)|\s*$)")
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

    def find_named(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Yield the labels that occur anywhere as labels, "(B)", "option B", "B is correct", with start and end."""
        for match in self._named.finditer(text):
            if label := self.find_label(match[match.lastgroup or 0]):
                yield label, match.start(), match.end()

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
            rf"|(?<![\w'’-])(?P<right>{self._any})(?=\sis\s(?:the\s|our\s|my\s)?(?:correct|right|best|final|answer|true)\b)"
        )

    @cached_property
    def _joined(self) -> re.Pattern[str]:
        return re.compile(
            rf"[)\]}}*_\"'`$]{{0,4}}\s?(?:(?P<or>/|,?\s?\bor\s)|&|,?\s?\band\s|,(?=\s?[(\[]?(?:{self._any})[)\]]?(?:[,.&]|\s(?:and|or)\s|$)))"
            rf"\s?(?:option\s)?[(\[{{*_\"'`]{{0,4}}(?P<label>{self._any})(?!\w)"
        )


def is_list_item(line: str) -> bool:
    """Return whether a line looks like an item of a list of options: "(A) …", "B. …"."""
    return _LISTED.match(line) is not None
