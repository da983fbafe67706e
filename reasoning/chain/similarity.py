"""Measures of the similarity of two values, from 0 to 1, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Any

from reasoning.chain.text_checks import word_recall
from reasoning.kinds.text import f1

MIN_MATCH = 0.5
"""The least F1 of the words of two items that may be paired."""
MAX_LETTERS = 2_000
"""The characters that the measure `letters` compares: its time grows with their square."""


def items(value: Sequence[str], gold: Sequence[str], alike: Callable[[str, str], float] = f1) -> float:
    """Return the F1 of the items of two lists; 1 if both are empty.

    Each item is paired with at most one of the other list, the most similar pairs first.

    Args:
        value: the list to score.
        gold: the right list.
        alike: the similarity of two items, from 0 to 1; a pair needs at least `MIN_MATCH`.
    """
    scores = [(alike(str(a), str(b)), i, j) for i, a in enumerate(value) for j, b in enumerate(gold)]
    left, right = set[int](), set[int]()
    for score, i, j in sorted(scores, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if score >= MIN_MATCH and i not in left and j not in right:
            left.add(i)
            right.add(j)
    return 2 * len(left) / (len(value) + len(gold)) if value or gold else 1.0


def letters(value: str, gold: str) -> float:
    """Return the share of characters that both texts have in the same order; only the first 2,000 are compared.

    Source:
        Ratcliff and Metzener 1988, "Pattern matching: the gestalt approach" (the algorithm of Ratcliff and Obershelp).
    """
    return SequenceMatcher(None, value[:MAX_LETTERS], gold[:MAX_LETTERS], autojunk=False).ratio()


def entries(value: Any, gold: dict[str, Any]) -> float:
    """Return the F1 of the entries of two objects. Keys are paired as in `items`; their values must be equal."""
    pairs = [f"{key} → {item}" for key, item in value.items()] if isinstance(value, dict) else []
    wanted = [f"{key} → {item}" for key, item in gold.items()]
    return items(pairs, wanted, lambda a, b: f1(a.partition(" → ")[0], b.partition(" → ")[0]) * (_end(a) == _end(b)))


def _end(entry: str) -> str:
    return entry.rpartition(" → ")[2]


MEASURES: dict[str, Callable[[Any, Any], float]] = {
    "words": lambda value, gold: f1(str(value), str(gold)),
    "letters": lambda value, gold: letters(str(value), str(gold)),
    "word_recall": lambda value, gold: word_recall(str(value), str(gold)),
    "items": lambda value, gold: items(_as_list(value), _as_list(gold)),
    "entries": entries,
}
"""The measures by name.

words: the F1 of the words. letters: the share of characters in the same order. word_recall: the share of the value's
words that the gold text has (see `text_checks.word_recall`). items: the F1 of a list's items. entries: the F1 of an
object's entries.
"""


def _as_list(value: Any) -> list[str]:
    return list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]
