"""An append-only file of JSON lines that stays readable after a kill at any moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from reasoning.errors import InputError
from reasoning.files import last_line_end, parse_json_object, read_lines
from reasoning.text_safety import dump_json


class JsonlFile:
    """JSON objects, one per line. A record counts once its line has ended; a torn last line is cut off.

    Args:
        path: the file.
        sync: sync each record to the disk, so that it survives a power cut, too.

    Raises (from all methods):
        InputError: the file cannot be read or written, or a complete line is not a JSON object;
            names the line.
    """

    def __init__(self, path: Path, *, sync: bool = False) -> None:
        self.path, self._sync = path, sync
        self._file: IO[bytes] | None = None
        self._end = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the records, without a torn last one."""
        for number, line in enumerate(self.lines(), 1):
            yield parse_json_object(line, f"{self.path}:{number}")

    def lines(self) -> Iterator[bytes]:
        """Yield the complete lines."""
        try:
            with self.path.open("rb") as file:
                for line in read_lines(file, self.path):
                    if line.endswith(b"\n"):
                        yield line
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from None

    def append(self, record: dict[str, Any]) -> int:
        """Add one record, and return its place in bytes. It survives the end of this process from then on."""
        return self.append_line(dump_json(record, compact=True).encode() + b"\n")

    def append_line(self, line: bytes) -> int:
        """Add a record that is a line of JSON already; see `append`."""
        try:
            file, start = self._opened(), self._end
            try:
                written = file.write(line)
                if written != len(line):
                    raise OSError(28, "no space left on the disk")
                if self._sync:
                    os.fsync(file.fileno())
            except OSError:
                # A full disk may have stored a part of the line.
                file.truncate(start)
                file.seek(start)
                raise
        except OSError as error:
            raise InputError(
                f"{self.path}: cannot be written: {error.strerror}; what was stored before is kept"
            ) from None
        self._end += len(line)
        return start

    @property
    def end(self) -> int | None:
        """The bytes of all records; None unless one was added since the file was last closed."""
        return None if self._file is None else self._end

    def close(self) -> None:
        """Close the file. It is opened again on the next use."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[bytes]:
        """Return the file, positioned after the last complete line."""
        if self._file is None:
            file = self.path.open("r+b" if self.path.exists() else "x+b", buffering=0)
            self._end = last_line_end(file)
            file.truncate(self._end)
            file.seek(self._end)
            self._file = file
        return self._file
