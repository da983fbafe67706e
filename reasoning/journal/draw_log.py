"""A file of draws that only grows, for folders where SQLite cannot be used, such as those of a network file system.

It has the lines of `reasoning journal export`. SQLite in WAL mode needs memory that processes share, so a journal must
be on a local disk. One process may append to a file on any file system.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

from reasoning import forks
from reasoning.errors import InputError, JournalError
from reasoning.files import last_line_end, parse_json_object, read_lines
from reasoning.journal.codec import Record
from reasoning.journal.connection import open_for_writing
from reasoning.journal.importing import batches
from reasoning.journal.jsonl import format_line, parse_record
from reasoning.journal.schema import commit
from reasoning.journal.sqlite_errors import translate_errors
from reasoning.journal.stored_images import format_image_line


class DrawLog:
    """A file to which one process appends draws. It opens on first use.

    Args:
        path: the file; its folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._images: set[bytes] = set()
        self._lock = threading.Lock()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Open the file anew in a child process."""
        self._lock = threading.Lock()
        self.close()

    def append(self, record: Record) -> None:
        """Add the draws of a record. They survive the end of this process as soon as this returns.

        Raises:
            JournalError: the file cannot be written.
        """
        new = [image for image in record.images if image.sha256 not in self._images]
        lines = [*map(format_image_line, new), *(format_line(record.key, record.request, row) for row in record.rows)]
        data = "".join(lines).encode("utf-8", "replace")
        with self._lock:
            try:
                file = self._opened()
                if (written := os.write(file, data)) != len(data):
                    # The rest of a cut line would damage the next one.
                    os.ftruncate(file, os.fstat(file).st_size - written)
                    raise OSError(28, "no space left on the disk")
            except OSError as error:
                raise JournalError(
                    f"{self.path}: cannot be written: {error.strerror}; what was recorded before is kept"
                ) from None
        self._images.update(image.sha256 for image in new)

    def close(self) -> None:
        """Close the file. It is opened again on the next use."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        if self._file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
            self._file = os.open(self.path, flags, 0o644)
            with self.path.open("rb") as file:
                # A line that a kill has cut off.
                os.ftruncate(self._file, last_line_end(file))
        return self._file


def make_journal(journal: Path, logs: Iterable[Path]) -> int:
    """Make a journal from the complete lines of logs, which other processes may be writing.

    Args:
        journal: the new file; it stays missing if there is no draw.
        logs: the logs; a missing one has no draws. Of several records of a draw the first counts.

    Returns:
        The number of records of draws that others have recorded before.

    Raises:
        InputError: a log cannot be read, or a line is damaged; names the line.
        JournalError: the journal cannot be written.
    """
    records, read = chain.from_iterable(map(_read, logs)), 0
    if (first := next(records, None)) is None:
        return 0
    with translate_errors(journal, "written"), closing(open_for_writing(journal)) as connection:
        for batch in batches(chain([first], records)):
            commit(connection, batch)
            read += sum(len(record.rows) for record in batch)
        return read - int(connection.execute("SELECT count(*) FROM draws").fetchone()[0])


def _read(log: Path) -> Iterator[Record]:
    try:
        with log.open("rb") as file:
            for number, line in enumerate(read_lines(file, log), 1):
                if line.endswith(b"\n"):
                    yield parse_record(parse_json_object(line, f"{log}:{number}"), log, number)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{log}: cannot be read: {error.strerror}") from None
