"""Ten thousand calls leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import reasoning
from reasoning import Answer, Problem, Strategy, event_loop
from reasoning.branches import gather
from reasoning.session import Session
from reasoning.strategy import technique

AT_ONCE, SOME, MANY = 200, 2_000, 10_000


@technique(title="Many questions", calls="200", use_when="", avoid_when="")
class Many(Strategy):
    """Ask many different things at once."""

    async def solve(self, problem: Problem, session: Session) -> Answer:
        asked = [session.ask(f"{problem.question} {place}", max_tokens=16) for place in range(AT_ONCE)]
        return problem.parse((await gather(asked))[-1])


async def tasks() -> int:
    return len(asyncio.all_tasks()) - 1


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def alive() -> Counter[str]:
    """How many objects there are of each type."""
    gc.collect()
    return Counter(type(one).__qualname__ for one in gc.get_objects())


def leave_nothing_behind(port: str, folder: str) -> None:
    """Make ten thousand calls, and fail if anything is left."""
    with reasoning.connect("mock", base_url=f"http://127.0.0.1:{port}/v1", journal=None) as first:
        Many().run("To begin with", first)  # the event loop, its thread and the file that it keeps in reserve stay
    files, threads = open_files(), {thread.name for thread in threading.enumerate()}
    journal = Path(folder) / "journal.sqlite"
    with reasoning.connect("mock", base_url=f"http://127.0.0.1:{port}/v1", journal=journal) as llm:
        for asked in range(0, MANY, AT_ONCE):
            if asked == SOME:
                memory, objects = resident(), alive()
            assert Many().run(f"Question {asked}", llm).usage.calls == AT_ONCE
        assert open_files() - files <= llm.limits.concurrency + 8  # connections, and the journal's files
        assert (llm.in_flight, llm.limits.in_flight, event_loop.run_sync(tasks())) == (0, 0, 0)
        # A thing that every tenth call leaves behind would be seen.
        grown = {name: more for name, more in (alive() - objects).items() if more > (MANY - SOME) // 10}
        assert grown == {}, grown
        more = resident() - memory
        assert more < 8 << 20, more  # a kilobyte for each of the calls since then, SQLite's caches among it
        assert llm.usage.calls == MANY == len(llm.journal)
    assert event_loop.run_sync(tasks()) == 0
    assert open_files() == files
    assert {thread.name for thread in threading.enumerate()} - threads <= {"reasoning-journal"}  # one for all files


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="counts what is open in /proc")
def test_ten_thousand_calls_leave_no_socket_no_file_no_task_and_no_memory(
    spawn: Callable[..., Any], tmp_path: Path
) -> None:
    _, port = spawn()
    # In a process of its own, since what other tests left in this one would be counted.
    run = subprocess.run([sys.executable, __file__, str(port), str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


if __name__ == "__main__":
    leave_nothing_behind(*sys.argv[1:])
