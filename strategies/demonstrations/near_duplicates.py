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
    if not 0 < threshold <= 1:
        raise UsageError(f"threshold must be above 0 and at most 1, got {threshold}")
    texts = [words_of(text) for text in (*questions, *others)]
    shingles = [_shingles(words) for words in texts]
    frequency = Counter(shingle for each in shingles for shingle in each)
    prefixes = [_prefix(each, frequency, threshold) for each in shingles]
    numbers = [sorted(filter(_is_calculation, words)) for words in texts]
    start = len(questions)
    holders = defaultdict[tuple[str, ...], list[int]](list)
    for index in range(start, len(texts)):
        for shingle in prefixes[index]:
            holders[shingle].append(index)
    found = {}
    for index in range(start):
        candidates = sorted({other for shingle in prefixes[index] for other in holders.get(shingle, ())})
        similarities = {
            other: 1.0 if texts[index] == texts[other] else _similarity(shingles[index], shingles[other])
            for other in candidates
            if numbers[index] == numbers[other]
        }
        best = max(similarities, key=similarities.__getitem__, default=None)
        if best is not None and similarities[best] >= threshold:
            found[index] = best - start
    return found


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
