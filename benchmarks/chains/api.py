"""A chain's folder and its cases, from Python; the commands do the same."""

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
from reasoning.chain.code_loader import Leave
from reasoning.chain.scaffold import source
from reasoning.engine.llm import LLM
from reasoning.errors import UnknownName, UsageError

VERSION = re.compile(r"(.+)@(\d{1,6})")
"""A version that is kept: FOLDER@3."""


@contextmanager
def quiet(total: int) -> Iterator[Callable[[CaseRun], None]]:
    """No progress is shown."""
    yield lambda trial: None


Progress = Callable[[int], AbstractContextManager[Callable[[CaseRun], None]]]
"""From the number of trials to what is told of each that is finished."""


def run_cases(
    folder: str | Path,
    llm: LLM,
    *,
    step: str | None = None,
    pattern: str | None = None,
    limit: int | None = None,
    allow_code: bool = False,
) -> list[PartScore]:
    """Run each case that checks something once, as `reasoning chain test` does. Nothing is kept but the journal.

    Args:
        folder: the chain's folder, or the name of one that is shipped.
        llm: the model, and the judge where a check names no other.
        step: only cases that say something of this step.
        pattern: only cases with such an id: "angry*".
        limit: the first so many of those.
        allow_code: import the code that the chain names, which runs with your rights.

    Returns:
        What came of each part of each case: its score, whether it passed, and why not.

    Raises:
        UsageError: the folder or a case is wrong, or no case is left; names file and line.
        BudgetExhausted, CallFailed: what stopped it.
    """
    found = load_suite(source(str(folder)), _leave(allow_code), step=step, only=pattern, limit=limit)
    done = run_suite(list(plan_tests(found.chain, found.cases)), llm)
    if done.stopped is not None:
        raise done.stopped
    return done.scores


def evaluate(
    folder: str | Path, llm: LLM, *, pattern: str | None = None, limit: int | None = None, allow_code: bool = False
) -> Evaluation:
    """Score a chain by step and end to end, and say which step to work on, as `reasoning chain eval` does.

    What comes of it is kept in the folder's `.runs`, for `compare`. Arguments and errors are those of `run_cases`.
    """
    done = run_evaluation(load_suite(source(str(folder)), _leave(allow_code), only=pattern, limit=limit), llm)
    if done.trials.stopped is not None:
        raise done.trials.stopped
    return done.table


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
    """Compare two versions of a chain on the same cases, as `reasoning chain compare` does.

    Args:
        first, second: a folder, the name of a shipped chain, or a version that is kept: "my_chain@3". Of a version
            with several runs those are taken that share their model and, if there are such, their settings; then the
            newest.
        llm: the model; None where both versions are kept, and then any that both have.
        pattern: only cases with such an id: "angry*".
        limit: the first so many of those.
        tolerance: points by which the end may become worse: `VersionComparison.passed`.
        allow_code: import the code that the chains name, which runs with your rights.

    Raises:
        UsageError: as `run_cases`; there is no such version, or nothing can be compared.
        BudgetExhausted, CallFailed: what stopped it.
    """
    made, done = run_comparison(str(first), str(second), llm, _leave(allow_code), pattern, limit, tolerance)
    for one in done:
        if one.stopped is not None:
            raise one.stopped
    return made


@dataclass(frozen=True)
class EvaluationRun:
    """An evaluation that was run: what it comes to, the run that is kept, and what ended it early."""

    table: Evaluation
    run: RecordedRun
    trials: SuiteResult


def run_evaluation(found: ChainSuite, llm: LLM, progress: Progress = quiet) -> EvaluationRun:
    """Evaluate a folder that is opened, and keep what comes of it, also where it was stopped."""
    trials = list(plan_evaluation(found.chain, found.cases))
    with progress(len(trials)) as told:
        done = run_suite(trials, llm, told)
    kept = run_history.current_run(found.folder, llm.name, llm.sampling).with_scores(done.scores)
    run_history.save_run(kept, found.folder)
    checked = {(case.id, case.digest) for case in found.cases if case.checks}
    outcomes = [one for one in kept.scores.values() if (one.case, one.digest) in checked]
    unchecked = sum(not case.checks for case in found.cases)
    return EvaluationRun(summarize_evaluation(outcomes, found.chain, kept.name, kept.model, unchecked), kept, done)


