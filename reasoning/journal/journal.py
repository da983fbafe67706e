"""The journal of draws: (request, draw index) → completion.

It is the cache, the pool that larger samples extend, and the state from which a killed run resumes:
a draw is written before any caller sees it, and a recorded draw is never bought again. A failed
call is not recorded.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from reasoning import paths
from reasoning.draw_stream import EPOCH_STRIDE, MAX_EPOCHS
from reasoning.errors import UsageError
from reasoning.journal.claims import Claims
from reasoning.journal.codec import Record, Row, decode, encode
from reasoning.journal.memory_store import MemoryStore
from reasoning.journal.sqlite_store import SqliteStore
from reasoning.journal.stored_images import ImageRow, image_keys
from reasoning.journal.write_job import Done
from reasoning.journal.writer import writer
from reasoning.messages import Completion, Request

if TYPE_CHECKING:
    from reasoning.journal.draw_log import DrawLog


class Journal:
    """A record of draws in a file, or in memory.

    The file is opened on first use. Several processes, threads and event loops may use one file at
    once. A model claims a draw before it buys it, so that another process waits for the record
    instead of buying the draw too (not on Windows). If two records of a draw arrive, the first
    counts.

    All methods that read or write raise a JournalError if the file is damaged, of another version,
    or cannot be written; its contents are kept.

    Args:
        path: the file, which is created when something is recorded; None for a journal in memory.
        parent: a journal behind this one. Draws that only the parent has are read from it and
            copied into this one; draws that are recorded here are recorded in the parent too. So a
            results folder keeps its own copy of every draw that it used.
        log: a file to which each draw that this journal takes is appended first; see `draw_log`.

    Examples:
        >>> from reasoning import strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> journal = Journal()
        >>> llm = ScriptedLLM(lambda messages: "The answer is 4.", journal=journal)
        >>> answer = strategies.get("self_consistency(cot, samples=3)").run("What is 2 + 2?", llm)
        >>> len(journal), llm.calls
        (3, 3)
        >>> answer = strategies.get("self_consistency(cot, samples=5)").run("What is 2 + 2?", llm)
        >>> len(journal), llm.calls
        (5, 5)
    """

    _shared: ClassVar[weakref.WeakValueDictionary[Path, Journal]] = weakref.WeakValueDictionary()
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self, path: str | Path | None = None, *, parent: Journal | None = None, log: DrawLog | None = None
    ) -> None:
        self.path = None if path is None else Path(path).expanduser().resolve()
        self.parent, self.log = parent, log
        self._store = MemoryStore() if self.path is None else SqliteStore(self.path)
        self._stores: tuple[MemoryStore | SqliteStore, ...] = (
            self._store,
            *(parent._stores if parent is not None else ()),
        )
        # The parent is written first, so that a draw lost here by a kill can be read from it.
        self._paths = tuple(store.path for store in reversed(self._stores) if isinstance(store, SqliteStore))
        # Processes share the journal that is below all others.
        self._shared_journal: Journal = self if parent is None or not parent._paths else parent._shared_journal
        self._claims: Claims | None = None
        if isinstance(self._store, SqliteStore):
            weakref.finalize(self, self._store.close_soon).atexit = False

    @classmethod
    def open(cls, path: str | Path) -> Journal:
        """Return the journal of a file.

        Every caller in this process gets the same object while any of them keeps a reference to it.
        """
        resolved = Path(path).expanduser().resolve()
        with cls._shared_lock:
            journal = cls._shared.get(resolved)
            if journal is None:
                journal = cls._shared[resolved] = cls(resolved)
            return journal

    @classmethod
    def default(cls) -> Journal:
        """Return the user's journal.

        All runs share it, so that money spent once serves every later run.
        """
        return cls.open(paths.data_dir() / "journal.sqlite")

    def __repr__(self) -> str:
        return f"<Journal {self.path or 'in memory'}>"

    def read(self, key: str, draws: Iterable[int]) -> dict[int, Completion]:
        """Return the recorded draws among these indices, by index, with `is_new` False.

        Args:
            key: the key of the request.
            draws: the draw indices.
        """
        return {row[0]: decode(key, row) for row in self._rows(key, list(draws))}

    def images(self, hashes: Iterable[str]) -> dict[str, bytes]:
        """Return the bytes of the recorded images among these, by their SHA-256 in hexadecimal."""
        return {row.sha256.hex(): row.data for row in self._images([bytes.fromhex(one) for one in hashes])}

    def _images(self, keys: Sequence[bytes]) -> list[ImageRow]:
        found: dict[bytes, ImageRow] = {}
        for store in self._stores:
            found.update((row.sha256, row) for row in store.images([key for key in keys if key not in found]))
        return [found[key] for key in keys if key in found]

    @property
    def is_ready(self) -> bool:
        """True if all files have taken a trial since they were opened, and every record since."""
        return writer.files.ready.issuperset(self._paths)

    async def prepare(self) -> None:
        """Write to each file, with a sync to the disk, so that no draw is bought that cannot be recorded.

        Draws that a file did not take before are written, too.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        writer.put(None, self._paths, done, loop)
        await done
        shared = self._shared_journal
        if shared.path is not None:
            shared._claims = Claims.open(shared.path)

    @property
    def claims(self) -> Claims | None:
        """The claims on draws that other processes may buy, too; None before `prepare`, and in memory."""
        return self._shared_journal._claims

    async def flush(self) -> None:
        """Wait until all that was recorded before has been written, or has failed."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        writer.put(None, (), done, loop)
        await done

    def describe_unwritten(self) -> str:
        """Return where the draws are that the files have not taken, and how to add them; empty without any."""
        return writer.describe_unwritten(self._paths)

    async def record(self, request: Request, completions: Sequence[Completion]) -> None:
        """Record draws. They survive a crash of this process from the moment this returns.

        Draws that arrive together are written together. They are written even if this call is
        cancelled. A draw that is recorded already stays as it is.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._put(encode(request, completions), done, loop)
        await done

    def write(self, request: Request, completions: Sequence[Completion]) -> None:
        """Record draws as `record` does, and block until they are written; for threads."""
        done: Future[None] = Future()
        self._put(encode(request, completions), done)
        done.result()

    def unused_epoch(self, count: int = 1) -> int:
        """Return the first of several consecutive epochs (repetitions of a solve) without recorded draws.

        It follows all epochs that have draws, and is at least 1. If too few follow, the first gap
        that is wide enough is taken.

        Args:
            count: the number of epochs.

        Raises:
            UsageError: there are not as many free epochs in a row.
        """
        if count >= MAX_EPOCHS:
            raise UsageError(f"at most {MAX_EPOCHS - 1:,} epochs can have new samples, got {count:,}")
        used = {0}.union(*(store.epochs(EPOCH_STRIDE) for store in self._stores))
        if max(used) + count < MAX_EPOCHS:
            return max(used) + 1
        for before, after in pairwise([*sorted(used), MAX_EPOCHS]):
            if after - before > count:
                return before + 1
        raise UsageError(
            f"{self.path or self}: a journal has room for {MAX_EPOCHS:,} epochs, and {count:,} in a row are not free; "
            "give another one with --journal FILE (journal=…)"
        )

    def __len__(self) -> int:
        """Return the number of draws in this journal, without those of its parent."""
        return self._store.count()

    def __bool__(self) -> bool:
        # An empty journal is not a missing one.
        return True

    def close(self) -> None:
        """Write what is pending and close the file. The journal opens again on its next use."""
        if self._claims is not None and self._claims.close():
            self._claims = None
        self._store.close()
        if self.log is not None:
            self.log.close()

    def _put(self, record: Record, done: Done, loop: asyncio.AbstractEventLoop | None = None) -> None:
        paths = self._paths
        if self.log is not None and record.rows:
            self.log.append(record)
        for store in self._stores:
            if isinstance(store, MemoryStore):
                store.put(record)
        if paths and record.rows and not (loop is not None and writer.write_now(record, paths)):
            writer.put(record, paths, done, loop)
        elif done is not None:
            done.set_result(None)

    def _rows(self, key: str, wanted: Sequence[int]) -> list[Row]:
        rows = self._store.rows(key, wanted)
        if self.parent is None or len(rows) == len(wanted):
            return rows
        present = {row[0] for row in rows}
        more = self.parent._rows(key, [draw for draw in wanted if draw not in present])
        if more:
            found = next(filter(None, (store.request(key) for store in self.parent._stores)), None)
            # The draws of a damaged request are sound, but cannot be copied without it.
            images = () if found is None else tuple(self._images(image_keys(found[1])))
            record = None if found is None else Record(bytes.fromhex(key), *found, more, images)
            if record is not None and self.log is not None:
                self.log.append(record)
            if record is not None and isinstance(self._store, SqliteStore):
                writer.put(record, [self._store.path], None, asyncio._get_running_loop())
            elif record is not None and isinstance(self._store, MemoryStore):
                self._store.put(record)
        return rows + more


if hasattr(os, "register_at_fork"):
    # A lock that another thread holds would stay locked in the child.
    os.register_at_fork(
        before=Journal._shared_lock.acquire,
        after_in_parent=Journal._shared_lock.release,
        after_in_child=Journal._shared_lock.release,
    )
