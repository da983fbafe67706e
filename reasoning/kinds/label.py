"""Label: one word or phrase of a fixed set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.base import TAIL_CHARS, BaseKind
from reasoning.kinds.kind import Rejected, abbreviate
from reasoning.kinds.phrasing import (
    answer_instruction,
    begins_with_refusal,
    first_sentence,
    has_word,
    is_refusal,
    strip_markup,
)
from reasoning.kinds.reply_format import enum_schema

_DENIED = re.compile(
    r"(?:\b(?:no|not|never|neither|nor|rather than|instead of|than|without|nothing(?: is| was)?)|n['’]t)\s"
    r"(?:(?:a|an|the|at all|really|very|clearly|simply|entirely|quite|be|to be|as)\s){0,3}[*_\"'`“‘(]{0,4}$",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"\W*(?:(?:the|a|an|it|this|that|is|label|class|category|option|clearly|definitely|most|likely|probably|simply|as|both"
    r"|either)\b[\s:*_\"'`]*)*",
    re.IGNORECASE,
)
_JOINED = re.compile(r"[*_\"'`”’)]{0,4}\s?(?:/|&|\||,|;|,?\s?\b(?:and|or)\b)\s?[*_\"'`“‘(]{0,4}$", re.IGNORECASE)
# A reply may begin with its answer and give reasons after it, unless it then thinks again.
_HEAD = re.compile(r"[*_`\"'”’)\]]{0,4}\s?(?:[.,;:!–—(]|-\s|\n|$)")
_AGAIN = re.compile(
    r"\b(?:wait|actually|however|but|overall|correction|second thought|so|therefore|thus)\b", re.IGNORECASE
)
_OPENS = re.compile(r"[\s*_`\"'“‘(\[]*+")
# A concession or a reason, behind the label.
_CONCEDES = re.compile(
    r",?\s(?:although|though|even though|despite|while|whereas|because|since)\b|,\sas\b(?!\swell\b)", re.IGNORECASE
)
_BEGINS_WITH_CONCESSION = re.compile(
    r"\W{0,4}(?:although|though|even though|despite|while|whereas|because|since)\b[^,.;]*,\s", re.IGNORECASE
)
_NOR = re.compile(r"[*_\"'`”’)]{0,4}\s?(?:/|,?\s?\b(?:or|nor)\b)\s?[*_\"'`“‘(]{0,4}", re.IGNORECASE)
_NAMED = re.compile(r"(?:[-*•]\s)?[\w\s*_]{1,40}(?:[:=]|\bis\b)[\s*_]*", re.IGNORECASE)
_GAP = re.compile(r"[\s_-]+")


@dataclass(frozen=True)
class Label(BaseKind):
    """One of a few fixed words or phrases, such as a class. Its value is the label, spelled as in `options`.

    Case, punctuation, Markdown and words around it do not matter, nor do "_" or "-" for a space. If
    one label contains another, the longest that occurs counts. Two different labels, or a denied
    one ("not negative", "rather than neutral"), are not an answer. For options that are named by
    letters, see `Choice`.

    Attributes:
        options: the labels.

    Raises:
        UsageError: there are fewer than two labels, or two are equal.

    Examples:
        >>> Label(["positive", "negative"]).parse("I'd say it is not negative, but **Positive**.")
        'positive'
    """

    name: ClassVar[str] = "label"
    _is_closed: ClassVar[bool] = True
    options: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not isinstance(self.options, Iterable):
            raise UsageError(f"Label needs a list of labels, got {self.options!r:.80}")
        options = tuple(str(option).strip() for option in self.options)
        if len(options) < 2 or not all(map(_fold, options)) or len(set(map(_fold, options))) < len(options):
            raise UsageError(f"Label needs at least two labels, all different, got {list(options)!r:.200}")
        object.__setattr__(self, "options", options)

    def instruction(self) -> str:
        return answer_instruction(f"one of: {', '.join(self.options)}")

    def direct_instruction(self) -> str:
        return f"Reply with one of these alone, no other words: {', '.join(self.options)}."

    def answer_schema(self) -> Mapping[str, Any] | None:
        return enum_schema(self, self.options)

    def trigger(self) -> str:
        return f"Therefore, among {', '.join(self.options)}, the answer is"

    @cached_property
    def _reads_signs(self) -> bool:
        return not all(map(has_word, self.options))

    def parse_statement(self, text: str, *, continues: bool = False) -> str | Rejected | None:
        """Return the label at the beginning of a sentence, or else the only one in it that is not denied."""
        if whole := self._known.get(_fold(text)):
            return whole
        sentence = first_sentence(text)
        found = self._found(sentence)
        if not found:
            denied = self._pattern.search(sentence)
            return Rejected("a negation") if denied else Rejected("a refusal") if is_refusal(text) else None
        label, start, end = found[0]
        if _LEAD.fullmatch(sentence[:start]):
            others = (other for other, at, _ in found[1:2] if other != label and _JOINED.match(sentence[end:at]))
            return Rejected("several labels") if next(others, None) else label
        return self._single(found, sentence)

    def parse_line(self, line: str, before: str) -> str | None:
        """Return the label of a line that contains only it, or a name before it: "Sentiment: positive"."""
        line = line[:200]
        if whole := self._known.get(_fold(line)):
            return whole
        name = _NAMED.match(line)
        # "We cannot say that it is positive" names nothing, but "We cannot tell: neutral" does.
        if name is None or (begins_with_refusal(name[0]) and not name[0].rstrip(" *_").endswith((":", "="))):
            return None
        return self._known.get(_fold(line[name.end() :]))

    def parse_first_line(self, line: str) -> str | None:
        """Return the label of a line that contains only it, or a name before it."""
        return self.parse_line(line, "")

    def parse_last_candidate(self, text: str) -> str | Rejected | None:
        """Return the label at the beginning of the text, or else the label of the last sentence with any.

        The first label counts only if the text does not take it back.
        """
        if len(text) < TAIL_CHARS and (head := self._head(text)):
            return head
        denied: set[str | None] = set()
        for line in reversed(text.split("\n")):
            if denied:
                break
            for part in reversed(re.split(r"(?<=[.!?])\s+", line)):
                if found := self._found(part):
                    label = self._single(found, part)
                    return Rejected("a negation") if label in denied else label
                # "It is positive. It is not negative."
                denied |= {self._known.get(_fold(match[0])) for match in self._pattern.finditer(part)}
        return Rejected("a negation") if denied else None

    def _head(self, text: str) -> str | None:
        """Return the label at the beginning of a reply that gives its reasons after it."""
        found = list(self._pattern.finditer(text))[:2]
        if not found or _OPENS.fullmatch(text[: found[0].start()]) is None or not _HEAD.match(text, found[0].end()):
            return None
        listed = len(found) > 1 and _JOINED.match(text[found[0].end() : found[1].start()])
        return None if listed or _AGAIN.search(text, found[0].end()) else self._known.get(_fold(found[0][0]))

    def target(self, target: Any) -> str:
        """Return the label of a target, in any case."""
        label = self._known.get(_fold(target)) if isinstance(target, str) else None
        if label is None:
            raise UsageError(f"the target {abbreviate(target)} is not one of the labels {', '.join(self.options)}")
        return label

    def is_value(self, value: Any) -> bool:
        return isinstance(value, str)

    def key(self, value: Any) -> str:
        return str(value)

    def _names_refusal(self, sentence: str) -> bool:
        return any(option in _fold(sentence) for option in self._refusals)

    @cached_property
    def _refusals(self) -> tuple[str, ...]:
        return tuple(_fold(option) for option in self.options if begins_with_refusal(option))

    @cached_property
    def _known(self) -> dict[str, str]:
        return {_fold(option): option for option in self.options}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Return the pattern of any whole label: not positive in non-positive, not 5 in 15, not a in n/a."""
        longest = sorted(self.options, key=len, reverse=True)
        words = "|".join(r"[\s_-]{1,3}".join(map(re.escape, _GAP.split(option))) for option in longest)
        return re.compile(rf"(?<![\w-])(?<!\d[.,])(?<!\bn/)(?:{words})(?!\w|-\w|[.,]\d|(?<=\bn)/a\b)", re.IGNORECASE)

    def _found(self, text: str) -> list[tuple[str, int, int]]:
        """Return the labels in a text that are not denied, with their positions."""
        found: list[tuple[str, int, int]] = []
        # The end of the last denied label: "no positive or negative opinion" denies both.
        reach = -1
        for match in self._pattern.finditer(text):
            start, end = match.span()
            joined = (
                reach >= 0
                and start - reach < 20
                and (_NOR.fullmatch(text, reach, start) or (text[reach:start] == ", " and _NOR.match(text, end)))
            )
            if joined or _DENIED.search(text[max(0, start - 60) : start]):
                reach = end
            elif label := self._known.get(_fold(match[0])):
                found.append((label, start, end))
        return found

    def _single(self, found: list[tuple[str, int, int]], text: str) -> str | Rejected:
        """Return the only label of a sentence, or of its main clause: not of a part with "although" or "because"."""
        if concession := _BEGINS_WITH_CONCESSION.match(text):
            found = [match for match in found if match[1] >= concession.end()] or found
        if concession := _CONCEDES.search(text, found[0][2]):
            found = [match for match in found if match[1] < concession.start()]
        return found[0][0] if len({label for label, *_ in found}) == 1 else Rejected("several labels")


def _fold(text: str) -> str:
    """Normalize a label for comparison: one case, no markup around it, single spaces."""
    return _GAP.sub(" ", strip_markup(text).casefold().strip("()[]{}!?:;,")).strip()
