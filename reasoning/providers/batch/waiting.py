"""The requests that wait for lines of batches, and the state that the parts of a batch client share."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from reasoning.messages import CompletionBatch, Request
from reasoning.providers.batch.api import BatchStatus
from reasoning.providers.batch.stored import StoredBatch

_BYTES_PER_TOKEN = 3
"""A low estimate, to count tokens against the limit of enqueued tokens."""


@dataclass(eq=False)
class Waiting:
    """A request that waits for its line.

    Attributes:
        request: the request.
        draws: the indices of its draws.
        body: the body of its line.
        reply: becomes the completions of the line.
    """

    request: Request
    draws: tuple[int, ...]
    body: bytes = field(repr=False)
    reply: asyncio.Future[CompletionBatch]

    @property
    def tokens(self) -> int:
        """The estimated tokens of its prompt."""
        return len(self.body) // _BYTES_PER_TOKEN

    @property
    def is_wanted(self) -> bool:
        """False if its caller does not await it any more, or it has its reply."""
        return not self.reply.done()


def resolve(waiting: Sequence[Waiting], completions: CompletionBatch) -> None:
    """Give completions to the requests that are still wanted."""
    for one in waiting:
        if one.is_wanted:
            one.reply.set_result(completions)


def fail(waiting: Sequence[Waiting], error: Exception) -> None:
    """Raise an error in the requests that are still wanted."""
    for one in waiting:
        if one.is_wanted:
            one.reply.set_exception(error)


@dataclass
class BatchState:
    """The state that the parts of a batch client share in this process.

    Attributes:
        by_line: the requests that wait, by the ids of their lines.
        failures: the lines that have failed, by the key and the first draw of their requests.
        followed: the batches that are polled, by their numbers in the store.
        seen: the state of these batches, as the provider reported it last.
        trouble: what delays everything, in words for the user; empty without trouble.
        tasks: work in the background.
    """

    by_line: dict[str, list[Waiting]] = field(default_factory=dict)
    failures: Counter[tuple[str, int]] = field(default_factory=Counter)
    followed: dict[int, StoredBatch] = field(default_factory=dict)
    seen: dict[int, BatchStatus] = field(default_factory=dict)
    trouble: str = ""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def add(self, custom_id: str, waiting: Waiting) -> None:
        """Let a request wait for a line."""
        self.by_line.setdefault(custom_id, []).append(waiting)

    def pop(self, custom_id: str) -> list[Waiting]:
        """Return the requests that wait for a line, which is then awaited no more."""
        return self.by_line.pop(custom_id, [])

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start work in the background."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def forget_batch(self, number: int) -> None:
        """Forget a batch that is polled no more."""
        self.followed.pop(number, None)
        self.seen.pop(number, None)

    @property
    def enqueued(self) -> int:
        """The estimated prompt tokens of the batches that are polled."""
        return sum(batch.tokens for batch in self.followed.values())

    def describe(self) -> list[str]:
        """Return what is awaited, in words for the user."""
        parts = [self.trouble] if self.trouble else []
        for batch in list(self.followed.values()):
            status = self.seen.get(batch.id)
            done = f"{status.done:,} of {batch.lines:,} lines" if status else f"{batch.lines:,} lines"
            parts.append(f"batch {batch.remote}: {done}, {_age(batch.created)}")
        return parts


def _age(created: float) -> str:
    """Return the time of a submission and the time since."""
    seconds = max(0.0, time.time() - created)
    since = time.strftime("%H:%M", time.localtime(created))
    ago = f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
    if seconds < 120:
        ago = f"{seconds:.0f} s"
    return f"since {since} ({ago})"
