"""The pages about chains, as plain data: the rows of an output, recorded evaluations, and two versions compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reasoning.benchmarks.chains import run_history
from reasoning.benchmarks.chains.evaluation import Evaluation, summarize_evaluation, summarize_part
from reasoning.benchmarks.chains.run_history import RecordedRun
from reasoning.benchmarks.chains.versions import compare_versions
from reasoning.benchmarks.view.analysis import table_json
from reasoning.benchmarks.view.entries import is_inside
from reasoning.benchmarks.view.library import Library
from reasoning.chain.folder import load
from reasoning.errors import InputError, ReasoningError, UnknownName
from reasoning.text_safety import dump_json

_CELL = 300
"""The most characters of a value in a table."""


def output_page(
    library: Library, name: str, state: str, text: str, first: int, count: int, whole: int | None = None
) -> dict[str, Any]:
    """Return a part of the rows of an output.

    Args:
        library: the folder that is viewed.
        name: the output.
        state: only rows with this state; "" for all.
        text: only rows with this text, in any case.
        first: the position of the first row among them, from 0.
        count: the most rows.
        whole: the number of one row to return with all its text.
    """
    output = library.output(name)
    selected = output.find(state, text.strip())
    numbers = selected[first : first + count]
    rows = [_row(number, row) for number, row in zip(numbers, output.rows(numbers), strict=True)]
    one = output.rows([whole])[0] if whole is not None and 0 <= whole < len(output) else None
    return {
        "name": name,
        "title": output.title,
        "state": output.state,
        "counts": dict(output.counts),
        "total": len(output),
        "matched": len(selected),
        "first": first,
        "version": output.version,
        "rows": rows,
        "whole": None if one is None else {key: _text(value) for key, value in _flat(one).items()},
        "warnings": output.warnings,
    }


def evaluation_page(library: Library, name: str) -> dict[str, Any]:
    """Return the recorded runs of a chain, the newest first, with their scores by part and by case."""
    runs, warnings = _recorded(library, name)
    runs.sort(key=lambda run: (run.version, run.when), reverse=True)
    return {"name": name, "runs": [_run(library, name, run) for run in runs], "warnings": warnings}


def versions_page(library: Library, name: str, first: int, second: int) -> dict[str, Any]:
    """Return the comparison of two recorded runs, which are numbered as `evaluation_page` lists them.

    Raises:
        UnknownName: there is no such run.
        UsageError: the runs have no case in common.
    """
    runs, _ = _recorded(library, name)
    runs.sort(key=lambda run: (run.version, run.when), reverse=True)
    for number in (first, second):
        if not 0 <= number < len(runs):
            raise UnknownName("recorded run", str(number), [str(known) for known in range(len(runs))], f"of {name}")
    compared = compare_versions(runs[first], runs[second])
    return {"verdict": compared.verdict, "notes": compared.notes, "table": table_json(compared.cells)}


def _recorded(library: Library, name: str) -> tuple[list[RecordedRun], list[str]]:
    runs, warnings = [], []
    for path in sorted((library.evaluation(name) / run_history.PLACE).glob("*.json")):
        try:
            if not is_inside(path, library.root):
                raise InputError(f"{path}: a link that leads out of {library.root}; it is not followed")
            runs.append(run_history.read_run(path))
        except ReasoningError as error:
            warnings.append(str(error))
    return runs, warnings


def _run(library: Library, name: str, run: RecordedRun) -> dict[str, Any]:
    evaluation = _evaluation(library, name, run)
    parts = list(dict.fromkeys(score.part for score in run.scores.values()))
    cases: dict[str, list[Any]] = {}
    for score in run.scores.values():
        state = "f" if score.passed is None else "r" if score.passed else "w"
        cell = [parts.index(score.part), state, score.score, list(score.reasons), _text(score.value)]
        cases.setdefault(score.case, []).append(cell)
    return {
        "run": run.name,
        "version": run.version,
        "model": run.model,
        "sampling": dict(run.sampling),
        "when": run.when,
        "tables": [table_json(table) for table in evaluation.tables if table.rows],
        "summary": evaluation.summary.splitlines(),
        "parts": parts,
        "cases": [[case, cells] for case, cells in cases.items()],
        "files": dict(run.files),
    }


def _evaluation(library: Library, name: str, run: RecordedRun) -> Evaluation:
    """Return the evaluation of a run; without the losses of steps if the chain has changed since."""
    folder, scores = library.evaluation(name), list(run.scores.values())
    try:
        if run_history.digest(run_history.read_content(folder)) == run.digest:
            return summarize_evaluation(scores, load(folder, "none"), run.name, run.model)
    except (ReasoningError, OSError):
        # The folder is no longer a chain that can be read; the recorded scores still count.
        pass
    parts = dict.fromkeys(score.part for score in scores)
    rows = [row for part in parts if (row := summarize_part([score for score in scores if score.part == part]))]
    return Evaluation(run.name, run.model, tuple(rows), ())


def _row(number: int, row: dict[str, Any]) -> list[Any]:
    steps = row.get("steps")
    names: Sequence[str] = list(steps) if isinstance(steps, dict) else ()
    value = row.get("value") if row.get("value") is not None else row.get("reason", "")
    return [number, _text(row.get("id"))[:_CELL], str(row.get("state")), _text(value)[:_CELL], list(names)]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    steps = row.get("steps")
    named = {f"step {name}": value for name, value in steps.items()} if isinstance(steps, dict) else {}
    return {**{key: value for key, value in row.items() if key != "steps"}, **named}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dump_json(value, indent=1, default=str)
