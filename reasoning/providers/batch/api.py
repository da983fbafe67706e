"""The interface between the batch client and the batch API of a provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from reasoning.errors import CallFailed
from reasoning.messages import CompletionBatch, Request
from reasoning.providers.client import Client

Outcome = Literal["succeeded", "errored", "expired", "cancelled", "lost"]
"""The outcome of a line; "lost" if the results of an ended batch do not have it."""


@dataclass(frozen=True)
class BatchLimits:
    """The limits of a provider on one batch.

    Attributes:
        lines: the maximum number of lines.
        bytes: the maximum size of all lines.
    """

    lines: int
    bytes: int


@dataclass(frozen=True)
class LineResult:
    """The result of one line of a batch.

    Attributes:
        custom_id: the line's id, as it was submitted.
        outcome: the outcome.
        reply: the decoded response of a line that succeeded.
        status: the HTTP status of a line that errored.
        text: the text of its response, or the provider's words about another outcome.
    """

    custom_id: str
    outcome: Outcome
    reply: Any = None
    status: int = 0
    text: str = ""


@dataclass(frozen=True)
class BatchStatus:
    """The state of a batch at its provider.

    Attributes:
        ended: whether no further line will be processed.
        done, total: the lines that are processed, and all.
        cancelled: whether it was cancelled.
        refusal: the reason for which the provider refused the batch as a whole; empty if it did not.
        over_limit: whether the reason is that more tokens are enqueued than the provider permits.
        token_limit: that limit, if the provider says it.
        line_errors: the errors of single lines for which the batch was refused, by line number from 1.
        data: the provider's own description.
    """

    ended: bool
    done: int = 0
    total: int = 0
    cancelled: bool = False
    refusal: str = ""
    over_limit: bool = False
    token_limit: int | None = None
    line_errors: Mapping[int, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


class BatchApi(Protocol):
    """The batch API of one provider, for one model.

    Attributes:
        name: its name: "openai" or "anthropic".
        client: the client that sends single requests, which knows the model, its endpoint, its prices and keys.
        limits: its limits on one batch.
        max_n: completions that one line may ask for.
        finds_by_label: whether `find` knows that a batch is ours; if not, only its results tell.
    """

    name: str
    limits: BatchLimits
    max_n: int
    finds_by_label: bool

    @property
    def client(self) -> Client:
        """The client of single requests."""

    def body(self, request: Request, draws: Sequence[int]) -> dict[str, Any]:
        """Return the body of a line.

        Raises:
            CallFailed, UsageError: the request cannot be sent in this form.
        """

    def sibling(self, model: str) -> BatchApi | None:
        """Return the API for another model of the same server; None if it has none."""

    def line(self, custom_id: str, body: bytes, request: Request) -> bytes:
        """Return a line of the batch, without a line break.

        Args:
            custom_id: its id.
            body: its body.
            request: the request of the body.
        """

    async def submit(self, label: str, lines: Iterable[bytes]) -> str:
        """Submit a batch, and return the provider's id of it.

        Raises:
            CallFailed: it was refused, or the answer was lost.
        """

    async def find(self, label: str, lines: int, since: float) -> list[str]:
        """Return the ids of the batches that may be the one of a submission whose answer was lost.

        Args:
            label: the label of the submission.
            lines: the number of its lines.
            since: the time of the submission, in seconds since 1970.

        Raises:
            CallFailed: the provider's list cannot be read.
        """

    async def status(self, batch: str) -> BatchStatus:
        """Return the state of a batch.

        Raises:
            CallFailed: it cannot be read.
        """

    def results(self, batch: str, status: BatchStatus) -> AsyncIterator[LineResult]:
        """Yield the results of an ended batch as they arrive, in any order.

        Raises:
            CallFailed: they cannot be read.
        """

    def parse(self, reply: Any, request: Request, draws: Sequence[int]) -> CompletionBatch:
        """Return the completions of a line's response, as `Client.complete` returns them.

        Raises:
            CallFailed: it cannot be read.
        """

    def error(self, result: LineResult, request: Request, body: bytes) -> CallFailed:
        """Return the error of a line that errored."""

    async def cancel(self, batch: str) -> None:
        """Ask the provider to cancel a batch. Lines that are processed already are paid for.

        Raises:
            CallFailed: it cannot be cancelled.
        """

    async def close(self) -> None:
        """Close the connections."""
