"""TOML files: read with the line of each key, written in one canonical form, and updated with their comments kept."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning.errors import InputError, UsageError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY = re.compile(r"[ \t]*(?:\"([^\"]+)\"|([A-Za-z0-9_-]+))[ \t]*=")
_TABLE = re.compile(r"[ \t]*\[{1,2}[ \t]*(\"[^\"]*\"|'[^']*'|[\w.\"-]+)[ \t]*\]{1,2}")
_QUOTED = re.compile(r"([\"'])([^\"']*)\1")
_AT = re.compile(r"\(at line (\d+)")

Same = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], bool]
"""A function of a table's name, a key, the old table and the new one: True if the key has the same meaning in both."""


class TomlFile:
    """A TOML file: its values, and the line of each table and key.

    Args:
        path: the file.

    Raises:
        InputError: the file is missing, not UTF-8, or invalid; names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read_text(path)
        try:
            self.values = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            at = _AT.search(str(error))
            line = int(at[1]) if at else max(self.text.count("\n"), 1)
            raise InputError(f"{path}:{line}: invalid TOML: {_AT.split(str(error))[0].strip()}") from None
        except RecursionError:
            raise InputError(f"{path}: invalid TOML: nested too deeply") from None
        self._lines: dict[tuple[str, int, str], int] = {}
        self._index()

    def line(self, table: str = "", number: int = 0, key: str = "") -> int:
        """Return the line of a key, or of its table if the file does not have the key.

        Args:
            table: the name of the table; "" for the keys above all tables.
            number: the index of the table among those with this name.
            key: the key; "" for the table's header.
        """
        candidates = [(table, number, key), (table, number, ""), *([] if table else [(key, 0, "")])]
        return next((self._lines[candidate] for candidate in candidates if candidate in self._lines), 1)

    def error(self, message: str, table: str = "", number: int = 0, key: str = "") -> InputError:
        """Return an error whose message begins with the file and the line of a key. See `line`."""
        return self.error_at(self.line(table, number, key), message)

    def error_at(self, line: int, message: str) -> InputError:
        """Return an error whose message begins with the file and a line."""
        return InputError(f"{self.path}:{line}: {message}")

    def has(self, table: str, key: str) -> bool:
        """Return whether a table has a line for a key."""
        return (table, 0, key) in self._lines

    def _index(self) -> None:
        table, number, seen = "", 0, dict[str, int]()
        for line_number, line in enumerate(self.text.split("\n"), 1):
            if match := _TABLE.match(line):
                quoted = _QUOTED.fullmatch(match[1])
                table = quoted[2] if quoted else match[1]
                number = seen[table] = seen.get(table, -1) + 1
                self._lines[table, number, ""] = line_number
                # [a.b] also makes the table a.
                self._lines.setdefault((table.partition(".")[0], 0, ""), line_number)
            elif match := _KEY.match(line):
                self._lines.setdefault((table, number, match[1] or match[2]), line_number)


def read_text(path: Path) -> str:
    """Return a file's text with \\n as line ends.

    Args:
        path: the file, in UTF-8; a byte order mark is skipped.

    Raises:
        InputError: the file cannot be read or is not UTF-8; names the line of the first invalid byte.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        place = f"byte {raw[error.start]:#04x} at {error.start:,}"
        raise InputError(f"{path}:{line}: not UTF-8: {place}; save the file as UTF-8") from None


