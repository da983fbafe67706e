"""Vectors of texts, and their clusters by k-means."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reasoning.errors import MissingExtra, UsageError
from reasoning.problem import Problem
from reasoning.session import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
"""One row per text."""

MAX_WORDS = 4096
"""Columns of a TF-IDF matrix: the most frequent words."""
_DIGITS = 6
"""Decimals of a distance that count: the last bits of equal distances differ."""


async def encode(texts: Sequence[str], embeddings: str | None, session: Session) -> Vectors:
    """Return a vector of unit length for each text; a zero vector for one without words.

    Args:
        texts: the texts.
        embeddings: the name of an embedding model. None is TF-IDF of words and pairs of words,
            computed here, for which nothing is sent.
        session: the session whose journal keeps the embeddings, so that a text is embedded once.

    Raises:
        MissingExtra: scikit-learn is not installed.
        CallFailed: a call of the embedding model failed for good.
    """
    check_installed()
    if embeddings is None:
        return await asyncio.to_thread(_tf_idf, texts)
    from reasoning.retrieval.embedding import open_embedder

    return await open_embedder(embeddings).encode(texts, session.tools)


async def cluster_problems(
    problems: Sequence[Problem], count: int, seed: int, embeddings: str | None, session: Session
) -> list[list[int]]:
    """Sort problems into clusters by their texts; see `encode` and `cluster`. The event loop is not blocked."""
    vectors = await encode([problem.values()["problem"] for problem in problems], embeddings, session)
    return await asyncio.to_thread(cluster, vectors, count, seed)


def cluster(vectors: Vectors, count: int, seed: int = 0) -> list[list[int]]:
    """Sort vectors into clusters by k-means.

    Equal vectors are always in one cluster, so there are fewer clusters than `count` if there are
    fewer distinct vectors. The result is the same for the same vectors and seed.

    Args:
        vectors: the vectors, one per row.
        count: the number of clusters, at least 1.
        seed: the seed of the first centroids.

    Returns:
        For each cluster the indices of its members, the one closest to the centroid first. Ties keep
        the order of the vectors.

    Raises:
        MissingExtra: scikit-learn is not installed.
        UsageError: `count` is less than 1.
    """
    check_installed()
    import numpy as np
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    if count < 1:
        raise UsageError(f"the number of clusters must be at least 1, got {count}")
    if not len(vectors):
        return []
    distinct = len(np.unique(vectors, axis=0))
    # With several threads the order of a sum, and so its last bits, would vary.
    with threadpool_limits(1):
        model = KMeans(n_clusters=min(count, distinct), n_init=10, random_state=seed).fit(vectors)
        distances = model.transform(vectors).round(_DIGITS)
    labels: list[int] = model.labels_.tolist()
    members: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(label, []).append(index)
    return [sorted(members[label], key=distances[:, label].__getitem__) for label in sorted(members)]


def check_installed() -> None:
    """Raise MissingExtra if scikit-learn is not installed: before calls that would be of no use."""
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise MissingExtra("clustering", "clustering", "scikit-learn") from None


def _tf_idf(texts: Sequence[str]) -> Any:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(any(map(str.isalnum, text)) for text in texts):
        return np.zeros((len(texts), 1), np.float32)
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), token_pattern=r"\w+", max_features=MAX_WORDS, sublinear_tf=True, dtype=np.float32
    )
    return vectorizer.fit_transform(texts).toarray()
