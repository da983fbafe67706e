"""Export of draws to JSON lines and Parquet, streamed one draw at a time."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from functools import lru_cache, partial
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

from reasoning.errors import MissingExtra, UsageError
from reasoning.files import atomic_path
from reasoning.journal.codec import COLUMNS, checksum, decode_leniently, find_request_problem
from reasoning.journal.connection import open_existing
from reasoning.journal.filters import where_clause
from reasoning.journal.jsonl import COUNTS, FIELDS, format_line
from reasoning.journal.sqlite_errors import translate_errors
from reasoning.journal.stored_images import ImageRow, format_image_line, image_keys, read_images
from reasoning.tables import pluralize

ProgressCallback: TypeAlias = Callable[[int, int], None]
"""Receives the number of items done, and the total (0 if it is unknown)."""
_Rows: TypeAlias = Iterator[tuple[Any, ...]]
"""Rows of the values that `FIELDS` names."""
_Images: TypeAlias = Callable[[list[bytes]], list[ImageRow]]
"""Returns the images with these hashes."""
_BATCH = 5_000
"""The number of draws in one row group of a Parquet file."""


def no_progress(done: int, total: int) -> None:
    """Ignore progress."""


def export_draws(
    path: Path,
    out: Path,
    *,
    model: str | None = None,
    since: str | None = None,
    progress: ProgressCallback = no_progress,
) -> int:
    """Write draws to a .jsonl, .jsonl.gz or .parquet file, in the order of their recording.

    JSON lines have the images of the requests, too, and Parquet only their hashes.

    Damaged draws are left out, and a warning gives their number.

    Args:
        path: the journal.
        out: the file. It replaces an older one when it is complete.
        model: only draws of this model.
        since: only draws from this time on, in the form of `format_utc`.
        progress: receives the number of draws written and their total.

    Returns:
        The number of draws.

    Raises:
        UsageError: the file has another ending, the model is unknown, or there is no journal.
        MissingExtra: pyarrow is not installed.
        InputError: the file cannot be written.
        JournalError: the journal cannot be read.
    """
    write = _writer(out)
    with translate_errors(path, "read"), closing(open_existing(path)) as connection:
        where, values = where_clause(connection, path, model=model, since=since)
        connection.text_factory = decode_leniently
        total = connection.execute(f"SELECT count(*) FROM draws {where}", values).fetchone()[0]
        draws = connection.execute(
            f"SELECT key, model, requests.request, {', '.join(COLUMNS)}, checksum "
            f"FROM draws JOIN requests ON requests.id = draws.request {where} ORDER BY draws.rowid",
            values,
        )
        sound = _SoundDraws()
        with atomic_path(out) as new:
            write(new, sound.of(draws, total, progress), lambda keys: read_images(connection, keys))
    if sound.damaged:
        left_out = f"{pluralize(sound.damaged, 'damaged draw')} of the journal {path} left out"
        warnings.warn(f"{left_out}; `reasoning journal verify` lists them", stacklevel=2)
    return int(total) - sound.damaged


class _SoundDraws:
    """A filter of stored draws.

    Attributes:
        damaged: the number of draws that were left out.
    """

    def __init__(self) -> None:
        self.damaged = 0

    def of(self, draws: Iterable[tuple[Any, ...]], total: int, progress: ProgressCallback) -> _Rows:
        """Yield the sound draws without their checksums."""
        for done, (key, model, request, *row, stored) in enumerate(draws, 1):
            if is_sound(key, model, request, tuple(row), stored):
                yield key, request, *row
            else:
                self.damaged += 1
            if done % 1_000 == 0 or done == total:
                progress(done, total)


def is_sound(key: Any, model: Any, request: Any, row: tuple[Any, ...], stored: Any) -> bool:
    """Return whether a stored draw and its request are undamaged."""
    return isinstance(key, bytes) and checksum(key, row) == stored and not _find_request_problem(key, model, request)


_find_request_problem = lru_cache(64)(find_request_problem)
"""Draws of one request mostly follow each other."""


def _writer(out: Path) -> Callable[[Path, _Rows, _Images], None]:
    """Return a function that writes files of this ending."""
    if out.name.endswith(".parquet"):
        try:
            return partial(_parquet, import_module("pyarrow"), import_module("pyarrow.parquet"))
        except ImportError:
            raise MissingExtra("an export to Parquet", "bench", "pyarrow") from None
    if out.name.endswith(".jsonl.gz"):
        return lambda new, draws, images: _jsonl(gzip.open(new, "wt", encoding="utf-8"), draws, images)
    if out.name.endswith(".jsonl"):
        return lambda new, draws, images: _jsonl(new.open("w", encoding="utf-8"), draws, images)
    raise UsageError(f"an export must end with .jsonl, .jsonl.gz or .parquet, got {out}")


def _jsonl(file: IO[str], draws: _Rows, images: _Images) -> None:
    written = set[bytes]()
    with file:
        for key, request, *row in draws:
            if new := [image for image in image_keys(request) if image not in written]:
                file.writelines(map(format_image_line, images(new)))
                written.update(new)
            file.write(format_line(key, request, tuple(row)))


def _parquet(pyarrow: Any, parquet: Any, new: Path, draws: _Rows, images: _Images) -> None:
    """Write Parquet, without images; requests and tokens stay JSON, since their shapes differ."""
    numbers = {
        **dict.fromkeys(COUNTS, pyarrow.int64()),
        **dict.fromkeys(("usd", "seconds"), pyarrow.float64()),
        "at": pyarrow.timestamp("s", tz="UTC"),
    }
    schema = pyarrow.schema([(name, numbers.get(name, pyarrow.string())) for name in FIELDS])
    with parquet.ParquetWriter(new, schema) as file:
        while batch := list(islice(draws, _BATCH)):
            columns = dict(zip(FIELDS, map(list, zip(*batch, strict=True)), strict=True))
            columns["key"] = [key.hex() for key in columns["key"]]
            columns["at"] = [datetime.fromisoformat(at) for at in columns["at"]]
            file.write_table(pyarrow.table(columns, schema))
