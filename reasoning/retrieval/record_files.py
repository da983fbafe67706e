"""Documents of files with a record for each text: JSON lines, CSV, Parquet, and data sets of the hub."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from reasoning.data_files import decode_lines, detect_separator, open_data, read_jsonl
from reasoning.errors import InputError, MissingExtra, nearest
from reasoning.retrieval.document import Document

TEXT, TITLE = "text", "title"
"""The columns of the text and the title, unless another one holds the text."""
_MAX_CELL = 10**9
"""Lines are of bounded length, so a cell needs no limit of its own."""


def read_jsonl_records(path: Path, name: str, column: str) -> Iterator[Document]:
    """Yield a document for each JSON object of a file; its source is the file and the line.

    Args:
        path: the file.
        name: its name in the sources of the documents.
        column: the key of the text; empty for "text".

    Raises:
        InputError: a line is not a JSON object with this text; names it.
    """
    return _documents(read_jsonl(path), path, name, column)


def read_table(path: Path, name: str, column: str) -> Iterator[Document]:
    """Yield a document for each row of a CSV or TSV file, whose first line names the columns.

    Args:
        path: the file.
        name: its name in the sources of the documents.
        column: the name of the column; empty for "text".

    Raises:
        InputError: the file is not such a table, or has no such column.
    """
    return _documents(_table_rows(path), path, name, column)


def read_parquet(path: Path, name: str, column: str) -> Iterator[Document]:
    """Yield a document for each row of a Parquet file; its source is the file and the row's number.

    Args:
        path: the file.
        name: its name in the sources of the documents.
        column: the name of the column; empty for "text".

    Raises:
        InputError: the file is damaged, or has no such column.
        MissingExtra: pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra("reading Parquet", "bench", "pyarrow") from None
    try:
        with parquet.ParquetFile(path) as file:
            known = file.schema_arrow.names
            wanted = _find_column(known, column, path)
            columns = [wanted, *({TITLE} & set(known) - {wanted})]
            batches = file.iter_batches(columns=columns)
            rows = (row for batch in batches for row in batch.to_pylist())
            yield from _documents(enumerate(rows, 1), path, name, wanted)
    except ArrowException as error:
        raise InputError(f"{path}: not a Parquet file that can be read: {error!s:.200}") from None


def read_hub(name: str, column: str) -> Iterator[Document]:
    """Yield a document for each row of a data set of the hub, through `datasets`.

    Args:
        name: `OWNER/NAME`, `OWNER/NAME:CONFIG` or `OWNER/NAME:CONFIG:SPLIT`; the split is "train"
            if there is one, else the first.
        column: the name of the column; empty for "text".

    Raises:
        InputError: the data set cannot be loaded, or has no such column.
        MissingExtra: datasets is not installed.
    """
    try:
        import datasets
    except ImportError:
        raise MissingExtra("searching a data set of the hub", "bench", "datasets") from None
    repository, config, split = [*name.split(":", 2), "", ""][:3]
    try:
        loaded = datasets.load_dataset(repository, config or None)
    except Exception as error:
        # The hub, the network and a damaged copy raise many kinds of errors.
        reason = f"{type(error).__name__}: {error!s:.200}"
        raise InputError(f"hf:{name}: cannot be loaded from the Hugging Face hub ({reason})") from None
    chosen = split or ("train" if "train" in loaded else next(iter(loaded)))
    if chosen not in loaded:
        raise InputError(f"hf:{name}: has no split {chosen!r}; there are: {', '.join(loaded)}")
    rows = loaded[chosen]
    wanted = _find_column(rows.column_names, column, f"hf:{name}")
    kept = rows.select_columns([wanted, *({TITLE} & set(rows.column_names) - {wanted})])
    yield from _documents(enumerate(kept, 1), f"hf:{name}", f"hf:{name}", wanted)


RECORD_READERS: Mapping[str, Callable[[Path, str, str], Iterator[Document]]] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".jl"), read_jsonl_records),
    **dict.fromkeys((".csv", ".tsv", ".tab"), read_table),
    **dict.fromkeys((".parquet", ".pq"), read_parquet),
}
"""The readers by the suffix of a file."""


def _documents(
    rows: Iterable[tuple[int, Mapping[str, Any]]], where: object, name: str, column: str
) -> Iterator[Document]:
    for number, row in rows:
        wanted = _find_column(row, column, f"{where}:{number}")
        text, title = row[wanted], row.get(TITLE) if wanted != TITLE else ""
        if text is None:
            continue
        if not isinstance(text, str):
            raise InputError(f"{where}:{number}: the column {wanted!r} must hold texts, got {text!r:.60}")
        yield Document(text, " ".join(str(title or "").split()), f"{name}:{number}")


def _find_column(known: Collection[str], column: str, where: object) -> str:
    """Return the column of the text.

    Raises:
        InputError: there is no such column; names the nearest one and the others.
    """
    wanted = column or TEXT
    if wanted in known:
        return wanted
    similar = nearest(wanted, known)
    hint = f"; did you mean {similar!r}?" if similar else ""
    advice = "" if column else "; name the column with the text behind the file, as in notes.jsonl#body"
    raise InputError(f"{where}: there is no column {wanted!r}{hint}{advice}; found: {', '.join(map(str, known))}")


def _table_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the cells by column of each row that is not empty."""
    limit, line = csv.field_size_limit(_MAX_CELL), 0
    try:
        with open_data(path) as raw:
            lines = decode_lines(raw, path)
            first = next(lines, "")
            rows = csv.reader(chain([first], lines), delimiter=detect_separator(first), strict=True)
            header, line = [name.strip() for name in next(rows, [])], 1
            for row in rows:
                line = rows.line_num
                if any(row):
                    if len(row) != len(header):
                        raise InputError(f"{path}:{line}: {len(row)} cells, but the first line names {len(header)}")
                    yield line, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{path}:{line + 1}: not CSV: {error}") from None
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}:{line + 1}: the gzip data is truncated or damaged: {error}") from None
    finally:
        csv.field_size_limit(limit)
