"""Journals of earlier formats, whose draws lack counts of tokens, are read as they are and migrated when written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reasoning.journal import Journal, exporting, importing, maintenance
from reasoning.journal.schema import VERSION
from reasoning.messages import Completion, Message, Request, Usage

REQUEST = Request("some/model", (Message("user", "why?"),), {"temperature": 0.7})
EARLIER = [Completion(f"answer {draw}", usage=Usage(1, 10, 5, 2, 0.25, 1.5), draw=draw) for draw in range(3)]
_DRAWS = """
CREATE TABLE draws (
    request INTEGER NOT NULL, draw INTEGER NOT NULL,
    text TEXT NOT NULL, finish_reason TEXT NOT NULL, reasoning TEXT NOT NULL, tokens TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
    usd REAL, seconds REAL NOT NULL,
    retries INTEGER NOT NULL, request_id TEXT NOT NULL, prices TEXT NOT NULL, at TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    PRIMARY KEY (request, draw)
)"""
_COLUMNS = (
    "request, draw, text, finish_reason, reasoning, tokens, prompt_tokens, completion_tokens, cached_tokens, usd, "
    "seconds, retries, request_id, prices, at, checksum"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a journal as the earlier library wrote it; the checksums are its own."""
    path, new = tmp_path / "journal.sqlite", tmp_path / "new.sqlite"
    Journal(new).write(REQUEST, EARLIER)
    Journal(new).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("ATTACH ? AS new", (str(new),))
        connection.execute(_DRAWS)
        connection.execute(
            "CREATE TABLE requests (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, model TEXT NOT NULL, "
            "request TEXT NOT NULL)"
        )
        connection.execute("INSERT INTO requests SELECT * FROM new.requests")
        connection.execute(f"INSERT INTO draws SELECT {_COLUMNS} FROM new.draws")
        connection.execute("PRAGMA user_version = 3")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    new.unlink()
    return path


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def texts(journal: Journal) -> list[tuple[str, Usage]]:
    return [(one.text, one.usage) for _, one in sorted(journal.read(REQUEST.key, range(9)).items())]


WANTED = [(one.text, one.usage) for one in EARLIER]
THOUGHT = Completion("4", usage=Usage(1, 10, 50, 2, 0.25, 1.5, 45), reasoning="2 + 2", draw=5)


def test_reading_changes_no_file(path: Path) -> None:
    before = path.read_bytes()
    journal = Journal(path)
    assert texts(journal) == WANTED
    assert not list(maintenance.verify(path))
    assert maintenance.info(path).models["some/model"].draws == 3
    journal.close()
    assert (path.read_bytes(), version(path)) == (before, 3)


def test_a_write_migrates_and_an_open_reader_sees_the_new_column(path: Path) -> None:
    reading, writing = Journal(path), Journal(path)
    assert texts(reading) == WANTED
    writing.write(REQUEST, [THOUGHT])
    writing.close()
    assert version(path) == VERSION
    for journal in (reading, Journal(path)):
        assert texts(journal) == [*WANTED, (THOUGHT.text, THOUGHT.usage)]
        journal.close()
    assert not list(maintenance.verify(path))


def test_the_earlier_library_may_still_write_a_migrated_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as earlier:
        earlier.execute("SELECT count(*) FROM draws").fetchone()
        Journal(path).write(REQUEST, [THOUGHT])
        Journal(path).close()
        with earlier:
            earlier.execute(
                f"INSERT INTO draws ({_COLUMNS}) SELECT {_COLUMNS.replace('draw,', '7,', 1)} FROM draws WHERE draw = 0"
            )
            earlier.execute("PRAGMA user_version = 3")  # as its test of the disk does
    Journal(path).write(REQUEST, [Completion("6", draw=6)])
    Journal(path).close()
    assert version(path) == VERSION
    assert len(Journal(path)) == 6


def test_exports_and_merges_of_both_formats(path: Path, tmp_path: Path) -> None:
    merged, exported = tmp_path / "merged.sqlite", tmp_path / "all.jsonl"
    assert importing.merge_journal(merged, path).new == 3
    assert version(path) == 3
    Journal(merged).write(REQUEST, [THOUGHT])
    Journal(merged).close()
    exporting.export_draws(merged, exported)
    lines = exported.read_text("utf-8").splitlines()
    assert ["reasoning_tokens" in line for line in lines] == [False, False, False, True]
    assert importing.import_draws(tmp_path / "again.sqlite", exported).new == 4
    assert texts(Journal(tmp_path / "again.sqlite")) == [*WANTED, (THOUGHT.text, THOUGHT.usage)]
    # Into a file of the earlier format.
    assert importing.merge_journal(path, merged).new == 1
    assert texts(Journal(path)) == [*WANTED, (THOUGHT.text, THOUGHT.usage)]


@pytest.mark.parametrize("damage", ["reasoning_tokens = 0", "reasoning_tokens = 46", "reasoning = ''"])
def test_damage_of_the_new_column_is_noticed(path: Path, damage: str) -> None:
    Journal(path).write(REQUEST, [THOUGHT])
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE draws SET {damage} WHERE draw = 5")
    with pytest.warns(UserWarning, match="the draw 5 .* is damaged"):
        assert texts(Journal(path)) == WANTED
    assert len(list(maintenance.verify(path))) == 1


def test_draws_of_format_4_keep_their_thoughts_and_checksums(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).write(REQUEST, [*EARLIER, THOUGHT])
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("ALTER TABLE draws DROP COLUMN cache_write_tokens")
        connection.execute("PRAGMA user_version = 4")
    journal = Journal(path)
    wanted = [*WANTED, (THOUGHT.text, THOUGHT.usage)]
    assert texts(journal) == wanted
    assert not list(maintenance.verify(path))
    assert version(path) == 4
    written = Completion("5", usage=Usage(1, 10, 5, 2, 0.25, 1.5, 0, 8), draw=7)
    journal.write(REQUEST, [written])
    assert texts(journal) == [*wanted, (written.text, written.usage)]
    journal.close()
    assert version(path) == VERSION
    assert not list(maintenance.verify(path))
