"""Limits that processes with one journal share, also with killed ones."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import reasoning
from reasoning.engine.process_registry import ProcessRegistry
from reasoning.errors import UsageError
from tests.faults.server import Server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")

CODE = """
import sys
import reasoning
from reasoning.kinds import Number
url, journal, me, calls = sys.argv[1:]
given = {"concurrency": 6, "requests_per_minute": 60_000, "journal": journal, "shared": True}
with reasoning.connect("mock", base_url=url, **given) as llm:
    print("here", flush=True)
    for line in sys.stdin:
        problems = [reasoning.Problem(f"{me}, {k}?", Number()) for k in range(int(line))]
        answers = reasoning.strategies.get("vanilla").map(problems, llm, concurrency=20)
        assert all(one.state == "answered" for one in answers)
        print(llm.limits.concurrency, llm.limits.requests_per_minute, flush=True)
"""


class Asking:
    """A process that asks a given number of questions, and prints its limits then."""

    def __init__(self, server: Server, journal: Path, me: str) -> None:
        command = [sys.executable, "-c", CODE, server.url, str(journal), me, "0"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.said() == "here"

    def told(self, calls: int) -> None:
        assert self.process.stdin is not None
        print(calls, file=self.process.stdin, flush=True)

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(latency=0.02) as server:
        yield server


def test_two_processes_ask_no_more_together_than_one_and_whoever_is_killed_counts_no_more(
    server: Server, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.sqlite"
    one, other = (Asking(server, journal, me) for me in ("one", "other"))
    try:
        time.sleep(1.1)  # the first may not have counted the second yet
        for each in (one, other):
            each.told(100)
        assert one.said() == other.said() == "3 30000.0"
        assert server.completions == len(server.asked) == 200
        assert server.peak == 6
        other.told(10_000)
        time.sleep(0.3)
        other.process.kill()
        other.process.wait()
        time.sleep(1.1)
        asked, server.peak = len(server.asked), 0
        one.told(180)
        assert one.said() == "6 60000.0"
        assert len(server.asked) - asked == 80  # the others are in the journal
        assert 3 < server.peak <= 6
    finally:
        for each in (one, other):
            each.process.kill()
            each.process.communicate()
    assert len(list((tmp_path / "journal.sqlite.shared").glob("*/*"))) == 1  # of the one that was killed last


def test_those_that_leave_or_are_gone_are_counted_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "company"
    one, other = ProcessRegistry(folder), ProcessRegistry(folder)
    (folder / "gone").touch()  # without a lock
    assert (one.count(), other.count()) == (2, 2)
    assert not (folder / "gone").exists()
    other.leave()
    assert one.count() == 1
    one.leave()
    assert list(folder.iterdir()) == []


def test_models_of_a_process_are_one_and_share_as_long_as_they_are_open(server: Server, tmp_path: Path) -> None:
    given = {"base_url": server.url, "journal": tmp_path / "journal.sqlite", "concurrency": 6}
    with reasoning.connect("mock", shared=True, **given) as one, reasoning.connect("mock", shared=True, **given) as two:
        [folder] = (tmp_path / "journal.sqlite.shared").iterdir()
        assert one.limits is two.limits
        assert (one.limits.concurrency, len(list(folder.iterdir()))) == (6, 1)
        stranger = ProcessRegistry(folder)
        one.limits._counted_at -= 2
        assert one.limits._may_send(time.monotonic())
        assert one.limits.concurrency == 3
        stranger.leave()
    assert list(folder.iterdir()) == []


def test_limits_are_shared_by_a_file_and_not_in_memory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a journal in a file"):
        reasoning.connect("mock", base_url="http://127.0.0.1:9/v1", journal=False, shared=True)
    (tmp_path / "journal.sqlite.shared").write_text("no folder")
    with pytest.raises(UsageError, match=r"shared=True: .* cannot be written"):
        reasoning.connect("mock", base_url="http://127.0.0.1:9/v1", journal=tmp_path / "journal.sqlite", shared=True)
