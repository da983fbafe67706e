"""Shell completion of tasks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import typer

from reasoning.cli.completion import completes, named_in_config

_DATA_SET = re.compile(r'^DATASET_NAME = "(\w+)"', re.MULTILINE)


@completes
def complete_tasks(ctx: typer.Context, incomplete: str) -> Iterator[str]:
    """Yield the tasks: the named ones, those of the file of `--config`, and after a form its names."""
    form, colon, _ = incomplete.partition(":")
    yield from named_in_config(ctx, "tasks")
    if incomplete.startswith("gym"):
        yield from (f"gym:{name}" for name in _data_sets())
        return
    from reasoning.benchmarks.tasks import FORMS, named
    from reasoning.benchmarks.tasks.huggingface import catalogue

    if colon:
        yield from (f"{form}:{config}" for config in catalogue().get(form, {}).get("configs", ()))
    else:
        yield from named()
        yield from (f"{form}:" for form in FORMS)


def _data_sets() -> Iterator[str]:
    """Yield the names of the data sets of reasoning-gym without importing it, which takes most of a second."""
    from reasoning.benchmarks.gym_refusals import not_offered

    spec, refused = find_spec("reasoning_gym"), not_offered()
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        names = (name for path in Path(folder).rglob("*.py") for name in _DATA_SET.findall(path.read_text("utf-8")))
        yield from sorted(set(names) - refused.keys())
