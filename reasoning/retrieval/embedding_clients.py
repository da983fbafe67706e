"""Clients of embeddings: OpenAI and compatible servers, hosted models through litellm, and local weights."""

from __future__ import annotations

import asyncio
import base64
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from reasoning import forks
from reasoning.errors import CallFailed, UsageError
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.adapters import split_model
from reasoning.providers.client import Client
from reasoning.providers.llama_cpp import server
from reasoning.providers.llama_cpp.client import local_client
from reasoning.providers.openai_client import OpenAIClient, openai_client
from reasoning.retrieval.progress import current_display
from reasoning.retrieval.text_batches import TextBatches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reasoning.providers.litellm_client import LiteLLMClient
    from reasoning.providers.llama_cpp.client import LocalClient

_BATCH, _LOCAL_BATCH = 64, 16
"""Texts of one request."""
_BATCH_CHARS = 200_000
"""Characters of one request: OpenAI takes at most 300,000 tokens."""
_CONCURRENCY = 256
"""Texts in flight: four requests."""


class Embedding(NamedTuple):
    """The embedding of one text: its vector, of length 1, and what it cost."""

    vector: NDArray[np.float32]
    usage: Usage


class EmbeddingClient(Client):
    """A client that embeds the content of the only message of a request.

    The text of its completion is the vector: float32 of length 1, little-endian, in base64. Texts of
    concurrent calls are sent in one request.

    Args:
        model: the name of the model; it goes into requests and the journal with "embeddings:" in front.
        batch: the maximum number of texts of one request.
    """

    operation = "embeddings"

    def __init__(self, model: str, batch: int = _BATCH) -> None:
        self.model = f"embeddings:{model}"
        self.concurrency: int | None = _CONCURRENCY
        self._batches = TextBatches(self._embed, batch, _BATCH_CHARS)

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Embed the text of a request.

        Raises:
            CallFailed: the request failed, or the response has no vector for each text.
        """
        started = time.monotonic()
        embedding = await self._batches.add(request.messages[0].content)
        usage = replace(embedding.usage, seconds=time.monotonic() - started)
        return [Completion(encode_vector(embedding.vector), usage=usage, prices=self.prices)]

    async def _embed(self, texts: Sequence[str]) -> list[Embedding]:
        response = await self._send(texts)
        vectors = _read_vectors(response, len(texts), self.model)
        stated = response.get("usage")
        tokens = stated.get("prompt_tokens") if isinstance(stated, Mapping) else None
        shares = _split_tokens(tokens if isinstance(tokens, int) else 0, [len(text) for text in texts])
        used = [Usage(calls=1, prompt_tokens=share) for share in shares]
        return [
            Embedding(vector, replace(usage, usd=self.price(usage)))
            for vector, usage in zip(vectors, used, strict=True)
        ]

    @abstractmethod
    async def _send(self, texts: Sequence[str]) -> Mapping[str, Any]:
        """Return the response to one request, in the form of OpenAI's embeddings API."""


class OpenAIEmbeddings(EmbeddingClient):
    """A client of `/embeddings` on OpenAI or a compatible server.

    Args:
        http: the client of the model on that server.
    """

    def __init__(self, http: OpenAIClient) -> None:
        super().__init__(http.model)
        self._http, self._name = http, http.model.removeprefix("openai/")
        self.endpoint = http.endpoint

    async def _send(self, texts: Sequence[str]) -> Mapping[str, Any]:
        self._http.on_headers = self.on_headers
        reply = await self._http.post("/embeddings", {"model": self._name, "input": list(texts)})
        return reply if isinstance(reply, dict) else {}

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars; None if the price is unknown."""
        return self._http.price(usage)

    @property
    def prices(self) -> str:
        """The version of the price table; empty if the price is unknown."""
        return self._http.prices

    def key_variables(self) -> list[tuple[str, bool]]:
        """Return the environment variable of the key, with whether it is set."""
        return self._http.key_variables()

    async def close(self) -> None:
        """Close the connections of all event loops."""
        await self._http.close()


class LiteLLMEmbeddings(EmbeddingClient):
    """A client of a hosted embedding model of any provider.

    Args:
        hosted: the client of the model.
    """

    def __init__(self, hosted: LiteLLMClient) -> None:
        super().__init__(hosted.model)
        self._hosted = hosted

    async def _send(self, texts: Sequence[str]) -> Mapping[str, Any]:
        self._hosted.on_headers = self.on_headers
        return await self._hosted.embed(texts)

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars; None if the price is unknown."""
        return self._hosted.price(usage)

    @property
    def prices(self) -> str:
        """The version of the price table; empty if the price is unknown."""
        return self._hosted.prices

    def key_variables(self) -> list[tuple[str, bool]]:
        """Return the environment variables that litellm lacks."""
        return self._hosted.key_variables()

    async def close(self) -> None:
        """Close the connections."""
        await self._hosted.close()


