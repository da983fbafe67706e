"""Spans: parts of a text, each with a label."""

from __future__ import annotations

import html
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import visible_text
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import ParseResult, Region, abbreviate
from reasoning.kinds.phrasing import is_refusal
from reasoning.kinds.span_forms import (
    NONE,
    Labels,
    Mention,
    mentions_in,
    read_json,
    read_lines,
    read_markup,
)
from reasoning.kinds.span_source import SourceText, fold
from reasoning.kinds.statements import find_statements

_MAX_CHARS = 100_000
"""The characters at a reply's end that are examined."""
_STATEMENTS = 3
"""The last statements that may begin the list of spans."""
_MAX_AROUND = 60
"""The characters besides the copy in a reply that leaves the text without marks."""
_NAME = re.compile(r"[A-Za-z]\w*")
_REASONING = re.compile(r"think|thinking|thoughts?|reasoning|scratchpad|reflection|rationale|analysis", re.IGNORECASE)


class Span(NamedTuple):
    """A part of a text with a label.

    Attributes:
        text: the part, exactly as the text has it.
        label: the label.
        start: the position of its first character, from 0.
    """

    text: str
    label: str
    start: int

    @property
    def end(self) -> int:
        """The position after its last character."""
        return self.start + len(self.text)


class SpanMatches(NamedTuple):
    """The counts from which precision, recall and F1 are computed.

    Attributes:
        exact: spans with the same ends and label in both.
        found_overlapping: found spans that overlap an expected one with the same label.
        expected_overlapping: expected spans that overlap a found one with the same label.
        found: all found spans.
        expected: all expected spans.
    """

    exact: int
    found_overlapping: int
    expected_overlapping: int
    found: int
    expected: int

    @property
    def exact_f1(self) -> float | None:
        """The harmonic mean of precision and recall of exact spans; None without any span."""
        both = self.found + self.expected
        return 2 * self.exact / both if both else None

    @property
    def relaxed_f1(self) -> float | None:
        """The harmonic mean of precision and recall, for which an overlap suffices; None without any span."""
        if not self.found or not self.expected:
            return 0.0 if self.found or self.expected else None
        precision, recall = self.found_overlapping / self.found, self.expected_overlapping / self.expected
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@dataclass(frozen=True)
class Spans(BaseKind):
    r"""Parts of a text with labels, as in the extraction of entities. Its value is a tuple of `Span`s in order.

    The prompt asks for a copy of the text with tags, as the paper does. The parser accepts
    that copy (`<problem>`, `<span class="problem">`, `[DVT](problem)`), JSON, tables, and lists such as
    "problem: DVT". Quoted texts are mapped to their places: case and spaces may differ, and a text
    that is quoted once stands for its first occurrence. Texts that the source does not have, and labels
    that are not asked for, are left out; if most texts are not in the source, there is no answer. Of
    nested spans the outermost counts.

    An answer is right if it has exactly the spans of the target. `count_matches` gives the counts for
    F1, which a comparison shows, too: exact, and relaxed, for which an overlap suffices.

    Attributes:
        labels: the labels.
        text: the text. A problem fills it in from its context, or from its question without one.

    Raises:
        UsageError: there are no labels, or two are equal.

    Source: Hu et al. 2024, arXiv 2303.16416, for the mark-up and the two F1.

    Examples:
        >>> kind = Spans(["problem", "treatment"], "Started warfarin for DVT.")
        >>> kind.parse("Started <treatment>warfarin</treatment> for <problem>DVT</problem>.")
        (Span(text='warfarin', label='treatment', start=8), Span(text='DVT', label='problem', start=21))
        >>> kind.parse("- Problem: dvt\n- Treatment: none")
        (Span(text='DVT', label='problem', start=21),)
    """

    name: ClassVar[str] = "spans"
    labels: Sequence[str] = ()
    text: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.labels, str) or not isinstance(self.labels, Iterable):
            raise UsageError(f"Spans needs a list of labels, got {self.labels!r:.80}")
        labels = tuple(self.labels)
        if not labels or not all(isinstance(label, str) and re.search(r"\w", label) for label in labels):
            raise UsageError(f"Spans needs labels with at least one letter or digit, got {labels!r:.80}")
        if len({re.sub(r"[\W_]+", "", label).casefold() for label in labels}) < len(labels):
            raise UsageError(f"Spans needs labels that are all different, got {labels!r:.200}")
        object.__setattr__(self, "labels", labels)

    def instruction(self) -> str:
        return f"End with {self._description}."

    def direct_instruction(self) -> str:
        return f"Reply with {self._description}. Write nothing else."

    def trigger(self) -> str:
        return "Therefore, the text with its marks is"

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the spans; see `Kind.parse_reply`. A reply that was cut off needs a whole copy of the text, or JSON."""
        text = visible_text(text, region)[-_MAX_CHARS:]
        only = stated_only or self.stated_only
        missing: list[str] = []
        for part in self._parts(text):
            for rule, mentions in self._readings(part, only):
                spans = list(mentions) if rule == "copy" else self._place(mentions, missing)
                if spans is not None:
                    return ParseResult(_outermost(spans), rule)
        if missing:
            return ParseResult(None, f"not in the text: {abbreviate(missing[0])}")
        return ParseResult(None, "a refusal" if is_refusal(text[:500]) else "nothing found")

    def target(self, target: Any) -> tuple[Span, ...]:
        """Return the spans of a target: a list of objects with text, label and start, or the text with tags.

        The start may be missing if the text occurs once.
        """
        if isinstance(target, str):
            markup = read_markup(target, self._names)
            places = self._source.places_in_copy(markup.text, markup.places)
            if places is None or None in places:
                raise UsageError(f"the target {abbreviate(target)} is not a copy of the text with tags")
            spans = [self._span(place, label) for place, label in zip(places, markup.labels, strict=True) if place]
        elif isinstance(target, Iterable) and not isinstance(target, Mapping | bytes):
            try:
                spans = sorted(map(self._target_span, target), key=lambda span: span.start)
            except UsageError as error:
                raise UsageError(f"the target {abbreviate(target)}: {error}") from None
        else:
            raise UsageError(f"the target {abbreviate(target)} is not a list of spans")
        if len(_outermost(spans)) < len(spans):
            raise UsageError(f"the target {abbreviate(target)} has spans that overlap; keep the outermost")
        return tuple(spans)

    def is_value(self, value: Any) -> bool:
        return isinstance(value, tuple | list) and all(
            isinstance(span, tuple) and len(span) == 3 and isinstance(span[0], str) and isinstance(span[2], int)
            for span in value
        )

    def key(self, value: Any) -> Hashable:
        return tuple(sorted((start, start + len(text), label) for text, label, start in value))

    def show(self, value: Any) -> str:
        """Return the text with its spans in tags."""
        parts, at = [], 0
        for text, label, start in sorted(value, key=lambda span: span[2]):
            opening, closing = _tags(label)
            parts += [self.text[at:start], opening, text, closing]
            at = start + len(text)
        parts.append(self.text[at:])
        marks = {mark for label in self.labels for mark in _tags(label)}
        return "".join(part if part in marks else html.escape(part, quote=False) for part in parts)

    def count_matches(self, found: Iterable[Sequence[Any]], expected: Iterable[Sequence[Any]]) -> SpanMatches:
        """Return how many spans agree, exactly and by overlap, for precision, recall and F1.

        Args:
            found: the spans of an answer.
            expected: the spans of the target.
        """
        ours, theirs = [Span(*span) for span in found], [Span(*span) for span in expected]
        return SpanMatches(
            exact=len(set(ours) & set(theirs)),
            found_overlapping=sum(any(_overlap(one, other) for other in theirs) for one in ours),
            expected_overlapping=sum(any(_overlap(one, other) for other in ours) for one in theirs),
            found=len(ours),
            expected=len(theirs),
        )

    @cached_property
    def _source(self) -> SourceText:
        return SourceText(self.text)

    @cached_property
    def _names(self) -> Labels:
        return Labels(self.labels)

    @property
    def _description(self) -> str:
        tagged = [f"{opening}…{closing}" for opening, closing in map(_tags, self.labels)]
        *first, last = tagged
        listed = f"{', '.join(first)} or {last}" if first else last
        return (
            f"a copy of the text in which tags enclose the words of each span: {listed}. All other words stay as they "
            "are, outside of the tags"
        )

    def _parts(self, text: str) -> Iterator[str]:
        """Yield the parts of a reply that may list the spans: from the last statements on, then all of it."""
        for count, statement in enumerate(find_statements(text)):
            if count == _STATEMENTS:
                break
            yield text[statement.start :]
        yield text

    def _readings(self, text: str, stated_only: bool) -> Iterator[tuple[str, Sequence[Any]]]:
        markup = read_markup(text, self._names)
        places = self._source.places_in_copy(markup.text, markup.places)
        pairs = zip(places or (), markup.labels, strict=False)
        if marked := [self._span(place, label) for place, label in pairs if place]:
            yield "copy", marked
        if (mentions := read_json(text, self._names)) is not None:
            yield "JSON", mentions
        if stated_only:
            return
        if markup.places:
            yield "mark-up", mentions_in(markup)
        if mentions := read_lines(text, self._names, self._source):
            yield "list", mentions
        elif mentions is not None or NONE.fullmatch(text.strip()[:200]):
            yield "none", ()
        # A sentence that the reasoning quotes is no answer.
        if places == [] and len(fold(text)) <= len(fold(self.text)) + _MAX_AROUND:
            yield "unmarked copy", ()

    def _place(self, mentions: Sequence[Mention], missing: list[str]) -> list[Span] | None:
        """Return the spans of mentions; None if most are not in the text. Long ones take their places first."""
        spans: list[Span] = []
        lost: list[str] = []
        for mention in sorted(mentions, key=lambda one: -len(one.text)):
            if not re.search(r"\w", mention.text):
                continue
            places = self._source.find(mention.text)
            if not places:
                lost.append(mention.text)
                continue
            near = mention.near if mention.near is not None else places[min(mention.nth, len(places) - 1)][0]
            exact = mention.near is None and mention.nth > 0
            free = [place for place in places if not any(s.start < place[1] and place[0] < s.end for s in spans)]
            if exact or mention.near is not None:
                free.sort(key=lambda place: abs(place[0] - near))
            if free:
                spans.append(self._span(free[0], mention.label))
        missing += lost
        return None if len(lost) > len(spans) or (mentions and not spans and not lost) else spans

    def _span(self, place: tuple[int, int], label: str) -> Span:
        return Span(self.text[place[0] : place[1]], label, place[0])

    def _target_span(self, span: Any) -> Span:
        fields = span if isinstance(span, Mapping) else {}
        if isinstance(span, tuple | list) and len(span) in (2, 3):
            fields = dict(zip(("text", "label", "start"), span, strict=False))
        text, start = fields.get("text"), fields.get("start")
        label = self._names.find(fields.get("label"))
        if not isinstance(text, str) or not text.strip() or not isinstance(start, int | None):
            form = '{"text": …, "label": …, "start": 0}'
            raise UsageError(f"a span must be an object such as {form}, got {abbreviate(span)}")
        if label is None:
            given = abbreviate(fields.get("label"))
            raise UsageError(f"the label of a span must be one of {', '.join(self.labels)}, got {given}")
        if start is None:
            if self.text.count(text) != 1:
                raise UsageError(f"the text {text!r:.80} must occur once, got {self.text.count(text)}; give its start")
            start = self.text.index(text)
        if start < 0 or not self.text.startswith(text, start):
            found = self.text[max(0, start) : max(0, start) + len(text)]
            raise UsageError(f"the text {text!r:.80} must stand at {start}, got {found!r:.80} there")
        return Span(text, label, start)


def _outermost(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, of nested and overlapping ones the first and longest."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return tuple(kept)


def _overlap(one: Span, other: Span) -> bool:
    return one.label == other.label and one.start < other.end and other.start < one.end


def _tags(label: str) -> tuple[str, str]:
    """Return the tags of a label; a label that is no name, or that names reasoning, is an attribute."""
    if _NAME.fullmatch(label) and not _REASONING.fullmatch(label):
        return f"<{label}>", f"</{label}>"
    return f'<span class="{html.escape(label)}">', "</span>"
