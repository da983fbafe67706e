"""A writer of a batch run's rows: JSON lines or CSV, to standard output or a file that appears when it is complete."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from reasoning.chain.batch import BatchRow
from reasoning.errors import InputError
from reasoning.tables import escape_csv
from reasoning.text_safety import dump_json

_OTHER_FORMATS = {".xls", ".xlsx", ".ods", ".parquet", ".docx", ".pdf", ".gz", ".zip", ".html"}
"""Suffixes of files that hold neither CSV nor JSON lines."""


class ResultWriter:
    """A writer of rows, used as a context manager.

    The rows go to a temporary file next to `path`, which takes its place at the end. After an
    exception the finished rows are kept as NAME.part.csv, and a file at `path` stays as it was.

    Args:
        path: a `.csv` file for CSV, any other name for JSON lines; None for JSON lines on standard
            output.
        steps: the names of the chain's steps, which are columns of a CSV.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, path: Path | None, steps: Sequence[str]) -> None:
        if path is not None and path.is_dir():
            raise InputError(f"{path}: is a folder; give the name of a file")
        if path is not None and path.suffix.lower() in _OTHER_FORMATS:
            raise InputError(f"{path}: results are written as .csv or .jsonl, not as {path.suffix}; give such a name")
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{path}: cannot be written: its folder does not exist")
        self.path, self.steps = path, steps
        self._part = None if path is None else path.with_name(f".{path.name}.part")
        self._final_path = path
        self._rows = 0
        self._file: IO[str] = sys.stdout
        self._csv: Any = None

    def __enter__(self) -> ResultWriter:
        if self._part is not None:
            try:
                self._file = self._part.open("w", encoding="utf-8", errors="replace", newline="")
            except OSError as error:
                raise InputError(f"{self.path}: cannot be written: {error.strerror}") from None
        if self.path is not None and self.path.suffix.lower() == ".csv":
            self._csv = csv.writer(self._file)
            self._csv.writerow(["id", "state", "value", *self.steps, "reason", "fallbacks"])
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.mark_partial()
        self._file.flush()
        if self._part is not None:
            self._file.close()
            if self._final_path is None:
                self._part.unlink(missing_ok=True)
            else:
                self._part.replace(self._final_path)

    def mark_partial(self) -> None:
        """Keep the rows of a stopped run as NAME.part.csv; a file that is at `path` stays as it was.

        Without rows, that of an earlier run is kept instead.
        """
        if self.path is not None:
            part = self.path.with_name(f"{self.path.stem}.part{self.path.suffix}")
            self._final_path = part if self._rows or not part.exists() else None

    @property
    def final_path(self) -> Path | None:
        """The file that holds the rows in the end; None for standard output and if an earlier part is kept."""
        return self._final_path

    def write(self, row: BatchRow) -> None:
        """Write a row."""
        data = row.to_json()
        self._rows += 1
        if self._csv is None:
            self._file.write(dump_json(data, default=str) + "\n")
        else:
            steps = data.get("steps", {})
            values = [data.get("value"), *(steps.get(step) for step in self.steps)]
            notes = _cell(data.get("reason", "")), " ".join(data.get("fallbacks", ()))
            self._csv.writerow([_cell(data["id"]), data["state"], *map(_cell, values), *notes])
        # A killed process leaves the finished rows in the temporary file.
        self._file.flush()


def _cell(value: Any) -> str:
    """Return a value as the text of a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return str(escape_csv(text))
