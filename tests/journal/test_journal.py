"""The journal in one process: what is recorded is found again, in memory, in a file, and over another journal."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reasoning import draw_stream
from reasoning.errors import JournalError, UsageError
from reasoning.journal import Journal, codec, schema
from reasoning.journal import connection as opening
from reasoning.journal.importing import import_draws
from reasoning.messages import Completion, Message, Request, Token, Usage


def asking(question: str = "why?", model: str = "some/model") -> Request:
    return Request(model, (Message("user", question),), {"temperature": 0.7, "stop": ["\n"]}, "http://server/v1")


def said(*draws: int, text: str = "because") -> list[Completion]:
    return [Completion(f"{text} {draw}", usage=Usage(1, 3, 4), draw=draw) for draw in draws]


def texts(journal: Journal, request: Request, draws: Sequence[int]) -> dict[int, str]:
    return {draw: one.text for draw, one in journal.read(request.key, draws).items()}


@pytest.fixture(params=["memory", "file"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite" if request.param == "file" else None)


def test_a_draw_comes_back_whole_and_not_spent(journal: Journal) -> None:
    request = asking()
    usage = Usage(1, 310, 42, 256, 0.00125, 1.5)
    tokens = (Token("be", -0.25, (("be", -0.25), ("no", -2.5))), Token("cause\ud800", -0.5))
    whole = Completion(
        *("because", "length", usage, "first I think", tokens),
        request_id="chatcmpl-1", prices="2026-01", retries=2, key=request.key, draw=7,
    )  # fmt: skip
    asyncio.run(journal.record(request, [whole]))
    (found,) = journal.read(request.key, [7]).values()
    assert found == replace(whole, is_new=False)
    assert journal.read(request.key, [6]) == {}
    assert journal.read(asking("how?").key, [7]) == {}


def test_an_unknown_price_stays_unknown(journal: Journal) -> None:
    request = asking()
    journal.write(
        request, [Completion("x", usage=Usage(1, usd=None)), Completion("y", usage=Usage(1, usd=0.0), draw=1)]
    )
    assert [one.usage.usd for one in journal.read(request.key, [0, 1]).values()] == [None, 0.0]


def test_the_first_record_of_a_draw_stays(journal: Journal) -> None:
    journal.write(asking(), said(0, 1))
    journal.write(asking(), said(1, 2, text="otherwise"))
    assert texts(journal, asking(), [0, 1, 2]) == {0: "because 0", 1: "because 1", 2: "otherwise 2"}
    assert len(journal) == 3


def test_many_draws_of_a_request_are_read_at_once(journal: Journal) -> None:
    draws = [place << 14 for place in range(700)]
    journal.write(asking(), said(*draws))
    assert list(texts(journal, asking(), draws)) == draws
    assert texts(journal, asking(), [1, draws[300], draws[300], 2]) == {draws[300]: f"because {draws[300]}"}
    assert texts(journal, asking(), []) == {}


def test_text_that_utf8_does_not_know_is_replaced_and_the_request_stays_exact(journal: Journal) -> None:
    request = asking("why \ud800 é?", model="m\udfff")
    odd = [Completion("\x00 \ud800 é \U0001f600", reasoning="\udc80", request_id="\udc81", finish_reason="\udc82")]
    journal.write(request, odd)
    (found,) = journal.read(request.key, [0]).values()
    assert (found.text, found.reasoning, found.request_id, found.finish_reason) == (
        "\x00 ? é \U0001f600",
        "?",
        "?",
        "?",
    )


def test_the_canonical_request_is_what_the_key_is_the_hash_of() -> None:
    request = asking("why é \U0001f600?")
    assert hashlib.sha256(codec.canonical_text(request).encode()).hexdigest() == request.key
    for one in (request, asking("why \ud800?")):
        assert codec.parse_request(json.loads(codec.canonical_text(one))).key == one.key
        codec.canonical_text(one).encode()


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "journal.sqlite")
    assert (journal.read(asking().key, [0]), len(journal), journal.unused_epoch()) == ({}, 0, 1)
    journal.write(asking(), [])
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_it_opens_again_after_it_was_closed(journal: Journal) -> None:
    for draw in range(3):
        journal.write(asking(), said(draw))
        journal.close()
        journal.close()
        assert len(journal) == draw + 1
    journal.close()
    if journal.path:
        assert [path.name for path in journal.path.parent.iterdir()] == ["journal.sqlite"]  # the log is brought in


def test_a_fresh_epoch_is_behind_all_that_are_recorded(journal: Journal) -> None:
    over = Journal(parent=journal)
    assert over.unused_epoch() == 1
    journal.write(asking(), said(5))
    assert journal.unused_epoch() == 1
    journal.write(asking(), said(draw_stream.EPOCH_STRIDE * 3 - 1))
    assert (journal.unused_epoch(), over.unused_epoch()) == (3, 3)
    over.write(asking("how?"), said(draw_stream.EPOCH_STRIDE * 6))
    assert (journal.unused_epoch(), over.unused_epoch()) == (7, 7)
    assert over.unused_epoch(draw_stream.MAX_EPOCHS - 7) == 7
    # Those in front are taken where there are no more behind.
    assert over.unused_epoch(draw_stream.MAX_EPOCHS - 8) == 7
    journal.write(asking(), said((draw_stream.MAX_EPOCHS - 1) * draw_stream.EPOCH_STRIDE))
    assert [over.unused_epoch(count) for count in (1, 2, 3, 4)] == [1, 3, 3, 7]
    with pytest.raises(UsageError, match="at most 2,047 epochs can have new samples, got 2,048"):
        Journal().unused_epoch(2_048)
    with pytest.raises(UsageError, match=r"2,048 epochs, and 2,041 in a row are not free.*--journal FILE"):
        over.unused_epoch(2_041)


def test_an_index_that_cannot_be_recorded_is_named(journal: Journal) -> None:
    with pytest.raises(JournalError, match=rf"a draw index must be from 0 to .*, got {1 << 63}"):
        asyncio.run(journal.record(asking(), said(1 << 63)))
    with pytest.raises(JournalError, match=r"a draw index must be from 0 to .*, got -1"):
        journal.write(asking(), said(-1))
    assert len(journal) == 0


def test_one_that_is_unfit_does_not_take_the_others_along(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    broken = [Completion("x", usage=Usage(1, 10**30), draw=1)]

    async def together() -> list[BaseException | None]:
        records = (journal.record(asking(), one) for one in (said(0), broken, said(2)))
        return await asyncio.gather(*records, return_exceptions=True)

    first, second, third = asyncio.run(together())
    assert (first, third) == (None, None)
    assert isinstance(second, JournalError)
    assert "too large" in str(second)
    assert texts(journal, asking(), [0, 1, 2]) == {0: "because 0", 2: "because 2"}


# --- the writer


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of entries of each transaction."""
    gc.collect()  # journals of other tests are closed now, and not in between
    seen: list[int] = []

    def commit(connection: sqlite3.Connection, entries: Sequence[codec.Record]) -> None:
        seen.append(len(entries))
        real(connection, entries)

    real = schema.commit
    monkeypatch.setattr("reasoning.journal.journal_files.commit", commit)
    return seen


