"""Examples to and from JSON, so that a results folder needs neither the task's package nor its files."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from reasoning import kinds
from reasoning.benchmarks.results.corpora_file import reference
from reasoning.benchmarks.tasks.denotation import DenotationScorer
from reasoning.benchmarks.tasks.field_mapping import DENOTATION
from reasoning.benchmarks.tasks.math_scorer import MathScorer, default_scorer
from reasoning.images import Image
from reasoning.messages import Message
from reasoning.problem import AnyOf, Example, Problem
from reasoning.retrieval import Corpus
from reasoning.tables_sql.table import Table


def to_json(example: Example) -> dict[str, Any]:
    """Return the example as plain data.

    Its scorer is left out; `own_scorer` says that it had one. In place of its corpus there is a reference to it.
    Its images have no bytes, which are in the journal.
    """
    problem, target = example.problem, example.target
    data = {
        "id": problem.id,
        "question": problem.question,
        "kind": kinds.to_json(problem.kind),
        "target": list(target.answers) if isinstance(target, AnyOf) else target,
        "any_of": isinstance(target, AnyOf) or None,
        "context": problem.context,
        "table": None if problem.table is None else Table.of(problem.table).to_json(),
        "corpus": None if problem.corpus is None else reference(problem.corpus),
        "inputs": dict(problem.inputs) or None,
        "images": [Image.of(image).describe() for image in problem.images] or None,
        "before": [turn.to_json() for turn in problem.before] or None,
        "family": example.family or None,
        "scorer": DENOTATION if isinstance(example.scorer, DenotationScorer) else None,
        "own_scorer": not isinstance(example.scorer, MathScorer | DenotationScorer | None) or None,
    }
    return {name: value for name, value in data.items() if value is not None}


def from_json(data: dict[str, Any], corpus: Corpus | None = None) -> Example:
    """Return the example of `to_json`, without a scorer of its own.

    Args:
        data: the plain data.
        corpus: the corpus that it refers to; None leaves the problem without one.

    Raises:
        KeyError: a field is missing.
    """
    kind = _read_kind(data["kind"])
    problem = Problem(
        *(data["question"], kind, data.get("context")),
        table=None if data.get("table") is None else Table.from_json(data["table"]),
        inputs=data.get("inputs", {}),
        id=data["id"],
        corpus=corpus,
        images=[Image.from_json(image) for image in data.get("images", ())],
        before=[Message.from_json(turn) for turn in data.get("before", ())],
    )
    own = data.get("own_scorer")
    target = AnyOf(data["target"]) if data.get("any_of") else data["target"]
    scorer: MathScorer | DenotationScorer | None = None if own else default_scorer(kind, target)
    if data.get("scorer") == DENOTATION:
        scorer = DenotationScorer(kind, target)
    return Example(problem, target, scorer, data.get("family", ""))


def _read_kind(data: Any) -> kinds.Kind:
    """Return the kind of its data: the same for problems with equal data, which are most."""
    try:
        return _known_kind(**data) if isinstance(data, Mapping) else kinds.from_json(data)
    except TypeError:
        # A list among the parameters.
        return kinds.from_json(data)


@lru_cache(typed=True)
def _known_kind(**data: Any) -> kinds.Kind:
    return kinds.from_json(data)
