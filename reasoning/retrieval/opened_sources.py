"""The indexes of sources that this process has opened, and their files in the user's cache folder."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning import forks, paths
from reasoning.errors import CallFailed
from reasoning.logs import Log
from reasoning.retrieval.document import Corpus
from reasoning.retrieval.passage_index import PassageIndex, VectorFile
from reasoning.retrieval.passages import PASSAGE_CHARS
from reasoning.retrieval.progress import PrintedProgress, Progress, current_display
from reasoning.retrieval.reading import Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reasoning.retrieval.embedding import Embedder
    from reasoning.retrieval.retriever import ClientCalls

_log = Log(__name__)
_VERSION = 1
"""The version of the stored form and of how texts are read, cut and split into words."""
_CHECK_SECONDS = 2.0
"""Seconds after which the files of a source are looked at again, at the next search."""
_MOST_OPEN = 64
_CHUNK = 256
"""Passages that are embedded before the progress is shown and may be kept."""
_REPORT_PASSAGES = 500


def folder() -> Path:
    """Return the folder of stored indexes. It may be removed at any time."""
    return paths.cache_dir() / "indexes"


@dataclass
class OpenedSource:
    """The index of a source, with the vectors that were asked for.

    Attributes:
        name: the name of the source, for progress and messages.
        passages: the passages and the word index.
        stored: the folder of the index; None if it is only in memory.
        state: the digest of the files' names, sizes and times.
        checked: when the files were last looked at (`time.monotonic`).
    """

    name: str
    passages: PassageIndex
    stored: Path | None
    state: str
    checked: float

    def __post_init__(self) -> None:
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._embedding: dict[tuple[str, asyncio.AbstractEventLoop], asyncio.Lock] = {}

    async def vectors(self, embedder: Embedder, calls: ClientCalls | None) -> NDArray[np.float32]:
        """Return the vectors of the passages, which are computed once and stored.

        Raises:
            CallFailed, BudgetExhausted: a call failed; what has been embedded is kept.
        """
        key = f"{embedder.name} {embedder.client.endpoint}"
        loop = asyncio.get_running_loop()
        async with self._embedding.setdefault((key, loop), asyncio.Lock()):
            if key not in self._vectors:
                name = f"vectors-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
                file = VectorFile(self.stored and self.stored / name)
                vectors = await asyncio.to_thread(file.load, len(self.passages))
                self._vectors[key] = await self._embed(embedder, calls, file) if vectors is None else vectors
        return self._vectors[key]

    async def _embed(self, embedder: Embedder, calls: ClientCalls | None, file: VectorFile) -> NDArray[np.float32]:
        import numpy as np

        report, total = current_display() or PrintedProgress(), len(self.passages)
        rows = list(await asyncio.to_thread(file.load_partial))
        known = await asyncio.to_thread(self._older_vectors, file)
        try:
            for start in range(len(rows), total, _CHUNK):
                report(start, total, f"embedding {self.name}")
                texts = [self.passages.searchable(number) for number in range(start, min(start + _CHUNK, total))]
                missing = [text for text in texts if text not in known]
                if missing:
                    known |= zip(missing, await embedder.encode(missing, calls), strict=True)
                rows += [known[text] for text in texts]
                if len(sizes := {row.size for row in rows}) > 1:
                    rows.clear()
                    raise CallFailed(f"{embedder.name} returned vectors of different lengths: {sorted(sizes)}")
        except BaseException:
            if rows:
                file.save_partial(np.stack(rows))
            raise
        report(total, total, f"embedding {self.name}")
        vectors = np.stack(rows)
        await asyncio.to_thread(self._store, vectors, file)
        return vectors

    def _older_vectors(self, file: VectorFile) -> dict[str, NDArray[np.float32]]:
        """Return the vectors that the index before a change of the files has, by the text of the passage."""
        for older in _older(self.stored):
            vectors = VectorFile(file.path and older / file.path.name)
            passages = PassageIndex.load(older)
            if passages is not None and (found := vectors.load(len(passages))) is not None:
                return {passages.searchable(number): found[number] for number in range(len(passages))}
        return {}

    def _store(self, vectors: NDArray[np.float32], file: VectorFile) -> None:
        file.save(vectors)
        for older in _older(self.stored):
            shutil.rmtree(older, ignore_errors=True)


class _Opened:
    """The opened sources of this process, the least recently used first."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[object, OpenedSource] = OrderedDict()
        self._locks: dict[object, threading.Lock] = {}
        self._lock = threading.Lock()
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Make new locks, since a thread of the parent may hold the old ones."""
        self._lock, self._locks = threading.Lock(), {}

    def find(self, key: object, since: float) -> OpenedSource | None:
        """Return an opened source whose files were looked at since a time."""
        with self._lock:
            found = self._by_key.get(key)
            if found is not None:
                self._by_key.move_to_end(key)
        return found if found is not None and found.checked >= since else None

    def forget(self, key: object) -> None:
        """Close a source."""
        with self._lock:
            self._by_key.pop(key, None)

    def open(self, source: str | Corpus, display: Progress | None) -> OpenedSource:
        """Open a source, unless it is open and unchanged."""
        key = _key(source)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            found = self.find(key, float("-inf"))
            if found is None or not isinstance(source, Corpus):
                found = _open(source, found, display or PrintedProgress())
            with self._lock:
                self._by_key[key] = found
                self._locks.pop(key, None)
                while len(self._by_key) > _MOST_OPEN:
                    self._by_key.popitem(last=False)
            return found


_opened = _Opened()


def open_source(source: str | Corpus) -> OpenedSource:
    """Return the index of a source: opened before, stored, or built now. A change of its files is noticed.

    Raises:
        InputError: there is no such source, or it cannot be read.
        MissingExtra: a library that it needs is not installed.
    """
    return _opened.open(source, current_display())


async def open_source_async(source: str | Corpus) -> OpenedSource:
    """Return the index of a source as `open_source` does, in another thread.

    A change of its files is noticed after two seconds, since looking at many files takes longer than a search.
    """
    is_fixed = isinstance(source, Corpus) or Source(source).is_hub
    found = _opened.find(_key(source), float("-inf") if is_fixed else time.monotonic() - _CHECK_SECONDS)
    if found is None:
        found = await asyncio.to_thread(_opened.open, source, current_display())
    return found


def remove_stored(source: str) -> None:
    """Forget and remove what is stored of a source, so that it is read anew."""
    _opened.forget(_key(source))
    shutil.rmtree(_stored_folder(source), ignore_errors=True)


def _key(source: str | Corpus) -> object:
    """Return the key of a source: names relative to a folder mean something else in another one."""
    if isinstance(source, Corpus):
        return source.name, source.sha256
    return str(folder()), _location(source)


def _location(source: str) -> str:
    parsed = Source(source)
    return source if parsed.is_hub else f"{parsed.path.absolute()}#{parsed.column}"


def _stored_folder(source: str) -> Path:
    return folder() / hashlib.sha256(_location(source).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _open(source: str | Corpus, before: OpenedSource | None, report: Progress) -> OpenedSource:
    started = time.monotonic()
    if isinstance(source, Corpus):
        return OpenedSource(source.name, PassageIndex.build(source.documents), None, source.sha256, started)
    parsed = Source(source)
    listed = [(file.name, file.size, file.modified) for file in parsed.files()]
    content = json.dumps([_VERSION, PASSAGE_CHARS, _location(source), listed])
    state = hashlib.sha256(content.encode()).hexdigest()[:32]
    if before is not None and before.state == state:
        before.checked = started
        return before
    stored = _stored_folder(source) / state
    passages = PassageIndex.load(stored)
    if passages is None:
        passages = _build(parsed, stored, report)
    return OpenedSource(source, passages, stored if stored.is_dir() else None, state, started)


def _build(source: Source, stored: Path, report: Progress) -> PassageIndex:
    """Build the index of a source, and store it instead of an older one."""
    reading = f"indexing {source.text}"
    report(0, 0, reading)
    files = 0

    def on_file(done: int, total: int) -> None:
        nonlocal files
        files = total
        report(done, total, reading)

    def on_passage(number: int) -> None:
        # The number of files says more, unless there is only one.
        if files <= 1 and number % _REPORT_PASSAGES == 0:
            report(number, 0, reading)

    passages = PassageIndex.build(source.documents(on_file), on_passage)
    try:
        passages.save(stored)
        for older in _older(stored):
            # Vectors of passages that have not changed are used again.
            if not any(older.glob("vectors-*")):
                shutil.rmtree(older, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or error
        _log.notify(f"the index of {source.text} cannot be stored in {folder()} and is built again next time: {reason}")
    report(1, 1, reading)
    return passages


def _older(stored: Path | None) -> list[Path]:
    """Return the other indexes of a source, of its files before they were changed."""
    if stored is None or not stored.parent.is_dir():
        return []
    return [path for path in stored.parent.iterdir() if path != stored and not path.name.startswith(".")]
