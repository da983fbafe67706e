"""Models × strategies: several results folders of one task in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.summary_table import bare, many
from reasoning.benchmarks.results.folder import ResultsFolder, common_problems
from reasoning.benchmarks.results.settings import short_model_name, task_title
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.display import strip_control
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_SAME = ("task_version", "seed", "parser_version", "problem_budget")
"""Settings that should be the same for all models."""


def model_matrix(folders: Sequence[Path]) -> RenderableType:
    """From results folders of one task: accuracies with their 95 % intervals, each model's best in bold.

    Only problems that every run has begun are counted; what that leaves out, and what else differs, is said.

    Raises:
        UsageError: the folders are of several tasks, or have no problem in common.
    """
    from rich.console import Group
    from rich.text import Text

    stores = [ResultsFolder.read(folder) for folder in folders]
    if len(tasks := {store.settings["task"] for store in stores}) > 1:
        raise UsageError(f"these are results of several tasks: {', '.join(sorted(tasks))}")
    differs = {
        name: [str(store.settings.get(name)) for store in stores]
        for name in _SAME
        if len({store.settings.get(name) for store in stores}) > 1
    }
    differ = "; ".join(f"{name} {' and '.join(dict.fromkeys(values))}" for name, values in differs.items())
    begun = [{key.problem for key in store.results} for store in stores]
    ids = [name for name in common_problems(stores) if all(name in one for one in begun)]
    if not ids:
        raise UsageError(f"these runs have no problem in common{f': {differ}' if differ else ''}")
    found = [Comparison.from_folder(store, ids) for store in stores]
    table = bare()
    table.add_column("strategy", overflow="fold")
    models = [short_model_name(one.model) for one in found]
    for folder, model in zip(folders, models, strict=True):
        title = model if models.count(model) == 1 else f"{model} ({folder.name})"
        table.add_column(Text(strip_control(title)), justify="right")
    names = ShortNames.of(row.strategy for one in found for row in one.rows)
    for spec in names.by_spec:
        cells = [next((row for row in one.rows if row.strategy == spec), None) for one in found]
        table.add_row(Text(strip_control(names(spec))), *(_cell(row) for row in cells))
    notes = [*names.legend, *([f"the runs differ in: {differ}"] if differ else [])]
    for folder, one in zip(folders, begun, strict=True):
        if more := len(one) - len(ids):
            notes.append(f"left out, as not in every run: {more} of the {len(one)} problems of {folder}")
    notes += [
        f"{folder}: {names(remark)}" for folder, one in zip(folders, found, strict=True) for remark in one.caveats
    ]
    title = f"{task_title(stores[0].settings)} · {many(len(ids), 'problem')}"
    return Group(Text(title), Text(""), table, *(Text(strip_control(note)) for note in ["", *notes] if notes))


def _cell(row: StrategySummary | None) -> Text:
    from rich.text import Text

    if row is None or not row.n:
        return Text("–", style="dim")
    low, high = row.interval
    shown = f"{100 * row.accuracy:.1f} % ({100 * low:.0f}–{100 * high:.0f})"
    return Text(shown, style="bold green" if row.best else "")
