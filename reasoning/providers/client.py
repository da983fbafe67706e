"""The interface between the engine and a provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, TypeAlias

from reasoning.messages import Completion, Request, Usage

if TYPE_CHECKING:
    from reasoning.images import Image
    from reasoning.providers.adapter_folder import Adapter
    from reasoning.providers.server_use import ServerUse

HeadersCallback: TypeAlias = Callable[[Mapping[str, str]], object]
"""Receives the headers of an HTTP response."""
LoadProgress: TypeAlias = Callable[[int, int, str], object]
"""Receives the bytes done, the bytes in total (0 if unknown) and a description."""


NO_VISION = (
    "takes no images: use a model that does, such as openai/gpt-4o-mini, ollama/llava, or a vision model on a server "
    "of your own (base_url=…)"
)
"""The problem of a model without vision."""


def _ignore_headers(headers: Mapping[str, str]) -> None:
    pass


class Client(ABC):
    """A client of one model. It sends each request once: it never retries, caches or tracks costs.

    A subclass sets `model` and implements `complete`; everything else has a default.

    Attributes:
        model: the name that goes into requests and the journal.
        endpoint: the base URL that goes into the journal; None for the provider's own.
        max_n: completions that one request may ask for (`n`); 1 if `n` is not supported.
        concurrency: requests that it can usefully have in flight; None for no limit of its own.
        free: whether its calls cost nothing, for example because the model runs on this machine.
        ignores_settings: whether settings that it does not know have no effect, without an error.
        caches_prompts: whether prompts are written to a cache of the provider, which charges for that.
        timed: whether the duration of a call says something about the model; a batch waits in a queue.
        operation: what a call does, in the words of OpenTelemetry: "chat" or "embeddings"; empty for a call of
            something else than a model.
        adapters: the trained adapters that it uses with the weights of a local model.
        on_headers: called with the headers of every response, including errors. The engine sets it
            to obey the provider's rate limits.
        progress: called while weights are downloaded and loaded, possibly from another thread; None
            to report nothing.
    """

    model: str
    endpoint: str | None = None
    max_n: int = 1
    concurrency: int | None = None
    free: bool = False
    ignores_settings: bool = False
    caches_prompts: bool = False
    timed: bool = True
    operation: str = "chat"
    adapters: tuple[Adapter, ...] = ()
    on_headers: HeadersCallback = staticmethod(_ignore_headers)
    progress: LoadProgress | None = None

    @abstractmethod
    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions in one request.

        Returns:
            At least one completion, possibly fewer than requested. A `CompletionBatch` distinguishes a
            provider that ignores `n` from a provider that withheld choices.

        Raises:
            CallFailed: the request failed.
        """

    @property
    def limited_as(self) -> str | None:
        """The name under which the rate limits of its endpoint are shared."""
        return self.endpoint

    @property
    def uses(self) -> tuple[ServerUse, ...]:
        """The work of each of several servers; empty for a client of one."""
        return ()

    def sending(self, request: Request) -> AbstractAsyncContextManager[None]:
        """Return what is entered while a request is sent. A delay by it is no part of the call's duration."""
        return nullcontext()

    def call_name(self, request: Request, draws: Sequence[int]) -> str:
        """Return the name of a call that survives this process, as a line of a batch does; empty for other calls.

        A ledger counts calls of one name once.
        """
        return ""

    def on_recorded(self, request: Request, draws: Sequence[int]) -> None:  # noqa: B027 - most clients keep no replies
        """Note that the journal has committed draws, so that the client need not keep their replies."""

    def describe_waiting(self) -> str:
        """Return a line for users that says what the client waits for; empty if nothing delays it."""
        return ""

    async def close(self) -> None:  # noqa: B027 - most clients have no resources
        """Release the client's resources. May be called twice."""

    def find_image_problem(self, image: Image) -> str:
        """Return why the model cannot be sent a picture, and what would work; empty if it can."""
        return ""

    def price(self, usage: Usage) -> float | None:
        """Return the cost of a usage in US dollars; None if the price is unknown."""
        return None

    def worst_price(self, usage: Usage) -> float | None:
        """Return the most that a usage may cost whose part in a prompt cache is not known yet; None as for `price`."""
        return self.price(usage)

    @property
    def prices(self) -> str:
        """The version of the price table that `price` uses; empty without a table."""
        return ""

    def key_variables(self) -> list[tuple[str, bool]]:
        """Return the environment variables of its keys, each with whether a key is there. No key is among them."""
        return []

    def sibling(self, model: str) -> Client | None:
        """Return the client of another model of this server or recording; None if it has none."""
        return None
