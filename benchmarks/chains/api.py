"""Test, evaluate and compare chains from Python, as the commands do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from reasoning.benchmarks.chains import run_history
from reasoning.benchmarks.chains.evaluation import Evaluation, summarize_evaluation
from reasoning.benchmarks.chains.run_history import RecordedRun
from reasoning.benchmarks.chains.runner import CaseRun, PartScore, SuiteResult, plan_evaluation, plan_tests, run_suite
from reasoning.benchmarks.chains.suite import ChainSuite, load_suite
from reasoning.benchmarks.chains.versions import VersionComparison, compare_versions
from reasoning.chain.code_loader import ImportPolicy
from reasoning.chain.scaffold import resolve_folder
from reasoning.engine.llm import LLM
from reasoning.errors import UnknownName, UsageError

VERSION = re.compile(r"(.+)@(\d{1,6})")
"""The form of a recorded version: FOLDER@3."""


@contextmanager
def no_progress(total: int) -> Iterator[Callable[[CaseRun], None]]:
    """Show no progress."""
    yield lambda run: None


Progress = Callable[[int], AbstractContextManager[Callable[[CaseRun], None]]]
"""A display of progress: a function of the number of runs that returns a context manager, which provides the function
to call after each run."""


def run_cases(
    folder: str | Path,
    llm: LLM,
    *,
    step: str | None = None,
    pattern: str | None = None,
    limit: int | None = None,
    allow_code: bool = False,
) -> list[PartScore]:
    """Run each case with a check once, like `reasoning chain test`.

    The scores are not recorded; only the journal records the draws.

    Args:
        folder: the chain's folder, or the name of a bundled chain.
        llm: the model. It is also the judge of checks that name no other model.
        step: only cases that test or check this step.
        pattern: only cases whose id matches this shell pattern, such as "angry*".
        limit: the largest number of cases; the first ones are taken. None and 0 are all.
        allow_code: import the code that the chain names. It runs with your rights.

    Returns:
        The score of each part of each case, with the reasons if it did not pass.

    Raises:
        UsageError: the folder or a case is invalid, or no case matches; the message names file and
            line.
        BudgetExhausted, CallFailed: the error that stopped the suite.
    """
    suite = load_suite(resolve_folder(str(folder)), _policy(allow_code), step=step, pattern=pattern, limit=limit)
    result = run_suite(list(plan_tests(suite.chain, suite.cases)), llm)
    if result.stopped is not None:
        raise result.stopped
    return result.scores


def evaluate(
    folder: str | Path, llm: LLM, *, pattern: str | None = None, limit: int | None = None, allow_code: bool = False
) -> Evaluation:
    """Score a chain by step and end to end, and name the step to work on, like `reasoning chain eval`.

    The scores are recorded in the folder's `.runs`, for `compare`.

    Args:
        folder: as in `run_cases`.
        llm: as in `run_cases`.
        pattern: as in `run_cases`.
        limit: as in `run_cases`.
        allow_code: as in `run_cases`.

    Raises:
        UsageError, BudgetExhausted, CallFailed: as in `run_cases`.
    """
    suite = load_suite(resolve_folder(str(folder)), _policy(allow_code), pattern=pattern, limit=limit)
    done = run_evaluation(suite, llm)
    if done.result.stopped is not None:
        raise done.result.stopped
    return done.evaluation


def compare(
    first: str | Path,
    second: str | Path,
    llm: LLM | None = None,
    *,
    pattern: str | None = None,
    limit: int | None = None,
    tolerance: float | None = None,
    allow_code: bool = False,
) -> VersionComparison:
    """Compare two versions of a chain on the same cases, like `reasoning chain compare`.

    Args:
        first: a folder, the name of a bundled chain, or a recorded version such as "my_chain@3". If
            a version has several runs, those with the same model and, if possible, the same
            sampling parameters are taken; among these, the newest.
        second: the version to compare with it, in the same form.
        llm: the model. None compares two recorded versions on any model that ran both.
        pattern: only cases whose id matches this shell pattern, such as "angry*".
        limit: the largest number of cases; the first ones are taken. None and 0 are all.
        tolerance: the largest accepted loss of "end to end", in points: `VersionComparison.passed`.
        allow_code: import the code that the chains name. It runs with your rights.

    Raises:
        UsageError: as in `run_cases`; or a version is unknown, or nothing can be compared.
        BudgetExhausted, CallFailed: the error that stopped a suite.
    """
    policy = _policy(allow_code)
    comparison, results = run_comparison(str(first), str(second), llm, policy, pattern, limit, tolerance)
    for result in results:
        if result.stopped is not None:
            raise result.stopped
    return comparison


@dataclass(frozen=True)
class EvaluationRun:
    """A finished or stopped evaluation.

    Attributes:
        evaluation: its summary.
        run: the run that was recorded.
        result: the scores of the new runs, and the error that stopped them, if any.
    """

    evaluation: Evaluation
    run: RecordedRun
    result: SuiteResult


def run_evaluation(suite: ChainSuite, llm: LLM, progress: Progress = no_progress, *, epoch: int = 0) -> EvaluationRun:
    """Evaluate a chain and record the scores, even if an error stops the evaluation.

    Args:
        suite: the chain and its cases.
        llm: the model.
        progress: shows the progress.
        epoch: the number of an independent repetition.
    """
    runs = list(plan_evaluation(suite.chain, suite.cases))
    with progress(len(runs)) as on_finished:
        result = run_suite(runs, llm, on_finished, epoch=epoch)
    recorded = run_history.current_run(suite.folder, llm.name, llm.sampling).with_scores(result.scores)
    run_history.save_run(recorded, suite.folder)
    checked = {(case.id, case.digest) for case in suite.cases if case.checks}
    scores = [score for score in recorded.scores.values() if (score.case, score.digest) in checked]
    unchecked = sum(not case.checks for case in suite.cases)
    evaluation = summarize_evaluation(scores, suite.chain, recorded.name, recorded.model, unchecked)
    return EvaluationRun(evaluation, recorded, result)


def run_comparison(
    first: str,
    second: str,
    llm: LLM | None,
    policy: ImportPolicy,
    pattern: str | None = None,
    limit: int | None = None,
    tolerance: float | None = None,
    progress: Progress = no_progress,
) -> tuple[VersionComparison, list[SuiteResult]]:
    """Compare two versions, and return the comparison and the results of new suites. See `compare`."""
    sides: list[list[RecordedRun]] = []
    results: list[SuiteResult] = []
    requested = set[str]()
    # Both are loaded before the first call, which may cost money.
    loaded = [_load_side(name, llm, policy, pattern, limit) for name in (first, second)]
    for side in loaded:
        if isinstance(side, list):
            sides.append(side)
            continue
        assert llm is not None
        run, new_results = _run_missing(side, llm, progress)
        sides.append([run])
        requested |= {case for case, _ in run.scores}
        results += new_results
    if pattern is not None:
        names = {case for side in sides for run in side for case, _ in run.scores}
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UnknownName("case", pattern, names)
        sides = [[_only(run, lambda case: fnmatchcase(case, pattern)) for run in side] for side in sides]
    if limit and requested:
        # Cases beyond the limit were not requested, so they are not missing.
        sides = [[_only(run, requested.__contains__) for run in side] for side in sides]
    return compare_versions(*_best_match(sides, llm), limit=limit, tolerance=tolerance), results


def _load_side(
    name: str, llm: LLM | None, policy: ImportPolicy, pattern: str | None, limit: int | None
) -> list[RecordedRun] | ChainSuite:
    """Return the runs of a recorded version, or the cases of a folder."""
    if VERSION.fullmatch(name):
        return _recorded(name, llm)
    if llm is None:
        raise UsageError(f"{name} is not a recorded version such as {name}@1, so it needs a model")
    return load_suite(resolve_folder(name), policy, pattern=pattern, limit=limit)


def _best_match(sides: list[list[RecordedRun]], llm: LLM | None) -> tuple[RecordedRun, RecordedRun]:
    """Return two runs of one model, preferably with equal sampling parameters, then the newest."""
    pairs = [(first, second) for first in sides[0] for second in sides[1] if first.model == second.model]
    if not pairs:
        found = "; ".join(f"{side[0].name} on {_join(run.model for run in side)}" for side in sides)
        raise UsageError(f"no model has run both versions; found: {found}")
    wanted = None if llm is None else run_history.set_params(llm.sampling)
    return max(
        pairs,
        key=lambda pair: (
            pair[0].sampling == pair[1].sampling,
            sum(run.sampling == wanted for run in pair),
            min(run.when for run in pair),
        ),
    )


def _policy(allow_code: bool) -> ImportPolicy:
    return "all" if allow_code else "trusted"


def _recorded(name: str, llm: LLM | None) -> list[RecordedRun]:
    """Return the recorded runs of a version, only those with the model if there is one."""
    match = VERSION.fullmatch(name)
    assert match is not None
    runs = run_history.recorded_runs(resolve_folder(match[1]))
    matching = [run for run in runs if run.version == int(match[2]) and (llm is None or run.model == llm.name)]
    if not matching:
        known = _join(f"{run.name} on {run.model}" for run in runs) or "none"
        raise UsageError(f"there is no recorded run of {name}{f' on {llm.name}' if llm else ''}; found: {known}")
    return matching


def _only(run: RecordedRun, wanted: Callable[[str], bool]) -> RecordedRun:
    """Return the run with only the scores of the wanted cases."""
    return replace(run, scores={key: score for key, score in run.scores.items() if wanted(score.case)})


def _run_missing(suite: ChainSuite, llm: LLM, progress: Progress) -> tuple[RecordedRun, list[SuiteResult]]:
    """Return the run of the folder's current content. Missing scores are computed first."""
    run = run_history.current_run(suite.folder, llm.name, llm.sampling)
    wanted = {
        (run.case.id, part, run.case.digest) for run in plan_evaluation(suite.chain, suite.cases) for part in run.parts
    }
    known = {(score.case, score.part, score.digest) for score in run.scores.values() if score.score is not None}
    results: list[SuiteResult] = []
    if not wanted <= known:
        done = run_evaluation(suite, llm, progress)
        run, results = done.run, [done.result]
    checked = {case.id for case in suite.cases if case.checks}
    return replace(run, scores={key: score for key, score in run.scores.items() if score.case in checked}), results


def _join(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
