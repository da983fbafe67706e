"""Where the rows of a run go: JSON lines or CSV, in a file that is there when it is whole, or on standard output."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from reasoning.chain.batch import Row
from reasoning.errors import InputError


class Output:
    """A file of rows; use it as a context manager. It is written beside its place and put there at the end.

    Args:
        path: `.csv` for CSV, any other name for JSON lines; None for JSON lines on standard output.
        steps: the chain's steps, which are the columns of a CSV.

    Raises:
        InputError: it cannot be written.
    """

    def __init__(self, path: Path | None, steps: Sequence[str]) -> None:
        self.path, self.steps = path, steps
        self._part = None if path is None else path.with_name(f".{path.name}.part")
        self._place = path
        self._file: IO[str] = sys.stdout
        self._csv: Any = None

    def __enter__(self) -> Output:
        if self._part is not None:
            try:
                self._file = self._part.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise InputError(f"{self.path}: cannot be written: {error.strerror}") from None
        if self.path is not None and self.path.suffix.lower() == ".csv":
            self._csv = csv.writer(self._file)
            self._csv.writerow(["id", "state", "value", *self.steps, "why", "mended"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.flush()
        if self._part is not None and self.path is not None:
            self._file.close()
            if error is None:
                self._part.replace(self._place or self.path)
            else:
                self._part.unlink(missing_ok=True)

    def stopped(self) -> None:
        """The rows are a part: they are left beside the file, as NAME.part.csv, and what is in its place stays."""
        if self.path is not None:
            self._place = self.path.with_name(f"{self.path.stem}.part{self.path.suffix}")

    @property
    def place(self) -> Path | None:
        """The file that there is at the end."""
        return self._place

    def add(self, row: Row) -> None:
        """Write a row."""
        data = row.to_json()
        if self._csv is None:
            self._file.write(json.dumps(data, ensure_ascii=False, default=str) + "\n")
            self._file.flush()
            return
        steps = data.get("steps", {})
        values = [data.get("value"), *(steps.get(step) for step in self.steps)]
        about = _cell(data.get("why", "")), " ".join(data.get("mended", ()))
        self._csv.writerow([_cell(data["id"]), data["state"], *map(_cell, values), *about])


def _cell(value: Any) -> str:
    """A value in a cell. A text that a spreadsheet would take for a formula gets a mark in front."""
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