def dumps(values: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    """Return a TOML text.

    Args:
        values: the keys above all tables.
        tables: tables (mappings) and arrays of tables (lists of mappings) by name.

    Raises:
        UsageError: TOML has no such value.
    """
    blocks = ["".join(_pair(name, value) for name, value in values.items())]
    for name, table in tables.items():
        entries = table if isinstance(table, list) else [table]
        blocks += [_block(name, entry, isinstance(table, list)) for entry in entries]
    return "\n".join(block for block in blocks if block) or "\n"


def update(text: str, values: Mapping[str, Any], tables: Mapping[str, Any], same: Same) -> str:
    """Return a TOML text with new values that keeps the comments, the order and the spelling of an old one.

    A comment directly above a table's header belongs to that table.

    Args:
        text: the old text, valid TOML.
        values: the new keys above all tables.
        tables: the new tables, as in `dumps`. Tables of an array are matched by their "name".
        same: compares the old and the new meaning of a key; if they are equal, the old spelling stays.

    Returns:
        The updated text, or the text of `dumps` if the old one cannot be updated safely.

    Raises:
        UsageError: TOML has no such value.
    """
    canonical = dumps(values, tables)
    try:
        updated = _update(text, values, tables, same)
        parsed = tomllib.loads(updated)
    except (tomllib.TOMLDecodeError, _CannotUpdate):
        return canonical
    return updated if _equal(parsed, values, tables, same) else canonical


class _CannotUpdate(Exception):
    pass


@dataclass
class _Segment:
    """A table of a file: its lines up to the next table, and the comments directly above it."""

    root: str
    text: str

    @property
    def table(self) -> dict[str, Any]:
        """The values of the table."""
        values: Any = tomllib.loads(self.text)
        if self.root:
            values = values.get(self.root)
            values = values[0] if isinstance(values, list) else values
        if not isinstance(values, dict):
            raise _CannotUpdate
        return values

    def merge(self, new: Mapping[str, Any], same: Same) -> str:
        """Return the text with the keys updated that differ in the new table."""
        import tomlkit
        from tomlkit.exceptions import TOMLKitError
        from tomlkit.items import AoT

        old = self.table
        changed = [key for key in {**old, **new} if not same(self.root, key, old, new)]
        if not changed:
            return self.text
        lines = self.text.splitlines(keepends=True)
        end = len(lines)
        while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            # New keys go above the comments at the end.
            end -= 1
        try:
            document = tomlkit.parse("".join(lines[:end]))
            table: Any = document[self.root] if self.root else document
            table = table[0] if isinstance(table, AoT) else table
            for key in changed:
                if key in new:
                    table[key] = tomlkit.value(_value(new[key]))
                else:
                    del table[key]
        except (TOMLKitError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise _CannotUpdate from error
        merged = document.as_string()
        return (merged if merged.endswith("\n") or not merged else f"{merged}\n") + "".join(lines[end:])


def _segments(text: str) -> Iterator[_Segment]:
    """Split a text before each table of the top level; the first segment has the keys above all tables."""
    root, lines, comments = "", list[str](), list[str]()
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("#"):
            comments.append(line)
            continue
        header = _TABLE.match(line)
        name = header[1].partition(".")[0].strip('"') if header else ""
        if header and ("." not in header[1] or name != root):
            yield _Segment(root, "".join(lines))
            root, lines = name, []
        lines += [*comments, line]
        comments = []
    yield _Segment(root, "".join([*lines, *comments]))


def _update(text: str, values: Mapping[str, Any], tables: Mapping[str, Any], same: Same) -> str:
    segments = list(_segments(text))
    arrays = {name for name, table in tables.items() if isinstance(table, list)}
    old = {(segment.root, str(segment.table.get("name"))): segment for segment in segments if segment.root in arrays}

    def merged_array(name: str) -> list[str]:
        pairs = [(old.get((name, str(table["name"]))), table) for table in tables[name]]
        return [_block(name, table, True) if entry is None else entry.merge(table, same) for entry, table in pairs]

    missing = [name for name in tables if all(segment.root != name for segment in segments)]
    pieces = list[str]()
    for segment in segments:
        if not segment.root:
            pieces.append(segment.merge(values, same))
            pieces += [_block(name, tables[name], False) for name in missing if name not in arrays]
        elif segment.root not in arrays:
            pieces += [segment.merge(tables[segment.root], same)] if segment.root in tables else []
        elif segment is next(other for other in segments if other.root == segment.root):
            pieces += merged_array(segment.root)
    pieces += [piece for name in missing if name in arrays for piece in merged_array(name)]
    joined = ""
    for piece in filter(None, pieces):
        # Tables without an empty line between them stay together.
        if joined and not joined.endswith("\n\n") and not text.startswith(joined + piece):
            joined += "\n" if joined.endswith("\n") else "\n\n"
        joined += piece
    return joined


def _equal(parsed: Mapping[str, Any], values: Mapping[str, Any], tables: Mapping[str, Any], same: Same) -> bool:
    """Return True if a parsed text has the given content."""
    if not _equal_tables("", {k: v for k, v in parsed.items() if k not in tables}, values, same):
        return False
    for name, new in tables.items():
        old = parsed.get(name, [] if isinstance(new, list) else {})
        if isinstance(new, list):
            if len(old) != len(new) or not all(_equal_tables(name, a, b, same) for a, b in zip(old, new, strict=True)):
                return False
        elif not _equal_tables(name, old, new, same):
            return False
    return True


def _equal_tables(name: str, old: Mapping[str, Any], new: Mapping[str, Any], same: Same) -> bool:
    return all(same(name, key, old, new) for key in {**old, **new})


def _block(name: str, table: Mapping[str, Any], in_array: bool) -> str:
    header = f"[[{_key(name)}]]" if in_array else f"[{_key(name)}]"
    return f"{header}\n" + "".join(_pair(key, value) for key, value in table.items())


def _pair(key: str, value: Any) -> str:
    return f"{_key(key)} = {_value(value)}\n"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _value(value: Any) -> str:
    """Return a value on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return repr(value)
        case str():
            return _quoted(value)
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case Mapping():
            return f"{{ {', '.join(f'{_key(str(k))} = {_value(v)}' for k, v in value.items())} }}" if value else "{}"
    raise UsageError(f"a chain's folder cannot hold {value!r:.60}: TOML has no such value")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
