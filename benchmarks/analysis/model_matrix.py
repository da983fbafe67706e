"""A table of models and strategies from several results folders of one task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.results.stored_problems import common_problems
from reasoning.errors import UsageError
from reasoning.tables import Document, Table, pluralize

if TYPE_CHECKING:
    pass

_SAME = ("task_version", "seed", "parser_version", "problem_budget")
"""Settings that should be the same for all models."""


def model_matrix(folders: Sequence[Path]) -> Document:
    """Return accuracies with 95 % intervals by strategy and model, with each model's best in bold, for a terminal.

    Only problems that every run has begun are counted. Notes below the table list the problems that
    are left out and the other settings that differ between the runs.

    Args:
        folders: results folders of one task, one for each model.

    Raises:
        UsageError: the folders belong to several tasks, or have no problem in common.
    """
    title, table, notes = matrix_of([ResultsFolder.read(folder) for folder in folders], folders)
    return Document([title, table, "\n".join(notes)])


def matrix_of(runs: Sequence[ResultsFolder], folders: Sequence[Path]) -> tuple[str, Table, list[str]]:
    """Return the title, the table and the notes of `model_matrix`, from results that are already read.

    Args:
        runs: the results of one task, one for each model.
        folders: the folders by which they are named.

    Raises:
        UsageError: the results belong to several tasks, or have no problem in common.
    """
    if len(tasks := {run.settings["task"] for run in runs}) > 1:
        raise UsageError(f"the results must be of one task, got {', '.join(sorted(tasks))}")
    values = {name: [str(run.settings.get(name)) for run in runs] for name in _SAME}
    differences = "; ".join(
        f"{name} {' and '.join(dict.fromkeys(by_run))}" for name, by_run in values.items() if len(set(by_run)) > 1
    )
    begun = [{key.problem for key in run.results} for run in runs]
    ids = [
        name for name in common_problems([run.examples for run in runs]) if all(name in problems for problems in begun)
    ]
    if not ids:
        raise UsageError(f"these runs have no problem in common{f': {differences}' if differences else ''}")
    comparisons = [Comparison.from_folder(run, ids) for run in runs]
    names = ShortNames.of(row.strategy for comparison in comparisons for row in comparison.rows)
    notes = [*names.legend, *([f"the runs differ in: {differences}"] if differences else [])]
    for folder, problems in zip(folders, begun, strict=True):
        if excluded := len(problems) - len(ids):
            notes.append(f"left out, as not in every run: {excluded} of the {len(problems)} problems of {folder}")
    for folder, comparison in zip(folders, comparisons, strict=True):
        notes += [f"{folder}: {names(caveat)}" for caveat in comparison.caveats]
    title = f"{task_title(runs[0].settings)} · {pluralize(len(ids), 'problem')}"
    return title, _table(folders, comparisons, names), notes


def _table(folders: Sequence[Path], comparisons: Sequence[Comparison], names: ShortNames) -> Table:
    models = [short_model_name(comparison.model) for comparison in comparisons]
    titles = [
        model if models.count(model) == 1 else f"{model} ({folder.name})"
        for folder, model in zip(folders, models, strict=True)
    ]
    by_spec = [{row.strategy: row for row in comparison.rows} for comparison in comparisons]
    rows = [(names(spec), *(_cell(summaries.get(spec)) for summaries in by_spec)) for spec in names.by_spec]
    styles = {
        (index, column): _style(summaries.get(spec))
        for index, spec in enumerate(names.by_spec)
        for column, summaries in enumerate(by_spec, 1)
    }
    return Table(("strategy", *titles), rows, styles=styles)


def _cell(row: StrategySummary | None) -> str:
    if row is None or not row.n:
        return "–"
    low, high = row.interval
    return f"{100 * row.accuracy:.1f} % ({100 * low:.0f}–{100 * high:.0f})"


def _style(row: StrategySummary | None) -> str:
    if row is None or not row.n:
        return "dim"
    return "bold green" if row.best else ""
