"""The journal among processes that are killed, write at once, fork, and end."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reasoning.journal import Journal
from reasoning.messages import Message, Request

HEAD = """
import asyncio, os, sys
from reasoning.journal import Journal
from reasoning.messages import Completion, Message, Request
request = Request("some/model", (Message("user", "why?"),), {"temperature": 0.7})
"""
REQUEST = Request("some/model", (Message("user", "why?"),), {"temperature": 0.7})


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", HEAD + code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> str:
    with process:
        try:
            said, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    return said


RECORDING = """
async def forever(journal, place):
    for draw in range(place, 1 << 40, 8):
        await journal.record(request, [Completion(f"draw {draw} " * 100, draw=draw)])
        print(draw, flush=True)

async def main():
    below = Journal(sys.argv[2]) if len(sys.argv) > 2 else None
    journal = Journal(sys.argv[1], parent=below)
    await asyncio.gather(*(forever(journal, place) for place in range(8)))

asyncio.run(main())
"""


def test_what_was_recorded_survives_a_kill(tmp_path: Path) -> None:
    chance = random.Random()
    for number in range(4):
        paths = [tmp_path / f"{number}.sqlite", tmp_path / f"{number} below.sqlite"]
        process = start(RECORDING, *paths)
        assert process.stdout is not None
        seen = [int(process.stdout.readline())]
        time.sleep(chance.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        seen += [int(line) for line in process.communicate()[0].splitlines() if line.strip()]
        for path in paths:
            found = Journal(path).read(REQUEST.key, seen)
            assert sorted(found) == sorted(seen)
            assert all(one.text == f"draw {draw} " * 100 for draw, one in found.items())


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    code = """
async def main():
    journal, me = Journal(sys.argv[1]), int(sys.argv[2])
    for number in range(50):
        own, shared = me * 1000 + number, 100_000 + number
        await asyncio.gather(
            journal.record(request, [Completion(f"of {me}", draw=own)]),
            journal.record(request, [Completion(f"of {me}", draw=shared)]),
        )
        assert journal.read(request.key, [own])[own].text == f"of {me}"
        assert shared in journal.read(request.key, [shared])

asyncio.run(main())
"""
    for process in [start(code, tmp_path / "journal.sqlite", place) for place in range(3)]:
        ended(process)
    journal = Journal(tmp_path / "journal.sqlite")
    assert len(journal) == 3 * 50 + 50
    for place in range(3):
        mine = journal.read(REQUEST.key, range(place * 1000, place * 1000 + 50))
        assert [one.text for one in mine.values()] == [f"of {place}"] * 50


def test_what_nobody_waits_for_is_written_before_the_process_ends(tmp_path: Path) -> None:
    code = """
Journal(sys.argv[2]).write(request, [Completion("x", draw=draw) for draw in range(5)])
over = Journal(sys.argv[1], parent=Journal(sys.argv[2]))

async def main():
    assert len(over.read(request.key, range(3))) == 3
    asyncio.ensure_future(over.record(request, [Completion("late", draw=9)]))
    await asyncio.sleep(0)

asyncio.run(main())
"""
    assert ended(start(code, tmp_path / "over.sqlite", tmp_path / "under.sqlite")) == ""
    assert sorted(Journal(tmp_path / "over.sqlite").read(REQUEST.key, range(10))) == [0, 1, 2, 9]
    assert sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))) == [
        "over.sqlite",
        "under.sqlite",
    ]


def test_parent_and_child_of_a_fork_both_go_on(tmp_path: Path) -> None:
    code = """
import threading

journal = Journal(sys.argv[1])

async def some(first):
    await asyncio.gather(*(journal.record(request, [Completion("x", draw=first + k)]) for k in range(20)))

asyncio.run(some(0))
over = threading.Event()

def meanwhile():
    number = 0
    while not over.is_set():
        journal.write(request, [Completion("y", draw=10_000 + number)])
        assert journal.read(request.key, [10_000 + number])
        number += 1
    print(number)

thread = threading.Thread(target=meanwhile)
thread.start()
children = []
for place in range(1, 5):
    child = os.fork()
    if not child:
        assert len(journal.read(request.key, range(20))) == 20
        asyncio.run(some(place * 100))
        journal.close()
        assert len(journal.read(request.key, range(place * 100, place * 100 + 20))) == 20
        os._exit(0)
    children.append(child)
    asyncio.run(some(place * 100 + 50))
ends = [os.waitpid(child, 0)[1] for child in children]
over.set()
thread.join()
assert ends == [0] * 4, ends
"""
    number = int(ended(start(f"import warnings; warnings.simplefilter('ignore')\n{code}", tmp_path / "journal.sqlite")))
    assert len(Journal(tmp_path / "journal.sqlite")) == 20 + 4 * 20 + 4 * 20 + number
    assert number > 0


def test_a_reader_sees_what_other_processes_have_written_since(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    for draw in range(2):
        ended(
            start("Journal(sys.argv[1]).write(request, [Completion('x', draw=int(sys.argv[2]))])", journal.path, draw)
        )
        assert len(journal.read(REQUEST.key, range(2))) == draw + 1


def test_a_journal_that_is_dropped_is_closed(tmp_path: Path) -> None:
    code = """
import gc, json
for number in range(20):
    journal = Journal(f"{sys.argv[1]}/{number}.sqlite")
    journal.write(request, [Completion("x")])
    assert len(journal) == 1
    journal.itself = journal
del journal
gc.collect()
last = Journal(sys.argv[1] + "/last.sqlite")
last.write(request, [Completion("x")])
last.close()  # which the writer comes to after the others
print(json.dumps([os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if
                  os.path.exists(f"/proc/self/fd/{name}")]))
"""
    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc here")
    open_ = json.loads(ended(start(code, tmp_path)))
    assert [name for name in open_ if name.startswith(str(tmp_path))] == []
