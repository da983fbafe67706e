"""Data files as people have them: UTF-8 or UTF-16, plain or compressed with gzip, with file and line in every error."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from reasoning.errors import InputError
from reasoning.files import MAX_MB, max_bytes, parse_json_object, read_lines

_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_UTF_32 = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
SAVE_AS_CSV = 'save the sheet as "CSV UTF-8" (File, Save As), and give that file'
"""The remedy for a workbook."""
_BINARY = {
    b"PK\x03\x04": f"a workbook or another zip archive cannot be read; {SAVE_AS_CSV}",
    b"\xd0\xcf\x11\xe0": f"an Excel workbook cannot be read; {SAVE_AS_CSV}",
    b"PAR1": "this is a Parquet file; write parquet:FILE, or for a table give it a name that ends with .parquet",
    b"SQLite format 3": "an SQLite database cannot be read; export the table as CSV",
    b"%PDF": "a PDF cannot be read; give a .jsonl, .json or .csv file",
    b"ARROW1": "an Arrow or Feather file cannot be read; save it as Parquet",
    b"version https://git-lfs": "this is a pointer of Git LFS, not the file; run git lfs pull",
    b"BZh": "of compressed files only gzip is read; decompress it with bunzip2",
    b"\xfd7zXZ": "of compressed files only gzip is read; decompress it with unxz",
    b"\x28\xb5\x2f\xfd": "of compressed files only gzip is read; decompress it with unzstd",
}
"""The first bytes of files that are no text, each with what to do."""
_UTF_8 = "save it as UTF-8"
_QUOTED = re.compile(r'"[^"]*"')
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""The line with which Excel states the separator."""


def open_data(path: Path) -> IO[bytes]:
    """Open a text file for reading as UTF-8 bytes; gzip is decompressed, and UTF-16 converted.

    Raises:
        InputError: the file is no text; says what it is and what to do.
        OSError, EOFError, zlib.error: it cannot be read.
    """
    file = cast("IO[bytes]", path.open("rb"))
    try:
        head = _peek(file)
        if head.startswith(_GZIP) or path.suffix == ".gz":
            file.close()
            file = cast("IO[bytes]", gzip.GzipFile(path))
            head = _peek(file)
        if fault := next((fault for magic, fault in _BINARY.items() if head.startswith(magic)), ""):
            raise InputError(f"{path}: {fault}")
        if head.startswith(_UTF_32):
            raise InputError(f"{path}: the file is UTF-32; {_UTF_8}")
        if head.startswith(_UTF_16):
            return io.BytesIO(_read_utf_16(file, path))
        if b"\0" in head:
            raise InputError(f"{path}: the file has zero bytes, so it is no text in UTF-8; {_UTF_8}")
        return file
    except BaseException:
        file.close()
        raise


def read_jsonl(
    path: str | Path, *, unique: bool = False, may_be_torn: bool = False
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and the JSON object of each line of a file.

    Blank lines are skipped, and so is a byte order mark.

    Args:
        path: JSON lines in UTF-8 or UTF-16, plain or compressed with gzip; `~` is the home folder.
        unique: refuse an object with two equal keys; otherwise the last one counts.
        may_be_torn: ignore a last line without a line end that is not JSON, as a kill leaves it.

    Raises:
        InputError: the file is missing or unreadable, or a line is not a JSON object or longer than
            `max_bytes()`. The message begins with the file and the line, as in `tasks.jsonl:7: …`.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "tasks.jsonl"
        ...     _ = path.write_text('{"question": "1 + 1"}\\n\\n{"question": "2 + 2"}\\n')
        ...     list(read_jsonl(path))
        [(1, {'question': '1 + 1'}), (3, {'question': '2 + 2'})]
    """
    path = Path(path).expanduser()
    number = 0
    try:
        with open_data(path) as lines:
            for number, line in enumerate(read_lines(lines, path), 1):
                if line.isspace():
                    continue
                try:
                    record = parse_json_object(line, f"{path}:{number}", unique=unique)
                except InputError:
                    if may_be_torn and not line.endswith(b"\n"):
                        return
                    raise
                yield number, record
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path}:{number + 1}: the gzip data is truncated or damaged: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None


def decode_lines(raw: IO[bytes], name: object) -> Iterator[str]:
    """Yield the lines of an open file as text, without a byte order mark and with their line ends.

    Args:
        raw: the file.
        name: the file's name, for errors.

    Raises:
        InputError: a line is not UTF-8, or longer than `max_bytes()`.
    """
    offset = 0
    for number, line in enumerate(read_lines(raw, name), 1):
        yield from io.StringIO(decode_text(line, name, number, offset), newline="")
        offset += len(line)


def decode_text(raw: bytes, name: object, line: int = 1, offset: int = 0) -> str:
    """Decode UTF-8 that begins at a line and an offset of its file, without a byte order mark.

    Raises:
        InputError: it is not UTF-8; names the byte and its line.
    """
    try:
        return raw.decode("utf-8-sig" if offset == 0 else "utf-8")
    except UnicodeDecodeError as error:
        line += raw.count(b"\n", 0, error.start)
        place = f"byte {raw[error.start]:#04x} at {offset + error.start:,} (line {line})"
        raise InputError(f"{name}: not UTF-8: {place}; {_UTF_8}: iconv -f latin1 -t utf-8") from None


def detect_separator(header: str) -> str:
    """Return the separator of the first line of a table: a comma, or if it has none, a semicolon, a tab or a bar."""
    bare = _QUOTED.sub("", header)
    return next((separator for separator in ",;\t|" if separator in bare), ",")


def _peek(file: IO[bytes]) -> bytes:
    """Return the first bytes of an open file, which stay to be read."""
    return cast("io.BufferedReader", file).peek(4096)[:4096]


def _read_utf_16(file: IO[bytes], path: Path) -> bytes:
    with file:
        data = file.read(max_bytes() + 1)
    if len(data) > max_bytes():
        raise InputError(
            f"{path}: a file in UTF-16 must have at most {max_bytes() / 1e6:g} MB; {_UTF_8}, or set {MAX_MB} to more"
        )
    try:
        return data.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: it begins as UTF-16 but is not: {error.reason}; {_UTF_8}") from None
