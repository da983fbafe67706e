"""Damage to the bits of a journal: verify finds all that changes a draw, and reading, export and merge leave it out."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from reasoning.errors import JournalError
from reasoning.journal import Journal, exporting, importing
from reasoning.journal.codec import COLUMNS
from reasoning.journal.connection import wal_path
from reasoning.journal.log_check import find_log_problem
from reasoning.journal.maintenance import verify
from reasoning.messages import Completion, Message, Request, Token, Usage

FLIPS = 150
KINDS = ("é \U0001f600 " * 30, "because of it " * 60, "no")


def asking(number: int) -> Request:
    return Request("some/model", (Message("user", f"{number} + 1?"),), {"temperature": 0.7}, "http://server/v1")


def draws_of(number: int) -> list[Completion]:
    tokens = (Token("be", -0.25, (("be", -0.25), ("no", -2.5))),)
    usage = Usage(1, 310 + number, 42, 256, None if number % 3 else 0.00125, 1.5)
    return [
        Completion(
            f"{draw} {KINDS[number % 3]}", "stop", usage, "hm" * draw, tokens, "chatcmpl-1", "2026-01", draw=draw
        )
        for draw in range(4)
    ]


def fill(path: Path, requests: int = 40) -> Path:
    journal = Journal(path)
    for number in range(requests):
        journal.write(asking(number), draws_of(number))
    journal.close()
    return path


def stored(path: Path) -> dict[tuple[str, int], tuple[Any, ...]]:
    """All draws by request text and index, as a reader of the file gets them."""
    query = f"SELECT requests.request, {', '.join(COLUMNS)} FROM draws JOIN requests ON requests.id = draws.request"
    with closing(sqlite3.connect(path)) as connection:
        return {(request, row[0]): tuple(row[1:]) for request, *row in connection.execute(query)}


def flips(path: Path, number: int, seed: int = 0) -> Iterator[Path]:
    """Yield copies of a file with one changed bit each."""
    content, chance = bytearray(path.read_bytes()), random.Random(seed)
    flipped = path.with_name("flipped.sqlite")
    for _ in range(number):
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        content[place] ^= bit
        flipped.write_bytes(content)
        content[place] ^= bit
        yield flipped


def is_found(path: Path) -> bool:
    try:
        return any(verify(path))
    except JournalError:
        return True


def test_every_flipped_bit_that_changes_a_draw_is_found(tmp_path: Path) -> None:
    whole = stored(fill(tmp_path / "journal.sqlite"))
    found = silent = 0
    for flipped in flips(tmp_path / "journal.sqlite", FLIPS):
        if is_found(flipped):
            found += 1
        else:
            silent += 1
            assert stored(flipped) == whole
    assert found > FLIPS // 2
    assert silent


def test_a_flipped_bit_never_gives_another_reply(tmp_path: Path) -> None:
    fill(tmp_path / "journal.sqlite")
    whole = {asking(number).key: draws_of(number) for number in range(40)}
    damaged = 0
    for flipped in flips(tmp_path / "journal.sqlite", FLIPS, seed=1):
        journal = Journal(flipped)
        with warnings.catch_warnings(record=True, action="always") as warned, suppress(JournalError):
            for key, draws in whole.items():
                for draw, read in journal.read(key, range(4)).items():
                    assert (read.text, read.usage, read.tokens) == (
                        draws[draw].text,
                        draws[draw].usage,
                        draws[draw].tokens,
                    )
        damaged += bool(warned)
        journal.close()
    assert damaged > FLIPS // 5


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A journal of 160 draws, of which one has other text, one has no UTF-8, and one request has another text."""
    path = fill(tmp_path / "damaged.sqlite")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE draws SET text = 'x' || substr(text, 2) WHERE request = 1 AND draw = 0")
        connection.execute("UPDATE draws SET text = CAST(x'ff' AS TEXT) WHERE request = 2 AND draw = 1")
        connection.execute("UPDATE requests SET request = replace(request, '+', '-') WHERE id = 3")
    return path


def texts(journal: Journal, number: int) -> dict[int, str]:
    return {draw: one.text for draw, one in journal.read(asking(number).key, range(4)).items()}


def test_a_damaged_draw_is_named_and_replaced_by_a_new_one(damaged: Path) -> None:
    journal = Journal(damaged)
    for number, draw in ((0, 0), (1, 1)):
        with pytest.warns(
            UserWarning, match=f"the draw {draw} of request {asking(number).key} in .* is damaged"
        ) as told:
            assert sorted(texts(journal, number)) == [one for one in range(4) if one != draw]
        assert len(told) == 1
        journal.write(asking(number), [Completion("anew", draw=draw), Completion("late", draw=3)])
        assert texts(journal, number) == {**{one.draw: one.text for one in draws_of(number)}, draw: "anew"}
    journal.write(asking(2), [Completion("late", draw=9)])
    journal.close()
    assert list(verify(damaged)) == []


