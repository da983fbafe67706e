"""Ctrl-C and SIGTERM at any moment of a command, as a user sends them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from reasoning.journal import Journal
from reasoning.journal.exporting import export_draws
from reasoning.messages import Completion, Message, Request
from tests.faults.server import Server, by_place

MAIN = "from reasoning.cli.app import main; main()"
PROBLEMS, PLACES = 40, 4
SLOW = 10.0
"""Seconds within which a command must end here; a quiet machine takes less than one."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(say=by_place, latency=0.01) as server:
        yield server


@pytest.fixture
def command(tmp_path: Path, server: Server) -> list[str]:
    lines = [json.dumps({"id": f"sum-{k}", "question": f"What is {k} + {k}?", "answer": k}) for k in range(PROBLEMS)]
    (tmp_path / "sums.jsonl").write_text("\n".join(lines) + "\n")
    words = [
        "bench",
        "run",
        "--task",
        "jsonl:sums.jsonl",
        "--strategies",
        "vanilla, cot",
        "--out",
        "out",
        "--limit",
        str(PROBLEMS),
    ]
    return [*words, "--model", "mock", "--base-url", server.url, "--concurrency", str(PLACES), "--journal", "j.sqlite"]


def start(words: list[str], folder: Path, code: str = MAIN) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder
    )


def recorded(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "j.sqlite", timeout=10)) as journal:
        return int(journal.execute("SELECT count(*) FROM draws").fetchone()[0])


def settled(server: Server) -> int:
    """The completions that were given out, when none is in flight any more."""
    quiet = 0
    while quiet < 10:
        quiet = 0 if server.in_flight else quiet + 1
        time.sleep(0.002)
    return server.completions


def test_a_run_ends_at_any_moment_keeps_what_it_received_and_resumes(
    tmp_path: Path, server: Server, command: list[str]
) -> None:
    """Interrupt one run again and again, later each time: at an import, while the first replies arrive, …"""
    for number, requests in enumerate((0, 1, 1, 2, PLACES, 3, 5, 1)):
        before, running = len(server.asked), start(command, tmp_path)
        while not ((tmp_path / "out").exists() and len(server.asked) >= before + requests):
            assert running.poll() is None
            time.sleep(0.0005)
        time.sleep(0.003 * number)
        sent = time.monotonic()
        running.send_signal((signal.SIGINT, signal.SIGTERM)[number % 2])
        _, said = running.communicate(timeout=60)
        assert time.monotonic() - sent < SLOW
        assert running.returncode == 130, said
        assert "stopped; the results are kept in out\ncontinue with: reasoning bench run --task" in said
        assert "Traceback" not in said
        assert "Exception" not in said
    before = settled(server)
    lost = before - recorded(tmp_path)
    assert 0 <= lost <= PLACES * 8  # those in flight
    running = start(command, tmp_path)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert settled(server) == 2 * PROBLEMS + lost
    assert recorded(tmp_path) == 2 * PROBLEMS


@pytest.mark.parametrize("words", [["export", "out.jsonl.gz"], ["import", "draws.jsonl"]], ids=lambda words: words[0])
def test_an_interrupt_leaves_no_temporary_file(words: list[str], tmp_path: Path) -> None:
    journal, request = Journal(tmp_path / "j.sqlite"), Request("m", (Message("user", "2 + 2?"),), {})
    journal.write(request, [Completion("4 " * 200, draw=draw) for draw in range(10_000)])
    journal.close()
    export_draws(tmp_path / "j.sqlite", tmp_path / "draws.jsonl")
    before = {path.name for path in tmp_path.iterdir()}
    running = start(["journal", *words, "--journal", "j.sqlite"], tmp_path)
    while {path.name for path in tmp_path.iterdir()} <= before | {"j.sqlite-wal", "j.sqlite-shm"}:
        assert running.poll() is None
        time.sleep(0.0005)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "error" not in said[1]
    assert {path.name for path in tmp_path.iterdir()} <= before | {"j.sqlite-wal", "j.sqlite-shm"}


_STUCK = """\
import reasoning.cli.app as app, signal, sys, threading, time
def stuck(**how):
    {body}
app.app = lambda: stuck
app.main()
"""
PLACES_TO_BE = {
    "in an import": "sys.path.insert(0, '.'); import slow",
    "in a function in C": "print(flush=True); time.sleep(60)",
    "at a lock": "print(flush=True); lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "in a finalizer": "C = type('C', (), {{'__del__': lambda self: (print(flush=True), time.sleep(60))}}); C()",
    "in finally": "try: 1 / 0\n    finally: print(flush=True); time.sleep(60)",
    "where every error is swallowed": (
        "print(flush=True)\n    while True:\n        try: time.sleep(0.01)\n        except BaseException: pass"
    ),
    "starting threads": (
        "print(flush=True)\n    while True: (thread := threading.Thread(target=int)).start(), thread.join()"
    ),
    "in a call of the event loop that cannot be cancelled": (
        "from reasoning.event_loop import run_sync\n    import asyncio\n"
        "    async def deaf():\n        print(flush=True)\n        while True:\n"
        "            try: await asyncio.sleep(60)\n            except asyncio.CancelledError: pass\n"
        "    run_sync(deaf())"
    ),
    "in a call of the event loop that blocks it": (
        "from reasoning.event_loop import run_sync\n    async def blocks(): print(flush=True); time.sleep(60)\n"
        "    run_sync(blocks())"
    ),
}


@pytest.mark.parametrize("where", PLACES_TO_BE)
def test_a_command_ends_wherever_its_main_thread_is(where: str, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\nprint(flush=True)\ntime.sleep(60)\n")
    running = start(
        ["some", "words"], tmp_path, _STUCK.format(body=PLACES_TO_BE[where].replace("{{", "{").replace("}}", "}"))
    )
    assert running.stdout is not None
    running.stdout.readline()
    sent = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert time.monotonic() - sent < SLOW
    assert (running.returncode, said) == (130, "\nstopped\nrun again with: reasoning some words\n")


def test_the_signals_of_a_forked_child_are_its_own(tmp_path: Path) -> None:
    body = (
        "import os\n    child = os.fork()\n"
        "    if not child:\n        os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)\n"
        "    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)"
    )
    running = start([], tmp_path, _STUCK.format(body=body))
    out, said = running.communicate(timeout=60)
    assert (out, said, running.returncode) == (f"{-signal.SIGTERM}\n", "", 0)


def test_a_second_signal_ends_at_once_and_a_reader_that_is_stuck_holds_nothing_up(tmp_path: Path) -> None:
    """Standard error is a full pipe that nothing reads."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    os.set_blocking(writer, True)
    code = _STUCK.format(body="print(flush=True); time.sleep(60)")
    for signals in (1, 2):
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=writer, cwd=tmp_path
        ) as running:
            assert running.stdout is not None
            running.stdout.readline()
            sent = time.monotonic()
            for _ in range(signals):
                running.send_signal(signal.SIGINT)
            assert running.wait(timeout=60) == 130
            assert time.monotonic() - sent < SLOW
    os.close(reader)
    os.close(writer)


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + _STUCK.format(
        body="print(flush=True); time.sleep(0.5)"
    )
    running = start([], tmp_path, code)
    assert running.stdout is not None
    running.stdout.readline()
    running.send_signal(signal.SIGHUP)
    running.communicate(timeout=60)
    assert running.returncode == 0
