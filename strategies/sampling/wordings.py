"""Questions of other people: which of them ask the same in other words, and which ask it about other numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from strategies.replies import folded

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:,\d{3})*+(?:\.\d+)?")
_NAME = re.compile(r"(?<=[a-z0-9,;:] )(?!I\b)[A-Z]\w*")  # a capital that no sentence begins with
_KEPT = 1 << 16  # questions of a pool whose words are remembered


def same_parameters(a: str, b: str) -> bool:
    """Whether two questions have the same numbers, each as often, and the same names."""
    return _numbers(a) == _numbers(b) and _named(a, b) and _named(b, a)


def paraphrases(question: str, pool: Iterable[str], alike: float) -> list[str]:
    """Those of the pool that ask the same: equal parameters, similar words; each wording once, the nearest first.

    None for a question without a number or a name: two such differ in a word, and nothing tells which words matter.
    """
    if not _numbers(question) and not _NAME.search(question):
        return []
    return _nearest(question, (one for one in pool if same_parameters(one, question)), alike)


def twins(question: str, pool: Iterable[str], alike: float, most: int) -> list[str]:
    """At most so many of the pool that ask the same about other parameters, in one wording each, the nearest first."""
    found: list[str] = []
    for one in _nearest(question, (one for one in pool if not same_parameters(one, question)), alike):
        if len(found) == most:
            break
        if not any(same_parameters(one, other) for other in found):
            found.append(one)
    return found


def _nearest(question: str, pool: Iterable[str], alike: float) -> list[str]:
    scored = [(likeness, one) for one in pool if (likeness := _likeness(question, one)) >= alike]
    distinct: dict[str, str] = {}
    for _, one in sorted(scored, key=lambda pair: -pair[0]):
        distinct.setdefault(folded(one), one)
    distinct.pop(folded(question), None)
    return list(distinct.values())


def _likeness(a: str, b: str) -> float:
    """The words that two questions have in common, from 0 to 1 (Dice); numbers are left out."""
    one, other = _words(a), _words(b)
    return 2 * len(one & other) / max(len(one) + len(other), 1)


@lru_cache(_KEPT)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


@lru_cache(_KEPT)
def _numbers(text: str) -> Counter[str]:
    return Counter(number.replace(",", "") for number in _NUMBER.findall(text))


def _named(a: str, b: str) -> bool:
    """Whether every name in `a` stands in `b` too."""
    return set(_NAME.findall(a)) <= set(re.findall(r"\w+", b))