def run_comparison(
    first: str,
    second: str,
    llm: LLM | None,
    leave: Leave,
    pattern: str | None = None,
    limit: int | None = None,
    tolerance: float | None = None,
    progress: Progress = quiet,
) -> tuple[VersionComparison, list[SuiteResult]]:
    """See `compare`; with the trials that were run now."""
    sides: list[list[RecordedRun]] = []
    done: list[SuiteResult] = []
    asked = set[str]()
    for name in (first, second):
        if VERSION.fullmatch(name):
            sides.append(_kept(name, llm))
            continue
        if llm is None:
            raise UsageError(f"{name} is no version that is kept, such as {name}@1: it needs a model")
        now, trials = _current(load_suite(source(name), leave, only=pattern, limit=limit), llm, progress)
        sides.append([now])
        asked |= {case for case, _ in now.scores}
        done += trials
    if pattern is not None:
        names = {case for side in sides for one in side for case, _ in one.scores}
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UnknownName("case", pattern, names)
        sides = [[_cases(one, lambda case: fnmatchcase(case, pattern)) for one in side] for side in sides]
    if limit is not None and asked:  # what a folder was not asked for is not missing in it
        sides = [[_cases(one, asked.__contains__) for one in side] for side in sides]
    both = [(one, other) for one in sides[0] for other in sides[1] if one.model == other.model]
    if not both:
        there = "; ".join(f"{side[0].name} on {_listed(one.model for one in side)}" for side in sides)
        raise UsageError(f"no model has run both: {there}")
    wanted = None if llm is None else run_history.set_params(llm.sampling)
    chosen = max(
        both,
        key=lambda pair: (
            pair[0].sampling == pair[1].sampling,
            sum(one.sampling == wanted for one in pair),
            min(one.when for one in pair),
        ),
    )
    return compare_versions(*chosen, limit=limit, tolerance=tolerance), done


def _leave(allow_code: bool) -> Leave:
    return "run" if allow_code else "known"


def _kept(name: str, llm: LLM | None) -> list[RecordedRun]:
    """The runs of a version that are kept, of this model if one is given."""
    match = VERSION.fullmatch(name)
    assert match is not None
    every = run_history.recorded_runs(source(match[1]))
    found = [one for one in every if one.version == int(match[2])]
    found = [one for one in found if llm is None or one.model == llm.name]
    if not found:
        there = _listed(f"{one.name} on {one.model}" for one in every) or "none"
        raise UsageError(f"there is no run of {name}{f' on {llm.name}' if llm else ''}; there is: {there}")
    return found


def _cases(kept: RecordedRun, wanted: Callable[[str], bool]) -> RecordedRun:
    """What came of these cases."""
    return replace(kept, scores={key: one for key, one in kept.scores.items() if wanted(one.case)})


def _current(found: ChainSuite, llm: LLM, progress: Progress) -> tuple[RecordedRun, list[SuiteResult]]:
    """The run of what a folder holds now, with what is missing run."""
    now = run_history.current_run(found.folder, llm.name, llm.sampling)
    wanted = {
        (one.case.id, part, one.case.digest) for one in plan_evaluation(found.chain, found.cases) for part in one.parts
    }
    told = {(one.case, one.part, one.digest) for one in now.scores.values() if one.score is not None}
    trials: list[SuiteResult] = []
    if not wanted <= told:
        done = run_evaluation(found, llm, progress)
        now, trials = done.run, [done.trials]
    checked = {case.id for case in found.cases if case.checks}
    return replace(now, scores={key: one for key, one in now.scores.items() if one.case in checked}), trials


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
