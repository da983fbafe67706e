"""Rows of CSV and TSV files: the separator, the header, and what is wrong in which line."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from reasoning.data_files import SEPARATOR_LINE, decode_lines, detect_separator, open_data
from reasoning.errors import InputError

_MAX_CELL = 10**9
"""Lines are of bounded length, so a cell needs no limit of its own."""


def read_delimited(path: Path, separator: str = "") -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the cells by column of each row that is not empty.

    The first row names the columns. The separator is a comma, or if that line has none, a semicolon,
    a tab or a bar. A first column without a name holds the row numbers of a data frame, and is left out.

    Args:
        path: the file.
        separator: the separator; by default the one that the first line has.

    Raises:
        InputError: the file is no text, or a row does not fit the header; names the line.
        OSError, EOFError, zlib.error: the file cannot be read.
    """
    limit = csv.field_size_limit(_MAX_CELL)
    try:
        with open_data(path) as raw:
            lines = decode_lines(raw, path)
            first, stated, found = _read_head(lines)
            separator = separator or found
            rows = _rows(csv.reader(chain(first, lines), delimiter=separator, strict=True), path, separator)
            if stated:
                next(rows)
            number, names = next(rows, (1, []))
            columns = _columns(names, f"{path}:{number}")
            for number, row in rows:
                yield number, _fill(row, columns, f"{path}:{number}", separator)
    finally:
        csv.field_size_limit(limit)


def find_separator(path: Path) -> str:
    """Return the separator of the cells of a file; see `read_delimited`.

    Raises:
        InputError: the file is no text.
        OSError, EOFError, zlib.error: the file cannot be read.
    """
    with open_data(path) as raw:
        return _read_head(decode_lines(raw, path))[2]


def _read_head(lines: Iterator[str]) -> tuple[list[str], bool, str]:
    """Return the lines up to the header, whether one of them states the separator, and the separator."""
    first = list(_up_to_content(lines))
    stated = SEPARATOR_LINE.fullmatch(first[-1]) if first else None
    if stated:
        first += _up_to_content(lines)
    return first, stated is not None, stated[1] if stated else detect_separator(first[-1] if first else "")


def _up_to_content(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines up to the first that is not blank, which is included."""
    for line in lines:
        yield line
        if line.strip():
            return


def _rows(reader: csv._reader, path: Path, separator: str) -> Iterator[tuple[int, list[str]]]:  # type: ignore[name-defined]
    """Yield the last line of each row that is not empty, and its cells."""
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{path}:{start}: {_explain(str(error), separator)}") from None
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def _explain(error: str, separator: str) -> str:
    if "unexpected end" in error:
        return "a quoted cell begins in this row and has no end; close it, and write a quote within a cell twice"
    if "expected after" in error:
        return f"a quoted cell must be followed by {separator!r} or the line's end; write a quote within a cell twice"
    return f"not CSV: {error}"


def _columns(header: Sequence[str], where: str) -> list[str]:
    """Return the names of the columns; those at the end without a name are left out."""
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if name in seen and name:
            raise InputError(f"{where}: two columns are called {name!r}, number {seen[name]} and {number}; rename one")
        seen[name] = number
    return names


def _fill(row: Sequence[str], columns: Sequence[str], where: str, separator: str) -> dict[str, str]:
    filled = {index: cell for index, cell in enumerate(row) if cell}
    for index in filled:
        if index >= len(columns):
            raise InputError(
                f"{where}: {max(filled) + 1} cells, but the first line names {len(columns)} columns; "
                f"put quotes around a cell that holds {separator!r}"
            )
        if index and not columns[index]:
            raise InputError(f"{where}: column {index + 1} has a cell, but no name in the first line")
    return {name: filled.get(index, "") for index, name in enumerate(columns) if name}
