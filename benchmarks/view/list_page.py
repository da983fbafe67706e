"""The page that lists every run, evaluation and output, as plain data."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.view.entries import EVALUATION, OUTPUT, RUN, Entry
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.progress import RUNNING, RunProgress
from reasoning.errors import InputError, UnknownName

READING = "reading"
"""The state of a run whose results have not all been read yet."""
PATIENCE = 0.3
"""Seconds after which a page is sent although further results are to be read."""


def list_page(library: Library) -> dict[str, Any]:
    """Return every entry with its progress, the newest first."""
    found = library.search()
    # Folders that were not read before are read over several requests, so that the list is there at once.
    deadline = time.monotonic() + PATIENCE
    rows = [_entry(library, entry, deadline) for entry in found.entries.values()]
    rows.sort(key=lambda row: (row.get("state") != RUNNING, -row["updated"], row["name"]))
    return {"root": str(library.root), "entries": rows, "links": list(found.links), "truncated": found.truncated}


def progress_fields(progress: RunProgress) -> dict[str, Any]:
    """Return the progress of a run as plain data: what it is about, how far it is, and the share of right answers."""
    head = progress.head
    if head is None:
        return {"error": progress.error, "updated": progress.updated}
    about = {
        "task": task_title({"task": "unknown task", **head.settings}),
        "model": short_model_name(str(head.settings.get("model", ""))),
        "updated": progress.updated,
        "warning": progress.damaged,
        "error": progress.error,
    }
    if progress.is_reading:
        return {**about, "state": READING, "done": 0, "total": None, "accuracy": []}
    left = progress.seconds_left
    counted, right = progress.counted, progress.right
    specs = [spec for spec in head.specs if counted.get(spec)]
    names = names_of(tuple(specs))
    return {
        **about,
        "state": progress.state,
        "done": progress.done,
        "total": progress.total,
        "failed": sum(progress.failed.values()),
        "seconds_left": None if left is None else round(left),
        "accuracy": [[name, right.get(spec, 0), counted[spec]] for name, spec in zip(names, specs, strict=True)],
    }


def names_of(specs: Sequence[str]) -> list[str]:
    """Return short names of strategies, in their order."""
    return list(_short_names(tuple(specs)).values())


@lru_cache(maxsize=256)
def _short_names(specs: tuple[str, ...]) -> Mapping[str, str]:
    return ShortNames.of(specs).by_spec


def _entry(library: Library, entry: Entry, deadline: float) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": entry.kind, "name": entry.name, "updated": 0.0}
    try:
        if entry.kind == RUN:
            return {**row, **progress_fields(library.progress(entry.name, deadline))}
        if entry.kind == OUTPUT:
            output = library.output(entry.name)
            counts = dict(output.counts)
            warning = output.warnings[0] if output.warnings else ""
            return {
                **row,
                "updated": output.updated,
                "state": output.state,
                "done": len(output),
                "counts": counts,
                "warning": warning,
            }
        assert entry.kind == EVALUATION
        files = list((entry.path / ".runs").glob("*.json"))
        updated = max((file.stat().st_mtime for file in files), default=0.0)
        return {**row, "state": "done", "done": len(files), "updated": updated}
    except (InputError, UnknownName, OSError) as error:
        return {**row, "error": str(error)}
    except Exception as error:
        # A folder may hold anything, and one that is damaged must not hide the others.
        return {**row, "error": f"it cannot be read: {type(error).__name__}: {error}"}
