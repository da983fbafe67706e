"""The inputs of a run: texts, JSON lines and CSV, one problem each; what is wrong with one is kept in its place."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, get_args

from reasoning.chain.chain import Chain
from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.files import parse_json
from reasoning.kinds import Text
from reasoning.problem import Problem

Form = Literal["text", "jsonl", "csv"]

_UNREAD = {".json", ".tsv", ".tab", ".xls", ".xlsx", ".ods", ".parquet", ".docx", ".pdf", ".gz", ".zip"}
"""Files of many rows, or of no text, that would be taken for one text."""

LONGEST = 200_000
"""Characters of one input, unless the user says otherwise."""


@dataclass(frozen=True)
class Given:
    """One input of a run.

    Attributes:
        id: its own id, or the file's name, with the line where a file has many.
        problem: what the chain gets; None where the input cannot be used.
        wrong: why it cannot be used; names file and line, and what to do.
    """

    id: str
    problem: Problem | None = None
    wrong: str = ""


def given(files: Sequence[str], chain: Chain, form: Form | None = None, longest: int = LONGEST) -> Iterator[Given]:
    """The inputs in files, in their order.

    Args:
        files: paths; "-" is standard input. `.jsonl` and `.csv` hold many inputs, any other file is one text; one of
            another form, such as `.json` or `.xlsx`, is refused.
        chain: whose inputs they are. A text is its only input. A row has its inputs by name, and may have an `id`; for
            a chain with one input, a row with one value will do.
        form: how to read them all, whatever they are called.
        longest: characters of one input, at most.

    Raises:
        UnknownName: there is no such form.
    """
    if form is not None and form not in get_args(Form):
        raise UnknownName("form of input", form, get_args(Form))
    used: dict[str, int] = {}
    for file in files:
        for one in _of_file(file, chain, form, longest):
            count = used[one.id] = used.get(one.id, 0) + 1
            yield one if count == 1 else Given(f"{one.id} ({count})", one.problem, one.wrong)


def _of_file(file: str, chain: Chain, form: Form | None, longest: int) -> Iterator[Given]:
    name = "standard input" if file == "-" else file
    suffix = Path(file).suffix.lower()
    if form is None and suffix in _UNREAD:
        said = f"{suffix} is no form of input that can be read: write it as .jsonl or .csv, or say --form"
        yield Given(name, wrong=f"{name}: {said} (text, for one text)")
        return
    kind = form or {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}.get(suffix, "text")
    try:
        with _opened(file) as raw:
            if kind == "text":
                yield _text(name, raw, chain, longest)
            elif kind == "jsonl":
                for number, line in enumerate(raw, 1):
                    if line.strip():
                        yield _line(name, number, line, chain, longest)
            else:
                yield from _table(name, raw, chain, longest)
    except OSError as error:
        yield Given(name, wrong=f"{name}: cannot be read: {error.strerror}")
    except InputError as error:
        yield Given(name, wrong=str(error))


def _opened(file: str) -> IO[bytes]:
    return io.BytesIO(sys.stdin.buffer.read()) if file == "-" else Path(file).expanduser().open("rb")


def _text(name: str, raw: IO[bytes], chain: Chain, longest: int) -> Given:
    content = raw.read(4 * longest + 1)  # a character is at most four bytes
    rest = len(raw.read()) if len(content) > 4 * longest else 0
    if rest:
        return Given(name, wrong=_too_long(name, len(content) + rest, "bytes", longest))
    try:
        return _problem(name, name, _decoded(content, name), chain, longest)
    except InputError as error:
        return Given(name, wrong=str(error))


def _line(name: str, number: int, line: bytes, chain: Chain, longest: int) -> Given:
    where = f"{name}:{number}"
    try:
        row = parse_json(line, where)
    except InputError as error:
        return Given(where, wrong=str(error))
    return _problem(where, where, row, chain, longest)


def _table(name: str, raw: IO[bytes], chain: Chain, longest: int) -> Iterator[Given]:
    rows = csv.reader(io.StringIO(_decoded(raw.read(), name), newline=""), strict=True)
    before = csv.field_size_limit(10**9)  # a long cell is one bad input, and not the end of the file
    try:
        head = next(rows, [])
        for row in rows:
            where = f"{name}:{rows.line_num}"
            if not any(row):
                continue
            if len(row) != len(head):
                yield Given(where, wrong=f"{where}: {len(row)} cells, but {len(head)} columns: {', '.join(head)}")
                continue
            yield _problem(where, where, dict(zip(head, row, strict=True)), chain, longest)
    except csv.Error as error:
        where = f"{name}:{rows.line_num}"
        yield Given(where, wrong=f"{where}: this is no CSV: {error}; what follows it cannot be read")
    finally:
        csv.field_size_limit(before)


def _problem(where: str, name: str, row: Any, chain: Chain, longest: int) -> Given:
    """The problem that a text or a row is."""
    names = sorted(chain.inputs)
    if isinstance(row, dict):
        name = str(row["id"]) if "id" in row and "id" not in names else name
        values = {key: value for key, value in row.items() if key in names or key != "id"}
    else:
        values = {names[0]: row} if len(names) == 1 else {"": row}
    if len(names) == 1 and len(values) == 1 and names[0] not in values and isinstance(row, dict):
        values = {names[0]: next(iter(values.values()))}
    if missing := [one for one in names if one not in values]:
        has = ", ".join(key for key in values if key) or "a bare text"
        return Given(name, wrong=f"{where}: the chain {chain.name!r} needs {missing[0]!r}; there is {has}")
    inputs = {one: values[one] for one in names}
    for one, value in inputs.items():
        wrong = _unusable(where, one, value, chain, longest)
        if wrong:
            return Given(name, wrong=wrong)
    first = next(iter(inputs.values()), "")
    return Given(name, Problem(first if isinstance(first, str) else json.dumps(first), inputs=inputs, id=name))


def _unusable(where: str, name: str, value: Any, chain: Chain, longest: int) -> str:
    kind = chain.kind_of(name)
    if isinstance(kind, Text) and not isinstance(value, str):
        return f"{where}: {name!r} is a text, not {value!r:.60}"
    if isinstance(value, str):
        if not value.strip():
            return f"{where}: {name!r} is empty"
        if len(value) > longest:
            return _too_long(where, len(value), "characters", longest)
    if kind is not None and not isinstance(kind, Text):
        try:
            kind.target(value)
        except UsageError as error:
            return f"{where}: {name!r}: {error}"
    return ""


def _decoded(raw: bytes, where: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        said = f"not UTF-8: byte {raw[error.start]:#04x} at {error.start:,} (line {line})"
        raise InputError(f"{where}: {said}; save it as UTF-8: iconv -f latin1 -t utf-8") from None


def _too_long(where: str, size: int, unit: str, longest: int) -> str:
    return (
        f"{where}: {size:,} {unit} are too long for one input: the limit is {longest:,} characters (--longest). "
        f"Split it into pieces, one a line of a .jsonl file or one a file "
        f"(split -C {longest // 4} FILE), or let the chain take a list and work for_each piece"
    )
