"""The pages about problems, as plain data: those that a query selects, and one with the answers of all runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.benchmarks.report import page_data
from reasoning.benchmarks.report.pictures import Pictures
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.settings import short_model_name
from reasoning.benchmarks.view.entries import RUN
from reasoning.benchmarks.view.library import Library
from reasoning.benchmarks.view.list_page import PATIENCE, names_of
from reasoning.benchmarks.view.live_run import LiveRun
from reasoning.errors import InputError, UnknownName
from reasoning.problem import Problem

_CELL = 80
"""The most characters of an answer or a target in a table."""


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


def problems_page(library: Library, name: str, query: Query, first: int, count: int) -> dict[str, Any]:
    """Return the rows of a part of the problems that a query selects.

    Args:
        library: the folder that is viewed.
        name: the run.
        query: the selection.
        first: the position of the first row, from 0.
        count: the most rows.
    """
    run, _ = library.run(name, time.monotonic() + PATIENCE)
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
        "question": page_data.asked(example.problem),
        "target": str(example.target),
        "images": _pictures(run.store, example.problem),
        "position": at + 1,
        "matched": len(selected),
        "before": selected[at - 1] if at > 0 else None,
        "after": selected[at + 1] if 0 <= at < len(selected) - 1 else None,
        "others": _others(library, names[0], problem),
    }
    rules: dict[str, int] = {}
    page["runs"] = [_answers(library.run(name)[0], name, problem, rules) for name in dict.fromkeys(names)]
    return {**page, "rules": list(rules)}


def _pictures(store: ResultsFolder, problem: Problem) -> list[list[str]]:
    pictures = Pictures(store)
    try:
        return pictures.of(problem)
    finally:
        pictures.close()


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
        "names": names_of(specs),
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
