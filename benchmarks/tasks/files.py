"""Tasks from files: JSON, CSV, Parquet, and recordings of models."""

from __future__ import annotations

import hashlib
import sys
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from reasoning.benchmarks.tasks.cells import lettered_options, parse_list
from reasoning.benchmarks.tasks.decimal_commas import read_decimal_commas
from reasoning.benchmarks.tasks.delimited import find_separator, read_delimited
from reasoning.benchmarks.tasks.field_mapping import Fields
from reasoning.benchmarks.tasks.file_names import describe_missing, suffix_form
from reasoning.benchmarks.tasks.json_rows import read_json_rows
from reasoning.benchmarks.tasks.row_task import Row, RowTask
from reasoning.benchmarks.tasks.task import UNKNOWN, kind_names
from reasoning.errors import InputError, MissingExtra
from reasoning.problem import AnyOf, Example

_LISTS = ("items", "cells", "json", "many", "code")
"""Stated kinds of which a cell with a list is one answer."""


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
    keeps_standard = True
    seeded = False
    is_own = True
    licence = "the file's own"
    canary = ""
    contamination = UNKNOWN

    def __post_init__(self) -> None:
        if not self.file.is_file():
            raise InputError(describe_missing(self.file))

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

    def load(self, limit: int, seed: int) -> list[Example]:
        """Return the first problems; see `Task.load`. The file is read once."""
        return self._all[:limit]

    @cached_property
    def _all(self) -> list[Example]:
        return super().load(sys.maxsize, 0)

    @property
    def prefix(self) -> str:
        return self.file.name.split(".")[0]

    @property
    def image_folder(self) -> Path:
        return self.file.parent

    @property
    def mapped(self) -> Fields | None:
        return self.fields

    def location(self, number: int) -> str:
        return f"{self.file}:{number}"

    @property
    def scorer(self) -> str:
        several = any(isinstance(example.target, AnyOf) for example in self._all)
        return f"{self._compared}; any of several accepted answers" if several else self._compared

    def _with_options(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row with `options` from `choices` or lettered columns, unless it or the mapping has options."""
        if row.get("options") or (self.fields and self.fields.options):
            return row
        options = row.get("choices") or lettered_options(row)
        return {**row, "options": options} if options else row

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
            rows = [(number, self._with_options(row)) for number, row in self.read()]
        except (EOFError, zlib.error) as error:
            raise InputError(f"{self.file}: the gzip data is truncated or damaged: {error}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"{self.file}: cannot be read as {self.form}: {reason}{self._other_form}") from None
        except InputError as error:
            raise InputError(f"{error}{self._other_form}") from None
        if not rows:
            raise InputError(f"{self.file}: the file holds no problems{self._other_form}")
        return rows

    @property
    def _other_form(self) -> str:
        """The part of an error that names the form of the file's suffix, if it was read as another one."""
        form = suffix_form(self.file)
        json_forms = ("json", "jsonl", "replay")
        is_other = form is not None and form != self.form and not (form in json_forms and self.form in json_forms)
        return f"; by its name it is {form}:{self.file}" if is_other else ""


class JsonlTask(FileTask):
    """A file of JSON lines, or of one JSON list; plain or compressed with gzip."""

    form = "jsonl"

    def read(self) -> Iterator[Row]:
        for number, line, row in read_json_rows(self.file):
            self._lines_of[number] = line
            yield number, row

    def location(self, number: int) -> str:
        return f"{self.file}:{self._lines_of.get(number, number)}"

    @cached_property
    def _lines_of(self) -> dict[int, int]:
        """The line of each row, by its number."""
        return {}


class JsonTask(JsonlTask):
    """A file with one JSON list of objects; JSON lines are read, too."""

    form = "json"


class ReplayTask(JsonlTask):
    """The problems of a recording (see `reasoning.providers.replay`) with their right answers in `reference`."""

    form = "replay"
    answers = ("reference", "answer", "target")


class CsvTask(FileTask):
    """A file of comma-separated values; the first line names the columns. See `read_delimited`."""

    form = "csv"

    def read(self) -> Iterator[Row]:
        return read_delimited(self.file, self._separator)

    def _lines(self, rows: Sequence[Row]) -> Iterator[Row]:
        lines = super()._lines(rows)
        # There the comma is free for decimals, and spreadsheets of many countries write so.
        yield from read_decimal_commas(list(lines), self.answers, self.file) if self._separator == ";" else lines

    @property
    def _separator(self) -> str:
        return (
            "\t" if self.file.name.lower().removesuffix(".gz").endswith((".tsv", ".tab")) else find_separator(self.file)
        )

    def _normalize(self, row: dict[str, Any]) -> dict[str, Any]:
        line = super()._normalize(row)
        name = next((name for name in self.answers if line.get(name)), "")
        answers = parse_list(line[name]) if name and line.get("kind") not in _LISTS else None
        # A list of numbers may be one answer of a problem about lists.
        if isinstance(answers, list) and answers and all(isinstance(one, str) for one in answers):
            line = {**line, name: answers}
        return line


class TsvTask(CsvTask):
    """A file of tab-separated values; the first line names the columns."""

    form = "tsv"


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
            yield number, {str(name): value for name, value in row.items()}
