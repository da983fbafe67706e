"""The tasks as a table: how many problems, what kind of answer, which licence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.table import bare
from benchmarks.tasks import FORMS, get, hub, named
from benchmarks.tasks.gym import known
from reasoning.errors import UnknownName

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEADER = ("task", "problems", "answer", "licence", "what")


def listing() -> RenderableType:
    """Every task that has a name, and the forms of the others."""
    return _table([_row(name) for name in named()] + [(form, *rest) for form, *rest in FORMS.values()])


def one(name: str) -> RenderableType:
    """More about a task, or the names that complete a form."""
    from rich.text import Text

    if name == "gym":
        return Text("\n".join(f"gym:{one}" for one in known()))
    if name not in named() and not name.startswith(("gym:", "bbh:")):
        raise UnknownName("task", name, [*named(), "gym"])
    data = hub.catalogue().get(name.partition(":")[0], {})
    lines = [f"{title}: {cell}" for title, cell in zip(_HEADER, _row(name), strict=True)]
    lines += [f"{key}: {data[key]}" for key in ("note", "repository", "config", "split") if key in data]
    if name in named():
        lines += [f"{name}:{config}" for config in data.get("configs", ())]
    return Text("\n".join(lines))


def _row(name: str) -> tuple[str, ...]:
    data = hub.catalogue().get(name.partition(":")[0])
    if data is None:
        task = get(name)
        kind = getattr(task, "answers", "") or task.load(1, 0)[0].problem.kind.name
        size = getattr(task, "size", None)
        return name, f"{size:,}" if size else "endless", kind, task.licence, task.source
    fields = data["fields"]
    kind = fields.get("kind") or ("choice" if "options" in fields else "by the task" if "configs" in data else "choice")
    return name, f"{data['size']:,}", kind, data["licence"], data["about"]


def _table(rows: list[tuple[str, ...]]) -> RenderableType:
    from rich.text import Text

    table = bare()
    for title in _HEADER:
        right = title == "problems"
        table.add_column(title, justify="right" if right else "left", no_wrap=title in ("task", "problems"))
    for row in rows:
        table.add_row(*map(Text, row))
    return table
