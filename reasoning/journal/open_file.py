"""A journal's file that is open for writing, and checks that it is still the same file."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from reasoning.errors import JournalError
from reasoning.journal.connection import open_for_writing, wal_path


class FileReplaced(JournalError):
    """The file was deleted, replaced or truncated while it was open.

    Attributes:
        is_intact: whether the open connection still reads all that was in the file.
    """

    def __init__(self, message: str, *, is_intact: bool = True) -> None:
        self.is_intact = is_intact
        super().__init__(message)


class _Identity(NamedTuple):
    file: tuple[int, int]
    log: tuple[int, int]


class OpenFile:
    """A journal's file that is open for writing.

    Attributes:
        path: the file.
        connection: the connection, which is open until `close`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = open_for_writing(path)
        self._identity, self._size = self._look()

    def is_unchanged(self) -> bool:
        """Return False if the file or its log must be checked: they are others now, or smaller."""
        try:
            identity, size = self._look()
        except FileNotFoundError:
            return False
        return identity == self._identity and size >= self._size

    def check(self) -> None:
        """Check that the file and its log are still those that are open.

        SQLite does not notice their deletion: what it writes is lost when the process ends.

        Raises:
            FileReplaced: they were deleted, replaced or truncated.
        """
        try:
            identity, size = self._look()
        except FileNotFoundError as error:
            raise FileReplaced(f"the journal {error.filename} was deleted while it was in use") from None
        if identity != self._identity:
            changed = self.path if identity.file != self._identity.file else wal_path(self.path)
            raise FileReplaced(f"the journal {changed} was replaced by another file while it was in use")
        # Another process may have given space back to the disk.
        if size < self._size and self.connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            message = f"the journal {self.path} was truncated while it was in use"
            raise FileReplaced(message, is_intact=False)
        self._size = size

    def remove_stale_log(self) -> None:
        """Remove the log of a file that was deleted or replaced. SQLite would take it for that of a new file."""
        log = wal_path(self.path)
        if _identity(self.path) != self._identity.file and _identity(log) == self._identity.log:
            for stale in (log, self.path.with_name(f"{self.path.name}-shm")):
                with suppress(OSError):
                    stale.unlink()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _look(self) -> tuple[_Identity, int]:
        file, log = os.stat(self.path), os.stat(wal_path(self.path))
        return _Identity((file.st_dev, file.st_ino), (log.st_dev, log.st_ino)), file.st_size


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
