"""Measures for checks across steps: lost or invented items, and the share of words that a source contains."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_STEM = 4
"""The number of leading letters that forms of one word share: "bill", "billed", "billing"."""


def normalize(text: str) -> str:
    """Return a text's words in lower case with single spaces between them, for comparison.

    Examples:
        >>> normalize("  Slow-Data! ")
        'slow data'
    """
    return " ".join(_WORD.findall(text.casefold()))


def unique(texts: Iterable[str]) -> list[str]:
    """Return the texts without those that repeat an earlier one; they are compared after `normalize`.

    Examples:
        >>> unique(["High bill", "slow data", "high  bill."])
        ['High bill', 'slow data']
    """
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(normalize(text), text)
    return list(kept.values())


def missing_from(texts: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the texts that are not among the known ones: the items that a later step lost, or that it invented.

    Args:
        texts: the texts to look up.
        known: the texts to look them up in; they are compared after `normalize`.

    Examples:
        >>> missing_from(["High bill", "slow data"], ["Slow data."])
        ['High bill']
    """
    normalized = {normalize(text) for text in known}
    return [text for text in texts if normalize(text) not in normalized]


def word_recall(claim: str, source: str) -> float:
    """Return the share of a claim's words that a source contains, from 0 to 1.

    Only words of at least four letters count; if the claim has none, all its words do. A source
    contains a word if it has the word itself or one with the same first four letters. The recall of
    a claim without words is 1.

    Examples:
        >>> word_recall("billed twice", "The bill came twice.")
        1.0
    """
    words = _WORD.findall(claim.casefold())
    words = [word for word in words if len(word) >= _STEM] or words
    known = set(_WORD.findall(source.casefold()))
    known |= {word[:_STEM] for word in known if len(word) >= _STEM}
    return sum(word[:_STEM] in known for word in words) / len(words) if words else 1.0
