"""The requests, tokens and failures of each of several servers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.messages import Usage
from reasoning.tables import Table


@dataclass(frozen=True)
class ServerUse:
    """The work of one server since the model was connected, or in one run.

    Attributes:
        address: its address, without keys.
        requests: the requests that it was sent.
        succeeded: those to which it gave a usable reply.
        failed: those to which it gave none, so that another server or a retry made them.
        taken_over: the requests that another server was the first choice for.
        usage: the completions that it gave, their tokens, and the seconds of its requests.
        state: "up", or "down" with the last failure.
    """

    address: str
    requests: int
    succeeded: int
    failed: int
    taken_over: int
    usage: Usage
    state: str

    def __add__(self, other: ServerUse) -> ServerUse:
        return ServerUse(
            self.address,
            self.requests + other.requests,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.taken_over + other.taken_over,
            self.usage + other.usage,
            self.state,
        )

    def __sub__(self, earlier: ServerUse) -> ServerUse:
        """Return the work since `earlier`."""
        return ServerUse(
            self.address,
            self.requests - earlier.requests,
            self.succeeded - earlier.succeeded,
            self.failed - earlier.failed,
            self.taken_over - earlier.taken_over,
            self.usage - earlier.usage,
            self.state,
        )

    @property
    def mean_seconds(self) -> float | None:
        """The mean duration of a request that succeeded; None without one."""
        return self.usage.seconds / self.succeeded if self.succeeded else None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints for this server."""
        mean = self.mean_seconds
        return {
            "base_url": self.address,
            "requests": self.requests,
            "failed": self.failed,
            "taken_over": self.taken_over,
            "completions": self.usage.calls,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "cached_tokens": self.usage.cached_tokens,
            "mean_seconds": None if mean is None else round(mean, 4),
            "state": self.state,
        }


def add_uses(uses: Iterable[ServerUse]) -> tuple[ServerUse, ...]:
    """Return one entry for each address, the sum over several models."""
    total: dict[str, ServerUse] = {}
    for use in uses:
        total[use.address] = total[use.address] + use if use.address in total else use
    return tuple(total.values())


def uses_since(earlier: Iterable[ServerUse], now: Iterable[ServerUse]) -> tuple[ServerUse, ...]:
    """Return the work of each server since an earlier moment."""
    before = {use.address: use for use in earlier}
    return tuple(use - before[use.address] if use.address in before else use for use in now)


def servers_table(uses: Sequence[ServerUse]) -> Table:
    """Return the table of the servers, one row each."""
    header = ("server", "requests", "failed", "taken over", "completions", "prompt", "tokens", "s/request", "state")
    rows = [
        (
            use.address,
            f"{use.requests:,}",
            f"{use.failed:,}",
            f"{use.taken_over:,}",
            f"{use.usage.calls:,}",
            f"{use.usage.prompt_tokens:,}",
            f"{use.usage.completion_tokens:,}",
            "–" if use.mean_seconds is None else f"{use.mean_seconds:.2f}",
            use.state,
        )
        for use in uses
    ]
    return Table(header, rows, name="servers")
