"""Measures for checks that look across steps: what was lost, what was invented, what can be found in a source."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+")
_STEM = 4
"""Letters by which two words count as forms of one: "bill", "billed", "billing"."""


def normalize(text: str) -> str:
    """A text as it is compared: its words in small letters, without what is between them."""
    return " ".join(_WORD.findall(text.casefold()))


def missing_from(texts: Iterable[str], among: Iterable[str]) -> list[str]:
    """The texts that are not among others, compared by `same`: what a later step lost, or what it invented."""
    known = {normalize(text) for text in among}
    return [text for text in texts if normalize(text) not in known]


def word_recall(claim: str, source: str) -> float:
    """The share of a claim's words that can be found in a source, from 0 to 1.

    Words of four letters and more count, or all where there is none; a word is found where the source has it, or one
    that begins with the same four letters. 1 where the claim has no words.
    """
    words = _WORD.findall(claim.casefold())
    words = [word for word in words if len(word) >= _STEM] or words
    known = set(_WORD.findall(source.casefold()))
    known |= {word[:_STEM] for word in known if len(word) >= _STEM}
    return sum(word[:_STEM] in known for word in words) / len(words) if words else 1.0
