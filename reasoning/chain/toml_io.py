"""TOML with places: written in one canonical form, and read so that errors can name the line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reasoning.errors import InputError, UsageError

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_KEY = re.compile(r"[ \t]*(?:\"([^\"]+)\"|([A-Za-z0-9_-]+))[ \t]*=")
_TABLE = re.compile(r"[ \t]*\[{1,2}[ \t]*([\w.\"-]+)[ \t]*\]{1,2}")
_AT = re.compile(r"\(at line (\d+)")


class TomlFile:
    """A TOML file that was read: its values, and on which line each table and key stands.

    Raises:
        InputError: the file is missing, not UTF-8, or no TOML; names the line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = read_text(path)
        try:
            self.values = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            at = _AT.search(str(error))
            line = int(at[1]) if at else max(self.text.count("\n"), 1)
            raise InputError(f"{path}:{line}: this is no TOML: {_AT.split(str(error))[0].strip()}") from None
        except RecursionError:
            raise InputError(f"{path}: this is no TOML: nested too deeply") from None
        self._lines: dict[tuple[str, int, str], int] = {}
        self._index()

    def line(self, table: str = "", number: int = 0, key: str = "") -> int:
        """The line of a key of the `number`-th table of a name; that of the table where the key has none."""
        places = [(table, number, key), (table, number, ""), *([] if table else [(key, 0, "")])]
        return next((self._lines[place] for place in places if place in self._lines), 1)

    def error(self, what: str, table: str = "", number: int = 0, key: str = "") -> InputError:
        """An error that begins with the file and the line."""
        return InputError(f"{self.path}:{self.line(table, number, key)}: {what}")

    def _index(self) -> None:
        table, number, seen = "", 0, dict[str, int]()
        for place, line in enumerate(self.text.split("\n"), 1):
            if found := _TABLE.match(line):
                table = found[1]
                number = seen[table] = seen.get(table, -1) + 1
                self._lines[table, number, ""] = place
            elif found := _KEY.match(line):
                self._lines.setdefault((table, number, found[1] or found[2]), place)


def read_text(path: Path) -> str:
    """A file's text, its line ends as \\n.

    Raises:
        InputError: the file is missing or not UTF-8; names the place.
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
        said = f"not UTF-8: byte {raw[error.start]:#04x} at {error.start:,}; save the file as UTF-8"
        raise InputError(f"{path}:{line}: {said}") from None


def dumps(values: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    """A TOML text: keys, then tables (a mapping) and lists of tables (a list of mappings)."""
    blocks = ["\n".join(f"{key(name)} = {value(one)}" for name, one in values.items())]
    for name, table in tables.items():
        head = "[[{}]]" if isinstance(table, list) else "[{}]"
        blocks += [
            "\n".join([head.format(name), *(f"{key(k)} = {value(v)}" for k, v in one.items())])
            for one in (table if isinstance(table, list) else [table])
        ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else _quoted(name)


def value(one: Any) -> str:
    """A value on one line.

    Raises:
        UsageError: TOML has no such value.
    """
    match one:
        case bool():
            return "true" if one else "false"
        case int():
            return str(one)
        case float():
            return repr(one)
        case str():
            return _quoted(one)
        case list() | tuple():
            return f"[{', '.join(map(value, one))}]"
        case Mapping():
            return f"{{ {', '.join(f'{key(str(k))} = {value(v)}' for k, v in one.items())} }}" if one else "{}"
    raise UsageError(f"a chain's folder cannot hold {one!r:.60}: TOML has no such value")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
