"""Maintenance of a journal: statistics, pruning and verification."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning.journal.codec import COLUMNS, checksum, decode_leniently, find_request_problem
from reasoning.journal.connection import check_is_no_folder, open_existing, open_for_reading, open_for_writing, wal_path
from reasoning.journal.exporting import ProgressCallback, no_progress
from reasoning.journal.filters import where_clause
from reasoning.journal.log_check import find_log_problem
from reasoning.journal.schema import transaction
from reasoning.journal.sqlite_errors import to_journal_error, translate_errors
from reasoning.journal.stored_images import find_image_problems, prune_images
from reasoning.messages import parse_tokens


@dataclass(frozen=True)
class ModelStats:
    """Statistics of draws: those of one model, or those that a filter selects.

    Attributes:
        draws: the number of draws.
        prompt_tokens, completion_tokens: the tokens of all draws together.
        usd: the cost of the draws with a price in US dollars; None where none has one.
        unpriced: the number of draws without a price.
        first, last: the times of the oldest and the newest draw, in UTC; None without draws.
    """

    draws: int
    prompt_tokens: int
    completion_tokens: int
    usd: float | None
    unpriced: int
    first: str | None
    last: str | None


@dataclass(frozen=True)
class JournalInfo:
    """The contents of a journal.

    Attributes:
        path: the file.
        bytes: its size on disk, including the write-ahead log.
        requests: the number of requests.
        models: the statistics of each model.
    """

    path: Path
    bytes: int
    requests: int
    models: dict[str, ModelStats]


_STATS = (
    "count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), sum(usd), "
    "count(*) - count(usd), min(at), max(at)"
)


def info(path: Path) -> JournalInfo:
    """Return the contents of a journal; empty if there is no file.

    Raises:
        JournalError: the journal cannot be read.
    """
    with translate_errors(path, "read"):
        check_is_no_folder(path)
        size = sum(file.stat().st_size for file in (path, wal_path(path)) if file.exists())
        connection = open_for_reading(path)
        if connection is None:
            return JournalInfo(path, 0, 0, {})
        with closing(connection):
            rows = connection.execute(
                f"SELECT model, {_STATS} FROM draws JOIN requests ON requests.id = draws.request "
                "GROUP BY model ORDER BY count(*) DESC, model"
            )
            models = {model: ModelStats(*stats) for model, *stats in rows}
            requests = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
    return JournalInfo(path, size, requests, models)


def count(path: Path, *, model: str | None = None, before: str | None = None) -> ModelStats:
    """Return the statistics of the draws that a filter selects; by default of all.

    Args:
        path: the journal.
        model: only draws of this model.
        before: only draws before this time, in the form of `format_utc`.

    Raises:
        UsageError: there is no journal, or no such model in it.
        JournalError: the journal cannot be read.
    """
    with translate_errors(path, "read"), closing(open_existing(path)) as connection:
        where, values = where_clause(connection, path, model=model, before=before)
        return ModelStats(*connection.execute(f"SELECT {_STATS} FROM draws {where}", values).fetchone())


def prune(path: Path, *, model: str | None = None, before: str | None = None) -> int:
    """Delete draws, the requests that have no draws left, and the images that no request has.

    Args:
        path: the journal.
        model: only draws of this model.
        before: only draws before this time, in the form of `format_utc`.

    Returns:
        The number of deleted draws.

    Raises:
        UsageError: there is no journal, or no such model in it.
        JournalError: the journal cannot be read or written.
    """
    with translate_errors(path, "written"), closing(open_existing(path)) as reader:
        where, values = where_clause(reader, path, model=model, before=before)
    with translate_errors(path, "written"), closing(open_for_writing(path)) as connection, transaction(connection):
        deleted = connection.execute(f"DELETE FROM draws {where}", values).rowcount
        connection.execute(
            "DELETE FROM requests WHERE NOT EXISTS (SELECT 1 FROM draws WHERE draws.request = requests.id)"
        )
        prune_images(connection)
    return deleted


def vacuum(path: Path) -> None:
    """Return the space of deleted draws to the disk.

    If other processes read the file, this happens when the last of them closes it.

    Raises:
        JournalError: another process keeps the file locked, or the disk has no room for a copy.
            Nothing is lost.
    """
    with translate_errors(path, "written"), closing(open_for_writing(path)) as connection:
        connection.execute("VACUUM")


def verify(path: Path, progress: ProgressCallback = no_progress) -> Iterator[str]:
    """Yield a message for each problem of a journal.

    Args:
        path: the journal.
        progress: receives the number of requests checked and their total.

    Raises:
        UsageError: there is no journal.
        JournalError: the journal cannot be read at all.
    """
    if problem := find_log_problem(path):
        # Opening the journal would end the last chance to copy the damaged log.
        yield problem
        return
    with translate_errors(path, "read"), closing(open_existing(path)) as connection:
        connection.text_factory = decode_leniently
        for problems in (
            _verify_file(connection),
            _verify_requests(connection, progress),
            _verify_draws(connection),
            find_image_problems(connection),
        ):
            try:
                yield from problems
            except sqlite3.DatabaseError as error:
                yield str(to_journal_error(path, "read to the end", error))


_TOKENS = COLUMNS.index("tokens")


def _verify_file(connection: sqlite3.Connection) -> Iterator[str]:
    for (message,) in connection.execute("PRAGMA integrity_check(20)"):
        if message != "ok":
            yield f"the file: {message}"


def _verify_requests(connection: sqlite3.Connection, progress: ProgressCallback) -> Iterator[str]:
    total = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
    rows = connection.execute("SELECT key, model, request FROM requests")
    for done, (key, model, text) in enumerate(rows, 1):
        if problem := find_request_problem(key, model, text):
            yield f"the request {_hex(key)}: {problem}"
        if done % 1_000 == 0 or done == total:
            progress(done, total)


def _verify_draws(connection: sqlite3.Connection) -> Iterator[str]:
    orphaned = "NOT EXISTS (SELECT 1 FROM requests WHERE requests.id = draws.request)"
    for request, draw in connection.execute(f"SELECT request, draw FROM draws WHERE {orphaned}"):
        yield f"the draw {draw} of request number {request}: its request is missing"
    rows = f"SELECT key, {', '.join(COLUMNS)}, checksum FROM draws JOIN requests ON requests.id = draws.request"
    for key, *row, stored in connection.execute(rows):
        name = f"the draw {row[0]} of request {_hex(key)}"
        if not isinstance(key, bytes) or checksum(key, tuple(row)) != stored:
            yield f"{name}: its checksum does not match: it is damaged"
        elif tokens := row[_TOKENS]:
            try:
                parse_tokens(json.loads(tokens))
            except (ValueError, TypeError) as error:
                yield f"{name}: its tokens cannot be read: {error}"


def _hex(key: Any) -> str:
    return key.hex() if isinstance(key, bytes) else repr(key)
