"""The lines that an append-only file gains, read once each while another process writes the file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from reasoning.errors import InputError
from reasoning.files import read_lines


class JsonlTail:
    """A reader that continues where it stopped. It never locks or writes the file.

    Args:
        path: the file; it may be missing.

    Attributes:
        offset: the bytes that were read: complete lines only.
        lines: the number of these lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = self.lines = 0
        self._inode: int | None = None
        self._size = -1

    def is_replaced(self) -> bool:
        """Return whether the file that was read is gone, was replaced, or became shorter than what was read of it."""
        try:
            now = self.path.stat()
        except OSError:
            return self._inode is not None
        return self._inode is not None and (now.st_ino != self._inode or now.st_size < self.offset)

    def read(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield the number, the offset in bytes and the bytes of each new complete line.

        Raises:
            InputError: the file cannot be read, is no regular file, or has too long a line.
        """
        try:
            now = self.path.stat()
            # A pipe or a device would block the reader.
            if not stat.S_ISREG(now.st_mode):
                raise InputError(f"{self.path}: must be a regular file")
            if (now.st_ino, now.st_size) == (self._inode, self._size):
                return
            with self.path.open("rb") as file:
                opened = os.fstat(file.fileno())
                self._inode = opened.st_ino
                file.seek(self.offset)
                for line in read_lines(file, self.path):
                    if not line.endswith(b"\n"):
                        break
                    start, self.offset, self.lines = self.offset, self.offset + len(line), self.lines + 1
                    yield self.lines, start, line
                # A caller that stops before the end gets the other lines next time.
                self._size = opened.st_size
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from None
