"""A chain's folder and its cases, from Python; the commands do the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from reasoning.benchmarks.chains import run_history
from reasoning.benchmarks.chains.evaluation import Evaluation, evaluated
from reasoning.benchmarks.chains.run_history import Run
from reasoning.benchmarks.chains.runner import Outcome, Trial, Trials, evaluation, once, run
from reasoning.benchmarks.chains.suite import Opened, opened
from reasoning.benchmarks.chains.versions import Versions, versions
from reasoning.chain.code_loader import Leave
from reasoning.chain.scaffold import source
from reasoning.engine.llm import LLM
from reasoning.errors import UnknownName, UsageError

VERSION = re.compile(r"(.+)@(\d{1,6})")
"""A version that is kept: FOLDER@3."""


@contextmanager
def quiet(total: int) -> Iterator[Callable[[Trial], None]]:
    """No progress is shown."""
    yield lambda trial: None


Progress = Callable[[int], AbstractContextManager[Callable[[Trial], None]]]
"""From the number of trials to what is told of each that is finished."""


def run_cases(
    folder: str | Path,
    llm: LLM,
    *,
    step: str | None = None,
    only: str | None = None,
    limit: int | None = None,
    allow_code: bool = False,
) -> list[Outcome]:
    """Run each case that checks something once, as `reasoning chain test` does. Nothing is kept but the journal.

    Args:
        folder: the chain's folder, or the name of one that is shipped.
        llm: the model, and the judge where a check names no other.
        step: only cases that say something of this step.
        only: only cases with such an id: "angry*".
        limit: the first so many of those.
        allow_code: import the code that the chain names, which runs with your rights.

    Returns:
        What came of each part of each case: its score, whether it passed, and why not.

    Raises:
        UsageError: the folder or a case is wrong, or no case is left; names file and line.
        BudgetExhausted, CallFailed: what stopped it.
    """
    found = opened(source(str(folder)), _leave(allow_code), step=step, only=only, limit=limit)
    done = run(list(once(found.chain, found.cases)), llm)
    if done.stopped is not None:
        raise done.stopped
    return done.outcomes


def evaluate(
    folder: str | Path, llm: LLM, *, only: str | None = None, limit: int | None = None, allow_code: bool = False
) -> Evaluation:
    """Score a chain by step and end to end, and say which step to work on, as `reasoning chain eval` does.

    What comes of it is kept in the folder's `.runs`, for `compare`. Arguments and errors are those of `run_cases`.
    """
    done = evaluation_of(opened(source(str(folder)), _leave(allow_code), only=only, limit=limit), llm)
    if done.trials.stopped is not None:
        raise done.trials.stopped
    return done.table


def compare(
    first: str | Path,
    second: str | Path,
    llm: LLM | None = None,
    *,
    only: str | None = None,
    limit: int | None = None,
    tolerance: float | None = None,
    allow_code: bool = False,
) -> Versions:
    """Compare two versions of a chain on the same cases, as `reasoning chain compare` does.

    Args:
        first, second: a folder, the name of a shipped chain, or a version that is kept: "my_chain@3". Of a version
            with several runs those are taken that share their model and, if there are such, their settings; then the
            newest.
        llm: the model; None where both versions are kept, and then any that both have.
        only: only cases with such an id: "angry*".
        limit: the first so many of those.
        tolerance: points by which the end may become worse: `Versions.passed`.
        allow_code: import the code that the chains name, which runs with your rights.

    Raises:
        UsageError: as `run_cases`; there is no such version, or nothing can be compared.
        BudgetExhausted, CallFailed: what stopped it.
    """
    made, done = compared(str(first), str(second), llm, _leave(allow_code), only, limit, tolerance)
    for one in done:
        if one.stopped is not None:
            raise one.stopped
    return made


@dataclass(frozen=True)
class Done:
    """An evaluation that was run: what it comes to, the run that is kept, and what ended it early."""

    table: Evaluation
    run: Run
    trials: Trials


def evaluation_of(found: Opened, llm: LLM, progress: Progress = quiet) -> Done:
    """Evaluate a folder that is opened, and keep what comes of it, also where it was stopped."""
    trials = list(evaluation(found.chain, found.cases))
    with progress(len(trials)) as told:
        done = run(trials, llm, told)
    kept = run_history.current(found.folder, llm.name, llm.sampling).with_outcomes(done.outcomes)
    run_history.keep(kept, found.folder)
    checked = {(case.id, case.digest) for case in found.cases if case.checks}
    outcomes = [one for one in kept.outcomes.values() if (one.case, one.digest) in checked]
    unchecked = sum(not case.checks for case in found.cases)
    return Done(evaluated(outcomes, found.chain, kept.name, kept.model, unchecked), kept, done)


def compared(
    first: str,
    second: str,
    llm: LLM | None,
    leave: Leave,
    only: str | None = None,
    limit: int | None = None,
    tolerance: float | None = None,
    progress: Progress = quiet,
) -> tuple[Versions, list[Trials]]:
    """See `compare`; with the trials that were run now."""
    sides: list[list[Run]] = []
    done: list[Trials] = []
    asked = set[str]()
    for name in (first, second):
        if VERSION.fullmatch(name):
            sides.append(_kept(name, llm))
            continue
        if llm is None:
            raise UsageError(f"{name} is no version that is kept, such as {name}@1: it needs a model")
        now, trials = _current(opened(source(name), leave, only=only, limit=limit), llm, progress)
        sides.append([now])
        asked |= {case for case, _ in now.outcomes}
        done += trials
    if only is not None:
        names = {case for side in sides for one in side for case, _ in one.outcomes}
        if not any(fnmatchcase(name, only) for name in names):
            raise UnknownName("case", only, names)
        sides = [[_cases(one, lambda case: fnmatchcase(case, only)) for one in side] for side in sides]
    if limit is not None and asked:  # what a folder was not asked for is not missing in it
        sides = [[_cases(one, asked.__contains__) for one in side] for side in sides]
    both = [(one, other) for one in sides[0] for other in sides[1] if one.model == other.model]
    if not both:
        there = "; ".join(f"{side[0].name} on {_listed(one.model for one in side)}" for side in sides)
        raise UsageError(f"no model has run both: {there}")
    wanted = None if llm is None else run_history.settings(llm.sampling)
    chosen = max(
        both,
        key=lambda pair: (
            pair[0].sampling == pair[1].sampling,
            sum(one.sampling == wanted for one in pair),
            min(one.when for one in pair),
        ),
    )
    return versions(*chosen, limit=limit, tolerance=tolerance), done


def _leave(allow_code: bool) -> Leave:
    return "run" if allow_code else "known"


def _kept(name: str, llm: LLM | None) -> list[Run]:
    """The runs of a version that are kept, of this model if one is given."""
    match = VERSION.fullmatch(name)
    assert match is not None
    every = run_history.runs(source(match[1]))
    found = [one for one in every if one.version == int(match[2])]
    found = [one for one in found if llm is None or one.model == llm.name]
    if not found:
        there = _listed(f"{one.name} on {one.model}" for one in every) or "none"
        raise UsageError(f"there is no run of {name}{f' on {llm.name}' if llm else ''}; there is: {there}")
    return found


def _cases(kept: Run, wanted: Callable[[str], bool]) -> Run:
    """What came of these cases."""
    return replace(kept, outcomes={key: one for key, one in kept.outcomes.items() if wanted(one.case)})


def _current(found: Opened, llm: LLM, progress: Progress) -> tuple[Run, list[Trials]]:
    """The run of what a folder holds now, with what is missing run."""
    now = run_history.current(found.folder, llm.name, llm.sampling)
    wanted = {
        (one.case.id, part, one.case.digest) for one in evaluation(found.chain, found.cases) for part in one.parts
    }
    told = {(one.case, one.part, one.digest) for one in now.outcomes.values() if one.score is not None}
    trials: list[Trials] = []
    if not wanted <= told:
        done = evaluation_of(found, llm, progress)
        now, trials = done.run, [done.trials]
    checked = {case.id for case in found.cases if case.checks}
    return replace(now, outcomes={key: one for key, one in now.outcomes.items() if one.case in checked}), trials


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
