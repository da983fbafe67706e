"""What two results folders must have in common, whatever order their rows were written in."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

_TIMES = ("seconds", "started", "ended", "created", "at")


def rows_of(folder: Path, name: str, without: tuple[str, ...] = ()) -> Counter[str]:
    """The rows of a file of JSON lines, without times and these fields."""
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    return Counter(json.dumps(_without(json.loads(line), (*_TIMES, *without)), sort_keys=True) for line in lines)


def draws_of(folder: Path) -> Counter[tuple[Any, ...]]:
    """The draws of a folder's journal: key, index, text and completion tokens."""
    query = "SELECT hex(r.key), draw, text, completion_tokens FROM draws JOIN requests AS r ON r.id = draws.request"
    with closing(sqlite3.connect(folder / "journal.sqlite")) as connection:
        return Counter(connection.execute(query).fetchall())


def run_of(folder: Path) -> dict[str, Any]:
    """The contents of run.json without times and without the record of a merge."""
    run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    run["metadata"].pop("merged", None)
    return _without(run, _TIMES)  # type: ignore[no-any-return]


def spending_of(folder: Path) -> Counter[str]:
    """The entries of a ledger by scope, without the numbers of entries."""
    scopes: dict[int, Any] = {0: []}
    entries, sent = list[str](), dict[int, Any]()
    for line in (folder / "spending.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "scope" in entry:
            scopes[entry["scope"]] = entry["of"]
        elif "sent" in entry:
            sent[entry["sent"]] = scopes[entry["in"]]
            entries.append(json.dumps(["sent", scopes[entry["in"]], entry["calls"]]))
        elif "ended" in entry:
            entries.append(json.dumps(["ended", sent[entry["ended"]], entry["calls"], entry["completion_tokens"]]))
    return Counter(entries)


def assert_same(one: Path, other: Path, *, interrupted: bool = False) -> None:
    """Check that two folders hold the same run, row for row and draw for draw.

    After an interruption, draws that were bought before it are recorded ones for the results that were made after it,
    and draws that left together as one request may have left as two, each with the tokens of the prompt.
    """
    bought = ("spent", "is_new", "usage") if interrupted else ()
    assert (one / "problems.jsonl").read_bytes() == (other / "problems.jsonl").read_bytes()
    assert rows_of(one, "results.jsonl", bought) == rows_of(other, "results.jsonl", bought)
    assert rows_of(one, "traces.jsonl", bought) == rows_of(other, "traces.jsonl", bought)
    assert draws_of(one) == draws_of(other)
    if not interrupted:
        assert run_of(one) == run_of(other)
        assert spending_of(one) == spending_of(other)


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    return [_without(one, names) for one in value] if isinstance(value, list) else value
