"""Compare strategies on a task: the door from Python, and what the command line goes through."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import reasoning
from reasoning import event_loop
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import ResultKey
from reasoning.benchmarks.results.settings import run_settings
from reasoning.benchmarks.results.usage_difference import since
from reasoning.benchmarks.runs import runner
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.race import RaceController, shuffled
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks import get as get_task
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.engine.budget import Budget
from reasoning.errors import CallFailed, UsageError
from reasoning.journal import Journal
from reasoning.problem import Example
from reasoning.strategy import Strategy

if TYPE_CHECKING:
    from reasoning.benchmarks.cli.progress import RunProgress
    from reasoning.engine.llm import LLM


def compare(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    *,
    limit: int = 20,
    seed: int = 0,
    out: str | Path | None = None,
    concurrency: int | None = None,
    time_limit: float | None = None,
    strategy_budget: Budget | None = None,
    problem_budget: Budget | None = None,
    new_samples: bool = False,
    epochs: int = 1,
    race: bool = False,
    margin: float = 3.0,
    split: str = "",
    progress: bool = True,
) -> Comparison:
    """Let strategies solve the same problems, and say which of them can be told apart.

    Args:
        strategies: specs such as "self_consistency(cot, samples=5)", or strategies.
        task: a task's name, a task, or examples of your own.
        llm: what `reasoning.connect` gives, or the model's name.
        limit: how many problems; fewer where the task has no more.
        seed: of the problems, for tasks that are made from one.
        out: a folder in which every result is kept when it is known, and from which the same call goes on.
        concurrency: problems under way at once; by default as many as the model takes requests.
        minutes: begin no further problem after this time; those begun are finished. The folder keeps the number, so
            that the same call finds the same problems again.
        strategy_budget: what each strategy may spend on all its problems, within the model's budget.
        problem_budget: what each strategy may spend on one problem; where it is used up, the problem is unanswered.
        fresh: take draws that nobody has taken before, rather than recorded ones.
        epochs: independent repetitions of every problem, each with draws of its own.
        race: stop a strategy when it can no longer be the best of these problems by more than this many points of
            accuracy; the run ends when one is left. See `reasoning.benchmarks.statistics.racing`.
        split: of a data set of the Hugging Face hub; by default its usual one.
        progress: show on stderr how far it is.

    Returns:
        The comparison. Where the budget ended it, what there is, with `stopped` set.

    Raises:
        UsageError: what was asked for makes no sense.
        CallFailed: nothing came through. What did before is kept in `out`.
    """
    from reasoning.benchmarks.cli.progress import RunProgress

    with RunProgress(shown=progress) as display:
        folder = None if out is None else Path(out)
        plan = RunConfig(
            *(limit, seed, folder, concurrency, time_limit, strategy_budget, problem_budget, new_samples, epochs),
            race_margin=margin if race else None,
        )
        found = run_comparison(strategies, _task(task, split), llm, plan, display)
    if found.stopped is not None and found.stopped.exit_code != 3:
        raise found.stopped
    return found


def run_comparison(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    plan: RunConfig,
    display: RunProgress,
) -> Comparison:
    """What `compare` does, with a display that is open; what stopped the run is in the comparison."""
    named = named_strategies(strategies)
    source = _task(task)
    model = reasoning.connect(llm) if isinstance(llm, str) else llm
    about = {"free": model.client.free, "source": source.source, "licence": source.licence}
    store = ResultsFolder.open(plan.folder, run_settings(source, plan.seed, model, plan.problem_budget), about)
    # The folder keeps a copy of the draws that it used, so that it can be sent to someone.
    journal = model.journal if plan.folder is None else Journal(plan.folder / "journal.sqlite", parent=model.journal)
    try:
        _choose_epoch(store, plan, journal)
        limit = min(plan.limit, store.metadata.get("completed_within", {}).get(str(plan.time_limit), plan.limit))
        ids = _ids(store, plan)[:limit]
        keys = runner.missing_keys(store, ids, named, plan.epochs)
        if store.needs_examples(limit, (key.problem for key in keys)):
            display.doing(f"making the problems of {source.name}")
            store.add_examples(source.load(limit, plan.seed))
            ids = _ids(store, plan)[:limit]
            keys = runner.missing_keys(store, ids, named, plan.epochs)
        store.register_strategies(named)
        _note_asked(store, named, plan, model)
        racing, keys = _race(store, ids, named, plan, keys)
        stopped = None
        before = model.usage
        try:
            if keys:
                before_now, out = Comparison.from_folder(store, ids, list(named)), racing.stopped if racing else ()
                display.running(before_now, model, list(named), keys, plan.time_limit, out)
                stopped = event_loop.run_sync(
                    runner.run(keys, named, model, store, display.result, plan, journal, racing)
                )
        finally:
            _note_race(store, racing, len(ids), named, plan)
        if keys and plan.time_limit and stopped is None:
            running = {spec: strategy for spec, strategy in named.items() if not racing or spec not in racing.stopped}
            ids = _fitted(store, ids, running, plan)
        spent = since(before, model.usage)
        found = Comparison.from_folder(store, ids, list(named), spent=spent, stopped=stopped)
        if found.results:
            Comparison.from_folder(store).save(store)
        return found
    finally:
        if journal is not model.journal:
            journal.close()
        store.close()


def _note_asked(store: ResultsFolder, named: Mapping[str, Strategy], plan: RunConfig, model: LLM) -> None:
    """Keep what the settings do not hold and a repetition needs: every plan by which the folder was filled, once."""
    asked = {"strategies": list(named), "concurrency": model.limits.concurrency, **plan.to_json()}
    more = {"budget": str(model.budget), "prices": model.client.prices}
    asked |= {name: value for name, value in more.items() if value}
    known = store.metadata.get("invocations", [])
    if asked not in known:
        store.update_metadata(invocations=[*known, asked])


def _choose_epoch(store: ResultsFolder, plan: RunConfig, journal: Journal) -> None:
    """Which repetition of the draws a folder holds: chosen once, so that the same call goes on with the same draws."""
    if plan.new_samples and store.results and not store.metadata.get("first_epoch"):
        raise UsageError(f"{plan.folder} holds results of recorded draws: give fresh ones another folder")
    if "first_epoch" not in store.metadata:
        store.update_metadata(first_epoch=journal.unused_epoch() if plan.new_samples else 0)


def _ids(store: ResultsFolder, plan: RunConfig) -> list[str]:
    """The problems that are asked for; a race takes them in an order of its own."""
    ids = list(store.examples)[: plan.limit]
    return ids if plan.race_margin is None else shuffled(ids, plan.seed)


def _race(
    store: ResultsFolder, ids: list[str], named: Mapping[str, Strategy], plan: RunConfig, keys: list[ResultKey]
) -> tuple[RaceController | None, list[ResultKey]]:
    """The race as far as it was run, and what is left to run of those that are still in it."""
    if plan.race_margin is None or len(named) < 2:
        return None, keys
    of = math.inf if plan.race_over_population else len(_ids(store, plan))
    racing = RaceController(ids, of, list(named), plan.epochs, plan.race_margin)
    again = set(keys)
    racing.update({key: result for key, result in store.results.items() if key not in again})
    return racing, [] if racing.decided else [key for key in keys if key.strategy not in racing.stopped]


def _note_race(
    store: ResultsFolder, racing: RaceController | None, problems: int, named: Mapping[str, Strategy], plan: RunConfig
) -> None:
    """Keep what the race decided. What was run without a race is no longer stopped by an earlier one."""
    note = store.metadata.get("race") or {}
    out = {spec: after for spec, after in note.get("stopped", {}).items() if spec not in named}
    if racing:
        note = {
            "margin": plan.race_margin,
            "results_per_strategy": problems * plan.epochs,
            "over_population": plan.race_over_population,
        }
        out |= racing.stopped
    if racing or note:
        store.update_metadata(race={**note, "stopped": out} if racing or out else None)


def _fitted(store: ResultsFolder, ids: list[str], named: Mapping[str, Strategy], plan: RunConfig) -> list[str]:
    """The problems that every strategy has finished in the time given; their number is kept with it."""
    lacking = {key.problem for key in runner.missing_keys(store, ids, named, plan.epochs)}
    done = list(takewhile(lambda problem: problem not in lacking, ids))
    if not done:
        raise CallFailed("no problem was finished; the same command goes on")
    if len(done) < len(ids):
        store.update_metadata(
            completed_within={**store.metadata.get("completed_within", {}), str(plan.time_limit): len(done)}
        )
    return done


def named_strategies(strategies: Sequence[str | Strategy]) -> dict[str, Strategy]:
    """The strategies by their specs, in order; one that is named twice is taken once."""
    if isinstance(strategies, str):
        strategies = reasoning.strategies.split(strategies)
    named: dict[str, Strategy] = {}
    for one in strategies:
        strategy = reasoning.strategies.get(one)
        spec = repr(strategy)
        if spec in named and named[spec] != strategy:
            raise UsageError(f"two different strategies are called {spec!r}; give each a name of its own")
        named[spec] = strategy
    if not named:
        raise UsageError("no strategy is given; for example --strategies 'vanilla, cot'")
    return named


def _task(task: str | Task | Sequence[Example], split: str = "") -> Task:
    return get_task(ExampleList(tuple(task)) if isinstance(task, list | tuple) else task, split=split)  # type: ignore[arg-type]
