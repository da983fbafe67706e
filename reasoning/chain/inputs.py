"""The inputs of a batch run: one problem for each text or row of a table or JSON, with the error of an invalid one."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain as joined
from pathlib import Path
from typing import IO, Any, Literal, get_args

from reasoning.chain.chain import Chain
from reasoning.data_files import decode_lines, decode_text, detect_separator, open_data
from reasoning.errors import InputError, UnknownName, UsageError, nearest
from reasoning.files import MAX_MB, max_bytes, parse_json, read_lines
from reasoning.kinds import Text
from reasoning.problem import Problem
from reasoning.text_safety import to_line

InputFormat = Literal["text", "jsonl", "json", "csv", "tsv"]

_FORMATS: dict[str, InputFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
}
_UNREADABLE = {".xls", ".xlsx", ".ods", ".parquet", ".docx", ".pdf", ".zip"}
"""Suffixes of files that hold many rows or no plain text, so they must not be read as one text."""

MAX_INPUT_CHARS = 200_000
"""The default limit of one input, in characters."""


@dataclass(frozen=True)
class ChainInput:
    """One input of a run.

    Attributes:
        id: the input's own id, or the file's name, with the line if the file has many inputs.
        problem: the problem for the chain; None for an invalid input.
        error: the reason why the input is invalid, with file and line, and advice; "" for a valid input.
    """

    id: str
    problem: Problem | None = None
    error: str = ""


def read_inputs(
    files: Sequence[str], chain: Chain, input_format: InputFormat | None = None, max_chars: int = MAX_INPUT_CHARS
) -> Iterator[ChainInput]:
    """Yield the inputs in files, in their order.

    Args:
        files: paths; "-" is standard input. `.jsonl`, `.json`, `.csv` and `.tsv` files hold many inputs, any
            other file is one text. They may be compressed with gzip. Others, such as `.xlsx`, are invalid.
        chain: the chain whose inputs they are. A text is its only input. A row has the inputs by name
            and may have an `id` and further columns.
        input_format: the format of all files; by default it follows from their suffixes.
        max_chars: the most characters of one input.

    Raises:
        UnknownName: the input format is unknown.
    """
    if input_format is not None and input_format not in get_args(InputFormat):
        raise UnknownName("input format", input_format, get_args(InputFormat))
    used: dict[str, int] = {}
    for file in files:
        for item in _read_file(file, chain, input_format, max_chars):
            count = used[item.id] = used.get(item.id, 0) + 1
            yield item if count == 1 else ChainInput(f"{item.id} ({count})", item.problem, item.error)


def _read_file(file: str, chain: Chain, input_format: InputFormat | None, max_chars: int) -> Iterator[ChainInput]:
    name = "standard input" if file == "-" else file
    suffix = Path(file.lower().removesuffix(".gz")).suffix
    if input_format is None and suffix in _UNREADABLE:
        advice = "write it as .jsonl or .csv, or set --input-format (text, for one text)"
        yield ChainInput(name, error=f"{name}: {suffix} files cannot be read: {advice}")
        return
    file_format = input_format or _FORMATS.get(suffix, "text")
    try:
        with _open(file) as raw:
            if file_format == "text":
                yield _read_text(name, raw, chain, max_chars)
            elif file_format == "jsonl":
                for number, line in enumerate(read_lines(raw, name), 1):
                    if line.strip():
                        yield _read_line(name, number, line, chain, max_chars)
            elif file_format == "json":
                yield from _read_json(name, raw, chain, max_chars)
            else:
                yield from _read_table(name, raw, chain, max_chars, "\t" if file_format == "tsv" else "")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        yield ChainInput(name, error=f"{name}: the gzip data is truncated or damaged: {error}")
    except OSError as error:
        advice = (
            "; a text itself goes to standard input: name - instead" if isinstance(error, FileNotFoundError) else ""
        )
        yield ChainInput(name, error=f"{name}: cannot be read: {error.strerror}{advice}")
    except InputError as error:
        yield ChainInput(name, error=str(error))


def _open(file: str) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(sys.stdin.buffer) if file == "-" else open_data(Path(file).expanduser())


def _read_text(name: str, raw: IO[bytes], chain: Chain, max_chars: int) -> ChainInput:
    content = raw.read(4 * max_chars + 1)  # a character takes at most four bytes
    if len(content) > 4 * max_chars:
        is_counted = raw.seekable() and not isinstance(raw, gzip.GzipFile)
        size = f"{raw.seek(0, io.SEEK_END):,}" if is_counted else f"more than {4 * max_chars:,}"
        return ChainInput(name, error=_too_long(name, f"{size} bytes", max_chars))
    try:
        return _to_input(name, name, decode_text(content, name), chain, max_chars)
    except InputError as error:
        return ChainInput(name, error=str(error))


def _read_line(name: str, number: int, line: bytes, chain: Chain, max_chars: int) -> ChainInput:
    where = f"{name}:{number}"
    try:
        row = parse_json(line, where)
    except InputError as error:
        return ChainInput(where, error=str(error))
    return _to_input(where, where, row, chain, max_chars)


def _read_json(name: str, raw: IO[bytes], chain: Chain, max_chars: int) -> Iterator[ChainInput]:
    """Yield the items of a list, or the one value."""
    content = raw.read(max_bytes() + 1)
    if len(content) > max_bytes():
        limit = f"{max_bytes() / 1e6:g} MB"
        raise InputError(f"{name}: a .json file must have at most {limit}; write .jsonl, or set {MAX_MB} to more")
    try:
        value = parse_json(content, name)
    except InputError as error:
        hint = "; if each line is an object, set --input-format jsonl" if "Extra data" in str(error) else ""
        raise InputError(f"{error}{hint}") from None
    for number, row in enumerate(value if isinstance(value, list) else [value], 1):
        where = f"{name}: item {number}"
        yield _to_input(where, where, row, chain, max_chars)


def _read_table(name: str, raw: IO[bytes], chain: Chain, max_chars: int, separator: str = "") -> Iterator[ChainInput]:
    """Yield the rows of a table; without a separator, its first line shows which one it has."""
    lines = decode_lines(raw, name)
    first = next(lines, "")
    rows = csv.reader(joined([first], lines), delimiter=separator or detect_separator(first), strict=True)
    # A long cell makes one input invalid; it must not end the file.
    limit = csv.field_size_limit(10**9)
    try:
        header = next(rows, [])
        for row in rows:
            where = f"{name}:{rows.line_num}"
            if not any(row):
                continue
            if len(row) != len(header):
                columns = f"{len(header)} columns: {', '.join(header)}"
                yield ChainInput(where, error=f"{where}: {len(row)} cells, but {columns}")
                continue
            yield _to_input(where, where, dict(zip(header, row, strict=True)), chain, max_chars)
    except csv.Error as error:
        where = f"{name}:{rows.line_num}"
        yield ChainInput(where, error=f"{where}: invalid CSV: {error}; the rest of the file cannot be read")
    finally:
        csv.field_size_limit(limit)


def _to_input(where: str, name: str, row: Any, chain: Chain, max_chars: int) -> ChainInput:
    """Turn a text or a row into a problem."""
    names = sorted(chain.input_names)
    if isinstance(row, dict):
        name = str(row["id"]) if "id" in row and "id" not in names else name
        values = {key: value for key, value in row.items() if key in names or key != "id"}
    else:
        values = {names[0]: row} if len(names) == 1 else {"": row}
    if missing := [key for key in names if key not in values]:
        unused = [str(key) for key in values if key and key not in names]
        found = to_line(", ".join(key for key in values if key)) or "a bare text"
        similar = nearest(missing[0], unused) or (unused[0] if len(unused) == len(missing) == 1 else None)
        remedy = f"; rename {to_line(similar)!r} to {missing[0]!r}" if similar else ""
        return ChainInput(name, error=f"{where}: the chain {chain.name!r} needs {missing[0]!r}; found: {found}{remedy}")
    inputs = {key: values[key] for key in names}
    for key, value in inputs.items():
        error = _input_error(where, key, value, chain, max_chars)
        if error:
            return ChainInput(name, error=error)
    first = next(iter(inputs.values()), "")
    return ChainInput(name, Problem(first if isinstance(first, str) else json.dumps(first), inputs=inputs, id=name))


def _input_error(where: str, name: str, value: Any, chain: Chain, max_chars: int) -> str:
    """Return the reason why a value is not a valid input, or "" if it is valid."""
    kind = chain.kind_of(name)
    if isinstance(kind, Text) and not isinstance(value, str):
        return f"{where}: {name!r} must be a text, got {value!r:.60}"
    if isinstance(value, str):
        if not value.strip():
            return f"{where}: {name!r} is empty"
        if len(value) > max_chars:
            return _too_long(where, f"{len(value):,} characters", max_chars)
    if kind is not None and not isinstance(kind, Text):
        try:
            kind.target(value)
        except UsageError as error:
            return f"{where}: {name!r}: {error}"
    return ""


def _too_long(where: str, size: str, max_chars: int) -> str:
    return (
        f"{where}: {size} are too long for one input: the limit is {max_chars:,} characters "
        f"(--max-input-chars). Split it into pieces, one per line of a .jsonl file or one per file "
        f"(split -C {max_chars // 4} FILE), or let the chain take a list and process it with for_each"
    )
