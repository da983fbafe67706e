"""Atomic writes, and lines and JSON of bounded size with the file and line in every error."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, AnyStr

from reasoning.errors import InputError, UsageError

MAX_MB = "REASONING_MAX_MB"
"""The environment variable with the most megabytes of one reply of a server and of one line of a file."""
_DEFAULT_MAX_MB = 64
_MAX_REMOVALS = 100
_temporary: set[Path] = set()


def max_bytes() -> int:
    """Return the most bytes of one reply of a server, and of one line of a file.

    It is `$REASONING_MAX_MB` megabytes, else 64. It keeps a server or a file without an end from
    filling the memory.

    Raises:
        UsageError: the variable is not a number above 0.
    """
    text = os.environ.get(MAX_MB) or str(_DEFAULT_MAX_MB)
    try:
        size = int(float(text) * 1e6)
    except (ValueError, OverflowError):
        size = 0
    if size < 1:
        raise UsageError(f"{MAX_MB} must be a number of megabytes above 0, got {text!r}")
    return size


def read_lines(file: IO[AnyStr], name: object) -> Iterator[AnyStr]:
    """Yield the lines of an open file, each of bounded length.

    Args:
        file: the file; the length of a line is counted in bytes, or in characters of a text file.
        name: the file's name, for errors.

    Raises:
        InputError: a line is longer than `max_bytes()`.
    """
    limit, number = max_bytes(), 0
    while line := file.readline(limit + 1):
        number += 1
        if len(line) > limit:
            raise InputError(
                f"{name}:{number}: a line must have at most {limit / 1e6:g} MB; "
                f"if the file is right, set {MAX_MB} to more megabytes"
            )
        yield line


def last_line_end(file: IO[bytes]) -> int:
    """Return the offset after the last complete line, searched in blocks from the end."""
    end = file.seek(0, 2)
    while end:
        start = max(0, end - 65536)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def atomic_write(path: Path, content: str | bytes | Iterable[str]) -> None:
    """Write a file atomically.

    A reader, in this process or another, sees the old content or the new one, never a part. The
    new content survives a crash of this process, but is not synced to disk against a power cut.

    Args:
        path: the file; its folder must exist.
        content: bytes, a text, or the parts of a text. Text is stored as UTF-8 with its line ends
            as they are; lone surrogates, which a model's reply may hold, become question marks.

    Raises:
        InputError: the file cannot be written.
    """
    with atomic_path(path) as new, new.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        elif isinstance(content, str):
            file.write(content.encode("utf-8", "replace"))
        else:
            file.writelines(part.encode("utf-8", "replace") for part in content)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield the path of a new file that replaces `path` when the block ends without an error.

    It is in the same folder, so that the file system can replace `path` atomically. After an error
    it is removed, and `path` is unchanged.

    Raises:
        InputError: the file cannot be written.
    """
    # Two processes may write the same file, so each uses its own name.
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with removed_on_interrupt(new):
            yield new
            new.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder next to `path`, and remove it with all that it contains when the block ends."""
    import shutil

    folder = path.with_name(f".{path.name}-{os.getpid()}-{os.urandom(4).hex()}")
    with removed_on_interrupt(folder):
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder, which becomes `path` when the block ends without an error.

    Args:
        path: the folder, which must be empty or missing; its parents are created.

    Raises:
        InputError: a folder cannot be created there.
    """
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = stack.enter_context(temporary_folder(path)) / "new"
            new.mkdir()
        except OSError as error:
            raise InputError(f"{path}: cannot be created: {error.strerror}; name another folder") from None
        yield new
        if path.is_dir():
            path.rmdir()
        new.rename(path)


@contextmanager
def removed_on_interrupt(path: Path) -> Iterator[None]:
    """Let an interrupt during the block remove a temporary file or folder: `finally` blocks may not run then."""
    _temporary.add(path)
    try:
        yield
    finally:
        _temporary.discard(path)


def remove_temporary() -> None:
    """Remove the temporary files and folders of this process, which ends without running `finally` blocks."""
    import shutil

    for path in list(_temporary):
        with suppress(OSError):
            path.unlink()
        for _ in range(_MAX_REMOVALS):
            if not path.exists():
                break
            # Another thread may have created a file in the folder after it was listed.
            shutil.rmtree(path, ignore_errors=True)


class RepeatedKey(ValueError):
    """A key that occurs twice in a JSON object, so that one of its values would be lost."""


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a dict of pairs; an `object_pairs_hook` that refuses repeated keys.

    Raises:
        RepeatedKey: a key occurs twice; names it.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RepeatedKey(f"the key {twice!r:.60} occurs twice in an object; remove one")
    return found


def parse_json_object(text: str | bytes, where: str, *, unique: bool = False) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        text: the JSON; bytes are UTF-8.
        where: the file and line, such as "tasks.jsonl:7"; every error begins with it.
        unique: refuse an object with two equal keys; otherwise the last one counts.

    Raises:
        InputError: it is not JSON, not an object, or has two equal keys.
    """
    value = parse_json(text, where, unique=unique)
    if not isinstance(value, dict):
        raise InputError(f"{where}: must be a JSON object, got {type(value).__name__}")
    return value


def parse_json(text: str | bytes, where: str, *, unique: bool = False) -> Any:
    """Parse a JSON value; `NaN` and `Infinity` are read as Python reads them.

    Args:
        text: the JSON; bytes are UTF-8, with or without a byte order mark.
        where: the file and line, such as "tasks.jsonl:7"; every error begins with it.
        unique: refuse an object with two equal keys; otherwise the last one counts.

    Raises:
        InputError: it is not JSON, not UTF-8, or nested too deeply, or has two equal keys.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{where}: not UTF-8: byte {error.object[error.start]:#04x} at {error.start:,}; "
                "save it as UTF-8: iconv -f latin1 -t utf-8"
            ) from None
    try:
        return json.loads(text, object_pairs_hook=unique_keys if unique else None)
    except RepeatedKey as error:
        raise InputError(f"{where}: {error}") from None
    except json.JSONDecodeError as error:
        # The text of a line ends with its line break, where an unfinished value is missed on a second line.
        column = min(error.pos, len(text.rstrip())) + 1
        place = f"column {column}" if "\n" not in text.rstrip() else f"line {error.lineno}, column {error.colno}"
        raise InputError(f"{where}: not JSON: {error.msg} at {place}") from None
    except ValueError as error:
        # An integer of more digits than Python converts.
        raise InputError(f"{where}: not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{where}: not JSON that can be read: it is nested too deeply") from None
