"""Search for options in a text: word for word, as formulas with other spacing, as numbers without their unit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reasoning.kinds.number import Number
from reasoning.kinds.phrasing import strip_markup

_ROOT = re.compile(r"\\sqrt ?\{?(\w{1,20})\}?")
_FRACTION = re.compile(r"\\[dt]?frac ?\{([^{}]{1,40})\} ?\{([^{}]{1,40})\}")
_MARKS = re.compile(r"[\s$]|\\(?:left|right|text|,|;|!|\(|\))")
_DASHES = str.maketrans("–—−·×", "---**")


@dataclass(frozen=True)
class OptionMatcher:
    """A search for options in a text that returns their labels.

    Attributes:
        pairs: each label and the text of its option.
    """

    pairs: tuple[tuple[str, str], ...]

    def match_whole(self, text: str) -> str | None:
        """Return the label of the only option with this text."""
        text = fold_option(text)
        return _only([label for label, option in self.pairs if text and fold_option(option) == text])

    def find_spans(self, text: str) -> dict[str, tuple[int, int]]:
        """Return the options that occur in a line, with their positions in the folded line.

        An option inside a longer one does not count.
        """
        text = fold_option(text)
        spans = [(m.start(), m.end(), label) for label, pattern in self._patterns for m in pattern.finditer(text)]
        found: dict[str, tuple[int, int]] = {}
        reach = -1
        for start, end, label in sorted(spans, key=lambda span: (span[0], -span[1])):
            if end > reach:
                found.setdefault(label, (start, end))
                reach = end
        return found

    def match_formula(self, text: str) -> str | None:
        """Return the label of the only option that is a formula and occurs in a text, with any spacing."""
        text = _squeezed(text)
        return _only([label for label, pattern in self._formulas if pattern.search(text)])

    def match_number(self, value: Any) -> str | None:
        """Return the label of the only option that is this number, with or without a unit; None without a number."""
        if not isinstance(value, (int, float)):
            return None
        return _only([label for label, text in self._numbers if Number().score(value, text)])

    @cached_property
    def _patterns(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        """Return the pattern of each option's whole text: not 5 in 15, 5.5, -5 or 5-10, not red in red-green."""
        edges = r"(?<![\w-])(?<!\d[.,/:])", r"(?![\w%]|-\w|[.,/:]\d)"
        texts = ((label, fold_option(text)) for label, text in self.pairs)
        return tuple((label, re.compile(re.escape(text).join(edges))) for label, text in texts if text)

    @cached_property
    def _formulas(self) -> tuple[tuple[str, re.Pattern[str]], ...]:
        edges = r"(?<![\w.^/*+-])", r"(?![\d^/*+(-]|\.\d)"
        squeezed = ((label, _squeezed(text)) for label, text in self.pairs)
        return tuple(
            (label, re.compile(re.escape(text).join(edges)))
            for label, text in squeezed
            if re.search(r"\w[-+*/^(√]\w", text)
        )

    @cached_property
    def _numbers(self) -> tuple[tuple[str, str], ...]:
        return tuple((label, text) for label, text in self.pairs if Number().parse_line(text, "") is not None)


def fold_option(text: str) -> str:
    """Normalize a text for comparison with options: no markup around it, one case, single spaces."""
    return " ".join(strip_markup(text).casefold().replace("\\ ", " ").split())


def _squeezed(text: str) -> str:
    """Return a formula without spaces and LaTeX delimiters, so that "5(√3 + 1)" is "5(\\sqrt{3}+1)"."""
    text = _ROOT.sub(r"√\1", _FRACTION.sub(r"\1/\2", text.casefold()))
    return _MARKS.sub("", text).translate(_DASHES)


def _only(labels: list[str]) -> str | None:
    return labels[0] if len(labels) == 1 else None
