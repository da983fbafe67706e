"""The process's event loop in a background thread, and synchronous calls to it.

It works in a script, in a notebook whose own loop is running, and in a pool of threads. Connections
belong to this loop, so that calls can reuse them.
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
_bridge: LoopBridge
_open: set[_Closable] = set()


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop and wait for its result.

    Ctrl-C cancels the coroutine, waits until it has ended, and raises KeyboardInterrupt.

    Raises:
        UsageError: the caller runs on the loop itself.
    """
    loop = _ensure_loop()
    if threading.current_thread() is _thread:
        work.close()
        raise UsageError("a synchronous call cannot be made from the event loop: await the asynchronous method instead")
    future = asyncio.run_coroutine_threadsafe(work, loop)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        with contextlib.suppress(TimeoutError, CancelledError):
            asyncio.run_coroutine_threadsafe(_wait_for_cancelled(), loop).result(timeout=1.5)
        raise


async def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop, and await it from this loop or any other."""
    loop = _ensure_loop()
    if asyncio.get_running_loop() is loop:
        return await work
    return await _bridge.run(work)


def close_when_collected(owner: object, resource: _Closable) -> None:
    """Close a resource of the loop when its owner is garbage-collected or the process ends.

    `forget` cancels this for a resource that is closed earlier.
    """
    _open.add(resource)
    weakref.finalize(owner, _close_soon, resource).atexit = False


def forget(resource: _Closable) -> None:
    """Stop tracking a resource that has been closed."""
    _open.discard(resource)


def _close_soon(resource: _Closable) -> None:
    if resource in _open and _loop is not None and _loop.is_running():
        _open.discard(resource)
        asyncio.run_coroutine_threadsafe(resource.close(), _loop)


def _ensure_loop() -> asyncio.AbstractEventLoop:
    global _loop, _thread, _bridge
    with _lock:
        if _loop is None:
            _loop = _new_loop()
            _bridge = LoopBridge(_loop)
            _thread = threading.Thread(target=_loop.run_forever, name="reasoning-loop", daemon=True)
            _thread.start()
            # This hook must run before the one of threading, which would join pools that connections still use.
            atexit.register(_stop)
        return _loop


_thread: threading.Thread | None = None


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop if it is installed (not on Windows): a call takes a sixth less CPU."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return new_event_loop()


async def _wait_for_cancelled() -> None:
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
        await asyncio.gather(*(resource.close() for resource in list(_open)), return_exceptions=True)
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
