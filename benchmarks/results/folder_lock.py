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


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
