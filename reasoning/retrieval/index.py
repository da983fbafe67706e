"""A search over texts: by words (BM25), by meaning (embeddings), or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, get_args

from reasoning import event_loop
from reasoning.errors import CallFailed, UnknownName, UsageError
from reasoning.retrieval.document import Corpus, Passage
from reasoning.retrieval.embedding import Embedder, open_embedder
from reasoning.retrieval.opened_sources import OpenedSource, open_source, open_source_async
from reasoning.retrieval.ranking import Ranked, fuse, nearest_vectors
from reasoning.retrieval.retriever import ClientCalls
from reasoning.retrieval.words import query_words

Method = Literal["bm25", "dense", "hybrid"]
_FUSED = 100
"""The passages of each ranking that are fused, at least."""


@dataclass(frozen=True)
class Index:
    """A retriever over texts; `Index(…)` in a spec.

    A folder or a file is read once. What is needed to search it is stored in the cache folder of
    this library, and built again when a file has changed. Vectors are stored with it, so that a
    passage is embedded once.

    Attributes:
        source: a folder of texts (.txt, .md, .rst, .html, .pdf), such a file, a file with a record
            for each text ("notes.jsonl", "notes.csv#body", "notes.parquet#body"), a data set of the
            hub ("hf:OWNER/NAME"), or a `Corpus`.
        method: "bm25" searches for the words of a query. "dense" compares embeddings by their cosine
            similarity. "hybrid" fuses both rankings by reciprocal rank (Cormack et al. 2009).
        embeddings: the embedding model for "dense" and "hybrid": "local", "local:FILE.gguf",
            "openai/text-embedding-3-small", or another litellm name.
        base_url: an OpenAI-compatible server that has the embedding model.

    Raises:
        UsageError: a method needs embeddings, or the source is empty.

    Examples:
        >>> from reasoning.retrieval import Corpus, Document
        >>> birds = Corpus("birds", [Document("Herons eat frogs."), Document("A robin sings.")])
        >>> [passage.text for passage in Index(birds).find("What does a heron eat?")]
        ['Herons eat frogs.']
        >>> Index("docs/", "hybrid", "local")
        Index(source='docs/', method='hybrid', embeddings='local')
    """

    source: str | Corpus
    method: Method = "bm25"
    embeddings: str | None = None
    base_url: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.source, str | Corpus):
            hint = f"; write it as a text: {str(self.source)!r}" if isinstance(self.source, PurePath) else ""
            raise UsageError(f"source must be a folder, a file or a Corpus, got {self.source!r:.80}{hint}")
        if isinstance(self.source, str) and not self.source.strip():
            raise UsageError("source must be a folder, a file or a Corpus, got an empty text")
        if self.method not in get_args(Method):
            raise UnknownName("method", str(self.method), get_args(Method))
        if self.method != "bm25" and self.embeddings is None:
            raise UsageError(f"method={self.method!r} needs an embedding model, such as embeddings='local'")
        if self.embeddings is not None and not self.embeddings.strip():
            raise UsageError("embeddings must be the name of a model, such as 'local', got an empty text")
        if self.method == "bm25" and self.embeddings is not None:
            raise UsageError("embeddings are used by method='dense' and method='hybrid', got method='bm25'")
        if self.base_url is not None and self.embeddings is None:
            raise UsageError("base_url is the server of an embedding model: give embeddings, too")

    def __repr__(self) -> str:
        fields = {name: getattr(self, name) for name in ("source", "method", "embeddings", "base_url")}
        shown = (f"{name}={value!r}" for name, value in fields.items() if value not in (None, "bm25"))
        return f"Index({', '.join(shown)})"

    @property
    def name(self) -> str:
        """The name in traces: that of the source."""
        return self.source.name if isinstance(self.source, Corpus) else self.source

    @property
    def corpus(self) -> Corpus | None:
        """The corpus that is searched; None if it is a folder, a file or a data set."""
        return self.source if isinstance(self.source, Corpus) else None

    def find(self, query: str, k: int = 5) -> list[Passage]:
        """Return at most `k` passages for a query, the best first, from synchronous code.

        Args:
            query: the query.
            k: the maximum number of passages.

        Raises:
            InputError: the source does not exist or cannot be read.
            MissingExtra: a library that it needs is not installed.
            CallFailed: the embedding model cannot be called.
        """
        open_source(self.source)
        return list(event_loop.run_sync(self.search(query, k)))

    async def search(self, query: str, k: int, calls: ClientCalls | None = None) -> Sequence[Passage]:
        """Return at most `k` passages for a query, the best first.

        A blank query finds nothing, and "bm25" finds only passages with a word of the query.

        Args:
            query: the query.
            k: the maximum number of passages, at least 1.
            calls: makes the calls of the embedding model; None makes them directly.

        Raises:
            InputError: the source does not exist or cannot be read.
            MissingExtra: a library that it needs is not installed.
            CallFailed: the embedding model cannot be called.
            BudgetExhausted: the budget does not cover a call.
        """
        if k < 1:
            raise UsageError(f"k must be at least 1, got {k}")
        opened = await open_source_async(self.source)
        passages = opened.passages
        if not query.strip() or not len(passages):
            return []
        depth = min(k if self.method != "hybrid" else max(k, _FUSED), len(passages))
        by_words = passages.words.best(query_words(query), depth) if self.method != "dense" else []
        if self.embeddings is None:
            return [passages.passage(*ranked) for ranked in by_words]
        ranking = await self._by_meaning(opened, open_embedder(self.embeddings, self.base_url), query, depth, calls)
        if self.method == "hybrid":
            ranking = fuse([[one.number for one in by_words], [one.number for one in ranking]])
        return [passages.passage(*ranked) for ranked in ranking[:k]]

    async def _by_meaning(
        self, opened: OpenedSource, embedder: Embedder, query: str, depth: int, calls: ClientCalls | None
    ) -> list[Ranked]:
        vectors = await opened.vectors(embedder, calls)
        [wanted] = await embedder.encode([query], calls)
        if wanted.size != vectors.shape[1]:
            raise CallFailed(
                f"{embedder.name} returned a vector of {wanted.size:,} numbers for the query and of "
                f"{vectors.shape[1]:,} for the passages: if the model has changed, give it another name, or remove "
                f"the index with reasoning search … --rebuild"
            )
        return nearest_vectors(vectors, wanted, depth)
