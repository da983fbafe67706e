"""Draws into a journal: from an export, from another journal. What is there stays as it is.

Both go in parts of their own, so that other processes can write meanwhile and memory does not grow
with the file. Where it is stopped, the same again goes on.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from reasoning.errors import UsageError
from reasoning.files import read_jsonl
from reasoning.journal.codec import COLUMNS, Record
from reasoning.journal.connection import open_for_writing, readable_uri
from reasoning.journal.exporting import ProgressCallback, no_progress
from reasoning.journal.jsonl import parse_record
from reasoning.journal.schema import commit, transaction
from reasoning.journal.sqlite_errors import translate_errors

_PART = 5_000
"""Draws of one transaction."""


@dataclass(frozen=True)
class ImportResult:
    """What came into a journal.

    Attributes:
        new: draws that were not there.
        known: draws that were there.
        conflicts: how many of those have another text there.
    """

    new: int = 0
    known: int = 0
    conflicts: int = 0

    def __add__(self, other: ImportResult) -> ImportResult:
        return ImportResult(self.new + other.new, self.known + other.known, self.conflicts + other.conflicts)


def import_draws(path: Path, source: Path, progress: ProgressCallback = no_progress) -> ImportResult:
    """Take the draws of an exported .jsonl or .jsonl.gz file into a journal, once all its lines are found in order.

    Args:
        path: the journal, which is made if need be.
        source: the file.
        progress: is told how many lines are read (of 0, since that is not known), then how many
            draws are taken.

    Raises:
        InputError: the file or a line of it is wrong; says where. Nothing has been taken then.
        JournalError: the journal cannot be written.
    """
    source = source.expanduser()
    if not source.name.endswith((".jsonl", ".jsonl.gz")):
        raise UsageError(f"{source}: an import is a .jsonl or .jsonl.gz file, as `reasoning journal export` writes it")
    with translate_errors(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
            whole, entries = Path(folder) / "whole.sqlite", _entries(source)
            with closing(open_for_writing(whole)) as connection:
                read = 0
                while part := list(islice(entries, _PART)):
                    commit(connection, part)
                    read += len(part)
                    progress(read, 0)
            return merge_journal(path, whole, progress)


def merge_journal(path: Path, other: Path, progress: ProgressCallback = no_progress) -> ImportResult:
    """Take all draws of another journal into this one.

    Raises:
        UsageError: the other one is missing, or is this one.
        JournalError: one of them cannot be read or written.
    """
    if path.exists() and other.exists() and path.samefile(other):
        raise UsageError(f"{other} is the journal itself")
    with translate_errors(other, "read"):
        place = readable_uri(other)
    if place is None:
        raise UsageError(f"{other}: there is no journal here")
    taken = ImportResult()
    with translate_errors(path, "written"), closing(open_for_writing(path)) as connection:
        connection.execute("ATTACH ? AS other", (place,))
        first, last = connection.execute("SELECT min(rowid), max(rowid) FROM other.draws").fetchone()
        if first is not None:
            for start in range(first, last + 1, _PART):
                with transaction(connection):
                    taken += _take(connection, (start, start + _PART - 1))
                progress(min(start + _PART, last + 1) - first, last + 1 - first)
    return taken


def _entries(source: Path) -> Iterator[Record]:
    for number, said in read_jsonl(source):
        yield parse_record(said, source, number)


_THEIRS = "FROM other.draws AS theirs JOIN other.requests AS asked ON asked.id = theirs.request"
_HERE = "JOIN main.requests AS here ON here.key = asked.key"
_THESE = "WHERE theirs.rowid BETWEEN ? AND ?"


def _take(connection: sqlite3.Connection, rowids: tuple[int, int]) -> ImportResult:
    """Take the draws with these row numbers."""
    connection.execute(
        "INSERT INTO main.requests (key, model, request) "
        f"SELECT asked.key, asked.model, asked.request {_THEIRS} {_THESE} ON CONFLICT DO NOTHING",
        rowids,
    )
    known, conflicts = connection.execute(
        f"SELECT count(*), count(CASE WHEN ours.text <> theirs.text THEN 1 END) {_THEIRS} {_HERE} "
        f"JOIN main.draws AS ours ON ours.request = here.id AND ours.draw = theirs.draw {_THESE}",
        rowids,
    ).fetchone()
    new = connection.execute(
        f"INSERT INTO main.draws (request, {', '.join(COLUMNS)}) SELECT here.id, "
        f"{', '.join(f'theirs.{name}' for name in COLUMNS)} {_THEIRS} {_HERE} {_THESE} ON CONFLICT DO NOTHING",
        rowids,
    ).rowcount
    return ImportResult(new, known, conflicts)
