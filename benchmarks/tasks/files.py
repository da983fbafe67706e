"""Tasks from files: JSON lines, CSV, Parquet, and recordings of models."""

from __future__ import annotations

import csv
import hashlib
import sys
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from reasoning.benchmarks.tasks.field_mapping import Fields
from reasoning.benchmarks.tasks.row_task import Row, RowTask
from reasoning.benchmarks.tasks.task import UNKNOWN, kind_names
from reasoning.errors import InputError, MissingExtra
from reasoning.files import read_jsonl, read_lines
from reasoning.problem import Example


@dataclass(frozen=True)
class FileTask(RowTask):
    """A file of rows, in its order; see `RowTask` for the content of a row.

    Attributes:
        path: the path of the file.
        fields: the columns, if they have other names.
    """

    path: str
    fields: Fields | None = None

    form: ClassVar[str]
    """The prefix of the path in the name of a task."""
    split = ""
    seeded = False
    is_own = True
    licence = "the file's own"
    canary = ""
    contamination = UNKNOWN

    def __post_init__(self) -> None:
        if not self.file.is_file():
            raise InputError(f"{self.file}: {'a folder, not a file' if self.file.is_dir() else 'no such file'}")

    @abstractmethod
    def read(self) -> Iterator[Row]:
        """Yield the rows of the file. May raise InputError, OSError, ValueError."""

    @property
    def file(self) -> Path:
        return Path(self.path).expanduser()

    @property
    def name(self) -> str:
        return f"{self.form}:{self.file.name}"

    @property
    def source(self) -> str:
        return self.file.name

    @property
    def kind(self) -> str:
        """The kinds of its answers, from reading the file. May raise InputError."""
        return kind_names(self._all)

    @property
    def size(self) -> int:
        """The number of problems. May raise InputError."""
        return len(self._all)

    @cached_property
    def _all(self) -> Sequence[Example]:
        return self.load(sys.maxsize, 0)

    @property
    def prefix(self) -> str:
        return self.file.name.split(".")[0]

    @property
    def mapped(self) -> Fields | None:
        return self.fields

    def location(self, number: int) -> str:
        return f"{self.file}:{number}"

    def version(self) -> str:
        try:
            with self.file.open("rb") as file:
                digest = f"sha256 {hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
        except OSError as error:
            raise InputError(f"{self.file}: cannot be read: {error.strerror}") from None
        return f"{digest}, {self.fields}" if self.fields else digest

    def rows(self, limit: int, seed: int) -> Sequence[Row]:
        return self._rows

    @cached_property
    def _rows(self) -> list[Row]:
        try:
            rows = list(self.read())
        except (OSError, ValueError) as error:
            raise InputError(f"{self.file}: cannot be read as {self.form}: {error}") from None
        if not rows:
            raise InputError(f"{self.file}: the file holds no problems")
        return rows


class JsonlTask(FileTask):
    """A file of JSON lines, plain or `.gz`."""

    form = "jsonl"

    def read(self) -> Iterator[Row]:
        return read_jsonl(self.file)


class ReplayTask(JsonlTask):
    """The problems of a recording (see `reasoning.providers.replay`) with their right answers in `reference`."""

    form = "replay"
    answers = ("reference", "answer", "target")


class CsvTask(FileTask):
    """A file of comma-separated values; the first line names the columns."""

    form = "csv"

    def read(self) -> Iterator[Row]:
        with self.file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(read_lines(lines, self.file), strict=True)
            for row in reader:
                yield reader.line_num, _filled(row)


class ParquetTask(FileTask):
    """A Parquet file."""

    form = "parquet"

    def read(self) -> Iterator[Row]:
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtra(f"the task {self.name}", "bench", f"pyarrow ({error})") from None
        batches = parquet.ParquetFile(self.file).iter_batches()
        rows = (row for batch in batches for row in batch.to_pylist())
        for number, row in enumerate(rows, 1):
            yield number, _filled(row)


def _filled(row: dict[Any, Any]) -> dict[str, Any]:
    """Return the row without empty cells.

    Raises:
        ValueError: the line has more cells than columns.
    """
    if None in row:
        raise ValueError(f"more cells than columns: {row[None]}")
    return {str(name): value for name, value in row.items() if value not in (None, "")}
