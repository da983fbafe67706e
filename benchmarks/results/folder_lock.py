"""A results folder, claimed for one process."""

from __future__ import annotations

import sys
from collections.abc import Set
from pathlib import Path
from typing import IO

from reasoning.errors import InputError


def lock_folder(folder: Path, ours: Set[str]) -> IO[bytes]:
    """Make the folder if it is not there, and lock it until the file that is given back is closed.

    The system takes the lock back when this process dies, however it dies.

    Args:
        folder: the results folder.
        ours: the names of files that may be in it; a folder with `run.json` may hold anything.

    Raises:
        InputError: it cannot be written, is in use, or is a folder of other things.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = sorted({file.name for file in folder.iterdir()} - ours)
        if strangers and not (folder / "run.json").exists():
            raise InputError(f"{folder}: holds other things ({strangers[0]}) and no run; give another --out")
        lock = (folder / "lock").open("a+b")
    except OSError as error:
        raise InputError(f"{folder}: cannot be used for results: {error.strerror}; give another --out") from None
    try:
        _lock(lock)
    except OSError:
        lock.close()
        raise InputError(f"{folder}: another process is running here; wait for it, or give another --out") from None
    return lock


def _lock(file: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
