"""How alike two values are, from 0 to 1, by a measure that has a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Any

from reasoning.chain.text_checks import word_recall
from reasoning.kinds.text import f1

ALIKE = 0.5
"""From this F1 of their words on, two items of a list may be the same one."""
_LETTERS = 2_000
"""Characters of which the measure `letters` takes account: its time grows with their square."""


def items(value: Sequence[str], gold: Sequence[str], alike: Callable[[str, str], float] = f1) -> float:
    """The F1 of the items of two lists, each paired with one at most, the most alike first; 1 where both are empty.

    Args:
        value, gold: the lists.
        alike: how alike two items are; from `ALIKE` on they may be paired.
    """
    scores = [(alike(str(one), str(other)), i, j) for i, one in enumerate(value) for j, other in enumerate(gold)]
    left, right = set[int](), set[int]()
    for score, i, j in sorted(scores, key=lambda one: (-one[0], one[1], one[2])):
        if score >= ALIKE and i not in left and j not in right:
            left.add(i)
            right.add(j)
    return 2 * len(left) / (len(value) + len(gold)) if value or gold else 1.0


def letters(value: str, gold: str) -> float:
    """The share of characters that stand in both in the same order (Ratcliff and Obershelp); of the first 2,000."""
    return SequenceMatcher(None, value[:_LETTERS], gold[:_LETTERS], autojunk=False).ratio()


def entries(value: Any, gold: dict[str, Any]) -> float:
    """The F1 of the entries of two objects: keys paired as in `items`, and right where their values are equal."""
    pairs = [f"{key} → {one}" for key, one in value.items()] if isinstance(value, dict) else []
    wanted = [f"{key} → {one}" for key, one in gold.items()]
    return items(pairs, wanted, lambda a, b: f1(a.partition(" → ")[0], b.partition(" → ")[0]) * (_end(a) == _end(b)))


def _end(entry: str) -> str:
    return entry.rpartition(" → ")[2]


MEASURES: dict[str, Callable[[Any, Any], float]] = {
    "words": lambda value, gold: f1(str(value), str(gold)),
    "letters": lambda value, gold: letters(str(value), str(gold)),
    "found": lambda value, gold: word_recall(str(value), str(gold)),
    "items": lambda value, gold: items(_listed(value), _listed(gold)),
    "entries": entries,
}
"""words: the F1 of their words. letters: characters in the same order. found: the share of the value's words that the
gold text has (see `text_checks.found`). items, entries: the F1 of a list's items, an object's entries."""


def _listed(value: Any) -> list[str]:
    return list(map(str, value)) if isinstance(value, list | tuple) else [str(value)]
