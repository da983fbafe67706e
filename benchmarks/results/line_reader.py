"""Single lines of a file by their places, read without a file object that must be closed."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from reasoning.errors import InputError

_CHUNK = 4096


class LineReader:
    """A reader of lines at given places. The file is opened at the first line, and closed with the reader.

    Args:
        path: the file, which may only grow.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._lock = threading.Lock()

    def read(self, offset: int) -> bytes:
        """Return the line that begins at a place in bytes.

        Raises:
            InputError: the file cannot be read.
        """
        parts: list[bytes] = []
        try:
            with self._lock:
                if self._file < 0:
                    self._file = os.open(self.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
                while part := self._chunk(offset):
                    line, newline, _ = part.partition(b"\n")
                    parts.append(line + newline)
                    offset += len(part)
                    if newline:
                        break
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from None
        return b"".join(parts)

    def _chunk(self, offset: int) -> bytes:
        if sys.platform == "win32":
            os.lseek(self._file, offset, os.SEEK_SET)
            return os.read(self._file, _CHUNK)
        return os.pread(self._file, _CHUNK, offset)

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)
