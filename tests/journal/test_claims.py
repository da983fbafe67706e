"""Claims on draws among processes: one has each, and none outlives its process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reasoning.errors import JournalError
from reasoning.journal.claims import Claims

KEY, OTHER = "ab" * 32, "cd" * 32
CODE = """
import sys
from pathlib import Path
from reasoning.journal.claims import Claims
claims = Claims.open(Path(sys.argv[1]))
print(claims.is_alone, flush=True)
for line in sys.stdin:
    what, key, *draws = line.split()
    draws = list(map(int, draws))
    print(*(claims.take(key, draws) if what == "take" else claims.release(key, draws) or "-"), flush=True)
"""


class Other:
    """Claims of another process."""

    def __init__(self, journal: Path) -> None:
        command = [sys.executable, "-c", CODE, str(journal)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.is_alone = self._read() == "True"

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def do(self, what: str, key: str, *draws: int) -> list[int]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what} {key} {' '.join(map(str, draws))}\n")
        self.process.stdin.flush()
        return [int(draw) for draw in self._read().split() if draw != "-"]

    def end(self, kill: bool = False) -> None:
        if kill:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_a_draw_is_claimed_by_one_process(journal: Path) -> None:
    claims, other = Claims(journal), Other(journal)
    assert claims.take(KEY, [0, 1, 2]) == [0, 1, 2]
    assert other.do("take", KEY, 0, 1, 2) == []
    assert other.do("take", KEY, 1, 2, 3, 4) == [3, 4]
    assert other.do("take", OTHER, 0, 1 << 52, 3 << 52) == [0, 1 << 52, 3 << 52]
    assert claims.take(OTHER, [0, 5]) == [5]
    claims.release(KEY, [1])
    assert other.do("take", KEY, 0, 1, 2) == [1]
    other.do("release", KEY, 3, 4)
    assert claims.take(KEY, [3, 4]) == [3, 4]
    other.end()


def test_claims_end_with_their_process(journal: Path) -> None:
    claims, other = Claims(journal), Other(journal)
    assert other.do("take", KEY, 7) == [7]
    assert claims.take(KEY, [7]) == []
    other.end(kill=True)
    assert claims.take(KEY, [7]) == [7]


def test_a_process_knows_whether_another_has_come(journal: Path) -> None:
    claims = Claims(journal)
    assert claims.is_alone
    other = Other(journal)
    assert not other.is_alone
    assert not claims.is_alone
    other.end()
    # It may have recorded a draw meanwhile.
    assert not claims.is_alone
    del claims
    gc.collect()
    assert not journal.with_name("journal.sqlite.claims").exists()
    assert Claims(journal).is_alone


def test_the_last_process_removes_the_file(journal: Path) -> None:
    path, claims, other = journal.with_name("journal.sqlite.claims"), Claims(journal), Other(journal)
    other.end()
    assert path.exists()
    del claims
    gc.collect()
    assert not path.exists()


def test_processes_that_come_and_go_never_both_believe_that_they_are_alone(journal: Path) -> None:
    code = """
import gc, os, sys, time
from pathlib import Path
from reasoning.journal.claims import Claims
for _ in range(100):
    claims = Claims(Path(sys.argv[1]))
    mine = claims.take("ab" * 32, [0])
    if mine:
        file = os.open(sys.argv[2], os.O_CREAT | os.O_EXCL)  # fails where another process has it, too
        os.close(file)
        time.sleep(0.0005)
        os.unlink(sys.argv[2])
        claims.release("ab" * 32, mine)
    del claims
    gc.collect()
"""
    command = [sys.executable, "-c", code, str(journal), str(journal.with_name("held"))]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert ends == [("", 0)] * 4


def test_one_file_is_opened_once_in_a_process(journal: Path) -> None:
    claims = Claims.open(journal)
    assert claims is not None
    assert Claims.open(journal) is claims


def test_the_file_is_closed_when_no_claim_is_held(journal: Path) -> None:
    claims = Claims.open(journal)
    assert claims is not None
    claims.take(KEY, [0, 1, 5])
    claims.release(KEY, [0, 1])
    assert not claims.close()
    claims.release(KEY, [5])
    assert claims.close()
    assert not claims.path.exists()
    again = Claims.open(journal)
    assert again is not None
    assert again.take(KEY, [0]) == [0]


def test_the_child_of_a_fork_has_claims_of_its_own(journal: Path) -> None:
    claims = Claims.open(journal)
    assert claims is not None
    assert claims.take(KEY, [0]) == [0]
    child = os.fork()
    if not child:
        own = Claims.open(journal)
        os._exit(own is claims or own is None or own.is_alone or own.take(KEY, [0, 1]) != [1])
    assert os.waitpid(child, 0)[1] == 0
    assert not claims.is_alone


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(journal: Path) -> None:
    journal.parent.chmod(0o555)
    with pytest.raises(JournalError, match=r"journal\.sqlite\.claims cannot be locked: Permission denied"):
        Claims(journal)


def test_a_claim_costs_microseconds(journal: Path) -> None:
    claims = Claims(journal)
    keys = [f"{number:012x}" + "0" * 52 for number in range(2_000)]
    began = time.process_time()
    for key in keys:
        claims.take(key, [0])
        assert claims.is_alone
        claims.release(key, [0])
    assert (time.process_time() - began) / len(keys) < 100e-6
