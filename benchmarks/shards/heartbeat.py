"""Signs that a process is filling a folder, for a file system that many machines share.

A lock of the operating system does not show on other machines, and some network file systems have none. So a process
that fills a shard's folder touches a file there every few seconds, and removes it at the end. The clock of the file
system counts, since those of machines differ.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.folder_lock import is_writing
from reasoning.errors import InputError
from reasoning.files import atomic_write

_FILE = "alive"
INTERVAL = 3.0
"""Seconds between two touches. The files of the folder are synced as often, so that a machine that fails loses no
more than the draws and results of that time."""
STALE_AFTER = 30.0
"""Seconds without a touch after which the process counts as dead."""


class Heartbeat:
    """A thread that shows that this process is filling a folder, as a context manager.

    Args:
        folder: the folder. It may be created during the block.
        files: the files of the folder that are synced to the disk.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, folder: Path, files: tuple[str, ...]) -> None:
        self._folder, self._files = folder, files
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="reasoning-heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        (self._folder / _FILE).unlink(missing_ok=True)

    def _beat(self) -> None:
        while True:
            # A folder without run.json is not this process's yet, or was discarded.
            if (self._folder / "run.json").is_file():
                with suppress(OSError, InputError):
                    self._touch()
            if self._ended.wait(INTERVAL if (self._folder / _FILE).exists() else 0.1):
                return

    def _touch(self) -> None:
        path = self._folder / _FILE
        if _owner(path) != _here():
            atomic_write(path, json.dumps(_here()))
        os.utime(path)
        for name in self._files:
            with suppress(FileNotFoundError):
                file = os.open(self._folder / name, os.O_RDONLY)
                try:
                    os.fsync(file)
                finally:
                    os.close(file)


def running_on(folder: Path) -> str:
    """Return the process that is filling a folder, such as "node17, process 4711"; empty without one."""
    path = folder / _FILE
    try:
        age = _now(folder) - path.stat().st_mtime
    except OSError:
        return ""
    owner = _owner(path)
    if age > STALE_AFTER:
        return ""
    if owner.get("host") == _here()["host"] and is_writing(folder) is False:
        # It was killed a moment ago, on this machine.
        return ""
    return f"{owner.get('host', 'another machine')}, process {owner.get('pid', '?')}"


def wait_until_free(folder: Path, tell: Callable[[str], None]) -> None:
    """Wait until the process of another machine that fills a folder is known to be dead.

    A task that is requeued may start before the touches of its killed predecessor are old.

    Args:
        folder: the folder.
        tell: receives what is waited for.

    Raises:
        InputError: that process is still filling the folder.
    """
    path, until = folder / _FILE, time.monotonic() + STALE_AFTER + INTERVAL
    if (owner := running_on(folder)) and _owner(path).get("host") != _here()["host"]:
        first = path.stat().st_mtime
        tell(f"waiting until the process before this one is known to have ended ({owner})")
        while running_on(folder):
            with suppress(OSError):
                if path.stat().st_mtime > first or time.monotonic() > until:
                    raise InputError(f"{folder}: {owner} is filling this folder; wait until it has ended")
            time.sleep(0.5)


def _here() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid()}


def _owner(path: Path) -> dict[str, Any]:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _now(folder: Path) -> float:
    """Return the time on the clock of the file system."""
    path = folder / f".now-{socket.gethostname()}-{os.getpid()}"
    try:
        path.touch()
        return path.stat().st_mtime
    finally:
        path.unlink(missing_ok=True)
