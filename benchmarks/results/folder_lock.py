"""The lock of a results folder, which one process at a time may write."""

from __future__ import annotations

import re
import sys
from collections.abc import Set
from pathlib import Path
from typing import IO

from reasoning.errors import InputError

_UNFINISHED = re.compile(r"\.(.+)\.\d+\.new")
"""The name of a file that a process was writing when it was killed; see `reasoning.files.atomic_path`."""


def lock_folder(folder: Path, own_files: Set[str]) -> IO[bytes]:
    """Create the folder if it is missing, and lock it.

    The operating system releases the lock when the process ends, however it ends.

    Args:
        folder: the results folder.
        own_files: the file names of a results folder. A folder with `run.json` may hold others too.

    Returns:
        The lock file; closing it releases the lock.

    Raises:
        InputError: the folder cannot be written, is in use, or holds other files.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = [file for file in folder.iterdir() if file.name not in own_files]
        unfinished = [file for file in files if (of := _UNFINISHED.fullmatch(file.name)) and of[1] in own_files]
        others = sorted({file.name for file in files} - {file.name for file in unfinished})
        if others and not (folder / "run.json").exists():
            raise InputError(f"{folder}: holds other files ({others[0]}) and no run; give another --out")
        lock = (folder / "lock").open("a+b")
    except OSError as error:
        raise InputError(f"{folder}: cannot be used for results: {error.strerror}; give another --out") from None
    try:
        _lock(lock)
    except OSError:
        lock.close()
        raise InputError(f"{folder}: another process is running here; wait for it, or give another --out") from None
    # No other process writes here now.
    for file in unfinished:
        file.unlink(missing_ok=True)
    return lock


def lock_file(path: Path) -> IO[bytes]:
    """Create a lock file and the folder that it is in, and lock it.

    Returns:
        The lock file; closing it releases the lock, and so does the end of the process.

    Raises:
        InputError: it cannot be written, or another process has locked it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a+b")
    except OSError as error:
        raise InputError(f"{path.parent}: cannot be used as a folder: {error.strerror}") from None
    try:
        _lock(lock)
    except OSError:
        lock.close()
        raise InputError(f"{path.parent}: another process is writing here; wait until it has ended") from None
    return lock


def is_writing(folder: Path) -> bool | None:
    """Return whether a process holds the lock of a folder, without locking it; None if that cannot be known.

    A test by locking could make a run fail that begins at the same moment. Linux lists its locks.
    """
    return is_locked(folder / "lock")


def is_locked(path: Path) -> bool | None:
    """Return whether a process holds a lock on a file; None if that cannot be known."""
    try:
        inode = str(path.stat().st_ino)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return None
    # "1: FLOCK  ADVISORY  WRITE 4711 00:2a:1234 0 EOF"; a waiting process has "->" before FLOCK. The device is not
    # compared, since file systems such as btrfs have another one here.
    entries = (line.split() for line in locks.splitlines())
    return any(len(entry) > 5 and entry[1] == "FLOCK" and entry[5].rpartition(":")[2] == inode for entry in entries)


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
