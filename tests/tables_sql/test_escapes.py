"""No hostile query reads, writes, starts or leaves anything, and each ends in time and with a bounded result.

Each file of tests/escapes/sql is one query; its first line says what it tries. `«3×ab»` stands for "ababab".
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reasoning.tables_sql import child, sql_process
from reasoning.tables_sql.sql import SQLError, run_sql
from reasoning.tables_sql.table import Table

QUERIES = sorted((Path(__file__).parents[1] / "escapes/sql").glob("*.sql"))
TOKEN = secrets.token_hex(16)
SECONDS = 0.05
_COMPUTES = ("correlated", "deep", "endless", "huge", "pattern", "product")
"""The beginnings of the names of queries that only compute."""
TABLE = Table.of([["name", "value"], *[[f"name {number}", number * 1.5] for number in range(24)]])


class Surroundings:
    """What a query could reach, if it could."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "drop").mkdir()
        (folder / "drop").chmod(0o777)
        (folder / "canary.csv").write_text(f"CANARY-{TOKEN}\n1\n")
        with sqlite3.connect(folder / "data.db") as database:
            database.execute("CREATE TABLE secret AS SELECT ? AS word", [f"CANARY-{TOKEN}"])
        database.close()
        self.before = self.files()

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def fill(self, path: Path) -> str:
        text = path.read_text(encoding="utf-8").partition("\n")[2]
        for name, value in {
            "canary": str(self.folder / "canary.csv"),
            "database": str(self.folder / "data.db"),
            "drop": str(self.folder / "drop"),
            "long": "x" * 3_000_000,
            "zero": "\0",
            "escape": "\x1b",
        }.items():
            text = text.replace(f"{{{name}}}", value)
        return re.sub(r"«(\d+)×(.*?)»", lambda match: int(match[1]) * match[2], text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", f"CANARY-{TOKEN}")
        # A function of the engine that does not look at the clock is killed after this.
        patch.setattr(sql_process, "_GRACE", 0.15)
        yield Surroundings(tmp_path_factory.mktemp("escapes"))


def test_there_are_many_and_each_says_what_it_tries() -> None:
    assert len(QUERIES) >= 150
    for path in QUERIES:
        assert path.read_text(encoding="utf-8").startswith("-- "), path


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_no_query_does_harm(path: Path, surroundings: Surroundings) -> None:
    sql = surroundings.fill(path)
    for attempt in range(3):  # a busy machine may be late once
        started = time.perf_counter()
        try:
            table = asyncio.run(run_sql(TABLE, sql, seconds=SECONDS))
            said, error = json.dumps(table.to_json()), ""
        except SQLError as raised:
            said = error = str(raised)
        if time.perf_counter() - started < SECONDS + 1:
            break
        assert attempt < 2, "it goes on for longer than its limit and a second"
    assert TOKEN not in said
    assert len(said) < 3_000_000
    assert error.isprintable()
    assert surroundings.files() == surroundings.before


def test_the_next_query_is_answered_as_usual(surroundings: Surroundings) -> None:
    table = asyncio.run(run_sql(TABLE, "SELECT count(*), sum(value) FROM w"))
    assert table.rows == ((24, 414.0),)


@pytest.mark.parametrize("name", ["huge_window", "endless_text"])
def test_memory_is_limited(name: str, surroundings: Surroundings) -> None:
    [path] = [path for path in QUERIES if path.stem == name]
    with pytest.raises(SQLError, match=r"the query needs more than 128 MB of memory|string or blob too big"):
        asyncio.run(run_sql(TABLE, surroundings.fill(path), seconds=30))


def test_the_engine_alone_refuses_all_but_reading(surroundings: Surroundings) -> None:
    """Without the locks of the process and without the look at the first word, no query reaches a file."""
    queries = {path.stem: surroundings.fill(path) for path in QUERIES if not path.stem.startswith(_COMPUTES)}
    job = {
        "tables": [{"name": "w", "columns": TABLE.header, "types": TABLE.types, "rows": TABLE.rows}],
        "seconds": 0.2,
        "memory_mb": 64,
        "max_rows": 100,
        "max_chars": 10_000,
    }
    code = (
        f"{Path(child.__file__).read_text()}\n"
        "class _START:\n    match = staticmethod(lambda sql: [None, 'SELECT'])\n"
        "import sys\n"
        "job, queries = json.loads(sys.stdin.read())\n"
        "print(json.dumps({name: answer(json.dumps({**job, 'sql': sql})) for name, sql in queries.items()}))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        input=json.dumps([job, queries]),
        capture_output=True,
        text=True,
        check=True,
        cwd=surroundings.folder / "drop",
    )
    answers = {name: json.loads(answer) for name, answer in json.loads(done.stdout).items()}
    assert len(answers) > 90
    assert TOKEN not in done.stdout
    assert surroundings.files() == surroundings.before
    harmless = {name for name, answer in answers.items() if "error" not in answer}
    reading = {"character_bidi", "character_escape", "comment_open", "comment_quotes"}
    assert harmless == {*reading, "explain", "statement_nothing", "write_reindex"}


def test_the_corpus_would_notice(surroundings: Surroundings) -> None:
    """The same queries without any lock do write and read: what we look for can be seen."""
    queries = {path.stem: surroundings.fill(path) for path in QUERIES}
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE w AS SELECT 0 AS row_id, 'x' AS name, 1.5 AS value")
    opened, read = queries["attach_read_then_select"].split(";")
    connection.execute(opened)
    assert TOKEN in str(connection.execute(read).fetchall())
    connection.execute(queries["vacuum_into"])
    with pytest.raises(AssertionError):
        assert surroundings.files() == surroundings.before
    (surroundings.folder / "drop/escaped").unlink()
    assert surroundings.files() == surroundings.before
    connection.execute(queries["write_drop"])
    late = time.monotonic() + 0.2
    connection.set_progress_handler(lambda: time.monotonic() > late, 1000)
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        connection.execute(queries["endless_count"]).fetchall()
    connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the list of children is Linux's")
def test_no_process_is_left() -> None:
    asyncio.run(run_sql(TABLE, "SELECT 1"))
    server = sql_process.shared_runner()._server
    assert server is not None
    assert server._zygote is not None
    pid, until = server._zygote._process.pid, time.perf_counter() + 30
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while (left := children.read_text().split()) and time.perf_counter() < until:
        time.sleep(0.001)
    assert left == []
    assert os.path.exists(f"/proc/{pid}")
