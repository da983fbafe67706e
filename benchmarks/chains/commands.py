"""`reasoning chain eval` and `compare`: a chain by step, and two versions of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.chain.trials.commands import (
    AsJson,
    Code,
    Concurrency,
    Folder,
    Limit,
    Longest,
    Model,
    Only,
    Record,
    Spend,
    Url,
    chain,
    connected,
    ended,
    progress,
)
from reasoning.errors import UsageError
from reasoning.terminal import screen

if TYPE_CHECKING:
    from reasoning.chain.code import Leave
    from reasoning.chain.trials.opened import Opened
    from reasoning.chain.trials.runs import Run
    from reasoning.chain.trials.trial import Trials
    from reasoning.llm.llm import LLM

_VERSION = re.compile(r"(.+)@(\d{1,6})")


@chain.command(name="eval")
def evaluate(
    folder: Folder,
    model: Model = "local",
    base_url: Url = None,
    only: Only = None,
    limit: Limit = None,
    concurrency: Concurrency = 32,
    budget: Spend = None,
    max_tokens: Longest = None,
    journal: Record = None,
    as_json: AsJson = False,
    allow_code: Code = False,
) -> None:
    """Score a chain by step and end to end, and say which step to work on.

    Each step is scored in the chain, and alone from the right results of the steps before it. Then one step's result
    after the other is replaced by the right one, to see how much better the end becomes: what the step loses. What the
    same request asks is asked once, and what is recorded is not paid for again.
    """
    from benchmarks.chains.evaluation import evaluated
    from reasoning.chain.new import source
    from reasoning.chain.trials.opened import opened

    found = opened(source(folder), "run" if allow_code else "known", only=only, limit=limit)
    with connected(model, base_url, journal, budget, concurrency, max_tokens) as llm:
        done, run = _evaluated(found, llm)
    asked = {(case.id, case.digest) for case in found.cases}
    outcomes = [one for one in run.outcomes.values() if (one.case, one.digest) in asked]
    table = evaluated(outcomes, found.chain, run.name, run.model)
    if as_json:
        typer.echo(json.dumps(table.to_json(), ensure_ascii=False))
    else:
        screen().print(table.table())
    ended(done)


@chain.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A folder, a shipped chain's name, or FOLDER@VERSION.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    model: Model = "local",
    base_url: Url = None,
    only: Only = None,
    limit: Limit = None,
    concurrency: Concurrency = 32,
    budget: Spend = None,
    max_tokens: Longest = None,
    journal: Record = None,
    as_json: AsJson = False,
    allow_code: Code = False,
) -> None:
    """Compare two versions of a chain on the same cases.

    FOLDER@3 is the third version of the folder that was run; what is kept of it is taken as it is. A bare folder is
    what it holds now, and what was not run of it yet is run.
    """
    from benchmarks.chains.versions import versions

    with connected(model, base_url, journal, budget, concurrency, max_tokens) as llm:
        found = [_run(name, llm, "run" if allow_code else "known", only, limit) for name in (first, second)]
    made = versions(found[0][0], found[1][0])
    if as_json:
        typer.echo(json.dumps(made.to_json(), ensure_ascii=False))
    else:
        screen().print(made.table())
    for _, done in found:
        if done is not None:
            ended(done)


def _evaluated(found: Opened, llm: LLM) -> tuple[Trials, Run]:
    """Evaluate, and keep what comes of it."""
    from reasoning.chain.trials import runs
    from reasoning.chain.trials.trial import evaluation, run

    trials = list(evaluation(found.chain, found.cases))
    with progress(len(trials)) as told:
        done = run(trials, llm, told)
    kept = runs.current(found.folder, llm.name, llm.sampling).with_outcomes(done.outcomes)
    runs.keep(kept, found.folder)
    return done, kept


def _run(name: str, llm: LLM, leave: Leave, only: str | None, limit: int | None) -> tuple[Run, Trials | None]:
    """The run of a version: a kept one, or what the folder holds now with what is missing run."""
    from reasoning.chain.new import source
    from reasoning.chain.trials import runs
    from reasoning.chain.trials.opened import opened
    from reasoning.chain.trials.trial import evaluation

    match = _VERSION.fullmatch(name)
    if match is not None:
        folder = source(match[1])
        kept = [one for one in runs.runs(folder) if one.version == int(match[2])]
        fitting = [one for one in kept if one.model == llm.name]
        if not fitting:
            there = ", ".join(dict.fromkeys(f"{one.name} on {one.model}" for one in runs.runs(folder))) or "none"
            raise UsageError(f"there is no run of {name} on {llm.name}; there is: {there}")
        return max(fitting, key=lambda one: one.when), None
    found = opened(source(name), leave, only=only, limit=limit)
    run, done = runs.current(found.folder, llm.name, llm.sampling), None
    trials = evaluation(found.chain, found.cases)
    wanted = {(one.case.id, part, one.case.digest) for one in trials for part in one.parts}
    told = {(one.case, one.part, one.digest) for one in run.outcomes.values() if one.score is not None}
    if not wanted <= told:
        done, run = _evaluated(found, llm)
    asked = {case.id for case in found.cases}
    return replace(run, outcomes={key: one for key, one in run.outcomes.items() if one.case in asked}), done
