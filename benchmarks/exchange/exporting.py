"""Export of results folders to the forms of other tools."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reasoning.benchmarks.exchange import inspect_export, tables
from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.tables import pluralize

FORMS = ("inspect", "parquet", "leaderboard")
"""The forms, by name."""
LOG_FORMATS = ("eval", "json")
"""The formats of logs of inspect_ai."""
_BY_ENDING = {".parquet": "parquet", ".csv": "leaderboard", "": "inspect"}


def export(folders: Sequence[Path], out: Path, form: str = "", *, log_format: str = "eval") -> str:
    """Write results folders in the form of another tool.

    Args:
        folders: the results folders; one for logs of inspect_ai.
        out: the file, or the new folder for logs of inspect_ai.
        form: one of `FORMS`; by default the one that the end of the name says.
        log_format: "eval" or "json", for logs of inspect_ai.

    Returns:
        What was written, in one line.

    Raises:
        UnknownName: there is no such form.
        UsageError: the end of the name says no form, or several folders are given for logs of inspect_ai.
        InputError: a folder cannot be read, or the file not be written.
        MissingExtra: a package that the form needs is not installed.
    """
    if form and form not in FORMS:
        raise UnknownName("form", form, FORMS, "of --to")
    if log_format not in LOG_FORMATS:
        raise UnknownName("format", log_format, LOG_FORMATS, "of --log-format")
    form = form or _BY_ENDING.get(out.suffix.lower(), "")
    if not form:
        raise UsageError(f"{out}: the form cannot be seen from its end; say it: --to {'|'.join(FORMS)}")
    if form == "inspect":
        if len(folders) > 1:
            raise UsageError("logs of inspect_ai are written from one results folder; export each into its own folder")
        logs = inspect_export.write_logs(folders[0], out, log_format)
        return f"written: {pluralize(len(logs), 'log')} in {out}; look at them: inspect view --log-dir {out}"
    if out.is_dir():
        raise InputError(f"{out}: must be a file, and is a folder")
    if form == "parquet":
        return f"written: {pluralize(tables.write_parquet(folders, out), 'row')} in {out}"
    return f"written: {pluralize(tables.write_leaderboard(folders, out), 'row')} in {out}"
