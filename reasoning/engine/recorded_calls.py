"""Calls of clients outside of a solve, such as those of a search from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from reasoning.engine.budget import Budget
from reasoning.engine.llm import LLM
from reasoning.errors import UsageError
from reasoning.journal import Journal
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client


class RecordedCalls:
    """Makes calls of clients through a journal, a budget, limits and retries, as a session does.

    Use it as a context manager, which closes the clients and the journal at the end.

    Args:
        journal: where replies are recorded.
        budget: limits on what paid calls may spend; None for none.
    """

    def __init__(self, journal: Journal, budget: Budget | None = None) -> None:
        self._llm = LLM(_NoModel(), journal=journal, budget=budget)

    @property
    def usage(self) -> Usage:
        """The usage of the paid calls that were made now."""
        return self._llm.total_usage

    async def call(self, client: Client, payload: str, *, paid: bool = False) -> str:
        """Return the reply of a client to a payload; see `reasoning.retrieval.ClientCalls`."""
        return (await self._llm.call_client(client, payload, paid=paid)).text

    def __enter__(self) -> RecordedCalls:
        self._llm.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._llm.__exit__(kind, error, at)


class _NoModel(Client):
    """The client of no language model."""

    model = "none"
    free = True

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        raise UsageError("there is no language model to call")
