"""Search for several options that a text joins, by their labels or with their texts: "(A) red or (C) green"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reasoning.kinds.label_matcher import LabelMatcher, begins_clause

_JOINT = re.compile(
    r"[)\]}*_\"'`$.]{0,4}(?P<joint>,?\s?(?:/|\bor\b|&|\band\b)\s?|,\s)(?:option\s)?[(\[{*_\"'`]{0,4}", re.IGNORECASE
)
# "(A) red (C) green"
_BARE = re.compile(r"[}*_\"'`.]{0,4}\s{1,3}[(\[](?=\w)")
# The text of an option that is unknown or worded differently, up to a conjunction and a further label.
_TEXT = re.compile(
    r"(?:\s\([^()]{1,60}\)|[)\]]\s(?:(?!\b(?:because|since|as|is|are|was|were|not|than|but|while|if|when|for|which|that|or|and)\b)"
    r"[^,;:.!?()\[\]]){1,60}?)(?=\s(?:or|and)\s(?:option\s)?(?:[(\[]|\w[).:]\s|\w\s\())",
    re.IGNORECASE,
)
# "(A) \text{ red}"
_MACRO = re.compile(r"\A[)\]}.:\s]{0,4}\\text\{\s?")
# What stands between a label and its text: "A) red", "A (red)".
_MARKS = ")]}.:*_,–—=-( "


@dataclass(frozen=True)
class OptionEnumeration:
    """A search for the options that follow another one.

    Attributes:
        labels: the search for labels.
        texts: the text of each label's option, if it is known.
    """

    labels: LabelMatcher
    texts: Mapping[str, str]

    def match(self, text: str, label: str, end: int) -> tuple[list[str], bool, int]:
        """Return the labels of the enumeration whose first label ends at `end`.

        Returns:
            The labels, whether they are alternatives ("or"), and the end of the last one.
        """
        labels, either = [label], False
        for _ in self.labels.labels:
            more, end, alternatives = self.labels.match_enumeration(text, labels[-1], end)
            labels += more[1:]
            either = either or alternatives
            if not (joined := self._join_text(text, labels[-1], end)):
                break
            labels.append(joined[0])
            either, end = either or joined[2], joined[1]
        return labels, either, end

    def joins_other(self, text: str, end: int) -> bool:
        """Return whether a label that is not on the menu follows with a conjunction: "(A) or (F)"."""
        joint = _JOINT.match(text, end)
        if joint is None or joint["joint"] == ", ":
            return False
        return self.labels.match_other(text[joint.end("joint") :]) is not None

    def _join_text(self, text: str, label: str, end: int) -> tuple[str, int, bool] | None:
        """Return the label that is joined to the text of a label's option: C in "(A) red or (C) green".

        Returns:
            The label, its end, and whether it is an alternative.
        """
        known_end = self.text_end(text, label, end)
        other_text = _TEXT.match(text, end)
        option_end = known_end or (other_text.end() if other_text else 0)
        if known_end and (bare := _BARE.match(text, known_end)):
            bracket = bare.end() - 1
            leading = self.labels.match_leading(text[bracket:])
            if leading and self.text_end(text, leading[0], bracket + leading[1]):
                return leading[0], bracket + leading[1], False
            return None
        if not option_end or not (joint := _JOINT.match(text, option_end)):
            return None
        leading = self.labels.match_leading(text[joint.end() :])
        if leading is None or leading[0] == label:
            return None
        label_end = joint.end() + leading[1]
        next_end = self.text_end(text, leading[0], label_end)
        alternative = "or" in joint["joint"].lower() or "/" in joint["joint"]
        # A comma joins only options that both have their texts, and neither "A. red, B is wrong" nor "A. red and B is
        # wrong" joins any.
        is_comma = joint["joint"].strip() == ","
        if (is_comma and not next_end) or (not alternative and begins_clause(text, next_end or label_end)):
            return None
        return leading[0], label_end, alternative

    def text_end(self, text: str, label: str, end: int) -> int:
        """Return the end of a label's option that follows the label; 0 if another text follows."""
        option = self.texts.get(label, "")
        start = len(text) - len(_MACRO.sub("", text[end:], count=1).lstrip(_MARKS))
        found = text[start : start + len(option)].casefold() == option.casefold()
        return start + len(option) if option and found and not text[start + len(option) :][:1].isalnum() else 0
