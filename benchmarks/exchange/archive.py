"""Zip archives from elsewhere, read in memory: nothing is unpacked to a disk, and what an entry may hold is bounded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

from reasoning.errors import InputError, MissingExtra
from reasoning.files import MAX_MB, max_bytes

_ZSTD = 93
"""The compression method Zstandard, which `zipfile` reads from Python 3.14 on."""
_HEADER = 30
_MAX_RATIO = 500
"""The most bytes of all entries for each byte of the file. Logs of inspect_ai have about 10."""
_BLOCK = 1 << 16


class Archive:
    """A zip archive whose entries are read whole, one at a time.

    The names of entries are only compared; no file is created from them.

    Args:
        path: the archive.

    Raises:
        InputError: it is no zip archive, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._read = path, 0
        try:
            self._file: IO[bytes] = path.open("rb")
            try:
                self._zip = zipfile.ZipFile(self._file)
            except BaseException:
                self._file.close()
                raise
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
        # NotImplementedError: zipfile does not know the version of ZIP that the file states.
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise InputError(
                f"{path}: damaged or truncated: {error}; if a run was killed or is still going on, "
                "wait for its end, or write the log again with `inspect log recover`"
            ) from None
        self._most = max_bytes() + _MAX_RATIO * path.stat().st_size

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def names(self) -> list[str]:
        """Return the names of the entries; of several entries with one name, the last counts."""
        return list(dict.fromkeys(self._zip.namelist()))

    def read(self, name: str) -> bytes:
        """Return the content of an entry.

        Raises:
            InputError: it is damaged, or larger than `max_bytes()`, or the entries are out of all proportion to
                the file.
            MissingExtra: it is compressed by a method that needs pyarrow.
        """
        info, limit, parts, size = self._zip.getinfo(name), max_bytes(), [], 0
        try:
            for part in self._blocks(info):
                size += len(part)
                self._read += len(part)
                if size > limit:
                    raise InputError(
                        f"{self.path}: {name!r:.80} must have at most {limit / 1e6:g} MB; "
                        f"if the file is right, set {MAX_MB} to more megabytes"
                    )
                if self._read > self._most:
                    raise InputError(
                        f"{self.path}: it unpacks to more than {_MAX_RATIO} times its size, as a zip bomb does; "
                        f"if the file is right, set {MAX_MB} to more megabytes"
                    )
                parts.append(part)
        # NotImplementedError: a compression or patch that zipfile lacks; RuntimeError: an encrypted part.
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise InputError(f"{self.path}: {name!r:.80} is damaged: {error}") from None
        content = b"".join(parts)
        if zlib.crc32(content) != info.CRC:
            raise InputError(f"{self.path}: {name!r:.80} is damaged: its checksum is wrong")
        return content

    def _blocks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        if info.compress_type != _ZSTD:
            with self._zip.open(info) as entry:
                while block := entry.read(_BLOCK):
                    yield block
            return
        try:
            import pyarrow
        except ImportError as error:
            raise MissingExtra("an archive with Zstandard compression", "bench", f"pyarrow ({error})") from None
        # `zipfile` gives the place of an entry, and Arrow decompresses it.
        self._file.seek(info.header_offset)
        header = self._file.read(_HEADER)
        if len(header) < _HEADER:
            raise EOFError("the file ends within it")
        skipped = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        self._file.seek(skipped, 1)
        if info.compress_size > max_bytes():
            raise OSError(f"it has {info.compress_size:,} bytes")
        raw = self._file.read(info.compress_size)
        if len(raw) < info.compress_size:
            raise EOFError("the file ends within it")
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(raw), "zstd") as stream:
            while block := stream.read(_BLOCK):
                yield block
