"""A count of the processes of this machine that share something, such as a rate limit.

Each process holds a lock on a file of its own in one folder. The operating system releases the lock
when the process ends, so a process that was killed is not counted.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from reasoning.errors import UsageError


class ProcessRegistry:
    """The processes that are registered in a folder, including this one until it leaves.

    Args:
        folder: the folder of lock files; it is created if it is missing.

    Raises:
        UsageError: the system has no such locks (Windows), or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            import fcntl
        except ImportError:
            raise UsageError(
                "shared=True: processes cannot share limits on this system, which has no file locks; use shared=False"
            ) from None
        self._fcntl, name = fcntl, secrets.token_hex(8)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            hidden, self._own = folder / f".{name}", folder / name
            self._file = os.open(hidden, os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            # Other processes see the file from now on, and find it locked.
            hidden.rename(self._own)
        except OSError as error:
            raise UsageError(f"shared=True: {folder} cannot be written: {error.strerror}") from None

    def count(self) -> int:
        """Return the number of registered processes, including this one, and remove the files of dead ones."""
        try:
            others = [path for path in self.folder.iterdir() if path != self._own and not path.name.startswith(".")]
        except OSError:
            # The folder was removed.
            return 1
        return 1 + sum(map(self._is_alive, others))

    def leave(self) -> None:
        """Unregister this process."""
        self._own.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Close the file, in the child of a fork: the parent stays registered."""
        os.close(self._file)

    def _is_alive(self, path: Path) -> bool:
        try:
            file = os.open(path, os.O_RDWR)
        except OSError:
            # The process has just left.
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
