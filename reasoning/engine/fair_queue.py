"""A fair queue of requests: groups take turns, and the requests of a group are served in FIFO order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass
class QueuedRequest:
    """A request that waits to be sent.

    Attributes:
        admitted: resolved when the request may be sent, or set to the error that ends the run.
        tokens: the maximum number of its tokens, prompt and completion together.
        is_wanted: returns False if no caller awaits the response any more.
    """

    admitted: asyncio.Future[None]
    tokens: int
    is_wanted: Callable[[], bool]


class FairQueue:
    """The queued requests of all groups.

    Attributes:
        groups: the requests of each group that has any; the group that is served next comes first.
    """

    __slots__ = ("groups",)

    def __init__(self) -> None:
        self.groups: dict[str, deque[QueuedRequest]] = {}

    def __iter__(self) -> Iterator[QueuedRequest]:
        for queue in self.groups.values():
            yield from queue

    def add(self, group: str, request: QueuedRequest) -> None:
        """Add a request at the end of its group."""
        self.groups.setdefault(group, deque()).append(request)

    def pop(self) -> QueuedRequest:
        """Remove and return the next request; its group is then served last."""
        group, queue = next(iter(self.groups.items()))
        request = queue.popleft()
        del self.groups[group]
        if queue:
            self.groups[group] = queue
        return request

    def clear(self) -> None:
        """Remove all requests."""
        self.groups.clear()
