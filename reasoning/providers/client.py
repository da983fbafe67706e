"""The interface between the engine and a provider."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from reasoning.messages import Completion, Request, Usage

HeadersCallback: TypeAlias = Callable[[Mapping[str, str]], object]
"""Receives the headers of an HTTP response."""
LoadProgress: TypeAlias = Callable[[int, int, str], object]
"""Receives the bytes done, the bytes in total (0 if unknown) and what is being done."""


def _ignore_headers(headers: Mapping[str, str]) -> None:
    pass


class Client(ABC):
    """A client of one model. It sends one request once: it never retries, caches or counts money.

    A subclass sets `model` and implements `complete`; everything else has a default.

    Attributes:
        model: the name that goes into requests and the journal.
        endpoint: the base URL that goes into the journal; None for the provider's own.
        max_n: completions that one request may ask for (`n`); 1 where `n` is not honoured.
        concurrency: requests that it can usefully have in flight; None for no limit of its own.
        free: whether its calls cost no money, as those of a model on this machine.
        on_headers: called with the headers of every response, also of a refusal. The engine sets
            it, to obey the provider's rate limits.
        progress: called while weights are fetched and loaded, perhaps from another thread; None
            to report nothing.
    """

    model: str
    endpoint: str | None = None
    max_n: int = 1
    concurrency: int | None = None
    free: bool = False
    on_headers: HeadersCallback = staticmethod(_ignore_headers)
    progress: LoadProgress | None = None

    @abstractmethod
    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Ask for `len(draws)` completions in one request.

        Returns:
            At least one completion and perhaps fewer than were asked for. A `CompletionBatch` tells
            a provider that does not honour `n` from one that held choices back.

        Raises:
            CallFailed: the request did not come through.
        """

    async def close(self) -> None:  # noqa: B027 - most clients hold nothing
        """Free what the client holds. May be called twice."""

    def price(self, usage: Usage) -> float | None:
        """Return what a usage costs in US dollars; None where no price is known."""
        return None

    @property
    def prices(self) -> str:
        """The version of the price table that `price` uses; empty without a table."""
        return ""

    def sibling(self, model: str) -> Client | None:
        """Return the client of another model of this server or recording; None if it has none."""
        return None
