"""The tasks as a table: how many problems, what kind of answer, which licence."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from benchmarks.table import bare
from benchmarks.tasks import FORMS, get, hub, named
from benchmarks.tasks.files import File
from benchmarks.tasks.gym import known, not_offered

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEADER = ("task", "problems", "answer", "licence", "what")


def listing() -> RenderableType:
    """Every task that has a name, and the forms of the others."""
    return _table([_row(name) for name in named()] + [(form, *rest) for form, *rest in FORMS.values()])


def one(name: str) -> RenderableType:
    """More about a task, or the names that complete a form. A file is read for it; nothing is fetched.

    Raises:
        UnknownName: there is no such task.
        InputError: it is a file that cannot be read as a task.
    """
    from rich.text import Text

    if name == "gym":
        return Text("\n".join([*(f"gym:{one}" for one in known()), "", *_refused()]))
    data = hub.catalogue().get(name.partition(":")[0], {})
    whole = name in named() and "configs" in data  # a name that lacks its second half
    task = None if whole else get(name)
    lines = [f"{title}: {cell}" for title, cell in zip(_HEADER, _row(name), strict=True)]
    if isinstance(task, hub.Hub):
        data = {"repository": task.repository, "config": task.config, "split": task.split, **data}
        data |= {"config": task.config, "revision": task.revision}
    if data:
        lines += [
            f"{key}: {data[key]}" for key in ("note", "repository", "config", "split", "revision") if data.get(key)
        ]
        lines.append(f"seen: {_seen(data.get('about', ''))}")
    elif isinstance(task, File):
        lines.append(f"version: {task.version()}")
    if whole:
        lines += [f"{name}:{config}" for config in data["configs"]]
    return Text("\n".join(lines))


def _refused() -> list[str]:
    """The sets of reasoning-gym that cannot be had, by why."""
    by_reason: dict[str, list[str]] = {}
    for name, why in not_offered().items():
        by_reason.setdefault(why, []).append(name)
    return [f"not offered, as {why}: {', '.join(sorted(names))}" for why, names in by_reason.items()]


def _seen(about: str) -> str:
    """Whether models may have learned a data set by heart: for how long it has been public, by its citation."""
    year = re.search(r"\b(?:19|20)\d\d\b", about)
    since = f"public since {year[0]}" if year else "public"
    return f"{since}, so models may have seen it; compare with a task that is made from a seed, such as gsm_symbolic"


def _row(name: str) -> tuple[str, ...]:
    data = hub.catalogue().get(name.partition(":")[0])
    if data is not None:
        fields, several = data["fields"], "configs" in data
        usual = "choice" if "options" in fields or not several else "by the task"
        many = f"up to {data['size']:,}" if several else f"{data['size']:,}"
        return name, many, fields.get("kind", usual), data["licence"], data["about"]
    task = get(name)
    if isinstance(task, hub.Hub):
        return name, "–", task.fields.kind or "by the answers", task.licence, task.source
    if isinstance(task, File):
        examples = task.load(sys.maxsize, 0)
        kinds = ", ".join(dict.fromkeys(example.problem.kind.name for example in examples))
        return name, f"{len(examples):,}", kinds, task.licence, task.source
    kind = getattr(task, "answers", "") or task.load(1, 0)[0].problem.kind.name
    size = getattr(task, "size", None)
    return name, f"{size:,}" if size else "endless", kind, task.licence, task.source


def _table(rows: list[tuple[str, ...]]) -> RenderableType:
    from rich.text import Text

    table = bare()
    for title in _HEADER:
        right = title == "problems"
        table.add_column(title, justify="right" if right else "left", no_wrap=title in ("task", "problems"))
    for row in rows:
        table.add_row(*map(Text, row))
    return table
