"""The journal's file: errors are named, damaged files stay as they are, disks fill up."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from reasoning.errors import JournalError
from reasoning.journal import Journal, maintenance
from reasoning.journal.importing import import_draws
from reasoning.messages import Completion, Message, Request

REQUEST = Request("some/model", (Message("user", "why?"),), {"temperature": 0.7, "stop": ["\n"]})


def fill(path: Path, draws: int = 200) -> Journal:
    journal = Journal(path)
    journal.write(REQUEST, [Completion(f"because {draw} " * 40, draw=draw) for draw in range(draws)])
    return journal


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder; an empty log, and the memory that processes share about it, hold nothing."""
    found = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    return {name: content for name, content in found.items() if content or not name.endswith("-wal")}


# --- damaged files


def garbage(path: Path) -> None:
    path.write_bytes(b"not a database, but something that a user may want back" * 50)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(8192))


def one_byte(path: Path) -> None:
    path.write_bytes(b"x")


def half(path: Path) -> None:
    fill(path).close()
    os.truncate(path, path.stat().st_size // 2)


def beginning(path: Path) -> None:
    fill(path).close()
    os.truncate(path, 700)


def emptied_with_a_log(path: Path) -> None:
    """As a copy that failed leaves it: the draws are in the log alone."""
    journal = fill(path.with_name("source"))
    shutil.copy(path.with_name("source-wal"), f"{path}-wal")
    journal.close()
    path.with_name("source").unlink()
    path.write_bytes(b"")


def gone_with_a_log(path: Path) -> None:
    emptied_with_a_log(path)
    path.unlink()


def half_with_a_log(path: Path) -> None:
    journal = fill(path.with_name("source"))
    journal.close()
    journal.write(REQUEST, [Completion("late", draw=999)])
    for end in ("", "-wal"):
        shutil.copy(path.with_name(f"source{end}"), f"{path}{end}")
    journal.close()
    path.with_name("source").unlink()
    os.truncate(path, 1000)


def of_something_else(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def newer(path: Path) -> None:
    fill(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 6")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (garbage, "it is not a SQLite database, or a damaged one"),
        (zeros, "it is not a SQLite database, or a damaged one"),
        (one_byte, "it is not a SQLite database, or a damaged one"),
        (half, "it is damaged"),
        (beginning, "it is damaged"),
        (half_with_a_log, "it is damaged"),
        (emptied_with_a_log, "it is empty, but "),
        (gone_with_a_log, "it is missing, but "),
        (of_something_else, "another kind of database (it has a table 'bookmarks')"),
        (newer, "written by another version of this library (format 6, this one reads 5)"),
    ],
)
def test_a_damaged_file_is_named_and_kept_byte_for_byte(
    tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "journal.sqlite"
    damage(path)
    before = files(tmp_path)
    journal = Journal(path)
    for do in (
        lambda: journal.read(REQUEST.key, [0]),
        lambda: asyncio.run(journal.record(REQUEST, [Completion("x")])),
        lambda: journal.write(REQUEST, [Completion("x")]),
        lambda: len(journal),
    ):
        with pytest.raises(JournalError) as told:
            do()
        assert words in str(told.value)
        assert str(path) in str(told.value)
        assert "\n" not in str(told.value)
        assert files(tmp_path) == before
    journal.close()
    assert files(tmp_path) == before


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="it is a folder"):
        Journal(tmp_path).read(REQUEST.key, [0])
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(tmp_path / "file" / "journal.sqlite").write(REQUEST, [Completion("x")])


def test_an_empty_file_becomes_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    assert Journal(tmp_path / "journal.sqlite").read(REQUEST.key, [0]) == {}
    assert len(fill(tmp_path / "journal.sqlite")) == 200


# --- permissions


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that users without rights may enter, too."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


@contextmanager
def without_rights() -> Iterator[None]:
    """Run as a user who may not write where the mode forbids it."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("mode", [(0o555, 0o444), (0o555, 0o644), (0o755, 0o444)])
def test_a_file_that_may_not_be_written_is_read(folder: Path, mode: tuple[int, int]) -> None:
    path = folder / "a journal?#%.sqlite"
    fill(path).close()
    before = files(folder)
    path.chmod(mode[1])
    folder.chmod(mode[0])
    with without_rights():
        journal = Journal(path)
        assert len(journal) == 200
        assert journal.read(REQUEST.key, [7])[7].text.startswith("because 7 ")
        with pytest.raises(JournalError, match=r"cannot be written: .*permission"):
            journal.write(REQUEST, [Completion("x", draw=999)])
        assert len(journal) == 200
        journal.close()
    assert files(folder) == before


def test_a_folder_that_may_not_be_written_gets_no_journal(folder: Path) -> None:
    folder.chmod(0o555)
    with without_rights():
        for path in (folder / "journal.sqlite", folder / "deep" / "journal.sqlite"):
            journal = Journal(path)
            assert journal.read(REQUEST.key, [0]) == {}
            with pytest.raises(JournalError, match=r"(?i)journal\.sqlite cannot be written: .*permission"):
                journal.write(REQUEST, [Completion("x")])


def test_a_log_that_cannot_be_taken_into_account_is_no_reason_to_leave_draws_out(folder: Path) -> None:
    journal = fill(folder / "source", 1)
    journal.close()
    journal.write(REQUEST, [Completion("late", draw=999)])
    for end in ("", "-wal"):
        shutil.copy(folder / f"source{end}", folder / f"journal.sqlite{end}")
    journal.close()
    folder.chmod(0o555)
    with without_rights(), pytest.raises(JournalError, match="its folder cannot be written to"):
        Journal(folder / "journal.sqlite").read(REQUEST.key, [999])
    folder.chmod(0o755)
    assert Journal(folder / "journal.sqlite").read(REQUEST.key, [999])[999].text == "late"


# --- full disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a disk here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_loses_nothing_that_was_recorded(small_disk: Path) -> None:
    path = small_disk / "journal.sqlite"
    (small_disk / "ballast").write_bytes(bytes(300_000))
    journal, recorded = Journal(path), 0

    async def until_full() -> None:
        nonlocal recorded
        for draw in range(1_000):
            await journal.record(REQUEST, [Completion(f"{draw} " * 400, draw=draw)])
            recorded = draw + 1

    with pytest.raises(JournalError, match=r"cannot be written: the disk is full .*; free some space"):
        asyncio.run(until_full())
    assert 50 < recorded < 1_000
    assert len(journal.read(REQUEST.key, range(1_000))) == recorded
    (small_disk / "ballast").unlink()
    asyncio.run(journal.record(REQUEST, [Completion("more", draw=recorded)]))
    journal.close()
    assert len(Journal(path)) == recorded + 1


def test_a_disk_that_is_full_from_the_start(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(bytes(1 << 20))
    journal = Journal(small_disk / "deep" / "journal.sqlite")
    with pytest.raises(JournalError, match="cannot be written: "):
        journal.write(REQUEST, [Completion("x")])
    (small_disk / "ballast").unlink()
    journal.write(REQUEST, [Completion("x")])
    assert len(journal) == 1


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    code = (
        "import resource, sys\n"
        "from reasoning.errors import JournalError\n"
        "from reasoning.journal import Journal\n"
        "from reasoning.messages import Completion, Message, Request\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "journal, request = Journal(sys.argv[1]), Request('m', (Message('user', '?'),), {})\n"
        "try:\n"
        "    for draw in range(1000):\n"
        "        journal.write(request, [Completion('x' * 2000, draw=draw)])\n"
        "except JournalError as error:\n"
        "    print(draw, len(journal), error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "journal.sqlite")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    draw, recorded, told = done.stdout.split(maxsplit=2)
    assert draw == recorded
    assert "the disk reports an error" in told
    (saved,) = tmp_path.glob("*.jsonl")
    import_draws(tmp_path / "journal.sqlite", saved)
    assert len(Journal(tmp_path / "journal.sqlite")) == int(recorded) + 1 > 10


def test_a_file_that_another_process_makes_smaller_is_no_truncated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reasoning.journal.journal_files._CHECK_SECONDS", 0.0)
    path = tmp_path / "journal.sqlite"
    big = Request("big/model", REQUEST.messages, REQUEST.sampling)
    Journal(path).write(big, [Completion("x" * 5_000, draw=draw) for draw in range(200)])
    Journal(path).close()
    journal, size = fill(path), path.stat().st_size
    maintenance.prune(path, model="big/model")
    maintenance.vacuum(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < size // 2
    for draw in range(200, 210):
        journal.write(REQUEST, [Completion("more", draw=draw)])
        asyncio.run(journal.record(REQUEST, [Completion("more", draw=draw + 100)]))
    assert len(journal) == 220
    assert not list(tmp_path.glob("*unwritten*"))


# --- other versions, and several processes


def test_a_file_of_another_version_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    fill(path).close()
    for version in (1, 2, 99):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
        before = files(tmp_path)
        with pytest.raises(JournalError, match=rf"another version .*\(format {version}, this one reads 5\)") as error:
            Journal(path).read(REQUEST.key, [0])
        assert files(tmp_path) == before
        commands = [f"`reasoning journal {word} draws.jsonl.gz --journal {path}`" for word in ("export", "import")]
        assert [command in str(error.value) for command in commands] == [version < 3] * 2


def test_processes_that_open_a_file_at_once_make_it_once(tmp_path: Path) -> None:
    code = (
        "import sys, time\n"
        "from reasoning.journal import Journal\n"
        "from reasoning.messages import Completion, Message, Request\n"
        "request = Request('some/model', (Message('user', 'why?'),), {'temperature': 0.7, 'stop': ['\\n']})\n"
        "print(flush=True)\n"
        "sys.stdin.readline()\n"
        "for name in sys.argv[2:]:\n"
        "    Journal(name).write(request, [Completion('new', draw=int(sys.argv[1]))])\n"
        "    assert len(Journal(name).read(request.key, [int(sys.argv[1])])) == 1\n"
    )
    names = [str(tmp_path / f"{number}.sqlite") for number in range(8)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(place), *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for place in range(10, 14)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    ends = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        ends.append((process.returncode, errors))
    assert ends == [(0, "")] * 4
    assert [len(Journal(name)) for name in names] == [4] * 8
