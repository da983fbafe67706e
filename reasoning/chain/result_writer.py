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


class ResultWriter:
    """A writer of rows, used as a context manager.

    The rows go to a temporary file next to `path`, which takes its place at the end. After an
    exception the temporary file is deleted, and a file that was at `path` stays as it was.

    Args:
        path: a `.csv` file for CSV, any other name for JSON lines; None for JSON lines on standard
            output.
        steps: the names of the chain's steps, which are columns of a CSV.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(self, path: Path | None, steps: Sequence[str]) -> None:
        self.path, self.steps = path, steps
        self._part = None if path is None else path.with_name(f".{path.name}.part")
        self._final_path = path
        self._file: IO[str] = sys.stdout
        self._csv: Any = None

    def __enter__(self) -> ResultWriter:
        if self._part is not None:
            try:
                self._file = self._part.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise InputError(f"{self.path}: cannot be written: {error.strerror}") from None
        if self.path is not None and self.path.suffix.lower() == ".csv":
            self._csv = csv.writer(self._file)
            self._csv.writerow(["id", "state", "value", *self.steps, "reason", "fallbacks"])
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.flush()
        if self._part is not None and self.path is not None:
            self._file.close()
            if error is None:
                self._part.replace(self._final_path or self.path)
            else:
                self._part.unlink(missing_ok=True)

    def mark_partial(self) -> None:
        """Keep the rows of a stopped run as NAME.part.csv; a file that is at `path` stays as it was."""
        if self.path is not None:
            self._final_path = self.path.with_name(f"{self.path.stem}.part{self.path.suffix}")

    @property
    def final_path(self) -> Path | None:
        """The file that holds the rows in the end; None for standard output."""
        return self._final_path

    def write(self, row: BatchRow) -> None:
        """Write a row."""
        data = row.to_json()
        if self._csv is None:
            self._file.write(json.dumps(data, ensure_ascii=False, default=str) + "\n")
            self._file.flush()
            return
        steps = data.get("steps", {})
        values = [data.get("value"), *(steps.get(step) for step in self.steps)]
        notes = _cell(data.get("reason", "")), " ".join(data.get("fallbacks", ()))
        self._csv.writerow([_cell(data["id"]), data["state"], *map(_cell, values), *notes])


def _cell(value: Any) -> str:
    """Return a value as the text of a cell. A leading ' keeps a spreadsheet from running a text as a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f"'{text}" if text[:1] in "=+-@\t\r" and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
