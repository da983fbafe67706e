"""Choice: one of a few given options; the answer is its label."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.kind import Unusable
from reasoning.kinds.labels import Labels, listed
from reasoning.kinds.stated import Stated
from reasoning.kinds.wording import meant, refused, sentence, unmarked

_DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|wrong|incorrect|false|eliminated?|unlikely)\b|n['’]t\b", re.IGNORECASE
)
_BULLET = re.compile(r"[-*•]\s")


@dataclass(frozen=True)
class Choice(Stated):
    """One of several options. Its value is the option's label, exactly as the kind has it.

    Read are the label ("B", "(b)", "B. text", "option B") and the option's text, whole and in any case; not the article
    "A", not the pronoun "I". Several labels are no answer. Where label and text disagree, the label counts.

    Attributes:
        options: the texts, or a mapping from label to text; may be empty where the question itself shows them.
        labels: the labels; A, B, … by default.
    """

    name: ClassVar[str] = "choice"
    options: Sequence[str] | Mapping[str, str] = ()
    labels: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.options, str) or not all(
            isinstance(given, Iterable) for given in (self.options, self.labels)
        ):
            raise UsageError(
                f"Choice wants several options, or a mapping from label to option; got {self.options!r:.80}"
            )
        options, labels = list(self.options), list(self.labels)
        if isinstance(self.options, Mapping):
            options, labels = list(self.options.values()), list(self.options)
        if not labels:
            if not 2 <= len(options) <= 26:
                raise UsageError(f"Choice wants 2 to 26 options, got {len(options)}; for others, give the labels too")
            labels = list(string.ascii_uppercase[: len(options)])
        labels, options = [str(label).strip() for label in labels], [str(option).strip() for option in options]
        if options and len(options) != len(labels):
            raise UsageError(f"Choice has {len(options)} options and {len(labels)} labels")
        if len(labels) < 2 or not all(labels) or len({label.casefold() for label in labels}) < len(labels):
            raise UsageError(f"Choice wants at least two labels, all different; got {labels}")
        own = [
            re.match(rf"\(?{re.escape(label)}\s?[).:]\s*(?=\S)", text)
            for label, text in zip(labels, options, strict=False)
        ]
        if own and all(own):  # "A) 12", as some data sets have it
            options = [match.string[match.end() :] for match in own if match]
        object.__setattr__(self, "options", tuple(options))
        object.__setattr__(self, "labels", tuple(labels))

    def instruction(self) -> str:
        return f"End with one line: The answer is X, where X is one of {self._range}."

    def direct(self) -> str:
        return f"Reply with one of {self._range}: no reasoning, no other words."

    def trigger(self) -> str:
        return f"Therefore, among {self._range}, the answer is"

    def menu(self) -> str:
        """The options as a prompt shows them, one a line; empty where the question itself shows them."""
        return "\n".join(f"({label}) {text}" for label, text in self._pairs)

    def statement(self, text: str, *, heads: bool = False) -> str | Unusable | None:
        """The label with which a statement begins or that it names, else the option whose text it holds."""
        texts = self._texts(text)
        if not any(start == 0 for start, _ in texts.values()):  # "not guilty" may be an option
            said = meant(text)
            if isinstance(said, Unusable):
                return said
            text, texts = said, self._texts(said)
        first = sentence(text)
        if begun := self._finder.leading(first):
            return self._single(first, *begun)
        for label, start, end in self._finder.named(first):
            return Unusable("a negation") if _DENIAL.search(first[:start]) else self._single(first, label, end)
        if whole := self._whole(text):
            return whole
        if len(texts) > 1:
            return Unusable("several options")
        for label, (start, _) in texts.items():
            return Unusable("a negation") if _DENIAL.search(_fold(text)[:start]) else label
        return Unusable("a refusal") if refused(text) else None

    def only(self, line: str, before: str) -> str | None:
        """A label, an option's text, or both."""
        text = unmarked(_BULLET.sub("", line, count=1) if _BULLET.match(line) else line)
        if whole := self._whole(text):
            return whole
        if not (begun := self._finder.leading(text)):
            return None
        label, end = begun
        rest = text[end:].lstrip(")]}.:-–—*_ ")
        return label if not rest or (self._whole(rest) == label and not listed(before)) else None

    def last(self, text: str) -> str | Unusable | None:
        """The one label, or else option, of the last sentence that has any. A list of the options has no candidate."""
        lines = [line for line in text.split("\n") if line.strip()]
        marks = [listed(line) for line in lines]
        for at in range(len(lines) - 1, -1, -1):
            if marks[at] and any(marks[max(0, at - 1) : at] + marks[at + 1 : at + 2]):
                continue
            for part in reversed(re.split(r"(?<=[.!?])\s+", lines[at])):
                named = {label: (start, end) for label, start, end in self._finder.named(part)}
                folded = part if named else _fold(part)
                if not (found := named or self._texts(part)):
                    continue
                for start, end in sorted(found.values(), reverse=True):
                    folded = folded[:start] + folded[end:]  # an option may itself deny something
                if _DENIAL.search(folded):
                    return Unusable("a negation")
                return next(iter(found)) if len(found) == 1 else Unusable("several options")
        return None

    def target(self, target: Any) -> str:
        """The label that a target stands for: a label, bare or in brackets, or an option's text."""
        text = str(target).strip()
        label = self._finder.canonical(text) or self._finder.canonical(text.strip("().: ")) or self._whole(text)
        if label is None:
            raise UsageError(f"the target {target!r:.80} is neither a label nor an option of {self!r:.200}")
        return label

    def key(self, value: Any) -> str:
        return str(value)

    @property
    def _range(self) -> str:
        if len(self.labels) > 2 and "".join(self.labels) in string.ascii_uppercase:
            return f"{self.labels[0]} through {self.labels[-1]}"
        return ", ".join(self.labels)

    @cached_property
    def _finder(self) -> Labels:
        return Labels(tuple(self.labels))

    @cached_property
    def _pairs(self) -> tuple[tuple[str, str], ...]:
        return tuple(zip(self.labels, self.options, strict=False))

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """Each option's text as a pattern that finds it whole: not 5 in 15, 5.5, -5 or 5-10, not red in red-green."""
        edges = r"(?<![\w-])(?<!\d[.,/:])", r"(?![\w%]|-\w|[.,/:]\d)"
        folded = ((label, _fold(text)) for label, text in self._pairs)
        return tuple((label, re.compile(re.escape(text).join(edges))) for label, text in folded if text)

    def _whole(self, text: str) -> str | None:
        """The label of the one option whose text this is."""
        text = _fold(text)
        found = [label for label, option in self._pairs if text and _fold(option) == text]
        return found[0] if len(found) == 1 else None

    def _texts(self, text: str) -> dict[str, tuple[int, int]]:
        """The options whose texts stand in a line, with their places in it, folded; none inside a longer option."""
        text = _fold(text)
        spans = [(m.start(), m.end(), label) for label, pattern in self._patterns for m in pattern.finditer(text)]
        found: dict[str, tuple[int, int]] = {}
        reach = -1
        for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
            if end > reach:
                found.setdefault(label, (start, end))
                reach = end
        return found

    def _single(self, text: str, label: str, end: int) -> str | Unusable:
        other = self._finder.joined(text, end)
        return Unusable("several labels") if other not in (None, label) else label


def _fold(text: str) -> str:
    """A text as options are compared: without marks around it, in one case, single spaces."""
    return " ".join(unmarked(text).casefold().split())
