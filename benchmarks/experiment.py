"""The comparison of strategies on a task, from Python and from the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reasoning import event_loop, registry, spec
from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.results.result import ResultKey
from reasoning.benchmarks.runs import runner
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.fitting import fit_strategies
from reasoning.benchmarks.runs.folder_records import choose_epoch, record_invocation, record_requests
from reasoning.benchmarks.runs.listeners import Listeners, RunListener, RunStart
from reasoning.benchmarks.runs.open_run import OpenRun, open_run
from reasoning.benchmarks.runs.problems import keep_finished, load_problems, load_scorers
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.benchmarks.runs.race import RaceController, record_race, start_race
from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks import get as get_task
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.benchmarks.tasks.problem_limit import ProblemLimit
from reasoning.engine.budget import Budget
from reasoning.engine.connect import connected
from reasoning.engine.llm import LLM
from reasoning.errors import ReasoningError, UsageError
from reasoning.notebook import in_notebook, interruptible, running_cell
from reasoning.problem import Example
from reasoning.providers.server_use import uses_since
from reasoning.strategies.direct.effort import check_effort
from reasoning.strategy import Strategy


def compare(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    *,
    limit: int | None = None,
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
    pool: str | Task | Sequence[Example] | None = None,
    pool_size: int | None = None,
    progress: bool = True,
    watch: Sequence[RunListener] = (),
) -> Comparison:
    """Run strategies on the same problems, and return a table with a verdict.

    Args:
        strategies: specs such as "self_consistency(cot, samples=5)", or strategies.
        task: the name of a task, a task, or a list of examples.
        llm: what `reasoning.connect` returns, or the name of a model.
        limit: the number of problems; fewer if the task has no more. 0 is all. By default, all of a list
            of examples or of a file, and 20 of any other task.
        seed: the seed of generated problems.
        out: a results folder. Every result is stored there at once, and the same call continues
            from there after a stop. Budgets are those of the folder's run: what earlier calls spent
            counts too. Only seconds are counted anew.
        concurrency: the maximum number of problems in progress; by default the model's limit on
            requests.
        time_limit: seconds after which no further problem is started; started problems are
            finished. The folder stores how many were finished, so that the same call finds the
            same problems again.
        strategy_budget: what each strategy may spend on all problems, within the model's budget.
        problem_budget: what each strategy may spend on one problem; when it runs out, the samples
            that it covered have the vote, and other techniques leave the problem unanswered.
        new_samples: draw new completions instead of using recorded ones.
        epochs: independent repetitions of every problem, each with its own draws.
        race: stop a strategy once it can no longer be the best on these problems by more than the
            margin; the run ends when one strategy remains. See
            `reasoning.benchmarks.statistics.racing`.
        margin: the margin of a race, in percentage points of accuracy.
        split: the split of a data set of the Hugging Face hub; by default its usual one.
        pool: the examples from which strategies learn that need it: a task, its name, or a list. By
            default they are of the same task, from its training split if it has one; see
            `reasoning.benchmarks.tasks.fitting_pool`. They are never judged, and neither are near
            duplicates of them.
        pool_size: the largest number of examples to learn from; by default 100.
        progress: show the table as it grows: in a notebook below the cell, where it becomes the final
            table, and in a terminal on standard error.
        watch: listeners of the run's events, such as `tracking.track("mlflow")`; see
            `reasoning.benchmarks.runs.listeners`. One that raises an exception is left out from then
            on, with a warning.

    Returns:
        The comparison. If the budget ended the run, it holds the results up to then, and `stopped`
        is set.

    Raises:
        UsageError: an argument is wrong.
        CallFailed: calls failed for good. Earlier results are kept in `out`.

    Examples:
        >>> from reasoning import Example, Problem, kinds
        >>> from reasoning.testing import ScriptedLLM
        >>> examples = [Example(Problem(f"{k} + {k}?", kinds.Number()), 2 * k) for k in (1, 2)]
        >>> llm = ScriptedLLM(lambda messages: "The answer is 2.")
        >>> compare(["vanilla"], examples, llm, progress=False).rows[0].accuracy
        0.5
    """
    with RunProgress(shown=progress, plain=False) as listener, interruptible(listener.describe_stop):
        source, config = configure(
            task,
            limit=limit,
            seed=seed,
            out=out,
            concurrency=concurrency,
            time_limit=time_limit,
            strategy_budget=strategy_budget,
            problem_budget=problem_budget,
            new_samples=new_samples,
            epochs=epochs,
            race=race,
            margin=margin,
            split=split,
            pool=pool,
            pool_size=pool_size,
        )
        comparison = run_comparison(strategies, source, llm, config, Listeners(listener, watch))
        if progress and in_notebook():
            listener.end(comparison._repr_html_(), str(comparison))
            # The cell shows it no second time.
            comparison = replace(comparison, shown_in=running_cell())
    if comparison.stopped is not None and comparison.stopped.exit_code != 3:
        raise comparison.stopped
    return comparison


def configure(
    task: str | Task | Sequence[Example],
    *,
    limit: int | None = None,
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
    pool: str | Task | Sequence[Example] | None = None,
    pool_size: int | None = None,
) -> tuple[Task, RunConfig]:
    """Return the task and the configuration of arguments as `compare` takes them.

    Raises:
        UsageError: an argument is wrong.
    """
    source = _task(task, split)
    selection = ProblemLimit.choose(source, limit, seed)
    return source, RunConfig(
        limit=selection.count,
        seed=seed,
        folder=None if out is None else Path(out),
        concurrency=concurrency,
        time_limit=time_limit,
        strategy_budget=strategy_budget,
        problem_budget=problem_budget,
        new_samples=new_samples,
        epochs=epochs,
        race_margin=margin if race else None,
        selection=selection,
        pool=None if pool is None else _task(pool),
        pool_size=pool_size,
    )


def run_comparison(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    config: RunConfig,
    listener: RunListener,
) -> Comparison:
    """Compare as `compare` does, and report to the listener. The comparison holds an error that stopped the run."""
    try:
        return _run_comparison(strategies, task, llm, config, listener)
    except BaseException:
        listener.on_end(None)
        raise


def fit_only(
    strategies: Sequence[str | Strategy], task: Task, model: LLM, config: RunConfig, listener: RunListener
) -> ReasoningError | None:
    """Fit the strategies of a run, and make no result. Return the error that stopped it, such as a used-up budget.

    Raises:
        UsageError: no strategy needs a fit, or an argument is wrong.
    """
    named = named_strategies(strategies)
    if not any(strategy.needs_fit for strategy in named.values()):
        raise UsageError(f"a strategy must need a fit, and none of {', '.join(named)} does: begin with the shards")
    with open_run(task, model, named, config) as run:
        _prepare(run, named, task, config, listener)
        return fit_strategies(run, named, task, model, config, listener)[1]


def named_strategies(strategies: Sequence[str | Strategy]) -> dict[str, Strategy]:
    """Return the strategies by spec, in order, each once.

    Args:
        strategies: specs or strategies; a single text is split at its commas.

    Raises:
        UsageError: there is no strategy, or two different strategies have one spec.
    """
    if isinstance(strategies, str):
        strategies = spec.split(strategies)
    named: dict[str, Strategy] = {}
    for spec_or_strategy in strategies:
        strategy = registry.get(spec_or_strategy)
        name = repr(strategy)
        if name in named and named[name] != strategy:
            raise UsageError(f"two different strategies are called {name!r}; give each its own name")
        named[name] = strategy
    if not named:
        raise UsageError("at least one strategy is needed, such as --strategies 'vanilla, cot'")
    return named


def _run_comparison(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    config: RunConfig,
    listener: RunListener,
) -> Comparison:
    named = named_strategies(strategies)
    task = _task(task)
    model = connected(llm)
    model.check_price(config.strategy_budget)
    model.check_price(config.problem_budget)
    for strategy in named.values():
        check_effort(strategy, model)
    with open_run(task, model, named, config) as run:
        model.assume_refused(run.store.metadata.get("refused_settings", ()))
        ids = _prepare(run, named, task, config, listener)
        invocation = record_invocation(run.store, named, config, model)
        folder = {} if config.folder is None else {"folder": str(config.folder)}
        listener.on_open({**run.store.settings, **invocation, **folder})
        usage_before, used_before = model.usage, model.server_uses
        race, keys = None, list[ResultKey]()
        try:
            named, stopped = fit_strategies(run, named, task, model, config, listener)
            if stopped is None:
                # What a strategy has learned decides which of its stored results still count.
                keys = runner.missing_keys(run.store, ids, named, config.epochs, config.fingerprints)
                load_scorers(run.store, keys, task, config)
            race, keys = start_race(run.store, ids, named, config, keys)
            if keys:
                stopped = _make_results(run, keys, ids, named, model, config, race, listener)
        finally:
            record_race(run.store, race, len(ids), named, config)
            record_requests(run.store, model)
        if keys and config.time_limit and stopped is None:
            remaining = {name: one for name, one in named.items() if not race or name not in race.stopped}
            ids = keep_finished(run.store, ids, remaining, config)
        spent = model.usage - usage_before
        run.is_refused = stopped is not None and not spent.calls
        comparison = Comparison.from_folder(
            *(run.store, ids, list(named)),
            spent=spent,
            stopped=stopped,
            before=run.before,
            left=run.budget.left,
            selection=config.selection,
        )
        comparison = replace(comparison, servers=uses_since(used_before, model.server_uses))
        if comparison.results and config.summarize:
            Comparison.from_folder(run.store).save(run.store)
        listener.on_end(comparison)
        return comparison


def _prepare(
    run: OpenRun, named: Mapping[str, Strategy], task: Task, config: RunConfig, listener: RunListener
) -> list[str]:
    """Choose the first epoch, make the problems that the folder lacks, and return their ids."""
    choose_epoch(run.store, config, run.journal)
    ids = load_problems(run.store, task, config, listener)
    for kind in dict.fromkeys(run.store.examples[problem].problem.kind for problem in ids):
        for strategy in named.values():
            strategy.check_supports(kind)
    run.store.register_strategies(named)
    return ids


def _make_results(
    run: OpenRun,
    keys: list[ResultKey],
    ids: list[str],
    named: Mapping[str, Strategy],
    model: LLM,
    config: RunConfig,
    race: RaceController | None,
    listener: RunListener,
) -> ReasoningError | None:
    """Make the missing results, and return the error that stopped the run."""
    stored = Comparison.from_folder(run.store, ids, list(named), selection=config.selection)
    problems = {key.problem for key in keys} | set(stored.results.distinct("problem"))
    title, stopped = replace(stored, n=len(problems)).title, race.stopped if race else ()
    listener.on_start(RunStart(title, model, list(named), keys, stored.results, config.time_limit, stopped))
    return event_loop.run_sync(
        runner.run(
            *(keys, named, model, run.store, listener.on_result, config, run.journal, race, run.ledger, run.budget)
        )
    )


def _task(task: str | Task | Sequence[Example], split: str = "") -> Task:
    examples = ExampleList(tuple(task)) if isinstance(task, list | tuple) else task
    if not isinstance(examples, str) and not hasattr(examples, "load"):
        raise UsageError(f"a task must be a name, a Task or a list of Examples, got {examples!r:.60}")
    return get_task(examples, split=split)  # type: ignore[arg-type]
