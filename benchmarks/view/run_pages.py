"""The pages about runs, as plain data: the list, one run, its problems, one problem, and two runs compared."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from reasoning.benchmarks.analysis.model_matrix import matrix_of
from reasoning.benchmarks.analysis.regression import compare_stores
from reasoning.benchmarks.report import page_data
from reasoning.benchmarks.report.html_page import page_of
from reasoning.benchmarks.report.html_sections import FILTERS
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.view.analysis import table_json
from reasoning.benchmarks.view.entries import EVALUATION, OUTPUT, RUN, Entry
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.live_run import LiveRun
from reasoning.benchmarks.view.progress import RUNNING, RunProgress
from reasoning.errors import InputError, UnknownName

UNFINISHED = (
    "This run is not finished, so its numbers still change. Do not stop it because a difference looks significant: "
    "tests hold for a number of problems that was fixed before. The option --race of bench run stops by rules that "
    "allow for it."
)
READING = "reading"
"""The state of a run whose results have not all been read yet."""
_PATIENCE = 0.3
"""Seconds after which a page is sent although further results are to be read."""
_CELL = 80
"""The most characters of an answer or a target in a table."""
_FACTS = ("source", "licence", "created", "library", "python", "git")


@dataclass(frozen=True)
class Query:
    """A selection of the problems of a run.

    Attributes:
        show: one of `FILTERS`.
        of: the number of the strategy that the filter is about, from 0; None for all.
        text: a text in the problem, its target, the answers or the parsing rules, in any case.
        traces: search the text in the prompts and replies, too.
    """

    show: str = "all"
    of: int | None = None
    text: str = ""
    traces: bool = False


def list_page(library: Library) -> dict[str, Any]:
    """Return every entry with its progress, the newest first."""
    found = library.search()
    # Folders that were not read before are read over several requests, so that the list is there at once.
    deadline = time.monotonic() + _PATIENCE
    rows = [_entry(library, entry, deadline) for entry in found.entries.values()]
    rows.sort(key=lambda row: (row.get("state") != RUNNING, -row["updated"], row["name"]))
    return {"root": str(library.root), "entries": rows, "links": list(found.links), "truncated": found.truncated}


def run_page(library: Library, name: str) -> dict[str, Any]:
    """Return a run: its progress, and the verdict and tables that were computed last."""
    deadline = time.monotonic() + _PATIENCE
    progress = library.progress(name, deadline)
    run, analysis = library.run(name, deadline)
    found = analysis.latest()
    specs = list(run.store.specs)
    facts = {**run.store.settings, **{fact: run.store.metadata.get(fact) for fact in _FACTS}}
    return {
        **_progress(progress),
        "name": name,
        "version": run.version,
        "reading": run.is_reading,
        "analysed": found.version if found else None,
        "unfinished": UNFINISHED if progress.state == RUNNING else "",
        "problems": len(run.store.examples),
        "specs": specs,
        "names": _names(specs),
        "filters": dict(FILTERS),
        "facts": {fact: str(value) for fact, value in facts.items() if value is not None},
        "warnings": list(run.warnings),
        **(found.page if found else {}),
    }


def problems_page(library: Library, name: str, query: Query, first: int, count: int) -> dict[str, Any]:
    """Return the rows of a part of the problems that a query selects.

    Args:
        library: the folder that is viewed.
        name: the run.
        query: the selection.
        first: the position of the first row, from 0.
        count: the most rows.
    """
    run, _ = library.run(name, time.monotonic() + _PATIENCE)
    with run.lock:
        selected = _select(run, query)
        rows = [_row(run, problem) for problem in selected[first : first + count]]
        total = len(run.store.examples)
        return {"reading": run.is_reading, "total": total, "matched": len(selected), "first": first, "rows": rows}


def problem_page(library: Library, names: Sequence[str], problem: str, query: Query) -> dict[str, Any]:
    """Return one problem with the answers and traces of every strategy, of one run or several.

    Args:
        library: the folder that is viewed.
        names: the runs; the first one's problem and query count.
        problem: the problem's id.
        query: the selection in which the previous and the next problem are searched.

    Raises:
        UnknownName: the first run has no such problem.
    """
    run, _ = library.run(names[0])
    with run.lock:
        example = run.store.examples.get(problem)
        if example is None:
            raise UnknownName("problem", problem, run.store.examples, f"in {names[0]}")
        selected = _select(run, query)
    at = selected.index(problem) if problem in selected else -1
    page: dict[str, Any] = {
        "id": problem,
        "question": example.problem.values()["problem"],
        "target": str(example.target),
        "position": at + 1,
        "matched": len(selected),
        "before": selected[at - 1] if at > 0 else None,
        "after": selected[at + 1] if 0 <= at < len(selected) - 1 else None,
        "others": _others(library, names[0], problem),
    }
    rules: dict[str, int] = {}
    page["runs"] = [_answers(library.run(name)[0], name, problem, rules) for name in dict.fromkeys(names)]
    return {**page, "rules": list(rules)}


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


def matches(states: Sequence[str], show: str, of: int | None) -> bool:
    """Return whether a problem has what a filter shows; the report's page has the same rules.

    Args:
        states: one letter per repetition for each strategy.
        show: one of `FILTERS`.
        of: the number of a strategy; None for all.
    """
    if show == "all":
        return True
    chosen = [cell for cell in (states if of is None else states[of : of + 1]) if cell]
    every = [cell for cell in states if set(cell) - {"f"}]
    if not chosen:
        return False
    if show == "right":
        return all(set(cell) == {"r"} for cell in chosen)
    if show == "wrong":
        return all("r" not in cell and set(cell) != {"f"} for cell in chosen)
    if show in ("unparsed", "failed"):
        return any(show[0] in cell for cell in chosen)
    right = ["r" in cell for cell in every]
    if show == "alone":
        return sum(right) == 1 and any("r" in cell for cell in chosen)
    if of is None:
        return any(right) and not all(set(cell) == {"r"} for cell in every)
    return states[of] in every and any(cell != states[of] for cell in every)


def _entry(library: Library, entry: Entry, deadline: float) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": entry.kind, "name": entry.name, "updated": 0.0}
    try:
        if entry.kind == RUN:
            return {**row, **_progress(library.progress(entry.name, deadline))}
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


def _progress(progress: RunProgress) -> dict[str, Any]:
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
    names = _names(tuple(specs))
    return {
        **about,
        "state": progress.state,
        "done": progress.done,
        "total": progress.total,
        "failed": sum(progress.failed.values()),
        "seconds_left": None if left is None else round(left),
        "accuracy": [[name, right.get(spec, 0), counted[spec]] for name, spec in zip(names, specs, strict=True)],
    }


def _names(specs: Sequence[str]) -> list[str]:
    return list(_short_names(tuple(specs)).values())


@lru_cache(maxsize=256)
def _short_names(specs: tuple[str, ...]) -> Mapping[str, str]:
    return ShortNames.of(specs).by_spec


def _select(run: LiveRun, query: Query) -> list[str]:
    """Return the problems that a query selects, in order; those of the last query are kept."""
    key = run.version, query
    if run.selected is None or run.selected[0] != key:
        text = query.text.strip().lower()
        found = [
            problem
            for problem in run.store.examples
            if query.show == "all" or matches(run.states(problem), query.show, query.of)
        ]
        if text:
            traced = run.find_in_traces(text) if query.traces else set()
            found = [problem for problem in found if problem in traced or text in run.haystack(problem)]
        run.selected = key, found
    return run.selected[1]


def _row(run: LiveRun, problem: str) -> list[Any]:
    """Return a problem as [id, target, [states, the only answer] for each strategy]."""
    answers, cells = run.answers.get(problem, {}), []
    for spec, states in zip(run.store.specs, run.states(problem), strict=True):
        results = list(answers.get(spec, {}).values())
        value = results[0].value if len(results) == 1 else None
        cells.append([states, value if value is None else value[:_CELL]])
    return [problem, str(run.store.examples[problem].target)[:_CELL], cells]


def _answers(run: LiveRun, name: str, problem: str, rules: dict[str, int]) -> dict[str, Any]:
    with run.lock:
        specs = list(run.store.specs)
        answers, states = run.answers.get(problem, {}), run.states(problem)
        results: list[Result] = [result for spec in specs for _, result in sorted(answers.get(spec, {}).items())]
        model = str(run.store.settings.get("model", ""))
    number = {spec: index for index, spec in enumerate(specs)}
    traces = []
    for result in results:
        try:
            trace = run.trace(result.key)
        except InputError as error:
            trace = ["damaged", None, [str(error)]]
        if trace is not None:
            traces.append([number[result.strategy], result.epoch, trace])
    return {
        "name": name,
        "model": short_model_name(model),
        "specs": specs,
        "names": _names(specs),
        "states": states,
        "results": [page_data.result_fields(result, number[result.strategy], rules) for result in results],
        "traces": traces,
    }


def _others(library: Library, name: str, problem: str) -> list[dict[str, str]]:
    """Return the other runs that have the same problem."""
    own = library.progress(name).problems.get(problem)
    others = []
    for entry in library.search().entries.values():
        if entry.kind == RUN and entry.name != name and own is not None:
            progress = library.progress(entry.name)
            if progress.problems.get(problem) == own and progress.head is not None:
                model = short_model_name(str(progress.head.settings.get("model", "")))
                others.append({"name": entry.name, "model": model})
    return others
