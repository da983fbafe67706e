"""The pages about runs, as plain data: one run, its charts and its report, and several runs compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reasoning.benchmarks.analysis.model_matrix import matrix_of
from reasoning.benchmarks.analysis.regression import compare_stores
from reasoning.benchmarks.report.html_page import page_of
from reasoning.benchmarks.report.html_sections import FILTERS
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.view.analysis import Findings, table_json
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.list_page import PATIENCE, names_of, progress_fields
from reasoning.benchmarks.view.live_run import LiveRun
from reasoning.benchmarks.view.progress import DONE, RUNNING, RunProgress

UNFINISHED = (
    "This run is not finished, so its numbers still change. Do not stop it because a difference looks significant: "
    "tests hold for a number of problems that was fixed before. The option --race of bench run stops by rules that "
    "allow for it."
)
_FACTS = ("source", "licence", "created", "library", "python", "git")


def run_page(library: Library, name: str) -> dict[str, Any]:
    """Return a run: its progress, and the verdict and tables that were computed last."""
    deadline = time.monotonic() + PATIENCE
    progress = library.progress(name, deadline)
    run, analysis = library.run(name, deadline)
    found = analysis.latest()
    specs = list(run.store.specs)
    facts = {**run.store.settings, **{fact: run.store.metadata.get(fact) for fact in _FACTS}}
    return {
        **progress_fields(progress),
        "name": name,
        "title": _title(progress, run, found),
        "version": run.version,
        "reading": run.is_reading,
        "analysed": found.version if found else None,
        "unfinished": UNFINISHED if progress.state == RUNNING else "",
        "specs": specs,
        "names": names_of(specs),
        "filters": dict(FILTERS),
        "facts": {fact: str(value) for fact, value in facts.items() if value is not None},
        "warnings": list(run.warnings),
        **(found.page if found else {}),
    }


def _title(progress: RunProgress, run: LiveRun, found: Findings | None) -> str:
    """Return the title of a run, which says of how many problems there are results until it has all of them."""
    report, about = found.report if found else None, progress_fields(progress)
    if report is None:
        return f"{about['task']} · {about['model']}"
    done, total = report.comparison.n, len(run.store.examples)
    if progress.state == DONE or done >= total:
        return report.comparison.title
    return f"{about['task']} · {done:,} of {total:,} problems so far · {about['model']}"


def compare_page(library: Library, before: str, after: str) -> dict[str, Any]:
    """Return the changes between two runs, with the problems that were gained and lost.

    Raises:
        UsageError: the runs have no problem or no strategy in common.
    """
    is_running = any(library.progress(name).state == RUNNING for name in (before, after))
    stores = [library.run(name)[0].snapshot() for name in (before, after)]
    changes = compare_stores(stores[0], stores[1], (before, after))
    listed = [
        {"name": change.name, "gained": list(change.gained), "lost": list(change.lost)} for change in changes.changes
    ]
    return {
        "unfinished": UNFINISHED if is_running else "",
        "table": table_json(changes.cells),
        "notes": changes.notes,
        "changes": listed,
    }


def matrix_page(library: Library, names: Sequence[str]) -> dict[str, Any]:
    """Return the accuracies of several runs on the problems that all of them have, strategies × runs.

    Raises:
        UsageError: the runs belong to several tasks, or have no problem in common.
    """
    is_running = any(library.progress(name).state == RUNNING for name in names)
    stores = [library.run(name)[0].snapshot() for name in names]
    title, table, notes = matrix_of(stores, list(map(Path, names)))
    return {"unfinished": UNFINISHED if is_running else "", "title": title, "table": table_json(table), "notes": notes}


def charts_page(library: Library, name: str) -> dict[str, Any]:
    """Return the charts of a run, drawn from its present results."""
    return {"charts": library.run(name)[1].charts()}


def report_file(library: Library, name: str) -> bytes:
    """Return the report of a run as one HTML file, with every trace.

    Raises:
        InputError: the folder's traces are damaged.
    """
    return "".join(page_of(ReportData.from_folder(library.run(name)[0].snapshot()))).encode("utf-8", "replace")
