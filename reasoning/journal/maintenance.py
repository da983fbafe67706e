"""Looking after a journal: what is in it, whether all of it is sound, and taking out what is not wanted any more."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from reasoning.journal.codec import canonical_text, parse_request, replace_surrogates
from reasoning.journal.connection import open_existing, open_for_reading, open_for_writing, wal_path
from reasoning.journal.exporting import ProgressCallback, no_progress
from reasoning.journal.filters import where_clause
from reasoning.journal.schema import transaction
from reasoning.journal.sqlite_errors import to_journal_error, translate_errors
from reasoning.messages import parse_tokens


@dataclass(frozen=True)
class ModelStats:
    """The draws of one model, or those that are to go.

    Attributes:
        draws: how many.
        prompt_tokens, completion_tokens: of all together.
        usd: what those with a price have cost, or None when none has one.
        unpriced: draws without a price.
        first, last: when they were recorded, in UTC; None when there are none.
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
    """What is in a journal: its size on the disk with its log, and the draws of each model."""

    path: Path
    bytes: int
    requests: int
    models: dict[str, ModelStats]


_SHARE = (
    "count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), sum(usd), "
    "count(*) - count(usd), min(at), max(at)"
)


def info(path: Path) -> JournalInfo:
    """What is in the journal; nothing where there is none.

    Raises:
        JournalError: it cannot be read.
    """
    with translate_errors(path, "read"):
        size = sum(file.stat().st_size for file in (path, wal_path(path)) if file.exists())
        connection = open_for_reading(path)
        if connection is None:
            return JournalInfo(path, 0, 0, {})
        with closing(connection):
            rows = connection.execute(
                f"SELECT model, {_SHARE} FROM draws JOIN requests ON requests.id = draws.request "
                "GROUP BY model ORDER BY count(*) DESC, model"
            )
            models = {model: ModelStats(*share) for model, *share in rows}
            requests = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
    return JournalInfo(path, size, requests, models)


def count(path: Path, *, model: str | None = None, before: str | None = None) -> ModelStats:
    """The draws of a model, from before a time (as `utc` has it).

    Raises:
        UsageError: there is no journal, or no such model in it.
        JournalError: it cannot be read.
    """
    with translate_errors(path, "read"), closing(open_existing(path)) as connection:
        where, values = where_clause(connection, path, model=model, before=before)
        return ModelStats(*connection.execute(f"SELECT {_SHARE} FROM draws {where}", values).fetchone())


def prune(path: Path, *, model: str | None = None, before: str | None = None) -> int:
    """Take draws out, and requests that have none left; returns how many draws.

    Raises: as `count`.
    """
    with translate_errors(path, "written"), closing(open_existing(path)) as reader:
        where, values = where_clause(reader, path, model=model, before=before)
    with translate_errors(path, "written"), closing(open_for_writing(path)) as connection, transaction(connection):
        gone = connection.execute(f"DELETE FROM draws {where}", values).rowcount
        connection.execute(
            "DELETE FROM requests WHERE NOT EXISTS (SELECT 1 FROM draws WHERE draws.request = requests.id)"
        )
    return gone


def vacuum(path: Path) -> None:
    """Give the space of what was taken out back to the disk; where others read, when the last of them has closed it.

    Raises:
        JournalError: another process holds the file, or the disk has no room for a copy. Nothing is
            lost by it.
    """
    with translate_errors(path, "written"), closing(open_for_writing(path)) as connection:
        connection.execute("VACUUM")


def verify(path: Path, progress: ProgressCallback = no_progress) -> Iterator[str]:
    """What is wrong with the journal, one by one.

    Raises:
        UsageError: there is no journal.
        JournalError: it cannot be read at all.
    """
    with translate_errors(path, "read"), closing(open_existing(path)) as connection:
        for found in (_of_the_file(connection), _of_requests(connection, progress), _of_draws(connection)):
            try:
                yield from found
            except sqlite3.DatabaseError as error:
                yield str(to_journal_error(path, "read to its end", error))


def _of_the_file(connection: sqlite3.Connection) -> Iterator[str]:
    for (said,) in connection.execute("PRAGMA integrity_check(20)"):
        if said != "ok":
            yield f"the file: {said}"


def _of_requests(connection: sqlite3.Connection, progress: ProgressCallback) -> Iterator[str]:
    total = connection.execute("SELECT count(*) FROM requests").fetchone()[0]
    rows = connection.execute("SELECT key, model, request FROM requests")
    for done, (key, model, text) in enumerate(rows, 1):
        name = f"the request {key.hex() if isinstance(key, bytes) else key!r}"
        try:
            request = parse_request(json.loads(text))
            if request.key != key.hex():
                yield f"{name}: its key is not the hash of what is stored, which is {request.key}"
            elif replace_surrogates(request.model) != model:
                yield f"{name}: stored for the model {model!r}, but asks {request.model!r}"
            elif canonical_text(request) != text:
                yield f"{name}: not stored in its canonical form"
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield f"{name}: cannot be read: {type(error).__name__}: {error}"
        if done % 1_000 == 0 or done == total:
            progress(done, total)


def _of_draws(connection: sqlite3.Connection) -> Iterator[str]:
    of_none = "NOT EXISTS (SELECT 1 FROM requests WHERE requests.id = draws.request)"
    for request, draw in connection.execute(f"SELECT request, draw FROM draws WHERE {of_none}"):
        yield f"the draw {draw} of request number {request}: its request is missing"
    rows = "SELECT key, draw, tokens FROM draws JOIN requests ON requests.id = draws.request WHERE tokens IS NOT NULL"
    for key, draw, tokens in connection.execute(rows):
        try:
            parse_tokens(json.loads(tokens))
        except (ValueError, TypeError) as error:
            yield f"the draw {draw} of request {key.hex()}: its tokens cannot be read: {error}"
