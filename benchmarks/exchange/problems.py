"""The problems of imported logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reasoning import kinds
from reasoning.benchmarks.exchange.solves import Solve
from reasoning.benchmarks.tasks.math_scorer import default_scorer
from reasoning.benchmarks.tasks.row_answers import check_target, infer_kind, is_empty
from reasoning.errors import InputError, UsageError
from reasoning.kinds import Choice, Kind, Text
from reasoning.problem import AnyOf, Example, Problem, accepted_answers

_NEEDS_OPTIONS = ("choice", "label")


class ToolScorer:
    """The scorer of another tool, which cannot score further answers.

    Args:
        value: the answer.

    Raises:
        UsageError: always.
    """

    def __call__(self, value: Any) -> bool:
        raise UsageError("the scores of an imported folder are those of another tool; import it with --rescore")


def to_examples(solves: Mapping[str, Solve], kind: Kind | str, *, own_scores: bool) -> dict[str, Example]:
    """Return the problems by id.

    Args:
        solves: a solve of each problem.
        kind: the kind of all answers, or its name; empty for a choice with options, else inferred.
        own_scores: whether the scores of the tool are kept, which no kind can repeat.

    Raises:
        InputError: a target is missing or not of the kind; names its place.
    """
    inferred = _infer(solves)
    examples = {}
    for name, solve in solves.items():
        target = _target(solve)
        of_problem = _kind(solve, kind, inferred)
        if not own_scores:
            _check(solve, target, of_problem)
        scorer = ToolScorer() if own_scores else default_scorer(of_problem, target)
        problem = Problem(solve.question, of_problem, id=name)
        examples[name] = Example(problem, "" if target is None else target, scorer, solve.family)
    return examples


def _infer(solves: Mapping[str, Solve]) -> Kind:
    targets = [answer for solve in solves.values() for answer in accepted_answers(_target(solve))]
    usable = targets and all(isinstance(one, str | int | float) and not is_empty(one) for one in targets)
    return infer_kind(targets) if usable else Text()


def _target(solve: Solve) -> Any:
    target = solve.target
    if isinstance(target, list | tuple):
        return AnyOf(list(target)) if len(target) > 1 else target[0] if target else None
    return target if isinstance(target, str | int | float | bool) else None if target is None else str(target)


def _kind(solve: Solve, kind: Kind | str, inferred: Kind) -> Kind:
    if kind and not isinstance(kind, str):
        return kind
    if kind in _NEEDS_OPTIONS:
        if not solve.options:
            raise InputError(f"{solve.where}: the kind {kind} needs options, and the log has none")
        return kinds.get(str(kind), **{"options" if kind == "choice" else "labels": solve.options})
    if kind:
        return kinds.get(str(kind))
    return Choice(solve.options) if len(solve.options) > 1 else inferred


def _check(solve: Solve, target: Any, kind: Kind) -> None:
    if target is None or target == "":
        raise InputError(f"{solve.where}: it has no target, so its reply cannot be scored again; leave out --rescore")
    for answer in accepted_answers(target):
        try:
            check_target(answer, kind)
        except UsageError as error:
            raise InputError(f"{solve.where}: the target is not of the kind {kind.name}: {error}") from None
