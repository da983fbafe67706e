"""The record of draws: (request, draw index) → completion.

From this one record follow the cache, the extension of a pool of samples, and resume after a kill:
a draw is written before anyone sees it, and a draw that is there is never bought again. A failed
call is no record.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import ClassVar

from reasoning import paths
from reasoning.draw_stream import EPOCH_STRIDE
from reasoning.journal.codec import Record, Row, decode, encode
from reasoning.journal.memory_store import MemoryStore
from reasoning.journal.sqlite_store import SqliteStore
from reasoning.journal.writer import Done, writer
from reasoning.messages import Completion, Request


class Journal:
    """A record of draws in a file, or in memory when `path` is None.

    Opens on the first use; several processes, threads and event loops may use one file at once. Of
    a draw that is
    recorded twice the first counts: where two processes buy the same draw at the same time, each
    has its own completion in hand, but every later `read`, in both, gives the one that was first.

    Args:
        path: the file, which is made when something is recorded.
        below: a journal under this one. What is only there is read from there, and copied into this
            one; what is recorded here is recorded there too. So a results folder keeps its own copy
            of every draw that it used.

    Raises (from all that read or write):
        JournalError: the file is damaged, of a newer version, or cannot be written. What was there
            is kept.
    """

    _shared: ClassVar[weakref.WeakValueDictionary[Path, Journal]] = weakref.WeakValueDictionary()
    _sharing: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, path: str | Path | None = None, *, parent: Journal | None = None) -> None:
        self.path = None if path is None else Path(path).expanduser().absolute()
        self.parent = parent
        self._store = MemoryStore() if self.path is None else SqliteStore(self.path)
        self._stores: tuple[MemoryStore | SqliteStore, ...] = (
            self._store,
            *(parent._stores if parent is not None else ()),
        )
        if isinstance(self._store, SqliteStore):
            weakref.finalize(self, self._store.close_soon).atexit = False

    @classmethod
    def open(cls, path: str | Path) -> Journal:
        """The journal of this file: the same object for everyone in this process, while somebody holds it."""
        place = Path(path).expanduser().resolve()
        with cls._sharing:
            journal = cls._shared.get(place)
            if journal is None:
                journal = cls._shared[place] = cls(place)
            return journal

    @classmethod
    def default(cls) -> Journal:
        """The one journal that every run of this user shares, so that money spent once serves every later run."""
        return cls.open(paths.data_dir() / "journal.sqlite")

    def __repr__(self) -> str:
        return f"<Journal {self.path or 'in memory'}>"

    def read(self, key: str, draws: Iterable[int]) -> dict[int, Completion]:
        """The recorded draws among those asked for; marked as not spent now."""
        return {row[0]: decode(key, row) for row in self._rows(key, list(draws))}

    async def record(self, request: Request, completions: Sequence[Completion]) -> None:
        """Record draws: they survive the death of this process from the moment this returns.

        Draws that arrive together are written together. When this is cancelled they are written all
        the same. A draw that is there already is left as it is.
        """
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._put(encode(request, completions), done, loop)
        await done

    def write(self, request: Request, completions: Sequence[Completion]) -> None:
        """Record draws as `record` does, and wait. Not for an event loop, which would stand still meanwhile."""
        done: Future[None] = Future()
        self._put(encode(request, completions), done)
        done.result()

    def unused_epoch(self) -> int:
        """The first epoch (repetition of a solve) that no recorded draw belongs to, nor one of a later epoch."""
        highest = [store.highest_draw() for store in self._stores]
        return max((1 + draw // EPOCH_STRIDE for draw in highest if draw is not None), default=0)

    def __len__(self) -> int:
        """The number of draws that are recorded in this one."""
        return self._store.count()

    def __bool__(self) -> bool:
        return True  # an empty journal is a journal

    def close(self) -> None:
        """Write what is waiting and close the file. The journal opens again on its next use."""
        self._store.close()

    def _put(self, entry: Record, done: Done, loop: asyncio.AbstractEventLoop | None = None) -> None:
        paths = []
        for store in reversed(self._stores):  # what a kill keeps from the upper one is found below
            if isinstance(store, SqliteStore):
                paths.append(store.path)
            else:
                store.put(entry)
        if paths and entry.rows and not (loop is not None and writer.write_now(entry, paths)):
            writer.put(entry, paths, done, loop)
        elif done is not None:
            done.set_result(None)

    def _rows(self, key: str, wanted: Sequence[int]) -> list[Row]:
        rows = self._store.rows(key, wanted)
        if self.parent is None or len(rows) == len(wanted):
            return rows
        here = {row[0] for row in rows}
        more = self.parent._rows(key, [draw for draw in wanted if draw not in here])
        if more:
            model, request = next(filter(None, (store.request(key) for store in self.parent._stores)))
            entry = Record(bytes.fromhex(key), model, request, more)
            if isinstance(self._store, SqliteStore):
                writer.put(entry, [self._store.path], None, asyncio._get_running_loop())
            else:
                self._store.put(entry)
        return rows + more
