"""Tables from files: CSV, TSV, Parquet, JSON, JSON lines, and the files of WikiTableQuestions."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from reasoning.data_files import decode_lines, open_data, read_jsonl
from reasoning.errors import InputError, MissingExtra, UsageError
from reasoning.tables_sql.forms import parse_delimited, to_table
from reasoning.tables_sql.table import MAX_CELLS, Table


def read_table(source: Any, title: str = "") -> Table:
    """Return the table of a file, of a pandas data frame, or of rows in any form.

    Names of columns are mended, short rows are filled up and types are inferred; see `Table.of`.

    Args:
        source: a file with the suffix .csv, .tsv, .txt, .parquet, .json or .jsonl, text files also with
            .gz; or a value in one of the forms of `reasoning.tables_sql.forms.to_table`, besides texts.
        title: the subject of the table; by default the name of the file without its suffix.

    Raises:
        InputError: the file is missing, or not a table; names the line.
        UsageError: the file has another suffix, or the value another form.
        MissingExtra: pyarrow is not installed, for Parquet.

    Examples:
        >>> read_table([{"town": "Oslo", "people": 709037}])
        Table(1 rows, town: text, people: integer)
    """
    if not isinstance(source, str | Path):
        return to_table(source, title)
    path = Path(source).expanduser()
    suffix = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if suffix.lower() not in _READERS:
        raise UsageError(f"a table's file must end with {', '.join(_READERS)}, got {path.name!r}")
    return _read(path, _READERS[suffix.lower()], title or path.name.partition(".")[0])


def read_wikitq(source: str | Path, title: str = "") -> Table:
    r"""Return the table of a file of WikiTableQuestions (Pasupat and Liang 2015, arXiv 1508.00305).

    Its TSV files write a line break as `\n` and a pipe as `\p`; its CSV files have a backslash before a
    quote.

    Args:
        source: a .tsv or .csv file of the folder `csv` of the data set.
        title: the subject of the table.

    Raises:
        InputError: the file is missing, or not a table; names the line.
    """
    path = Path(source).expanduser()

    def rows(path: Path) -> list[list[str]]:
        lines = list(_lines(path))
        if path.suffix == ".tsv":
            return [[_unescape(cell) for cell in line.rstrip("\r\n").split("\t")] for line in lines if line.strip()]
        return parse_delimited(lines, path, escaped=True)

    return _read(path, rows, title)


def _read(path: Path, read: Callable[[Path], Any], title: str) -> Table:
    try:
        value = read(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}: the gzip data is truncated or damaged: {error}") from None
    try:
        table = to_table(value, title)
    except InputError:
        raise
    except UsageError as error:
        raise InputError(f"{path}: {error}") from None
    if not table.header:
        raise InputError(f"{path}: the first line must name the columns, got an empty file")
    return table


def _lines(path: Path) -> Any:
    with open_data(path) as raw:
        yield from decode_lines(raw, path)


def _read_delimited(path: Path) -> list[list[str]]:
    return parse_delimited(_lines(path), path)


def _read_tabbed(path: Path) -> list[list[str]]:
    return parse_delimited(_lines(path), path, separator="\t")


def _read_parquet(path: Path) -> list[Sequence[Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtra("reading Parquet", "bench", f"pyarrow ({error})") from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, file.metadata.num_columns
            if rows * columns > MAX_CELLS:
                raise InputError(f"{path}: a table must have at most {MAX_CELLS:,} cells, got {rows:,} rows")
            data = file.read()
        return [data.column_names, *zip(*(column.to_pylist() for column in data.columns), strict=True)]
    except pyarrow.ArrowException as error:
        raise InputError(f"{path}: not a Parquet file: {error}") from None


def _read_json(path: Path) -> Any:
    try:
        return json.loads("".join(_lines(path)))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {error}") from None


def _read_json_lines(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_jsonl(path)]


def _unescape(cell: str) -> str:
    if "\\" not in cell:
        return cell
    return "\\".join([part.replace("\\n", "\n").replace("\\p", "|") for part in cell.split("\\\\")])


_READERS: dict[str, Callable[[Path], Any]] = {
    ".csv": _read_delimited,
    ".tsv": _read_tabbed,
    ".txt": _read_delimited,
    ".parquet": _read_parquet,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
}
