"""Claims on draws, so that processes that share a journal do not buy the same draw at the same time.

A claim is a lock on bytes of a file next to the journal, at a place that follows from the request
and the index of the draw. The operating system releases it when its process ends, however it ends.
Taking and releasing one costs about three microseconds; rows in the journal would cost a write and
would outlive a killed process. Windows has no such locks, so there are no claims there.
"""

from __future__ import annotations

import errno
import os
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reasoning import forks
from reasoning.errors import JournalError

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

_PLACES = 1 << 62
_FIRST_PLACE = 1 << 10
_PRESENCE = 0
"""The byte on which each process holds a shared lock, so that a new one knows whether it is alone."""
_WAIT_SECONDS = 5.0


_opened: weakref.WeakValueDictionary[Path, Claims] = weakref.WeakValueDictionary()


class Claims:
    """The claims of this process on draws of one journal.

    Args:
        journal: the journal's file.

    Attributes:
        process: the process that made this object; the child of a fork needs one of its own.

    Raises:
        JournalError: the file of locks cannot be written, or its file system has no locks.
    """

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(f"{journal.name}.claims")
        self.process = os.getpid()
        try:
            self._file, self._alone = _register(self.path)
            self._size = os.fstat(self._file).st_size
        except OSError as error:
            raise JournalError(
                f"the journal {journal} cannot be shared: {self.path} cannot be locked: {error.strerror}; "
                "choose a file on a local disk with --journal FILE"
            ) from None
        self._held = 0
        self._leave = weakref.finalize(self, _leave, self._file, self.path)
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Close the file in a child process, which would later release the locks that the child takes itself."""
        if self._leave.detach():
            os.close(self._file)

    @classmethod
    def open(cls, journal: Path) -> Claims | None:
        """Return this process's claims on draws of a journal; None on a system without such locks."""
        if fcntl is None:
            return None
        # Closing one of two open files would release the locks of both.
        claims = _opened.get(journal)
        if claims is None or claims.process != os.getpid() or not claims._leave.alive:
            claims = _opened[journal] = cls(journal)
        return claims

    def take(self, key: str, draws: Sequence[int]) -> list[int]:
        """Claim draws, and return those that no other process has claimed."""
        place = _FIRST_PLACE + ((int(key[:12], 16) << 14) + draws[0]) % _PLACES
        if draws[-1] - draws[0] == len(draws) - 1 and _lock(self._file, place, len(draws)):
            taken = list(draws)
        else:
            taken = [draw for draw in draws if _lock(self._file, place + draw - draws[0], 1)]
        self._held += len(taken)
        return taken

    def release(self, key: str, draws: Sequence[int]) -> None:
        """Release claims, after the draws have been recorded or have failed."""
        place = _FIRST_PLACE + ((int(key[:12], 16) << 14) + draws[0]) % _PLACES
        if draws[-1] - draws[0] == len(draws) - 1:
            fcntl.lockf(self._file, fcntl.LOCK_UN, len(draws), place)
        else:
            for draw in draws:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place + draw - draws[0])
        self._held -= len(draws)

    def close(self) -> bool:
        """Close the file of locks if no claim is held; return whether it is closed."""
        if not self._held:
            self._leave()
        return not self._leave.alive

    @property
    def is_alone(self) -> bool:
        """True if no other process has claimed draws since this one began.

        If one has, it may have recorded a draw between a look into the journal and a claim.
        """
        # Each process that comes makes the file longer.
        self._alone = self._alone and os.fstat(self._file).st_size == self._size
        return self._alone


def _register(path: Path) -> tuple[int, bool]:
    """Return the open file of locks, and whether no other process has it."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            alone = _lock(file, _PRESENCE, 1)
            if alone:
                os.ftruncate(file, 0)
            if alone or _lock(file, _PRESENCE, 1, fcntl.LOCK_SH):
                os.pwrite(file, b".", os.fstat(file).st_size)
                fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, _PRESENCE)
                # The last process may have removed the file meanwhile.
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(file), os.stat(path)):
                        return file, alone
        except BaseException:
            os.close(file)
            raise
        os.close(file)
        if time.monotonic() > until:
            raise OSError(errno.EAGAIN, "it is locked all the time")
        time.sleep(0.001)


def _leave(file: int, path: Path) -> None:
    """Close the file of locks, and remove it if no other process has it."""
    with suppress(OSError):
        if _lock(file, _PRESENCE, 1) and os.path.samestat(os.fstat(file), os.stat(path)):
            path.unlink()
    os.close(file)


def _lock(file: int, place: int, length: int, kind: int | None = None) -> bool:
    """Lock bytes of a file, without waiting; return whether they are locked now."""
    try:
        fcntl.lockf(file, (fcntl.LOCK_EX if kind is None else kind) | fcntl.LOCK_NB, length, place)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        return False
    return True
