"""One event loop for the process, in a thread of its own: the synchronous door to everything asynchronous.

It works in a script, in a notebook whose own loop is running, and in a pool of threads; connections that live on it
are reused from one call to the next.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, Protocol, TypeVar

from reasoning.errors import UsageError
from reasoning.loop_bridge import LoopBridge

T = TypeVar("T")


class _Closable(Protocol):
    async def close(self) -> None: ...


_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_crossing: LoopBridge
_open: set[_Closable] = set()


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop and wait for its result.

    Ctrl-C cancels the work, waits for it to end, and raises KeyboardInterrupt.
    """
    loop = _running()
    if threading.current_thread() is _thread:
        work.close()
        raise UsageError("this is a synchronous door and the event loop is inside it: await the asynchronous one")
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        with contextlib.suppress(TimeoutError, CancelledError):
            asyncio.run_coroutine_threadsafe(_drained(), loop).result(timeout=1.5)
        raise


async def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop and await it from any other loop (or from this one)."""
    loop = _running()
    if asyncio.get_running_loop() is loop:
        return await work
    return await _crossing.run(work)


def close_when_collected(owner: object, thing: _Closable) -> None:
    """Close a thing that lives on the loop when its owner is gone, or when the process ends, if nobody did before."""
    _open.add(thing)
    weakref.finalize(owner, _close_soon, thing).atexit = False


def forget(thing: _Closable) -> None:
    """Say that a thing has been closed."""
    _open.discard(thing)


def _close_soon(thing: _Closable) -> None:
    if thing in _open and _loop is not None and _loop.is_running():
        _open.discard(thing)
        asyncio.run_coroutine_threadsafe(thing.close(), _loop)


def _running() -> asyncio.AbstractEventLoop:
    global _loop, _thread, _crossing
    with _lock:
        if _loop is None:
            _loop = _new_loop()
            _crossing = LoopBridge(_loop)
            _thread = threading.Thread(target=_loop.run_forever, name="reasoning-loop", daemon=True)
            _thread.start()
            # Before threading's own exit hook would join pools that our connections still use.
            atexit.register(_stop)
        return _loop


_thread: threading.Thread | None = None


def _new_loop() -> asyncio.AbstractEventLoop:
    """The quicker one where it is installed (not on Windows): a call takes a sixth less of our CPU."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return new_event_loop()


async def _drained() -> None:
    """Wait until cancelled work has run its `finally` blocks."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    cancelled = [task for task in others if task.cancelling()]
    if cancelled:
        await asyncio.wait(cancelled, timeout=1.0)


def _stop() -> None:
    global _loop
    loop, thread = _loop, _thread
    if loop is None or thread is None:
        return

    async def close() -> None:
        await asyncio.gather(*(thing.close() for thing in list(_open)), return_exceptions=True)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(close(), loop).result(timeout=2)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(timeout=1)
    if not thread.is_alive():
        loop.close()
    _loop = None