def test_records_that_come_together_are_one_transaction(tmp_path: Path, commits: list[int]) -> None:
    journal = Journal(tmp_path / "journal.sqlite")

    async def together() -> None:
        await asyncio.gather(*(journal.record(asking(f"{number}?"), said(0, 1)) for number in range(100)))
        assert len(journal) == 200

    asyncio.run(together())
    assert commits == [100]


def test_a_draw_that_comes_alone_is_written_by_who_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def commit(connection: sqlite3.Connection, entries: Sequence[codec.Record]) -> None:
        threads.append(threading.current_thread().name)
        real(connection, entries)

    real = schema.commit
    monkeypatch.setattr("reasoning.journal.journal_files.commit", commit)
    monkeypatch.setattr("reasoning.journal.writer._ISOLATED_AFTER", -1.0)  # every draw comes alone
    monkeypatch.setattr("reasoning.journal.writer._MAX_WRITES_IN_A_ROW", 3)
    below = Journal(tmp_path / "below.sqlite")
    journal = Journal(tmp_path / "journal.sqlite", parent=below)
    gc.collect()
    below.close()  # waits for the thread, which may be closing what other tests have left

    async def one_after_the_other() -> None:
        for number in range(6):
            await journal.record(asking(), said(number))

    asyncio.run(one_after_the_other())
    here, thread = threading.current_thread().name, "reasoning-journal"
    assert threads == [*[thread] * 2, *[here] * 6, *[thread] * 2, *[here] * 2]  # it opens, and looks after the log
    assert len(journal) == len(below) == 6  # another object for that file would close it when it goes, log and all
    logs = [opening.wal_path(tmp_path / name).stat().st_size for name in ("journal.sqlite", "below.sqlite")]
    assert all(logs)


