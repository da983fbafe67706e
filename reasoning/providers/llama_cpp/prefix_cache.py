"""Cache of prompt prefixes that a local server has computed, for its other slots to load."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

Save = Callable[[str], Awaitable[tuple[int, int]]]
"""Computes a prefix and saves it under a name.

Returns the number of tokens computed and of bytes saved.
"""


@dataclass(eq=False)
class _Saved:
    ready: Future[bool] = field(default_factory=Future)
    bytes: int = 0
    users: int = 0


class PrefixCache:
    """A cache of saved prefixes, one file each.

    The least recently used prefixes are removed when the files exceed `max_bytes`. Concurrent
    callers that need the same prefix compute it once. Several event loops may use it.

    Args:
        folder: where llama.cpp saves the files.
        max_bytes: the size of all files together, in bytes.
    """

    def __init__(self, folder: Path, max_bytes: int = 256_000_000) -> None:
        self.folder, self.max_bytes = folder, max_bytes
        self._saved: OrderedDict[str, _Saved] = OrderedDict()
        self._lock = threading.Lock()

    @asynccontextmanager
    async def hold(self, key: str, save: Save, *, keep: bool) -> AsyncIterator[int]:
        """Keep a prefix saved during the block; yields the number of tokens computed for it now.

        Args:
            key: the name of the prefix and of its file.
            save: computes and saves it.
            keep: whether it stays in the cache after the last block that uses it.
        """
        computed = 0
        while True:
            with self._lock:
                saved = self._saved.setdefault(key, _Saved())
                self._saved.move_to_end(key)
                first = saved.users == 0 and not saved.ready.done()
                saved.users += 1
            try:
                if first:
                    computed = await self._save(saved, key, save)
                elif not await asyncio.shield(asyncio.wrap_future(saved.ready)):
                    continue  # the caller that computed it was cancelled: compute it here
                yield computed
                return
            finally:
                with self._lock:
                    saved.users -= 1
                self._evict(key, keep)

    async def _save(self, saved: _Saved, key: str, save: Save) -> int:
        try:
            computed, saved.bytes = await save(key)
        except BaseException:
            with self._lock:
                self._saved.pop(key, None)
            saved.ready.set_result(False)
            raise
        saved.ready.set_result(True)
        return computed

    def _evict(self, key: str, keep: bool) -> None:
        with self._lock:
            idle = [name for name, saved in self._saved.items() if saved.users == 0]
            removed = [] if keep or key not in idle else [key]
            excess = sum(saved.bytes for saved in self._saved.values()) - self.max_bytes
            for name in idle:
                if excess <= 0:
                    break
                if name not in removed:
                    removed.append(name)
                excess -= self._saved[name].bytes
            for name in removed:
                del self._saved[name]
        for name in removed:
            (self.folder / name).unlink(missing_ok=True)
