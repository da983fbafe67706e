"""The table of clients and what works with each, as Markdown."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from reasoning.tables import Table, escape_pipes
from serve_clients.programs.checks import NAMES

MARKS = {"yes": "yes", "no": "**no**", "none": "–"}
NOTHING = ""
"""The cell of a check that a client's program does not have, since the client has no such feature."""


def markdown(rows: list[dict[str, Any]], model: str, day: str) -> str:
    """Return the table, the failures with their messages, and the versions."""
    checks = [name for name in NAMES if any(name in row["checks"] for row in rows)]
    cells = [
        [
            row["title"],
            *(MARKS[row["checks"][name]["outcome"]] if name in row["checks"] else NOTHING for name in checks),
        ]
        for row in rows
    ]
    heads = ("client", *(NAMES[name] for name in checks))
    versions = ", ".join(f"{row['title']} {row['version']}" for row in rows)
    behind = f"the model `{model}`" if model else "a mock model that counts what it gives out"
    parts = [
        f"{day}, Python {platform.python_version()}, {behind}. Versions: {versions}.",
        Table(heads, cells, text_columns=len(heads)).to_markdown(escape_pipes).rstrip(),
    ]
    failed = [
        f"- {row['title']}, {NAMES[name]}: {escape_pipes(found['detail'])}"
        for row in rows
        for name, found in row["checks"].items()
        if found["outcome"] == "no"
    ]
    return "\n\n".join([*parts, *(["\n".join(failed)] if failed else [])]) + "\n"


def put_into(document: Path, text: str, name: str) -> None:
    """Replace what stands between the two marks of a document.

    Args:
        document: the page.
        text: the new text.
        name: the name in the marks.

    Raises:
        SystemExit: the marks are not there.
    """
    begin_mark, end_mark = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, begin, rest = document.read_text(encoding="utf-8").partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not begin or not end:
        raise SystemExit(f"error: {document} has no lines {begin_mark} and {end_mark} for the table to stand between")
    document.write_text(f"{before}{begin_mark}\n\n{text}\n{end_mark}{after}", encoding="utf-8")
