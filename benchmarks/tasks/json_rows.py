"""Rows of JSON files: one object in each line, or one list of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reasoning.data_files import decode_text, open_data, read_jsonl
from reasoning.errors import InputError
from reasoning.files import MAX_MB, RepeatedKey, max_bytes, unique_keys

_MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8."""
_SPACE = re.compile(r"\s*")
_EXAMPLE = '[{"question": "…", "answer": "…"}, …]'


def read_json_rows(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the number, the line and the content of each row of a JSON file.

    The file holds one object in each line, objects over several lines, a list of objects, or one object
    of which one value is such a list. The rows of JSON lines have the numbers of their lines, all others
    are counted from 1.

    Raises:
        InputError: the file is neither, or damaged; names the line.
        OSError, EOFError, zlib.error: the file cannot be read.
    """
    with open_data(path) as file:
        lines = (line.removeprefix(_MARK).lstrip() for line in iter(lambda: file.readline(max_bytes()), b""))
        begin = next(filter(None, lines), b"")
        is_only = not file.read(1)
    if begin[:1] == b"[":
        yield from _list_rows(path, _read(path))
    elif begin[:1] == b"{" and (is_only or not _is_json(begin)):
        yield from _object_rows(path)
    else:
        yield from ((number, number, row) for number, row in read_jsonl(path, unique=True))


def _read(path: Path) -> str:
    with open_data(path) as file:
        data = file.read(max_bytes() + 1)
    if len(data) > max_bytes():
        raise InputError(
            f"{path}: a JSON list must have at most {max_bytes() / 1e6:g} MB; write one object in each line (.jsonl), "
            f"or set {MAX_MB} to more megabytes"
        )
    return decode_text(data, path)


def _list_rows(path: Path, text: str) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the objects of a list, each with its number and the line where it begins."""
    end = text.index("[") + 1
    for number, line, value, after in _values(path, text, end, ","):
        yield number, line, _object(value, f"{path}:{line}: item {number}")
        end = after
    end = _skip(text, end)
    # A comma may follow the last item.
    end = _skip(text, end + 1) if text[end : end + 1] == "," else end
    if text[end : end + 1] != "]":
        line = 1 + text.count("\n", 0, end)
        raise InputError(f"{path}:{line}: the JSON list must go on with ',' or end with ']'; is the file complete?")
    if rest := text[end + 1 :].strip():
        raise InputError(f"{path}: text follows the JSON list: {rest[:40]!r}")


def _object_rows(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the rows of a file that begins with an object over several lines, or that is its only line."""
    text = _read(path)
    found = list(_values(path, text, 0, ""))
    if len(found) > 1:
        # Objects over several lines, as `jq` prints them.
        yield from ((number, line, _object(value, f"{path}:{line}")) for number, line, value, _ in found)
        return
    value = _object(found[0][2], f"{path}:1")
    lists = {name: one for name, one in value.items() if isinstance(one, list) and one and isinstance(one[0], dict)}
    if len(lists) == 1 and not any(isinstance(one, str) for one in value.values()):
        [(name, rows)] = lists.items()
        for number, row in enumerate(rows, 1):
            yield number, number, _object(row, f"{path}: item {number} of {name!r}")
    elif len(lists) > 1:
        raise InputError(f"{path}: must hold one list of objects, got {', '.join(map(repr, lists))}; save one of them")
    elif value and all(isinstance(one, dict | list) for one in value.values()):
        raise InputError(
            f"{path}: must hold a list of objects, {_EXAMPLE}; got an object of {', '.join(map(repr, value))[:100]} "
            '(with pandas: df.to_json(path, orient="records"))'
        )
    else:
        yield 1, 1, value


def _values(path: Path, text: str, start: int, separator: str) -> Iterator[tuple[int, int, Any, int]]:
    """Yield the JSON values from a position on: number, line, value, and the position after it.

    They end before a "]" or with the text; one separator may follow the last one.
    """
    decoder, line, counted, number = json.JSONDecoder(object_pairs_hook=unique_keys), 1, 0, 0
    end = _skip(text, start)
    while end < len(text) and not (separator and text[end] == "]"):
        line, counted, number = line + text.count("\n", counted, end), end, number + 1
        try:
            value, end = decoder.raw_decode(text, end)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg} at column {error.colno}") from None
        except RepeatedKey as error:
            raise InputError(f"{path}:{line}: {error}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}:{line}: not JSON: {error}") from None
        yield number, line, value, end
        end = _skip(text, end)
        if separator and text[end : end + 1] != separator:
            return
        end = _skip(text, end + len(separator))


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} must be a JSON object, got {type(value).__name__}")
    return value


def _skip(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    assert found is not None
    return found.end()


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
