"""Import of draws from an export or another journal; recorded draws stay as they are.

An import runs in short transactions, so that other processes can write meanwhile and memory does
not grow with the file. After an interruption the same call continues.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reasoning.data_files import read_jsonl
from reasoning.errors import UsageError
from reasoning.files import temporary_folder
from reasoning.journal.codec import COLUMNS, Record, decode_leniently
from reasoning.journal.connection import open_for_writing, readable_uri
from reasoning.journal.exporting import ProgressCallback, is_sound, no_progress
from reasoning.journal.jsonl import parse_record
from reasoning.journal.schema import commit, create_draws_view, transaction
from reasoning.journal.sqlite_errors import translate_errors
from reasoning.journal.stored_images import merge_images

_BATCH = 5_000
"""The number of draws in one transaction."""
_BATCH_CHARS = 16_000_000
"""The number of characters that end a transaction of checked draws earlier, to bound its memory."""


@dataclass(frozen=True)
class ImportResult:
    """The result of an import.

    Attributes:
        new: the number of draws that were inserted.
        known: the number of draws that were recorded already.
        conflicts: the number of known draws whose recorded text differs.
        damaged: the number of draws that were left out because they are damaged.
    """

    new: int = 0
    known: int = 0
    conflicts: int = 0
    damaged: int = 0

    def __add__(self, other: ImportResult) -> ImportResult:
        return ImportResult(
            self.new + other.new,
            self.known + other.known,
            self.conflicts + other.conflicts,
            self.damaged + other.damaged,
        )


def import_draws(path: Path, source: Path, progress: ProgressCallback = no_progress) -> ImportResult:
    """Check all lines of an exported .jsonl or .jsonl.gz file, then import its draws.

    Args:
        path: the journal; it is created if it is missing.
        source: the file.
        progress: receives the number of lines read with a total of 0 (unknown), then the number of
            draws inserted and their total.

    Raises:
        UsageError: the file has another ending.
        InputError: the file or a line of it is invalid; names the place. Nothing was imported.
        JournalError: the journal cannot be written.
    """
    source = source.expanduser()
    if not source.name.endswith((".jsonl", ".jsonl.gz")):
        raise UsageError(f"an import must be a .jsonl or .jsonl.gz file of `reasoning journal export`, got {source}")
    with translate_errors(path, "written"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(path) as folder:
            checked, records = folder / "checked.sqlite", _read_records(source)
            with closing(open_for_writing(checked, create_folder=False)) as connection:
                read = 0
                for batch in batches(records):
                    commit(connection, batch)
                    read += len(batch)
                    progress(read, 0)
            return merge_journal(path, checked, progress)


def merge_journal(path: Path, other: Path, progress: ProgressCallback = no_progress) -> ImportResult:
    """Import all draws of another journal. A damaged draw of this one is replaced by a sound one.

    Args:
        path: the journal; it is created if it is missing.
        other: the journal to import.
        progress: receives the number of rows done and their total.

    Raises:
        UsageError: the other journal is missing, or is this one.
        JournalError: one of them cannot be read or written.
    """
    if path.exists() and other.exists() and path.samefile(other):
        raise UsageError(f"a journal cannot be merged into itself: {other}")
    with translate_errors(other, "read"):
        uri = readable_uri(other)
    if uri is None:
        raise UsageError(f"{other}: no such journal")
    result = ImportResult()
    with translate_errors(path, "written"), closing(open_for_writing(path)) as connection:
        connection.text_factory = decode_leniently
        connection.execute("ATTACH ? AS other", (uri,))
        create_draws_view(connection, "other_draws", "other")
        merge_images(connection, "other")
        first, last = connection.execute("SELECT min(rowid), max(rowid) FROM other_draws").fetchone()
        if first is not None:
            for start in range(first, last + 1, _BATCH):
                with transaction(connection):
                    result += _merge_rows(connection, (start, start + _BATCH - 1))
                progress(min(start + _BATCH, last + 1) - first, last + 1 - first)
    return result


def batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Yield the records in lists of bounded length and size."""
    batch, size = list[Record](), 0
    for record in records:
        batch.append(record)
        values = [record.request, *(image.data for image in record.images), *(record.rows[0] if record.rows else ())]
        size += sum(len(value) for value in values if isinstance(value, str | bytes))
        if len(batch) == _BATCH or size > _BATCH_CHARS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_records(source: Path) -> Iterator[Record]:
    for number, data in read_jsonl(source):
        yield parse_record(data, source, number)


_OTHER_ROWS = "FROM other_draws AS new JOIN other.requests AS new_request ON new_request.id = new.request"
_MATCHING_REQUESTS = "JOIN main.requests AS known_request ON known_request.key = new_request.key"
_KNOWN_DRAWS = "JOIN main.draws AS old ON old.request = known_request.id AND old.draw = new.draw"
_IN_BATCH = "WHERE new.rowid BETWEEN ? AND ? AND new.rowid NOT IN (SELECT value FROM json_each(?))"


def _merge_rows(connection: sqlite3.Connection, batch: tuple[int, int]) -> ImportResult:
    """Insert the draws of a range of row numbers."""
    damaged = _find_damaged(connection, "new", "new_request", f"{_OTHER_ROWS} WHERE new.rowid BETWEEN ? AND ?", batch)
    rowids = (*batch, json.dumps(damaged))
    connection.execute(
        "INSERT INTO main.requests (key, model, request) "
        f"SELECT new_request.key, new_request.model, new_request.request {_OTHER_ROWS} {_IN_BATCH} "
        "ON CONFLICT (key) DO UPDATE SET model = excluded.model, request = excluded.request "
        "WHERE model <> excluded.model OR request <> excluded.request",
        rowids,
    )
    known_draws = f"{_OTHER_ROWS} {_MATCHING_REQUESTS} {_KNOWN_DRAWS} {_IN_BATCH}"
    replaced = json.dumps(_find_damaged(connection, "old", "known_request", known_draws, rowids))
    connection.execute("DELETE FROM main.draws WHERE rowid IN (SELECT value FROM json_each(?))", [replaced])
    known, conflicts = connection.execute(
        f"SELECT count(*), count(CASE WHEN old.text <> new.text THEN 1 END) {known_draws}",
        rowids,
    ).fetchone()
    new = connection.execute(
        f"INSERT INTO main.draws (request, {', '.join(COLUMNS)}, checksum) SELECT known_request.id, "
        f"{', '.join(f'new.{name}' for name in (*COLUMNS, 'checksum'))} {_OTHER_ROWS} {_MATCHING_REQUESTS} {_IN_BATCH} "
        "ON CONFLICT DO NOTHING",
        rowids,
    ).rowcount
    return ImportResult(new, known, conflicts, len(damaged))


def _find_damaged(
    connection: sqlite3.Connection, draws: str, requests: str, rows: str, values: tuple[int | str, ...]
) -> list[int]:
    """Return the row numbers of the damaged draws among joined rows."""
    columns = [f"{draws}.rowid", *(f"{requests}.{name}" for name in ("key", "model", "request"))]
    columns += [f"{draws}.{name}" for name in (*COLUMNS, "checksum")]
    found = connection.execute(f"SELECT {', '.join(columns)} {rows}", values)
    return [
        rowid
        for rowid, key, model, request, *row, stored in found
        if not is_sound(key, model, request, tuple(row), stored)
    ]