class LocalEmbeddings(EmbeddingClient):
    """A client of local weights, in a llama.cpp server of their own for embeddings.

    The vector of a language model is the mean over its tokens; weights of an embedding model say
    themselves how they pool. Of a text its first `server.EMBEDDING_TOKENS` tokens count.

    Args:
        local: the client of the weights, whose file is found or downloaded by it.
    """

    free = True

    def __init__(self, local: LocalClient) -> None:
        super().__init__(local.model, _LOCAL_BATCH)
        self._local = local
        self.concurrency = 2 * _LOCAL_BATCH
        self._server: server.LlamaServer | None = None
        self._http: OpenAIClient | None = None
        self._starting: asyncio.Task[None] | None = None
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the server to the parent process; see `reasoning.forks`."""
        forks.leak(self._server, self._http, self._starting)
        self._server = self._http = self._starting = None

    async def _send(self, texts: Sequence[str]) -> Mapping[str, Any]:
        http = await self._open()
        inputs = [await self._cut(http, text) for text in texts]
        reply = await http.post("/v1/embeddings", {"input": inputs})
        return reply if isinstance(reply, dict) else {}

    async def _cut(self, http: OpenAIClient, text: str) -> str | list[int]:
        """Return a text, or the first tokens of one that may be too long."""
        # A token is at least a byte, and special tokens are added.
        limit = server.EMBEDDING_TOKENS - 8
        if len(text.encode()) <= limit:
            return text
        answer = await http.post("/tokenize", {"content": text, "add_special": True})
        tokens: list[int] = answer["tokens"]
        return tokens[:limit] if len(tokens) > limit else text

    async def _open(self) -> OpenAIClient:
        if self._http is None:
            if self._starting is None or self._starting.done():
                self._starting = asyncio.ensure_future(self._start())
                # Retrieve the exception, which asyncio would otherwise log as never retrieved.
                self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.shield(self._starting)
        assert self._http is not None
        return self._http

    async def _start(self) -> None:
        if (display := current_display()) is not None:
            self._local.progress = lambda done, total, text: display(
                0, 0, f"{text}: {done / total:.0%}" if total > 1 else text
            )
        loaded = self._server = await self._local.load_server(embeds=True)
        self._http = OpenAIClient(
            self.model, loaded.address, api_key=loaded.key, timeout=None, free=True, socket_factory=loaded.connect
        )

    async def close(self) -> None:
        """Close the connections, and the server if no other client uses it."""
        http, loaded, self._http, self._server = self._http, self._server, None, None
        if http is not None:
            await http.close()
        if loaded is not None:
            await asyncio.to_thread(server.release, loaded)


def embedding_client(model: str, base_url: str | None = None) -> EmbeddingClient:
    """Return the client of an embedding model; nothing is loaded or called.

    Args:
        model: `local`, `local:NAME`, `local:FILE.gguf`, `openai/NAME`, or another litellm name; with
            a `base_url`, the name on that server.
        base_url: an OpenAI-compatible server. Keys come from the environment, as of `connect`.

    Raises:
        UsageError: there are no such weights, or the address is not valid.
    """
    if not isinstance(model, str) or not model.strip():
        raise UsageError(f"embeddings must be the name of a model, such as 'local', got {model!r}")
    if base_url is not None or model.startswith("openai/"):
        return OpenAIEmbeddings(openai_client(model, base_url))
    if model.partition(":")[0].partition("+")[0] == "local":
        base, adapters = split_model(model)
        if adapters:
            raise UsageError(f"adapters change replies, not embeddings: use {base!r}, got {model!r}")
        return LocalEmbeddings(local_client(model))
    from reasoning.providers.litellm_client import LiteLLMClient

    return LiteLLMEmbeddings(LiteLLMClient(model))


def encode_vector(vector: NDArray[np.float32]) -> str:
    """Return a vector as text."""
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def decode_vector(text: str) -> NDArray[np.float32]:
    """Return the vector of a text.

    Raises:
        ValueError: it is not the text of a vector.
    """
    import numpy as np

    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")


def _read_vectors(response: Mapping[str, Any], count: int, model: str) -> list[NDArray[np.float32]]:
    """Return the vectors of a response in the order of its texts, scaled to length 1.

    Raises:
        CallFailed: a vector is missing, or is not a list of finite numbers.
    """
    import numpy as np

    data = response.get("data")
    try:
        indexed = {int(item.get("index", place)): item["embedding"] for place, item in enumerate(data or ())}
        vectors = []
        for place in range(count):
            stated = indexed[place]
            is_text = isinstance(stated, str)
            vector = np.frombuffer(base64.b64decode(stated), "<f4") if is_text else np.asarray(stated, dtype=np.float64)
            with np.errstate(all="ignore"):
                length = float(np.linalg.norm(vector.astype(np.float64)))
            if vector.ndim != 1 or not vector.size or not np.isfinite(length) or length == 0:
                raise ValueError
            vectors.append((vector / length).astype(np.float32))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise CallFailed(
            f"{model} answered without a vector for each of {count} texts; is it an embedding model?"
        ) from None
    return vectors


def _split_tokens(total: int, lengths: Sequence[int]) -> list[int]:
    """Return the share of each text in the tokens of a request; the shares add up to the total."""
    ends, done, whole = [], 0, max(sum(lengths), 1)
    for length in lengths:
        done += length
        ends.append(total * done // whole)
    return [end - start for start, end in zip([0, *ends], ends, strict=False)] if lengths else []
