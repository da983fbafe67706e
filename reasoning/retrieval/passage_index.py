"""The passages of a source with their word index: built once, stored on disk, and opened in milliseconds."""

from __future__ import annotations

import json
import mmap
import shutil
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import InputError, MissingExtra
from reasoning.files import atomic_write, temporary_folder
from reasoning.logs import Log
from reasoning.retrieval.document import Document, Passage
from reasoning.retrieval.passages import cut_passages
from reasoning.retrieval.ranking import WordIndex
from reasoning.retrieval.words import words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = Log(__name__)
_TEXTS, _PASSAGES, _DOCUMENTS, _WORDS, _MANIFEST = (
    "texts.bin",
    "passages.npy",
    "documents.npy",
    "words",
    "manifest.json",
)
_TITLE_CHARS = 10_000
"""The beginning of a text, in characters: if it has the words of the title, they are not searched a second time."""


class PassageIndex:
    """The passages of documents, and their word index.

    Args:
        texts: the texts of passages, and the titles and sources of documents, in UTF-8.
        passages: a row for each passage: where its text begins and ends in `texts`, the number of its
            document, and its position in that document.
        documents: a row for each document: where its JSON of title and source begins and ends.
        word_index: the word index.
    """

    def __init__(
        self,
        texts: bytes | mmap.mmap,
        passages: NDArray[np.int64],
        documents: NDArray[np.int64],
        word_index: WordIndex,
    ) -> None:
        self._texts, self._passages, self._documents = texts, passages, documents
        self.words = word_index

    def __len__(self) -> int:
        return len(self._passages)

    def passage(self, number: int, score: float = 0.0) -> Passage:
        """Return a passage by its number, from 0."""
        start, end, document, position = map(int, self._passages[number])
        title, source = json.loads(self._text(*map(int, self._documents[document])))
        return Passage(self._text(start, end), title, source, position, score)

    def searchable(self, number: int) -> str:
        """Return the text of a passage that is embedded: with its title, unless it has that itself."""
        passage = self.passage(number)
        return f"{passage.title}\n{passage.text}" if passage.title not in passage.text else passage.text

    def _text(self, start: int, end: int) -> str:
        return self._texts[start:end].decode("utf-8", "surrogatepass")

    @classmethod
    def build(
        cls, documents: Iterable[Document], progress: Callable[[int], object] = lambda done: None
    ) -> PassageIndex:
        """Cut documents into passages, and build their word index.

        Args:
            documents: the documents; they are read once.
            progress: called with the number of passages.

        Raises:
            MissingExtra: bm25s or numpy is not installed.
        """
        try:
            import numpy as np
        except ImportError:
            raise MissingExtra("searching texts", "retrieval", "numpy") from None
        texts, rows, described = bytearray(), array("q"), array("q")

        def add(text: str) -> tuple[int, int]:
            start = len(texts)
            texts.extend(text.encode("utf-8", "surrogatepass"))
            return start, len(texts)

        def cut() -> Iterator[list[str]]:
            for number, document in enumerate(documents):
                described.extend(add(json.dumps([document.title, document.source])))
                title = words(document.title)
                if set(title) <= set(words(document.text[:_TITLE_CHARS])):
                    title = []
                for passage in cut_passages(document):
                    rows.extend((*add(passage.text), number, passage.position))
                    progress(len(rows) // 4)
                    yield [*title, *words(passage.text)]

        word_index = WordIndex.build(cut())
        numbers = np.array(rows, dtype=np.int64).reshape(-1, 4)
        return cls(bytes(texts), numbers, np.array(described, dtype=np.int64).reshape(-1, 2), word_index)

    def save(self, folder: Path) -> None:
        """Store the index in a new folder, which appears when it is complete.

        If another process has stored one there meanwhile, that one stays.

        Raises:
            OSError: it cannot be written.
        """
        import numpy as np

        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with temporary_folder(folder) as new:
            (new / _TEXTS).write_bytes(self._texts[:])
            np.save(new / _PASSAGES, self._passages)
            np.save(new / _DOCUMENTS, self._documents)
            self.words.save(new / _WORDS)
            files = {path.relative_to(new).as_posix(): _checksum(path) for path in sorted(new.rglob("*.*"))}
            (new / _MANIFEST).write_text(json.dumps(files), encoding="utf-8")
            # Another process may have been faster.
            with suppress(FileExistsError, OSError):
                new.rename(folder)

    @classmethod
    def load(cls, folder: Path) -> PassageIndex | None:
        """Open an index that was stored; a damaged one is removed.

        Returns:
            The index, or None if nothing is stored, or if it was damaged.
        """
        import numpy as np

        if not folder.is_dir():
            return None
        try:
            files = json.loads((folder / _MANIFEST).read_bytes())
            if not files or any(_checksum(folder / name) != stated for name, stated in files.items()):
                raise ValueError
            with (folder / _TEXTS).open("rb") as file:
                texts = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if files[_TEXTS][0] else b""
            passages, documents = np.load(folder / _PASSAGES), np.load(folder / _DOCUMENTS)
            return cls(texts, passages, documents, WordIndex.load(folder / _WORDS))
        except (OSError, ValueError, TypeError, AttributeError, KeyError, EOFError):
            shutil.rmtree(folder, ignore_errors=True)
            return None


class VectorFile:
    """The vectors of an index's passages for one embedding model, in a file.

    Args:
        path: the file; None keeps nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def load(self, count: int) -> NDArray[np.float32] | None:
        """Return the vectors of all `count` passages, or None if nothing is stored or the file is damaged."""
        import numpy as np

        vectors = self._read(self.path, mmap_mode="r")
        if vectors is None or vectors.shape[0] != count:
            return None
        lengths = np.einsum("ij,ij->i", vectors, vectors)
        return vectors if bool(np.all(np.abs(lengths - 1) < 1e-3)) else None

    def load_partial(self) -> Sequence[NDArray[np.float32]]:
        """Return the vectors of the first passages, which an interrupted run has left."""
        vectors = self._read(self._partial)
        return [] if vectors is None else list(vectors)

    def save(self, vectors: NDArray[np.float32]) -> None:
        """Store the vectors of all passages."""
        self._write(self.path, vectors)
        if self._partial is not None:
            with suppress(OSError):
                self._partial.unlink(missing_ok=True)

    def save_partial(self, vectors: NDArray[np.float32]) -> None:
        """Store the vectors of the first passages: they may have been paid for."""
        self._write(self._partial, vectors)

    @property
    def _partial(self) -> Path | None:
        return None if self.path is None else self.path.with_suffix(".partial.npy")

    def _read(self, path: Path | None, **how: Any) -> NDArray[np.float32] | None:
        import numpy as np

        try:
            vectors = None if path is None else np.load(path, **how)
        except (OSError, ValueError, EOFError):
            return None
        is_matrix = vectors is not None and vectors.ndim == 2 and vectors.dtype == np.float32
        return vectors if is_matrix else None

    def _write(self, path: Path | None, vectors: NDArray[np.float32]) -> None:
        import io

        import numpy as np

        if path is not None:
            buffer = io.BytesIO()
            np.save(buffer, vectors)
            try:
                atomic_write(path, buffer.getvalue())
            except InputError as error:
                # The search continues with the vectors in memory, which may have been paid for.
                _log.warning("vectors cannot be stored: %s", error)


def _checksum(path: Path) -> list[int]:
    """Return the size of a file and the CRC-32 of its content."""
    size = checksum = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            size, checksum = size + len(block), zlib.crc32(block, checksum)
    return [size, checksum]
