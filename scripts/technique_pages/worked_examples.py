"""On what each technique is shown: `worked_examples.toml`, and for those without an entry a worked problem that is shipped."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from reasoning.benchmarks.results import example_json
from reasoning.problem import Example, Problem
from reasoning.prompt_overrides import sample_problem
from reasoning.registry import get
from reasoning.strategy import Strategy


@dataclass(frozen=True)
class Shown:
    """A strategy, the problem that it is shown on, and what is right there; None where that is open."""

    strategy: Strategy
    problem: Problem
    target: Any = None

    def right(self, value: Any) -> bool | None:
        """Whether a value is right; None where that is open."""
        return None if self.target is None else Example(self.problem, self.target).score(value)


def shown(name: str) -> Shown:
    """That of a technique."""
    data = _data()
    entry = data["techniques"].get(name)
    if entry is None:
        return Shown(get(name), sample_problem(get(name)))
    problem = {"id": entry["problem"], "target": None, **data["problems"][entry["problem"]]}
    example = example_json.from_json(problem)
    return Shown(get(entry.get("spec", name)), example.problem, example.target)


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("worked_examples.toml").read_text("utf-8"))
