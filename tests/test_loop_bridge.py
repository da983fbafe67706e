"""Work on one event loop, awaited on another in another thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from reasoning.loop_bridge import LoopBridge

LANGUAGE = ContextVar("LANGUAGE", default="none")


class Elsewhere:
    """A loop in a thread of its own, which counts how often other threads wake it.

    Attributes:
        crossing: the way to it.
        woken: so often.
    """

    def __init__(self) -> None:
        self.loop, self.woken = asyncio.new_event_loop(), 0
        self.bridge = LoopBridge(self.loop)
        self._wake, self.loop.call_soon_threadsafe = self.loop.call_soon_threadsafe, self._counted  # type: ignore
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def _counted(self, *call: object) -> object:
        self.woken += 1
        return self._wake(*call)  # type: ignore[arg-type]

    def busy_until(self, event: threading.Event) -> None:
        """Take no calls meanwhile, so that those that come together arrive together."""
        self._wake(event.wait, 60)

    def close(self) -> None:
        self._wake(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def there() -> Iterator[Elsewhere]:
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


async def ident(seconds: float = 0.0) -> int:
    await asyncio.sleep(seconds)
    return threading.get_ident()


def test_those_who_cross_together_share_a_wake_up_on_both_ways(there: Elsewhere) -> None:
    posted = threading.Event()

    async def hundred() -> tuple[list[int], int]:
        here, landings = asyncio.get_running_loop(), 0
        wake = here.call_soon_threadsafe

        def counted(*call: object) -> object:
            nonlocal landings
            landings += 1
            return wake(*call)  # type: ignore[arg-type]

        async def last() -> int:
            here.call_soon(posted.set)  # all have asked to cross by then
            return await there.bridge.run(ident())

        here.call_soon_threadsafe = counted  # type: ignore[assignment,method-assign]
        there.busy_until(posted)
        crossings = [there.bridge.run(ident()) for _ in range(99)]
        return await asyncio.gather(*crossings, last()), landings

    assert asyncio.run(hundred()) == ([there.thread.ident] * 100, 1)
    assert there.woken == 1


def test_the_context_goes_along_and_an_error_comes_back(there: Elsewhere) -> None:
    async def speak() -> str:
        if LANGUAGE.get() == "none":
            raise ValueError("no language")
        return LANGUAGE.get()

    async def scene() -> str:
        with pytest.raises(ValueError, match="no language"):
            await there.bridge.run(speak())
        LANGUAGE.set("Frisian")
        return await there.bridge.run(speak())

    assert asyncio.run(scene()) == "Frisian"


def test_who_is_cancelled_here_is_cancelled_there_at_any_moment(there: Elsewhere) -> None:
    begun, ended = [], []

    async def work(place: int) -> None:
        begun.append(place)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(place)

    async def others_ended() -> None:
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)

    async def scene() -> None:
        for place in range(20):
            task = asyncio.create_task(there.bridge.run(work(place)))
            await asyncio.sleep(0.0005 * (place % 3))  # not yet begun, on the way, at work
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await there.bridge.run(others_ended())

    asyncio.run(asyncio.wait_for(scene(), 60))
    assert ended == begun != []


def test_work_that_is_cancelled_there_is_cancelled_here(there: Elsewhere) -> None:
    async def gives_up() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(there.bridge.run(gives_up()))


def test_a_loop_that_closes_meanwhile_keeps_nobody_up(there: Elsewhere) -> None:
    async def leave() -> None:
        task = asyncio.create_task(there.bridge.run(ident(0.05)))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(leave())
    assert asyncio.run(there.bridge.run(ident(0.1))) == there.thread.ident


def test_many_threads_cross_at_once(there: Elsewhere) -> None:
    async def hundred() -> list[int]:
        return await asyncio.gather(*(there.bridge.run(ident()) for _ in range(100)))

    came: list[int] = []
    threads = [threading.Thread(target=lambda: came.extend(asyncio.run(hundred()))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(timeout=20)
    assert came == [there.thread.ident] * 800
