"""The runs, outputs of chains and evaluations of chains under a folder."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reasoning.benchmarks.chains import run_history

RUN, OUTPUT, EVALUATION = "run", "output", "evaluation"
MAX_FOLDERS = 20_000
"""The most folders that are searched, so that the viewer of a home folder does not search for minutes."""

_SKIPPED = {"node_modules", "site-packages", "__pycache__"}
_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv")
_ROW = re.compile(rb'\{"id": ".{0,3000}?"state": "(?:answered|unparsed|failed|invalid)"', re.DOTALL)
_CSV_HEAD = re.compile(rb"id,state,value,[^\n]*reason,fallbacks\r?\n")
_WRITTEN = re.compile(r"\.(.+)\.part")
"""The name of a file that `chain run --out` is writing, or was when it was killed."""


@dataclass(frozen=True)
class Entry:
    """Something that has a page of its own.

    Attributes:
        kind: `RUN`, a results folder; `OUTPUT`, a file of `chain run`; `EVALUATION`, the recorded
            runs of a chain.
        name: the path below the folder that is viewed, with "/" on every system; "." for itself.
        path: the folder of a run or a chain, or the file of an output.
    """

    kind: str
    name: str
    path: Path


@dataclass(frozen=True)
class Search:
    """The entries of a folder.

    Attributes:
        entries: the entries by name.
        links: symbolic links to folders outside, which are not followed.
        truncated: not all folders were searched.
    """

    entries: dict[str, Entry]
    links: tuple[str, ...]
    truncated: bool


def search(root: Path) -> Search:
    """Search a folder. Symbolic links are not followed, and hidden folders are skipped.

    Args:
        root: the folder, resolved.
    """
    entries: dict[str, Entry] = {}
    links: list[str] = []
    for count, (folder, names, files) in enumerate(os.walk(root)):
        if count >= MAX_FOLDERS:
            return Search(entries, tuple(links), True)
        path = Path(folder)
        for entry in _entries(root, path, names, files):
            entries[entry.name] = entry
        links += [_name(root, path / name) for name in names if _leads_out(path / name, root)]
        is_run = _is_run(path)
        names[:] = [] if is_run else sorted(n for n in names if not n.startswith(".") and n not in _SKIPPED)
    return Search(entries, tuple(links), False)


def is_inside(path: Path, root: Path) -> bool:
    """Return whether a path, with all symbolic links followed, is below the root or the root itself."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _entries(root: Path, folder: Path, names: list[str], files: list[str]) -> Iterator[Entry]:
    if _is_run(folder):
        yield Entry(RUN, _name(root, folder), folder)
        return
    if run_history.PLACE in names and is_inside(folder / run_history.PLACE, root):
        yield Entry(EVALUATION, _name(root, folder), folder)
    for file in files:
        written = _WRITTEN.fullmatch(file)
        if (written[1] if written else file).endswith(_SUFFIXES) and _is_output(folder / file, root):
            yield Entry(OUTPUT, _name(root, folder / file), folder / file)


def _is_run(folder: Path) -> bool:
    # A pipe or a device would block the reader.
    return (folder / "run.json").is_file()


def _is_output(path: Path, root: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode) or not is_inside(path, root):
            return False
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return bool(_ROW.match(head) or _CSV_HEAD.match(head))


def _leads_out(path: Path, root: Path) -> bool:
    return path.is_symlink() and not is_inside(path, root)


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
