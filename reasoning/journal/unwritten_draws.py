"""A place for paid draws that a journal cannot take: a file in the form of an export, next to the run."""

from __future__ import annotations

import os
import shlex
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from reasoning.journal.codec import Record
from reasoning.journal.jsonl import format_line
from reasoning.journal.stored_images import format_image_line


class UnwrittenDraws:
    """The draws of one journal that arrived after it failed.

    They stay in memory until the journal takes them, and are saved to a file at once, so that a
    kill does not lose them.

    Args:
        journal: the journal's file.

    Attributes:
        records: the draws that the journal has not taken.
        is_complete: whether nothing is lost that the journal had before.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.records: list[Record] = []
        self.is_complete = True
        self._files: list[Path] = []
        self._copy: Path | None = None
        self._unsaved: list[Record] = []

    def add(self, records: Sequence[Record], folders: Iterable[Path]) -> None:
        """Save draws to a file in the first of the folders, or else the temporary one, that takes them."""
        self.records += records
        self._unsaved += records
        self.save(folders)

    def save(self, folders: Iterable[Path]) -> None:
        """Try again to save the draws that no file has taken."""
        if not self._unsaved:
            return
        images = dict.fromkeys(image for record in self._unsaved for image in record.images)
        lines = "".join(map(format_image_line, images))
        lines += "".join(
            format_line(record.key, record.request, row) for record in self._unsaved for row in record.rows
        )
        for file in (*self._files[-1:], *(folder / self._name("jsonl") for folder in _with_temporary(folders))):
            if _append(file, lines.encode()):
                self._unsaved = []
                if file not in self._files:
                    self._files.append(file)
                return

    def copy_contents(self, connection: sqlite3.Connection, folders: Iterable[Path]) -> bool:
        """Copy all that an open journal holds whose file was deleted or replaced; return whether it was possible."""
        for folder in _with_temporary(folders):
            copy = folder / self._name("sqlite")
            try:
                connection.execute("VACUUM INTO ?", [str(copy)])
            except (sqlite3.Error, OSError):
                with suppress(OSError):
                    copy.unlink(missing_ok=True)
            else:
                self._copy = copy
                return True
        return False

    @property
    def lost(self) -> int:
        """The number of draws that only the memory of this process has."""
        return sum(len(record.rows) for record in self._unsaved)

    def __str__(self) -> str:
        """Return where the draws are, and how the journal gets them."""
        commands = [f"merge {shlex.quote(str(self._copy))}"] if self._copy else []
        commands += [f"import {shlex.quote(str(file))}" for file in self._files]
        how = " and ".join(f"`reasoning journal {one} --journal {shlex.quote(str(self.journal))}`" for one in commands)
        if self.lost:
            kept = f"; others are kept: add them with {how}" if how else ""
            return f"{self.lost} paid draws are in the memory of this process alone, since no folder takes them{kept}"
        lost = "no paid draw is lost" if self.is_complete else "draws that it held may be lost"
        return f"{lost}: add those that it does not have with {how}" if how else lost

    def _name(self, suffix: str) -> str:
        if self._files:
            return f"{self._files[0].stem}.{suffix}"
        return f"{self.journal.stem}-unwritten-{int(time.time())}-{os.getpid()}.{suffix}"


def _with_temporary(folders: Iterable[Path]) -> list[Path]:
    return list(dict.fromkeys((*folders, Path(tempfile.gettempdir()))))


def _append(path: Path, content: bytes) -> bool:
    """Append to a file and sync it; return False, with the file as it was, if that fails."""
    try:
        with path.open("ab", buffering=0) as file:
            before = file.tell()
            try:
                if file.write(content) == len(content):
                    os.fsync(file.fileno())
                    return True
            except OSError:
                pass
            with suppress(OSError):
                file.truncate(before)
    except OSError:
        return False
    if not before:
        with suppress(OSError):
            path.unlink()
    return False
