"""The confidence that a model states in words such as "80 %", "8/10", "0.8" or "80 out of 100"."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# The scale of a confidence, not its value: "from 0% to 100%", "(0-10)", "on a scale of 0 to 1".
_SCALE = re.compile(
    r"(?<![\d.])[01](?:\.0{1,2})?\s?\\?%?\s?(?:to|and|[-–—])\s?(?:100(?:\s?\\?%)?|10|1(?:\.0{1,2})?)(?!\d|\.\d|%|\s?/)"
)
_PERCENT = r"(?P<percent>\d{1,3}(?:[.,]\d{1,4})?)\s?\\?(?:%|percent\b|per cent\b)"
_OUT_OF = r"(?P<part>\d{1,3}(?:[.,]\d)?)\s?(?:/|out of)\s?(?P<whole>100?)(?![\d.,]*\d)"
_ENDS = r"(?=[\s*_|$\"'`]{0,8}(?:$|\n|[,;:(]|\.(?!\d)|[-–—]\s|(?:because|since|as)\b))"
_FRACTION = rf"(?P<fraction>0[.,]\d{{1,3}}|1[.,]0{{1,2}})(?!\d){_ENDS}"
_VALUE = re.compile(rf"(?<![\d.,/])(?:{_PERCENT}|{_OUT_OF})")
_PERCENTAGE = re.compile(rf"(?<![\d.,/]){_PERCENT}")
# "**0.8** (high)", "My confidence is 0.85", but not "it takes 0.5 hours".
_BEGINS = re.compile(rf"\s{{0,20}}(?:[^\d\n]{{0,60}}\n?)?[^\d\n]{{0,60}}(?<![\d.,/])(?:{_FRACTION})")


class Confidence(NamedTuple):
    """A stated confidence.

    Attributes:
        share: its value, from 0 to 1.
        start: the position in the text at which its number begins.
    """

    share: float
    start: int


def parse_confidence(text: str, *, percent_only: bool = False) -> Confidence | None:
    """Return the first confidence that a text states, or None.

    A percentage or "8 out of 10" counts anywhere, a fraction of 1 only at the beginning, and a bare
    whole number never, since it may be the answer. The scale that a text names ("from 0 to 100%")
    does not count.

    Args:
        text: the text about the confidence.
        percent_only: whether only percentages count, since the text may state a number as its answer.

    Examples:
        >>> parse_confidence("high (80 %), since the words are close").share
        0.8
        >>> parse_confidence("On a scale of 0-10: 8/10").share
        0.8
    """
    text = _SCALE.sub(lambda scale: " " * len(scale[0]), _with_plain_digits(text))
    patterns = [_PERCENTAGE.search(text)] if percent_only else [_VALUE.search(text), _BEGINS.match(text)]
    found = [Confidence(_share(match), match.start(_value_of(match))) for match in patterns if match]
    first = min(found, key=lambda confidence: confidence.start, default=None)
    return first if first and 0 <= first.share <= 1 else None


def _value_of(match: re.Match[str]) -> str:
    """Return the name of the group that has the value."""
    return next(name for name in ("percent", "part", "fraction") if match.groupdict().get(name) is not None)


def _share(match: re.Match[str]) -> float:
    name = _value_of(match)
    whole = {"percent": 100, "fraction": 1}.get(name) or int(match["whole"])
    return float(match[name].replace(",", ".")) / whole


def _with_plain_digits(text: str) -> str:
    """Return a text with full-width digits and signs as plain ones, letter by letter."""
    return text if text.isascii() else "".join(_plain(letter) for letter in text)


def _plain(letter: str) -> str:
    plain = unicodedata.normalize("NFKC", letter)
    return plain if len(plain) == 1 and plain.isascii() else letter
