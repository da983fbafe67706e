"""Compare models at a step of a chain from Python, as the command does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning.benchmarks.chains.runner import CaseRun
from reasoning.benchmarks.chains.suite import load_suite
from reasoning.chain.scaffold import resolve_folder
from reasoning.engine.connect import connected
from reasoning.engine.notebook_progress import notebook_progress
from reasoning.errors import UsageError
from reasoning.tables import pluralize
from reasoning.tuning.comparison.decision import ModelComparison, compare_models
from reasoning.tuning.comparison.model_runs import run_models

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM


def compare(
    folder: str | Path,
    step: str,
    reference: LLM | str,
    candidates: str | Sequence[str],
    *,
    tolerance: float = 5.0,
    pattern: str | None = None,
    limit: int | None = None,
    alone: bool = False,
    allow_code: bool = False,
) -> ModelComparison:
    """Compare models at a step of a chain with a reference, like `reasoning tune compare`.

    Args:
        folder: the chain's folder, or the name of a bundled chain.
        step: the name of the step.
        reference: the model to replace, or its name; it is also the model of the other steps.
        candidates: the names of the other models at the step, or one name.
        tolerance: the largest loss that does not matter, in points.
        pattern: only cases whose id matches this shell pattern, such as "angry*".
        limit: the largest number of cases; the first ones are taken. None and 0 are all.
        alone: compare the step alone, and leave the whole chain out, which costs several times as much.
        allow_code: import the functions that the chain names. They run with your rights.

    Raises:
        UsageError: a name is unknown, or no case judges the step or the end.
        BudgetExhausted, CallFailed: the error that stopped the runs; the same call continues.
    """
    if not candidates:
        raise UsageError("compare needs at least one candidate, got none")
    if not 0 <= tolerance <= 100:
        raise UsageError(f"tolerance must be from 0 to 100 points, got {tolerance:g}")
    reference = connected(reference)
    candidates = [candidates] if isinstance(candidates, str) else candidates
    suite = load_suite(resolve_folder(str(folder)), "all" if allow_code else "trusted", pattern=pattern, limit=limit)
    suite.chain.step(step)
    # The hash in a local model's name says nothing that a reader compares.
    own = reference.name.partition("@sha256:")[0]
    if own in candidates:
        own = reference.name
    names = [own, *candidates]
    finished: list[CaseRun] = []

    @contextmanager
    def progress(total: int) -> Iterator[Callable[[CaseRun], None]]:
        yield finished.append

    with notebook_progress(reference, describe=lambda: pluralize(len(finished), "run")):
        runs, results = run_models(suite.chain, step, names, suite.cases, reference, own, progress, alone=alone)
    for result in results:
        if result.stopped is not None:
            raise result.stopped
    return compare_models(suite.chain.name, step, runs, tolerance)
