"""The table of tasks, and the description of one: problems, kind of answer, licence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reasoning.benchmarks.cli.task_formats import FORMATS
from reasoning.benchmarks.gym_refusals import not_offered
from reasoning.benchmarks.tasks import FORMS, Task, get, huggingface, named
from reasoning.benchmarks.tasks.field_mapping import Fields
from reasoning.benchmarks.tasks.files import FileTask
from reasoning.benchmarks.tasks.gym import offered
from reasoning.tables import Table

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEADER = ("task", "problems", "answer", "licence", "what")


def task_table() -> Table:
    """Return a table of every named task, and of the forms of the others."""
    rows = [_row(name) for name in named()] + [(form, *rest) for form, *rest in FORMS.values()]
    return Table(_HEADER, rows, text_columns=len(_HEADER), priority=("what", "problems", "answer"))


def describe_task(name: str) -> RenderableType:
    """Return the description of a task or of the form of a data file, or the names that complete a form.

    A file is read for it; nothing is downloaded.

    Raises:
        UnknownName: there is no such task.
        InputError: the file cannot be read as a task.
    """
    from rich.text import Text

    if name == "gym":
        return Text("\n".join([*(f"gym:{one}" for one in offered()), "", *_refused()]))
    if name in FORMATS:
        return Text(FORMATS[name])
    # A catalogue name such as bbh is incomplete without a configuration.
    configs = huggingface.catalogue().get(name, {}).get("configs", ())
    task = get(f"{name}:{configs[0]}" if configs else name)
    _, problems, kind, *_ = _row(name, task)
    facts = {"task": name, "problems": problems, "kind": kind, "scorer": task.scorer, "source": task.source}
    if isinstance(task, huggingface.HubTask):
        config = "" if configs else task.config
        facts |= {"about": task.about, "note": task.note, "config": config, "revision": task.revision}
    if task.split:
        facts |= {"split": task.split, "splits": ", ".join(getattr(task, "splits", ()))}
    elif isinstance(task, FileTask):
        facts["version"] = task.version()
    facts |= {"licence": task.licence, "canary": task.canary or "none known", "contamination": task.contamination}
    lines = [f"{title}: {fact}" for title, fact in facts.items() if fact]
    return Text("\n".join([*lines, *(f"{name}:{config}" for config in configs)]))


def _refused() -> list[str]:
    """Return lines with the data sets of reasoning-gym that are not offered, by reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in not_offered().items():
        by_reason.setdefault(why, []).append(name)
    return [f"not offered, as {why}: {', '.join(sorted(names))}" for why, names in by_reason.items()]


def _row(name: str, task: Task | None = None) -> tuple[str, ...]:
    data = huggingface.catalogue().get(name.partition(":")[0])
    if data is not None:
        fields, has_configs = data["fields"], "configs" in data
        usual = "choice" if "options" in fields or not has_configs else "by the task"
        problems = f"{data['size']:,}" if "size" in data else "–"
        kind = Fields.from_mapping(fields).kind_name or usual
        return name, f"up to {problems}" if has_configs else problems, kind, data["licence"], data["about"]
    task = task or get(name)
    size = getattr(task, "size", None)
    problems = "–" if size is None else "endless" if size == math.inf else f"{size:,}"
    return name, problems, task.kind, task.licence, task.source
