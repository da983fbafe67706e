"""The host side of the watchdog, which kills workers when this process ends without closing them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import weakref

from reasoning import forks
from reasoning.sandbox.child import watchdog


class Watchdog:
    """Kills the workers when this process ends, even by `kill -9`.

    Its process starts with the first worker. Windows has none: there a worker ends at its program's
    limit.
    """

    def __init__(self) -> None:
        self._watched: set[int] = set()
        self._process: _Process | None = None
        self._lock = threading.Lock()

    def watch(self, pid: int | None) -> None:
        """Kill the worker with this process id when this process ends."""
        if pid is None or pid in self._watched or os.name != "posix":
            return
        with self._lock:
            if self._process is None or not self._process.write(pid):
                self._process = _Process()
                self._watched.clear()
                self._process.write(pid)
            self._watched.add(pid)

    def forget(self, pid: int | None) -> None:
        """Forget a worker that has died: a later one may have its number."""
        self._watched.discard(pid or 0)

    def reset_after_fork(self) -> None:
        """Leave the process to the parent process; see `reasoning.forks`."""
        if self._process is not None:
            self._process.reset_after_fork()
        self._process, self._lock = None, threading.Lock()
        self._watched.clear()

    def close(self) -> None:
        """End the watchdog's process and the workers that are left. May be called twice."""
        with self._lock:
            process, self._process = self._process, None
            self._watched.clear()
        if process is not None:
            process.close()


class _Process:
    """The watchdog's process."""

    def __init__(self) -> None:
        reading, self._pipe = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", watchdog.__file__, str(reading)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(reading,),
                cwd="/",
                start_new_session=True,  # Ctrl-C is handled by this process
            )
        finally:
            os.close(reading)
        self.pid = process.pid
        self._process = process
        self.close = weakref.finalize(self, _stop, process, self._pipe)

    def reset_after_fork(self) -> None:
        """Close the pipe in a child process, whose parent alone ends the watchdog."""
        self.close.detach()
        os.close(self._pipe)
        forks.leak(self._process)  # its destructor would wait for it

    def write(self, pid: int) -> bool:
        """Send a process id. Returns False if the watchdog has died."""
        try:
            os.write(self._pipe, b"%d\n" % pid)
        except BrokenPipeError:
            return False
        return True


def _stop(process: subprocess.Popen[bytes], pipe: int) -> None:
    os.close(pipe)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
        return
    process.kill()
    process.wait()
