"""Near duplicates among questions: equal questions, and questions with the same numbers and almost the same words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil

from reasoning.errors import UsageError

NEAR = 0.7
"""Least Jaccard similarity of near duplicates. One word of 20 may differ, or two of 38."""
_SIZE = 3
# An operator, a character of a script without spaces between words, or a word.
_WORD = re.compile(
    r"[+*/=<>^×÷−]|-(?=\s?\d)|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
    r"|[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")

Shingles = frozenset[tuple[str, ...]]


def find_near_duplicates(questions: Sequence[str], others: Sequence[str], *, threshold: float = NEAR) -> dict[int, int]:
    """Return the questions that have a near duplicate among other questions.

    Two questions are near duplicates if they have the same words in the same order, apart from case
    and punctuation; or if they have the same numbers and operators, and their sets of word 3-grams
    have a Jaccard similarity of at least `threshold`. A question with other numbers is another
    problem, as the variants of a template are.

    Candidates are found by prefix filtering: two sets with this similarity share one of their
    rarest 3-grams (Bayardo et al. 2007, "Scaling Up All Pairs Similarity Search"). The result is
    exact, and 1,000 questions are compared with 1,000 in well under a second.

    Args:
        questions: the questions to check, such as those of a pool. Give the whole problem
            (`problem.values()["problem"]`) if questions differ only in their context, table or
            options.
        others: the questions to compare them with, such as those that are judged.
        threshold: the least Jaccard similarity, above 0 and at most 1.

    Returns:
        The index of the most similar one of `others` by the index of the question; the first of
        several that are equally similar.

    Raises:
        UsageError: the threshold is out of range.

    Examples:
        >>> judged = ["Ann buys 3 boxes of 8 pens. How many pens is that?"]
        >>> pool = ["ann buys 3 boxes of 8 pens: how many pens is that", "Ann buys 4 boxes of 8 pens. How many pens?"]
        >>> find_near_duplicates(pool, judged)
        {0: 0}
    """
    start = len(questions)
    comparison = _Comparison((*questions, *others), threshold)
    for index in range(start, start + len(others)):
        comparison.add(index)
    found = {}
    for index in range(start):
        similarities = comparison.near(index)
        best = max(similarities, key=similarities.__getitem__, default=None)
        if best is not None:
            found[index] = best - start
    return found


def group_near_duplicates(questions: Sequence[str], *, threshold: float = NEAR) -> list[int]:
    """Return a group for each question: near duplicates are in one, and so are their own near duplicates.

    Args:
        questions: the questions.
        threshold: as in `find_near_duplicates`.

    Returns:
        For each question the index of the first one of its group.

    Raises:
        UsageError: the threshold is out of range.

    Examples:
        >>> group_near_duplicates(["Ann has 3 pens.", "Bob runs.", "Ann has 3 pens"])
        [0, 1, 0]
    """
    comparison = _Comparison(questions, threshold)
    groups: list[int] = []
    for index in range(len(questions)):
        near = {groups[other] for other in comparison.near(index)}
        first = min(near, default=index)
        groups = [first if group in near else group for group in groups] if len(near) > 1 else groups
        groups.append(first)
        comparison.add(index)
    return groups


class _Comparison:
    """Texts that are compared with those that were added.

    Args:
        texts: the texts.
        threshold: the least similarity of near duplicates.

    Raises:
        UsageError: the threshold is out of range.
    """

    def __init__(self, texts: Sequence[str], threshold: float) -> None:
        if not 0 < threshold <= 1:
            raise UsageError(f"threshold must be above 0 and at most 1, got {threshold}")
        self._threshold = threshold
        self._words = [words_of(text) for text in texts]
        self._shingles = [_shingles(words) for words in self._words]
        frequency = Counter(shingle for each in self._shingles for shingle in each)
        self._prefixes = [_prefix(each, frequency, threshold) for each in self._shingles]
        self._numbers = [sorted(filter(_is_calculation, words)) for words in self._words]
        self._holders = defaultdict[tuple[str, ...], list[int]](list)

    def add(self, index: int) -> None:
        """Let later texts be compared with this one."""
        for shingle in self._prefixes[index]:
            self._holders[shingle].append(index)

    def near(self, index: int) -> dict[int, float]:
        """Return the similarities of a text to its near duplicates among the added ones, by ascending index."""
        candidates = sorted({other for shingle in self._prefixes[index] for other in self._holders.get(shingle, ())})
        similarities = {
            other: 1.0
            if self._words[index] == self._words[other]
            else _similarity(self._shingles[index], self._shingles[other])
            for other in candidates
            if self._numbers[index] == self._numbers[other]
        }
        return {other: value for other, value in similarities.items() if value >= self._threshold}


def words_of(text: str) -> list[str]:
    """Return the words, numbers and operators of a text in the form in which questions are compared."""
    return _WORD.findall(_THOUSANDS.sub("", unicodedata.normalize("NFKC", text).casefold()))


def _is_calculation(word: str) -> bool:
    return any(map(str.isdigit, word)) or not word[0].isalnum()


def _shingles(words: Sequence[str]) -> Shingles:
    """Return the word 3-grams; of a shorter text, all of its words as one."""
    return frozenset(tuple(words[start : start + _SIZE]) for start in range(max(1, len(words) - _SIZE + 1)))


def _prefix(shingles: Shingles, frequency: Counter[tuple[str, ...]], threshold: float) -> list[tuple[str, ...]]:
    """Return the rarest shingles, of which a set with the given similarity has at least one among its own."""
    kept = len(shingles) - ceil(threshold * len(shingles) - 1e-9) + 1
    return sorted(shingles, key=lambda shingle: (frequency[shingle], shingle))[:kept]


def _similarity(one: Shingles, other: Shingles) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common)
