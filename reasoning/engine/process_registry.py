"""How many processes of this machine share something now: each has a locked file in one folder.

The system takes a lock back when its process ends, however it ends, so that nobody is counted who is gone.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from reasoning.errors import UsageError


class ProcessRegistry:
    """The processes that have joined a folder; this one among them until it leaves.

    Raises:
        UsageError: the system has no such locks (Windows), or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            import fcntl
        except ImportError:
            raise UsageError("shared=True: processes cannot share their limits on this system") from None
        self._fcntl, name = fcntl, secrets.token_hex(8)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            joining, self._own = folder / f".{name}", folder / name
            self._file = os.open(joining, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            joining.rename(self._own)  # seen from now on, and locked
        except OSError as error:
            raise UsageError(f"shared=True: {folder} cannot be written: {error.strerror}") from None

    def count(self) -> int:
        """How many there are, with this one. The files of those that are gone are removed."""
        try:
            others = [path for path in self.folder.iterdir() if path != self._own and not path.name.startswith(".")]
        except OSError:  # somebody has removed the folder
            return 1
        return 1 + sum(map(self._there, others))

    def leave(self) -> None:
        """Be counted no more."""
        self._own.unlink(missing_ok=True)
        os.close(self._file)

    def _there(self, path: Path) -> bool:
        try:
            file = os.open(path, os.O_RDWR)
        except OSError:  # it has just left
            return False
        try:
            self._fcntl.flock(file, self._fcntl.LOCK_EX | self._fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(file)