def test_two_processes_that_draw_a_damaged_draw_anew_keep_the_first(damaged: Path) -> None:
    first, second = Journal(damaged), Journal(damaged)
    for journal in (first, second):
        with pytest.warns(UserWarning, match="is damaged"):
            journal.read(asking(0).key, [0])
    with closing(sqlite3.connect(damaged)) as other, other:
        other.execute("DELETE FROM draws WHERE request = 1 AND draw = 0")
    Journal(damaged.with_name("sound.sqlite")).write(asking(0), [Completion("of another process")])
    importing.merge_journal(damaged, damaged.with_name("sound.sqlite"))
    first.write(asking(0), [Completion("anew")])
    assert texts(second, 0)[0] == "of another process"


def test_a_damaged_draw_of_a_results_folder_comes_from_the_journal_below(tmp_path: Path, damaged: Path) -> None:
    over = Journal(damaged, parent=Journal(fill(tmp_path / "below.sqlite")))
    with pytest.warns(UserWarning, match="is damaged"):
        assert texts(over, 0) == {one.draw: one.text for one in draws_of(0)}
    over.close()
    assert texts(Journal(damaged), 0) == {one.draw: one.text for one in draws_of(0)}


def test_draws_of_a_damaged_request_are_read_and_not_copied(tmp_path: Path, damaged: Path) -> None:
    over = Journal(tmp_path / "over.sqlite", parent=Journal(damaged))
    with pytest.warns(UserWarning, match="the request .* is damaged"):
        assert texts(over, 2) == {one.draw: one.text for one in draws_of(2)}
    assert len(over) == 0


def test_an_export_leaves_damaged_draws_out(tmp_path: Path, damaged: Path) -> None:
    with pytest.warns(UserWarning, match="6 damaged draws of the journal .* left out"):
        assert exporting.export_draws(damaged, tmp_path / "all.jsonl") == 154
    assert importing.import_draws(tmp_path / "new.sqlite", tmp_path / "all.jsonl").new == 154
    assert list(verify(tmp_path / "new.sqlite")) == []


def test_a_merge_leaves_damaged_draws_out_and_repairs_those_of_this_journal(tmp_path: Path, damaged: Path) -> None:
    done = importing.merge_journal(tmp_path / "new.sqlite", damaged)
    assert (done.new, done.known, done.damaged) == (154, 0, 6)
    assert list(verify(tmp_path / "new.sqlite")) == []
    done = importing.merge_journal(damaged, fill(tmp_path / "whole.sqlite"))
    assert (done.new, done.known, done.damaged) == (2, 158, 0)
    assert list(verify(damaged)) == []
    but_for_time = (
        {name: draw[: COLUMNS[1:].index("at")] for name, draw in stored(path).items()}
        for path in (damaged, tmp_path / "whole.sqlite")
    )
    assert next(but_for_time) == next(but_for_time)


def test_damage_stays_where_it_is_until_something_replaces_it(tmp_path: Path, damaged: Path) -> None:
    before = shutil.copy(damaged, tmp_path / "before.sqlite").read_bytes()
    assert [one.partition(":")[0].partition(" of ")[0] for one in verify(damaged)] == [
        f"the request {asking(2).key}",
        "the draw 0",
        "the draw 1",
    ]
    assert damaged.read_bytes() == before


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A journal whose process was killed: most of its draws are in the log."""
    path = fill(tmp_path / "killed.sqlite", 5)
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom reasoning.journal import Journal\n"
        "from tests.journal.test_damage import asking, draws_of\n"
        "for number in range(5, 40):\n    Journal.open(sys.argv[1]).write(asking(number), draws_of(number))\n"
        "    keep = Journal.open(sys.argv[1])\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return path


def test_a_flipped_bit_in_the_log_of_a_killed_process_is_found(tmp_path: Path, killed: Path) -> None:
    log, chance = wal_path(killed), random.Random(2)
    content, flipped = bytearray(log.read_bytes()), tmp_path / "flipped.sqlite"
    assert len(content) > 10 * 4096

    def copy() -> None:
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{killed}{end}", f"{flipped}{end}")

    copy()
    assert list(verify(flipped)) == []
    copy()
    whole, found = stored(flipped), 0
    assert len(whole) == 160
    for _ in range(16):
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        copy()
        content[place] ^= bit
        wal_path(flipped).write_bytes(content)
        content[place] ^= bit
        problems = list(verify(flipped))
        assert problems == list(verify(flipped))  # looking loses nothing
        if problems:
            found += 1
            assert "committed pages can be read" in problems[0]
        else:
            assert stored(flipped) == whole
    assert found > 10
    copy()
    wal_path(flipped).write_bytes(content[:5000])
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "link.sqlite"
    link.symlink_to(flipped)
    assert "committed pages can be read" in next(iter(verify(link)))


def test_the_log_of_a_journal_in_use_is_sound(tmp_path: Path) -> None:
    journal, over = Journal(tmp_path / "journal.sqlite"), threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            journal.write(asking(number), draws_of(number))
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(30):
            assert find_log_problem(tmp_path / "journal.sqlite") == ""
    finally:
        over.set()
        thread.join()
    journal.close()
