"""A journal that fails: nothing is sent that could not be recorded, and no paid draw is lost."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

import reasoning
from reasoning.errors import JournalError
from reasoning.journal import Journal
from reasoning.journal import connection as opening
from reasoning.messages import Completion, Message, Request
from tests.chain.test_folder import write
from tests.faults.server import Server, by_now

INPUTS, PLACES = 150, 6
NEEDED = 2 * INPUTS
NO_LOCKS = """
import ctypes, struct
# A seccomp filter: fcntl(…, F_SETLK or F_SETLKW, …) returns ENOLCK, as on a file system without locks.
number, cmds, code = 72, (6, 7), 37
filter = [(0x20, 0, 0, 0), (0x15, 0, 4, number), (0x20, 0, 0, 24), (0x15, 1, 0, cmds[0]), (0x15, 0, 1, cmds[1]),
          (0x06, 0, 0, 0x00050000 | code), (0x06, 0, 0, 0x7fff0000)]
program = b"".join(struct.pack("HBBI", *one) for one in filter)
buffer = ctypes.create_string_buffer(program)
fprog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(filter), ctypes.addressof(buffer)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, fprog, 0, 0) == 0
"""


def said(prompt: str, nth: int, place: int) -> str:
    if prompt.startswith("Feedback: "):
        return "; ".join(prompt.split()[1:3])
    return f"The answer is sorry for {prompt.split()[-1]}. " + "So it is. " * 60


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(say=said, latency=0.02) as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that users without rights may enter, too."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    place.chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of sixteen megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a disk here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def ask(server: Server, journal: Path | Journal) -> None:
    with reasoning.connect("mock", base_url=server.url, journal=journal) as llm:
        reasoning.strategies.get("vanilla").run("Feedback: slow dear", llm)


# --- before the first call


@pytest.mark.parametrize("case", ["file", "folder", "no folder", "locked", "full", "garbage", "older"])
def test_a_journal_that_cannot_be_written_is_noticed_before_the_first_call(
    case: str, folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    path = folder / "journal.sqlite"
    monkeypatch.setattr(opening, "LOCK_TIMEOUT", 0.1)
    root, words = os.geteuid() == 0, "cannot be written: .*permission"
    other = None
    monkeypatch.setenv("HOME", str(folder))
    (first := Journal(path)).write(*_draw())
    first.close()
    match case:
        case "file":
            path.chmod(0o444)
        case "folder":
            path.unlink()
            folder.chmod(0o555)
        case "no folder":
            folder.chmod(0o555)
            path = folder / "deep" / "journal.sqlite"
        case "locked":
            words = "another process keeps it locked"
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
        case "full":
            disk = request.getfixturevalue("small_disk")
            path, words = disk / "journal.sqlite", "cannot be written: "
            (disk / "ballast").write_bytes(bytes(16 << 20))
        case "garbage":
            path.write_bytes(b"not a database" * 100)
            words = "it is not a SQLite database"
        case "older":
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA user_version = 2")
            words = "another version of this library .*: export it with the version that wrote it"
    if root and case in ("file", "folder", "no folder"):
        os.seteuid(65534)
    try:
        with pytest.raises(JournalError, match=f"(?i){words}"):
            ask(server, Journal(path))
    finally:
        if root:
            os.seteuid(0)
        if other is not None:
            other.close()
    assert server.asked == []


@pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="a filter for Linux on x86-64")
def test_a_file_system_without_locks_is_noticed_before_the_first_call(tmp_path: Path, server: Server) -> None:
    code = NO_LOCKS + "import sys\nfrom reasoning.journal import connection\nconnection.LOCK_TIMEOUT = 0.1\n"
    code += "from reasoning.cli.app import main\nmain()"
    command = [sys.executable, "-c", code, "ask", "Feedback: slow dear", "--model", "mock", "--base-url", server.url]
    command += ["--journal", str(tmp_path / "journal.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, server.asked) == (2, []), done.stderr
    assert "its file system has no locks" in done.stderr or "does not support locks" in done.stderr


def test_recorded_draws_are_read_from_a_journal_that_cannot_be_written(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    ask(server, folder / "journal.sqlite")
    (folder / "journal.sqlite").chmod(0o444)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        ask(server, folder / "journal.sqlite")
    finally:
        if root:
            os.seteuid(0)
    assert server.completions == 1


# --- during a run


def restore(errors: str) -> None:
    """Run the commands that an error names."""
    commands = re.findall(r"`reasoning (journal (?:import|merge) [^`]*)`", errors)
    assert commands, errors
    for command in dict.fromkeys(commands):
        done = subprocess.run(
            [sys.executable, "-c", "from reasoning.cli.app import main; main()", *command.split()],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


class ChainRun:
    """`reasoning chain run` on many inputs, with a journal that a test breaks."""

    def __init__(self, folder: Path, server: Server, journal: Path) -> None:
        self.folder, self.server, self.journal = folder, server, journal
        write(folder / "replies")
        lines = [json.dumps({"id": k, "feedback": f"late{k} rude{k} slow{k}"}) for k in range(INPUTS)]
        (folder / "inputs.jsonl").write_text("\n".join(lines))
        self.part, self.out = folder / "out.part.jsonl", folder / "out.jsonl"

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "chain", "run"]
        command += [str(self.folder / "replies"), str(self.folder / "inputs.jsonl"), "--model", "mock"]
        command += ["--base-url", self.server.url, "--concurrency", str(PLACES), "--journal", str(self.journal)]
        command += ["--out", str(self.out)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def broken(self, damage: Callable[[subprocess.Popen[str]], object]) -> str:
        """Return what the command says after its journal has been broken in the middle of the run."""
        running = self.start()
        by_now(lambda: self.server.completions >= NEEDED // 4, "the run does not begin")
        damage(running)
        sent = len(self.server.asked)
        _, errors = running.communicate(timeout=60)
        assert running.returncode == 2, errors
        assert len(self.server.asked) - sent < NEEDED // 4, "sending went on"
        # Every row that was finished is kept.
        rows = [json.loads(line) for line in self.part.read_text().splitlines()]
        assert rows
        assert {row["state"] for row in rows} == {"answered"}
        assert f"results: {self.part} (incomplete)" in errors
        return errors

    def finish(self) -> None:
        """Run the same command again, and check that no draw was bought twice."""
        _, errors = (running := self.start()).communicate(timeout=120)
        assert running.returncode == 0, errors
        assert self.server.completions == NEEDED
        assert len(self.out.read_text().splitlines()) == INPUTS


def test_a_limit_on_the_size_of_files_that_is_reached_loses_nothing(tmp_path: Path, server: Server) -> None:
    run = ChainRun(tmp_path, server, tmp_path / "journal.sqlite")

    def limit(running: subprocess.Popen[str]) -> None:
        size = opening.wal_path(run.journal).stat().st_size
        resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (size + 5_000, size + 5_000))

    errors = run.broken(limit)
    assert "the disk reports an error" in errors
    assert "no paid draw is lost" in errors
    restore(errors)
    run.finish()


def test_a_disk_that_is_full_loses_nothing(tmp_path: Path, small_disk: Path, server: Server) -> None:
    run = ChainRun(tmp_path, server, small_disk / "journal.sqlite")

    def fill(running: subprocess.Popen[str]) -> None:
        with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(1 << 12))

    errors = run.broken(fill)
    assert "the disk is full" in errors
    assert "no paid draw is lost" in errors
    (small_disk / "ballast").unlink()
    restore(errors)
    run.finish()


def test_a_deleted_journal_is_noticed_and_its_draws_are_kept(tmp_path: Path, server: Server) -> None:
    run = ChainRun(tmp_path, server, tmp_path / "journal.sqlite")
    errors = run.broken(lambda running: [path.unlink() for path in tmp_path.glob("journal.sqlite*")])
    assert f"the journal {run.journal} was deleted while it was in use" in errors
    restore(errors)
    run.finish()


def test_a_replaced_journal_is_noticed_and_the_draws_of_both_are_kept(tmp_path: Path, server: Server) -> None:
    run = ChainRun(tmp_path, server, tmp_path / "journal.sqlite")
    Journal(tmp_path / "other.sqlite").write(*_draw())
    Journal(tmp_path / "other.sqlite").close()
    errors = run.broken(lambda running: (tmp_path / "other.sqlite").replace(run.journal))
    assert f"the journal {run.journal} was replaced by another file while it was in use" in errors
    restore(errors)
    run.finish()
    assert Journal(run.journal).read(_draw()[0].key, [0])


def test_a_deleted_log_is_noticed_and_its_draws_are_kept(tmp_path: Path, server: Server) -> None:
    run = ChainRun(tmp_path, server, tmp_path / "journal.sqlite")
    errors = run.broken(lambda running: opening.wal_path(run.journal).unlink())
    assert re.search(r"journal\.sqlite-wal was (deleted|replaced by another file) while it was in use", errors)
    restore(errors)
    run.finish()


def test_a_truncated_journal_is_noticed_and_what_came_since_is_kept(tmp_path: Path, server: Server) -> None:
    run = ChainRun(tmp_path, server, tmp_path / "journal.sqlite")
    before: list[int] = []

    def truncate(running: subprocess.Popen[str]) -> None:
        before.append(server.completions)
        os.truncate(run.journal, 8192)

    # The first draws are in the file, and not in its log.
    Journal(run.journal).write(_draw()[0], [Completion("x" * 3000, draw=draw) for draw in range(50)])
    Journal(run.journal).close()
    errors = run.broken(truncate)
    assert f"the journal {run.journal} was truncated while it was in use" in errors
    assert "draws that it held may be lost" in errors


def test_a_results_folder_has_what_the_journal_of_the_user_does_not_take(tmp_path: Path, server: Server) -> None:
    """The folder is on another disk, so its copy of each draw is written."""
    lines = [json.dumps({"id": f"{k}", "question": f"Feedback: slow{k} dear{k}", "answer": "4"}) for k in range(NEEDED)]
    (tmp_path / "tasks.jsonl").write_text("\n".join(lines))
    command = [sys.executable, "-c", "from reasoning.cli.app import main; main()", "bench", "run", "--task"]
    command += [f"jsonl:{tmp_path / 'tasks.jsonl'}", "--strategies", "vanilla", "--model", "mock", "--limit", "999"]
    command += ["--base-url", server.url, "--concurrency", str(PLACES), "--journal", str(tmp_path / "journal.sqlite")]
    command += ["--out", str(tmp_path / "out")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    by_now(lambda: server.completions >= NEEDED // 4, "the run does not begin")
    for path in tmp_path.glob("journal.sqlite*"):
        path.unlink()
    said, errors = running.communicate(timeout=60)
    assert running.returncode == 2, errors
    assert "vanilla" in said
    assert "was deleted while it was in use; no paid draw is lost: add" in errors
    restore(errors)
    assert len(Journal(tmp_path / "journal.sqlite")) == server.completions < NEEDED
    _, errors = (running := subprocess.Popen(command, stderr=subprocess.PIPE, text=True)).communicate(timeout=60)
    assert running.returncode == 0, errors
    assert server.completions == NEEDED


def test_calls_in_flight_are_kept_if_the_results_folder_cannot_be_written(tmp_path: Path) -> None:
    with Server(say=said, latency=0.3) as server:
        run = ChainRun(tmp_path, server, tmp_path / "journal.sqlite")

        def fails(row: object) -> None:
            raise OSError(28, "No space left on device")

        from reasoning.chain.batch import run_batch
        from reasoning.chain.folder import load
        from reasoning.chain.inputs import read_inputs

        chain = load(tmp_path / "replies", "trusted")
        inputs = list(read_inputs([str(tmp_path / "inputs.jsonl")], chain))
        llm = reasoning.connect("mock", base_url=server.url, journal=run.journal, concurrency=PLACES)
        with llm, pytest.raises(OSError, match="No space left"):
            run_batch(chain, inputs, llm, fails)
        assert len(Journal(run.journal)) == server.completions


def test_a_journal_that_recovers_in_the_same_process_goes_on(small_disk: Path, server: Server) -> None:
    vanilla = reasoning.strategies.get("vanilla")
    with reasoning.connect("mock", base_url=server.url, journal=small_disk / "journal.sqlite") as llm:
        vanilla.run("Feedback: slow dear", llm)
        with suppress(OSError), (small_disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(1 << 10))

        def until_full() -> None:
            nonlocal number
            for number in range(500):
                vanilla.run(f"Feedback: late{number} rude", llm)

        number = 0
        with pytest.raises(JournalError, match="the disk is full"):
            until_full()
        (small_disk / "ballast").unlink()
        asked = len(server.asked)
        for again in range(number + 1):
            vanilla.run(f"Feedback: late{again} rude", llm)
        assert len(server.asked) == asked
    assert len(Journal(small_disk / "journal.sqlite")) == server.completions == number + 2


def _draw() -> tuple[Request, list[Completion]]:
    return Request("m", (Message("user", "?"),), {}), [Completion("x")]
