"""Worked problems that show a model what a good answer looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.demonstrations.pool import DemonstrationPool
from reasoning.strategies.demonstrations.worked_example import SolvedStep, WorkedExample, shipped_examples

__all__ = [
    "DemonstrationPool",
    "DemonstrationSource",
    "SolvedStep",
    "WorkedExample",
    "shipped_examples",
    "with_examples",
]

DemonstrationSource = DemonstrationPool | str | Sequence[WorkedExample | Mapping[str, Any]] | None
"""What `demonstrations=` takes: a pool, or what it takes as its source; None is what is shipped for the kind."""


def with_examples(
    prompt: Prompt,
    problem: Problem,
    shots: int,
    show: Callable[[WorkedExample], Demonstration | None],
    given: DemonstrationSource = None,
) -> Prompt:
    """The prompt with `shots` worked problems for the problem; one that has examples keeps its own.

    Args:
        show: makes a demonstration of a worked problem, whose question here is as a problem's: with its options. None
            where it lacks what is to be shown: then the next one is taken.
        given: those of the user, and how to choose among them.

    Raises:
        UsageError: there are not so many, or demonstrations are given and none is to be shown.
    """
    if prompt.examples or (not shots and given is None):
        return prompt
    if not shots:
        raise UsageError("demonstrations are given, but shots=0 shows none of them: say how many, such as shots=4")
    pool = DemonstrationPool.from_source(given)
    made = (show(_with_options(worked)) for worked in pool.ranked(problem))
    shown = list(islice((one for one in made if one is not None), shots))
    if shots > len(shown):
        has = f"only {len(shown)} worked problems are" if shown else "no worked problem is"
        whose = "shipped" if pool.source is None else "given"
        raise UsageError(
            f"shots={shots}: {has} {whose} for answers of the kind {problem.kind.name!r}; give the prompt its own "
            "`examples`, or `demonstrations` that have what this technique shows"
        )
    return prompt.replace(examples=tuple(shown[::-1] if pool.select == "similar" else shown))


def _with_options(worked: WorkedExample) -> WorkedExample:
    asked = Problem(worked.question, options=worked.options or None)
    return replace(worked, question=asked.values()["problem"])
