"""The pool of a local server's parallel slots, with the prompt prefixes that each holds."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(eq=False)
class Slot:
    """One parallel sequence of the server.

    Attributes:
        index: its number.
        prefixes: the keys of the prefixes that its cache begins with.
        adapters: the hashes of the adapters of its last request; None if they are not known.
        last_used: the time of its last use, as a counter.
    """

    index: int
    prefixes: tuple[str, ...] = ()
    adapters: tuple[str, ...] | None = None
    last_used: int = 0


@dataclass(eq=False)
class _Waiter:
    prefixes: Sequence[str]
    count: int
    loop: asyncio.AbstractEventLoop
    ready: asyncio.Future[list[Slot]]


@dataclass(eq=False)
class SlotPool:
    """A pool of slots, served in FIFO order.

    A caller gets all its slots at once or waits, so callers cannot deadlock. Several event loops may
    use the pool. Waiting callers are woken and do not poll.

    Args:
        count: the number of slots.
    """

    count: int
    _free: list[Slot] = field(init=False)
    _waiting: deque[_Waiter] = field(init=False, default_factory=deque)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _clock: itertools.count[int] = field(init=False, default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self._free = [Slot(index) for index in range(self.count)]

    @asynccontextmanager
    async def acquire(self, *prefixes: str) -> AsyncIterator[Slot]:
        """Hold a free slot during the block, preferably one with the first of these prefixes."""
        [slot] = taken = await self._take(1, prefixes)
        try:
            yield slot
        finally:
            self._release(taken)

    @asynccontextmanager
    async def acquire_all(self) -> AsyncIterator[None]:
        """Hold all slots while the block runs, which may load the server again. They are empty afterwards.

        Within it `reset` may change their number.
        """
        await self._take(0, ())
        try:
            yield
        finally:
            self._release([Slot(index) for index in range(self.count)])

    def reset(self, count: int) -> None:
        """Set the number of slots from the end of the block of `acquire_all` on."""
        self.count = count

    async def _take(self, count: int, prefixes: Sequence[str]) -> list[Slot]:
        """Wait for `count` slots; 0 stands for all of them."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(prefixes, count, loop, loop.create_future())
        with self._lock:
            self._waiting.append(waiter)
        self._serve()
        try:
            return await waiter.ready
        except asyncio.CancelledError:
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
            if waiter.ready.done() and not waiter.ready.cancelled():
                self._release(waiter.ready.result())
            self._serve()  # the next waiter may need fewer slots
            raise

    def _release(self, slots: list[Slot]) -> None:
        with self._lock:
            for slot in slots:
                slot.last_used = next(self._clock)
            self._free.extend(slots)
        self._serve()

    def _serve(self) -> None:
        """Give free slots to the waiters, in FIFO order."""
        served = []
        with self._lock:
            while self._waiting and len(self._free) >= (self._waiting[0].count or self.count):
                waiter = self._waiting.popleft()
                served.append((waiter, [self._pop_best(waiter.prefixes) for _ in range(waiter.count or self.count)]))
        for waiter, slots in served:
            try:
                waiter.loop.call_soon_threadsafe(self._deliver, waiter, slots)
            except RuntimeError:  # its loop has ended
                self._release(slots)

    def _deliver(self, waiter: _Waiter, slots: list[Slot]) -> None:
        if waiter.ready.done():
            self._release(slots)
        else:
            waiter.ready.set_result(slots)

    def _pop_best(self, prefixes: Sequence[str]) -> Slot:
        """Remove and return the free slot with the first prefix, or the oldest one."""
        for prefix in prefixes:
            if holding := [slot for slot in self._free if prefix in slot.prefixes]:
                best = holding[0]
                break
        else:
            best = min(self._free, key=lambda slot: slot.last_used)
        self._free.remove(best)
        return best