def test_the_journal_below_has_a_draw_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill between the two loses nothing then: what is only below is read from there, and copied."""
    files: list[str] = []

    def commit(connection: sqlite3.Connection, entries: Sequence[codec.Record]) -> None:
        files.append(Path(connection.execute("PRAGMA database_list").fetchone()[2]).name)
        real(connection, entries)

    real = schema.commit
    monkeypatch.setattr("reasoning.journal.journal_files.commit", commit)
    Journal(tmp_path / "over.sqlite", parent=Journal(tmp_path / "below.sqlite")).write(asking(), said(0))
    assert files == ["below.sqlite", "over.sqlite"]


def test_a_record_that_is_cancelled_is_written_all_the_same(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")

    async def scene() -> None:
        first, second = (asyncio.create_task(journal.record(asking(), said(draw))) for draw in (0, 1))
        await asyncio.sleep(0)
        first.cancel()
        await second

    asyncio.run(scene())
    assert len(journal) == 2


def test_a_record_whose_loop_has_ended_is_written_when_the_journal_closes(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")

    async def leave() -> None:
        task = asyncio.create_task(journal.record(asking(), said(0)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    journal.close()
    assert len(journal) == 1


def test_many_loops_and_threads_write_at_once(tmp_path: Path) -> None:
    journal, failures = Journal(tmp_path / "journal.sqlite"), []

    async def many(place: int) -> None:
        for number in range(20):
            await asyncio.gather(*(journal.record(asking(f"{place} {number}?"), said(draw)) for draw in range(3)))
            assert len(journal.read(asking(f"{place} {number}?").key, range(3))) == 3
            if number == 10:
                journal.close()

    def thread(place: int) -> None:
        try:
            asyncio.run(many(place))
            journal.write(asking(f"{place} last?"), said(0))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=thread, args=(place,)) for place in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    assert len(journal) == 4 * (20 * 3 + 1)


def test_the_loop_goes_on_while_another_process_has_the_lock(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.write(asking(), said(0))
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:

        async def scene() -> None:
            other.execute("BEGIN IMMEDIATE")
            record = asyncio.create_task(journal.record(asking(), said(1)))
            for _ in range(10):
                await asyncio.sleep(0.005)
                assert texts(journal, asking(), [0, 1]) == {0: "because 0"}
            assert not record.done()
            other.execute("COMMIT")
            await record

        asyncio.run(scene())
    assert texts(journal, asking(), [0, 1]) == {0: "because 0", 1: "because 1"}


def test_all_who_wait_are_told_of_a_failure_and_the_next_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LOCK_TIMEOUT", 0.01)
    journal = Journal(tmp_path / "journal.sqlite")
    journal.write(asking(), said(0))
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:

        async def scene() -> list[BaseException | None]:
            other.execute("BEGIN IMMEDIATE")
            records = (journal.record(asking(), said(draw)) for draw in range(1, 6))
            told = await asyncio.gather(*records, return_exceptions=True)
            other.execute("ROLLBACK")
            await journal.record(asking(), said(9))
            return told

        told = asyncio.run(scene())
    assert [type(one) for one in told] == [JournalError] * 5
    assert "another process keeps it locked" in str(told[0])
    # What was not written then has been paid for: it is in a file, and in the journal with the next record.
    assert texts(journal, asking(), range(10)) == {draw: f"because {draw}" for draw in (*range(6), 9)}
    assert "no paid draw is lost: add those that it does not have with `reasoning journal import " in str(told[0])
    journal.close()
    (saved,) = tmp_path.glob("journal-unwritten-*.jsonl")
    import_draws(tmp_path / "new.sqlite", saved)
    assert texts(Journal(tmp_path / "new.sqlite"), asking(), range(10)) == {n: f"because {n}" for n in range(1, 6)}


# --- shared and layered journals


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "disk" / "journal.sqlite")
    journal = Journal(tmp_path / "link.sqlite")
    asyncio.run(journal.prepare())
    journal.write(asking(), said(0))
    assert journal.claims is not None
    assert journal.claims.path.parent == tmp_path / "disk"
    journal.close()
    assert texts(Journal(tmp_path / "disk" / "journal.sqlite"), asking(), [0]) == {0: "because 0"}


def test_one_file_is_one_object_while_somebody_holds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    first = Journal.open(tmp_path / "journal.sqlite")
    assert Journal.open(str(tmp_path / "link" / "journal.sqlite")) is first
    assert Journal.open(tmp_path / "other.sqlite") is not first
    first.write(asking(), said(0))
    gone, _ = weakref.ref(first), first
    del first, _
    gc.collect()
    assert gone() is None
    monkeypatch.setenv("REASONING_HOME", str(tmp_path))
    assert Journal.default() is Journal.open(tmp_path / "journal.sqlite")
    assert texts(Journal.default(), asking(), [0]) == {0: "because 0"}


@pytest.mark.parametrize("kinds", ["file file", "file memory", "memory file", "memory memory"])
def test_over_another_journal(tmp_path: Path, kinds: str) -> None:
    paths = (tmp_path / name if kind == "file" else None for name, kind in zip("ab", kinds.split(), strict=True))
    under = Journal(next(paths))
    over = Journal(next(paths), parent=under)
    under.write(asking(), said(0, 1, 2, text="under"))
    asyncio.run(over.record(asking("how?"), said(0)))
    assert texts(under, asking("how?"), [0]) == {0: "because 0"}  # recorded in both
    assert len(over) == 1
    assert texts(over, asking(), [0, 1, 9]) == {0: "under 0", 1: "under 1"}
    over.close()  # what was copied is written
    assert len(over) == 3
    assert over.parent is under
    alone = Journal(over.path) if over.path else over
    alone.parent = None
    assert texts(alone, asking(), range(3)) == {0: "under 0", 1: "under 1"}
    assert [one.usage for one in alone.read(asking().key, [0]).values()] == [Usage(1, 3, 4)]


def test_its_own_draws_win_over_those_below(tmp_path: Path) -> None:
    under, alone = Journal(tmp_path / "under.sqlite"), Journal(tmp_path / "over.sqlite")
    under.write(asking(), said(0, 1, text="under"))
    alone.write(asking(), said(0, text="over"))
    over = Journal(tmp_path / "over.sqlite", parent=under)
    assert texts(over, asking(), [0, 1]) == {0: "over 0", 1: "under 1"}
    over.write(asking(), said(1, 2, text="late"))
    assert texts(over, asking(), [0, 1, 2]) == {0: "over 0", 1: "under 1", 2: "late 2"}
    assert texts(under, asking(), [0, 1, 2]) == {0: "under 0", 1: "under 1", 2: "late 2"}


def test_a_copy_keeps_the_time_and_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    under = Journal(tmp_path / "under.sqlite")
    monkeypatch.setattr(codec, "format_utc", lambda seconds: "2020-01-01T00:00:00Z")
    under.write(asking(), said(0))
    monkeypatch.undo()
    under.close()
    middle = Journal(parent=under)
    over = Journal(tmp_path / "over.sqlite", parent=middle)
    over.read(asking().key, [0])
    over.close()
    assert len(middle) == 1
    kept = "SELECT key, model, requests.request, at FROM draws JOIN requests ON requests.id = draws.request"
    with closing(sqlite3.connect(tmp_path / "over.sqlite")) as connection:
        ((key, model, request, at),) = connection.execute(kept).fetchall()
    assert (key.hex(), model, request) == (asking().key, "some/model", codec.canonical_text(asking()))
    assert at == "2020-01-01T00:00:00Z"


def test_a_record_in_two_files_wakes_the_writer_once(tmp_path: Path, commits: list[int]) -> None:
    over = Journal(tmp_path / "over.sqlite", parent=Journal(tmp_path / "under.sqlite"))

    async def together() -> None:
        await asyncio.gather(*(over.record(asking(f"{number}?"), said(0)) for number in range(10)))

    asyncio.run(together())
    assert commits == [10, 10]


def test_a_failure_below_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "under.sqlite").write_bytes(b"not a database" * 100)
    over = Journal(tmp_path / "over.sqlite", parent=Journal(tmp_path / "under.sqlite"))
    with pytest.raises(JournalError, match=r"under\.sqlite cannot be written"):
        asyncio.run(over.record(asking(), said(0)))
    with pytest.raises(JournalError, match=r"under\.sqlite cannot be written"):
        over.write(asking(), said(0))


def test_a_copy_that_cannot_be_written_is_told_of_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LOCK_TIMEOUT", 0.01)
    under = Journal(tmp_path / "under.sqlite")
    under.write(asking(), said(0))
    over = Journal(tmp_path / "over.sqlite", parent=under)
    over.write(asking("how?"), said(0))
    over.close()
    with closing(sqlite3.connect(tmp_path / "over.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert texts(over, asking(), [0]) == {0: "because 0"}
        with pytest.raises(JournalError, match=r"over\.sqlite cannot be written: another process"):
            over.close()
    over.close()  # it was said
    assert texts(over, asking(), [0]) == {0: "because 0"}
    over.close()
    assert len(over) == 2


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, reasoning.journal; print(*sorted({'pyarrow', 'rich', 'typer', 'gzip'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
