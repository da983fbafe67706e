"""Evidence: the sentences of retrieved passages that fit a query best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reasoning.problem import Problem
from reasoning.retrieval import ClientCalls, Passage, Retriever
from reasoning.retrieval.sentences import split_sentences
from reasoning.session import Session

PASSAGES = 5
"""The passages that are retrieved for a query."""
_MAX_TITLE, _MAX_CHARS = 120, 600
"""Lengths at which a title and a sentence are cut off."""
_MAX_SENTENCES = 300
"""The number of sentences that are ranked."""


def retriever_of(source: str | Retriever | None, problem: Problem) -> Retriever | None:
    """Return the retriever that a technique was given, or one over the problem's corpus; None without either."""
    if source is None and problem.corpus is None:
        return None
    from reasoning.retrieval.opening import problem_retriever

    return problem_retriever(source, problem.corpus)


async def find_evidence(
    query: str, retriever: Retriever, session: Session, *, keep: int = 3, embeddings: str | None = None
) -> list[str]:
    """Search, and return the sentences that fit a query best; empty if nothing is found.

    Each sentence has the title of its document in front, since it may say "it" of its subject.

    Args:
        query: a question or a statement.
        retriever: where to search.
        session: the session, whose trace shows the search.
        keep: maximum number of sentences.
        embeddings: a model of embeddings, to rank by the similarity of vectors; None ranks by words.

    Raises:
        CallFailed: a call of the retriever or of the embedding model failed for good.
    """
    passages = await session.tools.search(retriever, query, PASSAGES)
    # A title with line breaks could pass for another part of the prompt.
    found = dict.fromkeys(
        f"{' '.join(passage.title.splitlines())[:_MAX_TITLE]}: {sentence[:_MAX_CHARS]}"
        if passage.title
        else sentence[:_MAX_CHARS]
        for passage in passages
        for sentence in split_sentences(passage.text)
    )
    sentences = list(found)[:_MAX_SENTENCES]
    if len(sentences) <= keep:
        return sentences
    if embeddings is None:
        return [sentences[number] for number in _best_by_words(query, sentences, keep)]
    ranked = await session.tools.search(_ByMeaning(tuple(sentences), embeddings), query, keep)
    return [passage.text for passage in ranked]


@dataclass(frozen=True)
class _ByMeaning:
    """Sentences as a retriever, so that the trace shows their ranking and not the call for each vector."""

    sentences: tuple[str, ...]
    embeddings: str

    @property
    def name(self) -> str:
        """The name in the trace."""
        return f"the sentences by {self.embeddings}"

    async def search(self, query: str, k: int, calls: ClientCalls | None = None) -> list[Passage]:
        """Return the sentences with the vectors nearest to that of the query."""
        from reasoning.retrieval.embedding import open_embedder
        from reasoning.retrieval.ranking import nearest_vectors

        vectors = await open_embedder(self.embeddings).encode([query, *self.sentences], calls)
        best = nearest_vectors(vectors[1:], vectors[0], k)
        return [Passage(self.sentences[ranked.number], score=ranked.score) for ranked in best]


def _best_by_words(query: str, sentences: Sequence[str], keep: int) -> Sequence[int]:
    from reasoning.retrieval.ranking import WordIndex
    from reasoning.retrieval.words import query_words, words

    best = [ranked.number for ranked in WordIndex.build(map(words, sentences)).best(query_words(query), keep)]
    # A retriever by meaning may find passages that share no word with the query.
    return best or range(keep)
