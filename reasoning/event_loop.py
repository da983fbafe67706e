"""The process's event loop in a background thread, and synchronous calls to it.

It works in a script, in a notebook whose own loop is running, and in a pool of threads. Connections
belong to this loop, so that calls can reuse them.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import sys
import threading
import warnings
import weakref
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, Protocol, TypeVar

from reasoning import forks
from reasoning.errors import UsageError
from reasoning.loop_bridge import LoopBridge

T = TypeVar("T")

_LOST_SIGNAL_SECONDS = 0.25
"""Seconds between two looks for a signal: one that another thread received does not end a wait for a lock."""
_CANCEL_SECONDS = 1.0
"""Seconds that cancelled work may take to run its `finally` blocks."""


class _Closable(Protocol):
    async def close(self) -> None: ...


_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_thread: threading.Thread | None = None
_bridge: LoopBridge
_open: set[_Closable] = set()
_calls: set[_SyncCall] = set()
_interrupted = False


def run_sync(work: Coroutine[Any, Any, T], *, is_short: bool = False) -> T:
    """Run a coroutine on the loop and wait for its result.

    Ctrl-C cancels the coroutine, waits until it has ended, and raises KeyboardInterrupt. So does
    `interrupt`.

    Args:
        work: the coroutine.
        is_short: it takes milliseconds, so it may block an event loop without a warning.

    Warns:
        RuntimeWarning: it blocks the event loop of an application. In IPython and Jupyter, where a loop
            always runs and a cell blocks it anyway, there is no warning.

    Raises:
        UsageError: the caller runs on the loop itself.
    """
    loop = _ensure_loop()
    if threading.current_thread() is _thread:
        work.close()
        raise UsageError("a synchronous call cannot be made from the event loop: await the asynchronous method instead")
    try:
        if not is_short:
            _warn_if_blocking()
    except RuntimeWarning:  # warnings are errors
        work.close()
        raise
    # Made before the `try`, so that the handler can always cancel it.
    call = _SyncCall(work, loop)
    try:
        _calls.add(call)
        if _interrupted:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(call.start)
        result: T = call.wait()
    except KeyboardInterrupt:
        call.cancel()
        cancelled = _SyncCall(_wait_for_cancelled(), loop)
        loop.call_soon_threadsafe(cancelled.start)
        cancelled.ended.acquire(timeout=_CANCEL_SECONDS + 0.5)
        raise
    finally:
        _calls.discard(call)
    return result


def _warn_if_blocking() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    ipython = sys.modules.get("IPython")
    if ipython is not None and ipython.get_ipython() is not None:
        return
    # The warning names the first line outside of this library.
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "reasoning":
        level, frame = level + 1, frame.f_back
    warnings.warn(
        "a synchronous call such as run() blocks the running event loop until it has ended: "
        "await the asynchronous method instead, such as arun()",
        RuntimeWarning,
        stacklevel=level,
    )


def interrupt() -> bool:
    """Make all synchronous calls raise KeyboardInterrupt, those in progress and all later ones; for any thread.

    Returns:
        Whether the main thread waits in such a call.
    """
    global _interrupted
    _interrupted = True
    calls = list(_calls)
    for call in calls:
        call.cancel()
    return any(call.thread is threading.main_thread() for call in calls)


class _SyncCall:
    """A coroutine of the loop that a thread waits for.

    Its lock is a plain one, because Ctrl-C within `threading.Condition`, which futures use, can
    leave the condition broken and raise another error.

    Attributes:
        thread: the thread that waits.
        ended: a lock that is released when the coroutine has ended.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> None:
        self.thread = threading.current_thread()
        self.ended = threading.Lock()
        self.ended.acquire()
        self._work, self._loop = work, loop
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False

    def start(self) -> None:
        """Start the coroutine; on the loop."""
        if self._cancelled:
            return
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(lambda _: self.ended.release())

    def wait(self) -> Any:
        """Return the coroutine's result, or raise its error."""
        while not self.ended.acquire(timeout=_LOST_SIGNAL_SECONDS):
            continue
        if self._task is None or self._task.cancelled():
            raise KeyboardInterrupt if self._cancelled else CancelledError
        return self._task.result()

    def cancel(self) -> None:
        """Cancel the coroutine; from any thread."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._cancelled:
            return
        self._cancelled = True
        if self._task is None:
            self._work.close()
            self.ended.release()
        else:
            self._task.cancel()


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


def close_at_exit(resource: _Closable) -> None:
    """Close a resource of the loop, which the whole process shares, when the process ends."""
    _open.add(resource)


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
            _thread = threading.Thread(target=_run_loop, args=(_loop,), name="reasoning-loop", daemon=True)
            _thread.start()
            # This hook must run before the one of threading, which would join pools that connections still use.
            atexit.unregister(_stop)
            atexit.register(_stop)
        return _loop


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped."""
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            # A task raised it, perhaps in a user's function. It is the task's error, and the loop has other tasks.
            continue
        return


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop if it is installed (not on Windows): a call takes a sixth less CPU."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return new_event_loop()


def _reset_after_fork() -> None:
    """Forget the loop in the child of a fork: its thread runs in the parent only, and shares its sockets."""
    global _lock, _loop, _thread, _interrupted
    if _loop is not None:
        # Without the tasks' destructors, which would run `finally` blocks of calls that the parent makes.
        forks.leak(_loop, _thread, *asyncio.all_tasks(_loop), *_calls)
    _lock, _loop, _thread, _interrupted = threading.Lock(), None, None, False
    _calls.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


async def _wait_for_cancelled() -> None:
    """Wait until cancelled work has run its `finally` blocks."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    cancelled = [task for task in others if task.cancelling()]
    if cancelled:
        await asyncio.wait(cancelled, timeout=_CANCEL_SECONDS)


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
