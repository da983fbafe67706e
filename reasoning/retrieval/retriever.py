"""The interface of a retriever, and of the calls that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from reasoning.retrieval.document import Passage

if TYPE_CHECKING:
    from reasoning.providers.client import Client


class ClientCalls(Protocol):
    """Makes calls that are not calls of a language model, such as those of an encyclopaedia's API.

    A session makes them as it makes calls of a model: equal ones in flight are one, limits and
    retries apply, and the journal keeps the reply, so that a rerun makes none.
    """

    async def call(self, client: Client, payload: str, *, paid: bool = False) -> str:
        """Send a payload through a client, and return its reply.

        Args:
            client: the client; it gets the payload as the content of the only message.
            payload: what identifies the call: the same payload gives the recorded reply.
            paid: whether the call costs money or tokens, which count against the budget.

        Raises:
            CallFailed: the call failed for good.
            BudgetExhausted: the budget does not cover a paid call, or its time is over.
        """
        ...


@runtime_checkable
class Retriever(Protocol):
    """Finds passages.

    Attributes:
        name: the name in traces, such as the folder that is searched.
    """

    @property
    def name(self) -> str: ...

    async def search(self, query: str, k: int, calls: ClientCalls | None = None) -> Sequence[Passage]:
        """Return at most `k` passages for a query, the best first; empty if none fits.

        Args:
            query: the query.
            k: the maximum number of passages, at least 1.
            calls: makes the calls of a retriever that needs some; None to make them directly.

        Raises:
            CallFailed: a call failed for good.
        """
        ...
