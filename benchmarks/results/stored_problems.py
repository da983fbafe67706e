"""Comparison of stored problems with those of a task, or of another run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reasoning.benchmarks.results import example_json
from reasoning.images import Image
from reasoning.problem import Example
from reasoning.tables_sql.table import Table


def common_problems(runs: Sequence[Mapping[str, Example]]) -> list[str]:
    """Return the ids of the problems that all runs have unchanged, in the order of the first."""
    first, *others = ({name: _content(one) for name, one in examples.items()} for examples in runs)
    return [name for name, content in first.items() if all(other.get(name) == content for other in others)]


def lacks_images(example: Example) -> bool:
    """Return whether a problem has images that are stored only by their hash."""
    return any(image.sha256 and not image.data for image in map(Image.of, example.problem.images))


def is_same(stored: Example, example: Example) -> bool:
    """Return whether a stored problem is that of the task; its corpus counts if it is stored, too."""
    is_same_corpus = stored.problem.corpus is None or stored.problem.corpus == example.problem.corpus
    return is_same_corpus and _fixed_parts(stored) == _fixed_parts(example)


def _fixed_parts(example: Example) -> bytes:
    """Return the parts of a problem that may not change, as the file gives them back."""
    table = example.problem.table
    shown = None if table is None else Table.of(table).as_written()
    images = [Image.of(image).to_json() for image in example.problem.images]
    before = [turn.to_json() for turn in example.problem.before]
    parts = (example.problem.question, example.problem.context, shown, example.target, images, before)
    return json.dumps(parts, ensure_ascii=False, default=str).encode("utf-8", "replace")


def _content(example: Example) -> dict[str, Any]:
    return {name: value for name, value in example_json.to_json(example).items() if name != "family"}
