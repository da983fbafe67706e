"""Models × strategies: several results folders of one task in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.comparison import Comparison
from benchmarks.rows import Row
from benchmarks.settings import short_name
from benchmarks.store import Store
from benchmarks.table import bare
from reasoning.display import plain
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text


def matrix(folders: Sequence[Path]) -> RenderableType:
    """From results folders of one task: accuracies with their 95 % intervals, each model's best in bold.

    Raises:
        UsageError: the folders are of several tasks.
    """
    from rich.console import Group
    from rich.text import Text

    found = [Comparison.of(Store.read(folder)) for folder in folders]
    if len(tasks := {one.task for one in found}) > 1:
        raise UsageError(f"these are results of several tasks: {', '.join(sorted(tasks))}")
    table = bare()
    table.add_column("strategy", overflow="fold")
    models = [short_name(one.model) for one in found]
    for folder, model in zip(folders, models, strict=True):
        title = model if models.count(model) == 1 else f"{model} ({folder.name})"
        table.add_column(Text(plain(title)), justify="right")
    for spec in dict.fromkeys(row.strategy for one in found for row in one.rows):
        cells = [next((row for row in one.rows if row.strategy == spec), None) for one in found]
        table.add_row(Text(plain(spec)), *(_cell(row) for row in cells))
    return Group(Text(f"{found[0].task} · {', '.join(str(one.n) for one in found)} problems"), Text(""), table)


def _cell(row: Row | None) -> Text:
    from rich.text import Text

    if row is None or not row.n:
        return Text("–", style="dim")
    low, high = row.interval
    shown = f"{100 * row.accuracy:.1f} % ({100 * low:.0f}–{100 * high:.0f})"
    return Text(shown, style="bold green" if row.best else "")
