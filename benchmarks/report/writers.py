"""A report into a file, in the format that the file's name says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from reasoning.benchmarks.report.html_page import write
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.text_writers import to_csv, to_latex, to_markdown
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.errors import UnknownName
from reasoning.files import atomic_write


def _plain(found: ReportData) -> str:
    return json.dumps(found.to_json(), ensure_ascii=False, indent=2) + "\n"


_TEXTS: Mapping[str, Callable[[ReportData], str]] = {
    ".md": to_markdown,
    ".tex": to_latex,
    ".csv": to_csv,
    ".json": _plain,
}
FORMATS = (".html", *_TEXTS)
"""The endings that a report's file may have."""


def check_format(path: Path) -> None:
    """Raise UnknownName where the file's name is none of a report."""
    if path.suffix not in FORMATS:
        raise UnknownName("ending of a report", path.suffix, FORMATS, f"of {path}")


def save(store: ResultsFolder, found: ReportData, path: Path, *, traces: bool = True) -> None:
    """Write a report whole, or leave the old one.

    Args:
        store: what was found in.
        found: what is to be told.
        path: a file that ends in one of `FORMATS`.
        traces: with what was asked and said, where the format is HTML.

    Raises:
        UnknownName: the file ends otherwise.
        InputError: it cannot be written, or the folder is damaged.
    """
    check_format(path)
    if path.suffix == ".html":
        write(store, found, path, traces=traces)
        return
    atomic_write(path, _TEXTS[path.suffix](found))
