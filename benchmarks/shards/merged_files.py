"""The files of a merged results folder, each written from those of the shards without holding them in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.errors import InputError
from reasoning.files import atomic_path, parse_json_object

_NUMBERS = ("scope", "sent", "ended", "in")
"""The fields of a ledger's entries that hold a number of an entry."""


def concatenate(sources: Sequence[Path], target: Path) -> None:
    """Write the complete lines of all files, one file after the other."""
    _write(target, chain.from_iterable(JsonlFile(source).lines() for source in sources))


def interleave(sources: Sequence[Path], target: Path) -> None:
    """Write the first lines of all files, then their second lines, and so on."""
    rows = zip_longest(*(JsonlFile(source).lines() for source in sources))
    _write(target, (line for row in rows for line in row if line is not None))


def merge_corpora(sources: Sequence[Path], target: Path) -> None:
    """Write every line once: shards that search the same documents have each stored them."""
    seen = set[int]()

    def lines() -> Iterator[bytes]:
        for line in chain.from_iterable(JsonlFile(source).lines() for source in sources):
            if (digest := hash(line)) not in seen:
                seen.add(digest)
                yield line

    _write(target, lines())
    if not seen:
        with suppress(FileNotFoundError):
            target.unlink()


def merge_spending(sources: Sequence[Path], target: Path) -> None:
    """Write the entries of all ledgers, with the numbers of the entries shifted, so that they stay distinct."""

    def lines() -> Iterator[bytes]:
        before = 0
        for source in sources:
            count = 0
            for count, line in enumerate(JsonlFile(source).lines(), 1):
                yield _shifted(line, before, f"{source}:{count}")
            before += count

    _write(target, lines())


def _shifted(line: bytes, shift: int, where: str) -> bytes:
    entry: dict[str, Any] = parse_json_object(line, where)
    for name in _NUMBERS:
        # The scope 0 is that of the whole run.
        if number := entry.get(name):
            if not isinstance(number, int):
                raise InputError(f"{where}: damaged entry: {name!r} must be a number, got {number!r:.40}")
            entry[name] = number + shift
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _write(target: Path, lines: Iterator[bytes]) -> None:
    with atomic_path(target) as new, new.open("wb") as file:
        file.writelines(lines)
