"""The questions of a pool that a technique learns from, and the examples that a problem may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reasoning.errors import UsageError
from reasoning.kinds import Kind
from reasoning.problem import Example, Problem
from reasoning.strategies.demonstrations.near_duplicates import find_near_duplicates, words_of
from reasoning.strategies.demonstrations.pool import DemonstrationPool
from reasoning.strategies.demonstrations.rendering import in_kind
from reasoning.strategies.demonstrations.worked_example import WorkedExample


def distinct_problems(pool: Iterable[Example]) -> list[Problem]:
    """Return the problems of a pool in their order, without repetitions. Targets are not read.

    Raises:
        UsageError: the problems ask for different kinds of answers.
    """
    problems: dict[tuple[str, ...], Problem] = {}
    for example in pool:
        problems.setdefault(tuple(words_of(example.problem.values()["problem"])), example.problem)
    if len(names := sorted({problem.kind.name for problem in problems.values()})) > 1:
        raise UsageError(f"a pool must ask for one kind of answer, got {', '.join(names)}: fit one strategy for each")
    return list(problems.values())


def other_examples(
    source: DemonstrationPool | str | Sequence[WorkedExample | Mapping[str, Any]] | None, problem: Problem
) -> list[WorkedExample]:
    """Return the examples of a source without those that are almost the same as a problem."""
    examples = DemonstrationPool.from_source(source).ranked(problem)
    asked = [problem.question, problem.values()["question_only"]]
    near = find_near_duplicates([example.question for example in examples], asked)
    return [example for index, example in enumerate(examples) if index not in near]


def seed_examples(
    source: DemonstrationPool | str | Sequence[WorkedExample | Mapping[str, Any]] | None,
    kind: Kind,
    count: int,
    programs: bool,
) -> list[WorkedExample]:
    """Return the first examples of a source that have the chain that is needed, in the form of a kind of answer.

    Args:
        source: a pool, or the source of one; None for the shipped examples of the kind.
        kind: the kind of answer.
        count: the most examples.
        programs: whether a program is needed, or reasoning in words.

    Raises:
        UsageError: there are fewer than two.
    """
    ranked = DemonstrationPool.from_source(source).ranked(Problem("", kind))
    shown = [in_kind(example, kind) or example for example in ranked]
    found = [example for example in shown if (example.program if programs else example.rationale)][:count]
    if len(found) < 2:
        chain = "a program" if programs else "reasoning"
        raise UsageError(
            f"seed_examples must have at least 2 examples with {chain} for answers of kind {kind.name!r}, got "
            f"{len(found)}"
        )
    return found
