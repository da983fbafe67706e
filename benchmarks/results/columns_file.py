"""The file `results.npz`: the results of a folder in columns, derived from `results.jsonl`.

It is a copy that may be deleted. It counts only while `results.jsonl` has the size and the time that it had when the
copy was made, so that a run that continues, an edit by hand and a copied folder make it anew.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias
from zipfile import BadZipFile

from reasoning.benchmarks.results.result_rows import COLUMNS, NAMED
from reasoning.benchmarks.results.result_table import ResultTable
from reasoning.errors import InputError
from reasoning.files import atomic_path

NAME = "results.npz"
_LEAST = 20_000
"""The least results for which the file is written: fewer are read in less than a second."""
_FORMAT = 1
Stamp: TypeAlias = "list[int]"
"""The size of a file in bytes, and the time of its last change in nanoseconds."""


def save(folder: Path, results: ResultTable, size: int, source: Stamp | None = None) -> None:
    """Write the columns of a folder's results, unless they are few or the folder cannot be written.

    Nothing is written either if `results.jsonl` has other lines than these: another process may have added some.

    Args:
        folder: the folder.
        results: its results, whose lines are all in `results.jsonl`.
        size: the bytes of these lines.
        source: the stamp of `results.jsonl` before it was read; by default, of a process that writes it, the present.
    """
    import numpy as np

    now = stamp(folder)
    source = source or now
    if len(results) < _LEAST or source is None or source != now or source[0] != size:
        return
    if (results.rows().data["offset"] < 0).any():
        return
    texts = json.dumps({column: results.names[column] for column in NAMED}).encode("ascii")
    about = json.dumps({"format": _FORMAT, "source": source, "columns": dict(COLUMNS)}).encode("ascii")
    # A folder that is only read may belong to another person.
    with suppress(InputError), atomic_path(folder / NAME) as path, path.open("wb") as file:
        arrays = {"about": np.frombuffer(about, np.uint8), "names": np.frombuffer(texts, np.uint8)}
        np.savez(file, allow_pickle=False, rows=results.packed(), **arrays)


def load(folder: Path, results: ResultTable) -> bool:
    """Read the columns into an empty table, and return whether they are there and up to date."""
    path = folder / NAME
    if not path.is_file():
        return False
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            expected = {"format": _FORMAT, "source": stamp(folder), "columns": dict(COLUMNS)}
            if about != expected:
                return False
            results.restore(arrays["rows"].data, json.loads(arrays["names"].tobytes()))
    except (OSError, ValueError, KeyError, TypeError, EOFError, RecursionError, BadZipFile):
        return False
    return True


def stamp(folder: Path) -> Stamp | None:
    """Return the size and the time of `results.jsonl`; None if it cannot be read."""
    try:
        found = (folder / "results.jsonl").stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
