"""Batches of texts: those that callers pass at about the same time are processed together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from reasoning import forks
from reasoning.errors import CallFailed

T = TypeVar("T")

_WAIT = 0.002
"""Seconds in which further texts may join a batch."""


class TextBatches(Generic[T]):
    """Collects texts of concurrent callers into batches.

    A batch that is refused is split, so that one text that cannot be processed fails alone.

    Args:
        process: returns a result for each text of a batch, in order.
        size: the maximum number of texts in a batch.
        chars: the maximum number of characters in a batch of several texts.
    """

    def __init__(self, process: Callable[[Sequence[str]], Awaitable[Sequence[T]]], size: int, chars: int) -> None:
        self._process, self._size, self._chars = process, size, chars
        self._waiting: dict[asyncio.AbstractEventLoop, list[tuple[str, asyncio.Future[T]]]] = {}
        self._running: set[asyncio.Task[None]] = set()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Leave the batches to the parent process; see `reasoning.forks`."""
        forks.leak(self._waiting, self._running)
        self._waiting, self._running = {}, set()

    async def add(self, text: str) -> T:
        """Return the result for a text.

        Raises:
            CallFailed: it could not be processed.
        """
        loop = asyncio.get_running_loop()
        waiting = self._waiting.setdefault(loop, [])
        if waiting and sum(len(other) for other, _ in waiting) + len(text) > self._chars:
            self._flush(loop)
            waiting = self._waiting.setdefault(loop, [])
        future: asyncio.Future[T] = loop.create_future()
        waiting.append((text, future))
        if len(waiting) >= self._size:
            self._flush(loop)
        elif len(waiting) == 1:
            loop.call_later(_WAIT, self._flush, loop)
        return await future

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        if batch := [(text, future) for text, future in self._waiting.pop(loop, ()) if not future.done()]:
            task = loop.create_task(self._run(batch))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, batch: Sequence[tuple[str, asyncio.Future[T]]]) -> None:
        try:
            results = await self._process([text for text, _ in batch])
        except CallFailed as error:
            is_of_one = not error.retryable and not error.ends_run and error.status in (400, 413, 422)
            if is_of_one and len(batch) > 1:
                middle = len(batch) // 2
                await self._run(batch[:middle])
                await self._run(batch[middle:])
                return
            _fail(batch, error)
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)


def _fail(batch: Sequence[tuple[str, asyncio.Future[T]]], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            if isinstance(error, asyncio.CancelledError):
                future.cancel()
            else:
                future.set_exception(error)
