"""The problem on which each technique is shown: from worked_examples.toml, or else a shipped worked example."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from reasoning.benchmarks.results import example_json
from reasoning.problem import Example, Problem
from reasoning.registry import get
from reasoning.retrieval import Corpus, Document
from reasoning.strategies.direct.prompt_format import sample_problem
from reasoning.strategy import Strategy


@dataclass(frozen=True)
class ExampleSolve:
    """A strategy, the problem on which it is shown, and its target; None for an open question."""

    strategy: Strategy
    problem: Problem
    target: Any = None

    def right(self, value: Any) -> bool | None:
        """Return whether a value is right, or None for an open question."""
        return None if self.target is None else Example(self.problem, self.target).score(value)


def example_for(name: str) -> ExampleSolve:
    """Return the example of a technique."""
    data = _data()
    entry = data["techniques"].get(name)
    if entry is None:
        return ExampleSolve(get(name), sample_problem(get(name)))
    problem = {"id": entry["problem"], "target": None, **data["problems"][entry["problem"]]}
    pages = [Document(page["text"], page["title"]) for page in problem.get("corpus", ())]
    example = example_json.from_json(problem, Corpus(entry["problem"], pages) if pages else None)
    return ExampleSolve(get(entry.get("spec", name)), example.problem, example.target)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("worked_examples.toml").read_text("utf-8"))
