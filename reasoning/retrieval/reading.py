"""The documents of a source: a folder of texts, a file of texts or records, or a data set of the hub."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from reasoning.errors import InputError, UsageError, nearest
from reasoning.files import MAX_MB, max_bytes
from reasoning.retrieval.document import Document
from reasoning.retrieval.record_files import RECORD_READERS, read_hub
from reasoning.retrieval.text_files import TEXT_READERS

HUB = "hf:"
_MAX_FILES = 1_000_000
_SHOWN = 5
"""The nearest or first names that an error lists."""


class NoTexts(InputError):
    """A folder has no file to search in."""


@dataclass(frozen=True)
class SourceFile:
    """A file with documents.

    Attributes:
        path: the file.
        name: its name in the sources of documents: relative to the folder that was given.
        size: bytes.
        modified: the time of the last change, in nanoseconds.
    """

    path: Path
    name: str
    size: int
    modified: int


@dataclass(frozen=True)
class Source:
    """The origin of documents, parsed from a text such as "docs/" or "notes.jsonl#body".

    Attributes:
        text: the text.

    Raises:
        UsageError: the text is empty.
    """

    text: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise UsageError("a source of texts must be a folder, a file or hf:OWNER/NAME, got an empty text")

    @property
    def is_hub(self) -> bool:
        """True for a data set of the hub."""
        return self.text.startswith(HUB)

    @property
    def column(self) -> str:
        """The column that holds the texts; empty for the one that is called "text"."""
        return self._parts[1]

    @property
    def path(self) -> Path:
        """The folder or file."""
        return self._parts[0]

    @cached_property
    def _parts(self) -> tuple[Path, str]:
        """Return the path and the column; a # belongs to the path if there is such a file."""
        path = _expand(self.text)
        before, mark, column = self.text.rpartition("#")
        if mark and not path.exists() and Path(before).suffix.lower() in RECORD_READERS:
            return _expand(before), column
        return path, ""

    def check_exists(self) -> None:
        """Check that the folder or file exists, without reading it; a data set of the hub is not looked for.

        Raises:
            NoTexts: there is no text in the folder.
            InputError: it does not exist, or is a file without texts; names the nearest one.
        """
        if self.is_hub:
            return
        if not self.path.is_dir():
            _facts(self.path)
        elif next(_walk(self.path, Counter()), None) is None:
            self.files()

    def files(self) -> list[SourceFile]:
        """Return the files with documents, by name; none for the hub.

        In a folder, links that lead out of it and hidden files are left out, and so are files that
        hold no texts.

        Raises:
            NoTexts: there is no text in the folder.
            InputError: there is no such folder or file.
        """
        if self.is_hub:
            return []
        path = self.path
        if not path.is_dir():
            return [_describe(path, path.name, _facts(path))]
        others = Counter[str]()
        found = sorted(_walk(path, others), key=lambda file: file.name)
        if not found:
            seen = ", ".join(f"{suffix or 'no suffix'} ({count:,})" for suffix, count in others.most_common(_SHOWN))
            wanted = ", ".join(TEXT_READERS)
            raise NoTexts(f"{path}: has no file to search in ({wanted}); found: {seen or 'nothing'}")
        return found

    def content_digest(self) -> str:
        """Return the SHA-256 of the files' names and contents; a data set of the hub has no files.

        Raises:
            InputError: there is no such folder or file, or no text in it.
        """
        return _digest_files(tuple(self.files()))

    def documents(self, progress: Callable[[int, int], object] = lambda done, total: None) -> Iterator[Document]:
        """Yield the documents in the order of the files.

        Args:
            progress: called with the number of files read and their total.

        Raises:
            InputError: a file is too large, damaged, or not in a known encoding, or has no such column.
            MissingExtra: the reader of a format is not installed.
        """
        if self.is_hub:
            name, _, column = self.text.removeprefix(HUB).partition("#")
            yield from read_hub(name, column)
            return
        files = self.files()
        for done, file in enumerate(files):
            progress(done, len(files))
            suffix = file.path.suffix.lower()
            try:
                if suffix in RECORD_READERS:
                    yield from RECORD_READERS[suffix](file.path, file.name, self.column)
                elif file.size > max_bytes():
                    limit = f"at most {max_bytes() / 1e6:g} MB, got {file.size / 1e6:,.0f}"
                    raise InputError(f"{file.path}: a text must have {limit}; split it, or set {MAX_MB} to more")
                else:
                    yield from TEXT_READERS[suffix](file.path, file.name)
            except OSError as error:
                raise InputError(f"{file.path}: cannot be read: {error.strerror or error}") from None


@lru_cache(maxsize=64)
def _digest_files(files: tuple[SourceFile, ...]) -> str:
    """Return the digest of files; those of the same sizes and times are not read again."""
    digest = hashlib.sha256()
    for file in files:
        with file.path.open("rb") as content:
            digest.update(f"\0{file.name}\0{hashlib.file_digest(content, 'sha256').hexdigest()}".encode())
    return digest.hexdigest()


def _expand(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        # "~" without a home folder.
        return Path(text)


def _facts(path: Path) -> os.stat_result:
    """Return the facts of a file that can be read.

    Raises:
        InputError: there is no such file, or it holds no texts; names the nearest one.
    """
    try:
        facts = path.stat()
    except (OSError, ValueError):
        names = _names(path.parent)
        similar = nearest(path.name, names)
        there = f"; did you mean {str(path.parent / similar)!r}?" if similar else ""
        raise InputError(f"{path}: no such folder or file{there}") from None
    known = [*TEXT_READERS, *RECORD_READERS]
    if not stat.S_ISREG(facts.st_mode) or path.suffix.lower() not in known:
        raise InputError(f"{path}: must be a folder, or a file of the form {', '.join(known)}")
    return facts


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (OSError, ValueError):
        return []


def _describe(path: Path, name: str, facts: os.stat_result) -> SourceFile:
    return SourceFile(path, name, facts.st_size, facts.st_mtime_ns)


def _walk(root: Path, others: Counter[str]) -> Iterator[SourceFile]:
    """Yield the files with documents below a folder; count the suffixes of the other files."""
    inside, folders = root.resolve(), [(root, "")]
    number = 0
    while folders:
        folder, prefix = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            raise InputError(f"{folder}: cannot be read: {error.strerror or error}") from None
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path, name = folder / entry.name, prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append((path, f"{name}/"))
            elif path.suffix.lower() not in TEXT_READERS:
                others[path.suffix.lower()] += 1
            elif entry.is_file() and (not entry.is_symlink() or path.resolve().is_relative_to(inside)):
                number += 1
                if number > _MAX_FILES:
                    raise InputError(f"{root}: has more than {_MAX_FILES:,} files; give one of its folders")
                yield _describe(path, name, entry.stat())
