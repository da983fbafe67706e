"""Embeddings of texts as vectors, from an embedding model."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from reasoning import event_loop
from reasoning.errors import CallFailed, MissingExtra
from reasoning.messages import Message, Request
from reasoning.retrieval.embedding_clients import EmbeddingClient, decode_vector, embedding_client

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reasoning.retrieval.retriever import ClientCalls

T = TypeVar("T")

MAX_CHARS = 8_000
"""Maximum characters of a text that are embedded."""
_CHUNK = 256
"""Texts whose calls are made at once."""
_VARIABLES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "REASONING_API_KEY", "REASONING_HOME")
"""The environment variables that a client reads when it is made."""


class Embedder:
    """An embedding model. `open_embedder` makes one.

    Args:
        client: the client of the model.
    """

    def __init__(self, client: EmbeddingClient) -> None:
        self.client = client

    @property
    def name(self) -> str:
        """The name of the model, as the journal has it."""
        return self.client.model

    async def encode(self, texts: Sequence[str], calls: ClientCalls | None = None) -> NDArray[np.float32]:
        """Return the vectors of texts as rows, each of length 1. Their products are cosine similarities.

        Of a text the first `MAX_CHARS` characters count. A blank text has a row of zeros.

        Args:
            texts: the texts; at least one is not blank.
            calls: makes the calls, through journal, limits and retries, so that a text is embedded
                once; None makes them directly, without retries.

        Raises:
            CallFailed: a call failed, or the vectors differ in length.
            BudgetExhausted: the budget does not cover a call.
        """
        try:
            import numpy as np
        except ImportError:
            raise MissingExtra("embedding texts", "retrieval", "numpy") from None
        distinct = list(dict.fromkeys(text[:MAX_CHARS] for text in texts if text[:MAX_CHARS].strip()))
        vectors: dict[str, NDArray[np.float32]] = {}
        for start in range(0, len(distinct), _CHUNK):
            chunk = distinct[start : start + _CHUNK]
            rows = await _all(self._encode_one(text, calls) for text in chunk)
            vectors |= zip(chunk, rows, strict=True)
        sizes = {vector.size for vector in vectors.values()}
        if len(sizes) > 1:
            raise CallFailed(f"{self.name} returned vectors of different lengths: {sorted(sizes)}")
        blank = np.zeros(max(sizes, default=1), dtype=np.float32)
        return np.stack([vectors.get(text[:MAX_CHARS], blank) for text in texts]) if texts else np.zeros((0, 1), "<f4")

    async def _encode_one(self, text: str, calls: ClientCalls | None) -> NDArray[np.float32]:
        if calls is not None:
            reply = await calls.call(self.client, text, paid=not self.client.free)
        else:
            event_loop.close_at_exit(self.client)
            request = Request(self.client.model, (Message("user", text),), {}, self.client.endpoint)
            reply = (await self.client.complete(request, [0]))[0].text
        try:
            vector = decode_vector(reply)
        except ValueError:
            vector = None
        if vector is None or not vector.size:
            raise CallFailed(f"{self.name}: the recorded reply is not a vector; remove it with reasoning journal prune")
        return vector


def open_embedder(embeddings: str, base_url: str | None = None) -> Embedder:
    """Return the embedder of a model, the same one for all callers of this process.

    Args:
        embeddings: the name of the model: `local`, `local:NAME`, `openai/NAME`, or another litellm name.
        base_url: an OpenAI-compatible server that has the model; None for the provider's own.

    Raises:
        UsageError: there are no such weights, or the address is not valid.
    """
    return _open(embeddings, base_url, tuple(map(os.environ.get, _VARIABLES)))


@lru_cache(maxsize=32)
def _open(embeddings: str, base_url: str | None, variables: tuple[str | None, ...]) -> Embedder:
    return Embedder(embedding_client(embeddings, base_url))


async def _all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of concurrent calls. All of them end before an error is raised, since some may be paid for."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
