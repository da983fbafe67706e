"""Rankings of passages: BM25 by words, cosine similarity by vectors, and the fusion of several rankings.

Source:
    Robertson & Zaragoza (2009), "The Probabilistic Relevance Framework: BM25 and Beyond"; Lù (2024), arXiv 2407.03618
    (the library bm25s); Cormack, Clarke & Büttcher (2009), "Reciprocal Rank Fusion Outperforms Condorcet and
    Individual Rank Learning Methods".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reasoning.errors import MissingExtra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RRF_K = 60
"""The constant of reciprocal rank fusion (Cormack et al. 2009, section 2)."""


class Ranked(NamedTuple):
    """A passage of a ranking: its number and its score."""

    number: int
    score: float


class WordIndex:
    """A BM25 index of passages, with the parameters of Lucene (k1 = 1.5, b = 0.75).

    Args:
        bm25: the index of bm25s; None if no passage has a word.
    """

    def __init__(self, bm25: Any) -> None:
        self._bm25 = bm25

    @classmethod
    def build(cls, passages: Iterable[Iterable[str]]) -> WordIndex:
        """Build the index from the words of each passage.

        Raises:
            MissingExtra: bm25s is not installed.
        """
        vocabulary: dict[str, int] = {}
        numbers = [[vocabulary.setdefault(word, len(vocabulary)) for word in words] for words in passages]
        if not vocabulary:
            return cls(None)
        bm25 = _library().BM25()
        bm25.index((numbers, vocabulary), show_progress=False)
        return cls(bm25)

    def best(self, words: Sequence[str], k: int) -> list[Ranked]:
        """Return at most `k` passages with at least one of the words, the best first.

        A word that occurs twice among `words` counts twice.
        """
        if self._bm25 is None or not words:
            return []
        return [ranked for ranked in _best(self._bm25.get_scores(list(words)), k) if ranked.score > 0]

    def save(self, folder: Path) -> None:
        """Write the index into a folder; nothing is written without words."""
        if self._bm25 is not None:
            self._bm25.save(folder)

    @classmethod
    def load(cls, folder: Path) -> WordIndex:
        """Open an index that was saved; its arrays stay on disk until they are used."""
        return cls(_library().BM25.load(folder, mmap=True) if folder.exists() else None)


def nearest_vectors(vectors: NDArray[np.float32], query: NDArray[np.float32], k: int) -> list[Ranked]:
    """Return the rows with the largest cosine similarity to a query, the best first. All vectors have length 1."""
    return _best(vectors @ query, k)


def fuse(rankings: Iterable[Iterable[int]]) -> list[Ranked]:
    """Return the passages of several rankings in the order of their fused scores: the sum of 1 / (60 + rank).

    Of equal scores, the passage that an earlier ranking has first comes first.

    Examples:
        >>> [ranked.number for ranked in fuse([[7, 8, 9], [9, 7]])]
        [7, 9, 8]
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, number in enumerate(ranking, 1):
            scores[number] = scores.get(number, 0.0) + 1 / (RRF_K + rank)
    return [Ranked(number, scores[number]) for number in sorted(scores, key=lambda one: -scores[one])]


def _best(scores: NDArray[np.float32], k: int) -> list[Ranked]:
    """Return the numbers of the `k` largest scores, the largest first; of equal ones the first number."""
    import numpy as np

    candidates = np.arange(len(scores))
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        candidates = np.flatnonzero(scores >= least)
    order = candidates[np.argsort(-scores[candidates], kind="stable")][:k]
    return [Ranked(int(number), float(scores[number])) for number in order]


def _library() -> Any:
    try:
        import bm25s
    except ImportError:
        raise MissingExtra("searching texts", "retrieval", "bm25s") from None
    return bm25s
