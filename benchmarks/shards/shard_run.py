"""One shard of a run as a process of its own: a task of a SLURM array, or a command on one of several machines.

Nothing is locked between machines. Each shard writes only in its own folder, on a file system that all may share, and
its journal is on a local disk. What strategies learn is made before, by one process, so that no shard waits for
another one.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.experiment import fit_only, named_strategies, run_comparison
from reasoning.benchmarks.results.folder import DRAWS, SHARDS, SPENDING, ResultsFolder
from reasoning.benchmarks.results.settings import Settings, find_differences, run_settings
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.listeners import RunListener
from reasoning.benchmarks.shards.division import FIT, Shard, ShardTask
from reasoning.benchmarks.shards.heartbeat import Heartbeat, wait_until_free
from reasoning.benchmarks.shards.local_disk import private_folder
from reasoning.benchmarks.tasks import Task
from reasoning.engine.ledger import Spending
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.llm import LLM
from reasoning.errors import ReasoningError, SettingsChanged, UsageError
from reasoning.messages import Usage
from reasoning.strategy import Strategy

_SYNCED = (DRAWS, "results.jsonl", "traces.jsonl", SPENDING)


def run_shard(
    strategies: Sequence[str | Strategy],
    task: Task,
    model: LLM,
    config: RunConfig,
    shard: Shard,
    listener: RunListener,
    local_folder: Path | None = None,
) -> Comparison:
    """Run one shard. The same call continues one that was stopped, also on another machine.

    Args:
        strategies: the strategies of the run.
        task: the task of the run.
        model: the model, with the budget and the rate limits of the run, of which the shard has its part.
        config: the configuration of the run. Its folder is that of the run.
        shard: the shard.
        listener: receives the progress.
        local_folder: the folder for the journal, on a local disk; None for a temporary one.

    Returns:
        The comparison on the problems of the shard.

    Raises:
        UsageError: the shard has no problem, a strategy has not been fitted, the run cannot be divided, or the folder
            has shards of another division or with other settings.
        InputError: another process is running the shard.
    """
    out = check_divisible(config)
    limit = len(range(shard.index, config.limit, shard.count))
    if not limit:
        raise UsageError(
            f"the shard {shard} has no problem, since the run has {config.limit}: give at most {config.limit} shards"
        )
    _check_others(out, shard, run_settings(task, config.seed, model, config.problem_budget))
    fits = fit_folder(out)
    with open_part(shard.folder(out), model, listener, local_folder) as journal:
        part = replace(
            divided(config, shard, model, fit_spending(fits, model).total()),
            limit=limit,
            folder=shard.folder(out),
            local_journal=journal,
            fit_folder=fits,
        )
        owner = _Owner()
        settings = model.given_limits
        if settings is not None:
            model.apply_limits(owner, shard.of_limits(settings))
        try:
            return run_comparison(strategies, ShardTask(task, shard), model, part, listener)
        finally:
            model.remove_limits(owner)


def fit_before_shards(
    strategies: Sequence[str | Strategy],
    task: Task,
    model: LLM,
    config: RunConfig,
    listener: RunListener,
    local_folder: Path | None = None,
) -> ReasoningError | None:
    """Fit the strategies of a run once, before its shards, on examples that none of them judges.

    Args:
        strategies: the strategies of the run.
        task: the task of the run.
        model: the model. What the fits spend of its budget, the shards do not have.
        config: the configuration of the run. Its folder is that of the run.
        listener: receives the progress.
        local_folder: the folder for the journal, on a local disk; None for a temporary one.

    Returns:
        The error that stopped the fits, such as a used-up budget; the same call continues them.

    Raises:
        UsageError: no strategy needs a fit, or the run cannot be divided.
    """
    folder = fit_folder(check_divisible(config))
    with open_part(folder, model, listener, local_folder) as journal:
        return fit_only(strategies, task, model, replace(config, folder=folder, local_journal=journal), listener)


def fit_folder(out: Path) -> Path:
    """Return the folder of the fits of a divided run."""
    return out / SHARDS / FIT


def fit_spending(folder: Path, model: LLM) -> Spending:
    """Return what the fits of a divided run have spent."""
    return Spending.read(folder / SPENDING, model.price)


def needs_fit(strategies: Sequence[str | Strategy]) -> bool:
    """Return whether a strategy must learn before the run."""
    return any(strategy.needs_fit for strategy in named_strategies(strategies).values())


def divided(config: RunConfig, shard: Shard, model: LLM, spent: Usage) -> RunConfig:
    """Return the configuration of a shard with its part of the budgets and of the problems in progress.

    Raises:
        UsageError: there are fewer problems in progress than shards.
    """
    given = model.given_limits
    concurrency = config.concurrency and shard.of_limits(LimitSettings(config.concurrency)).concurrency
    limits = None if config.strategy_budget is None else shard.of_budget(config.strategy_budget)
    whole = replace(config, concurrency=config.concurrency or (given.concurrency if given else None))
    return replace(
        config,
        concurrency=concurrency,
        strategy_budget=limits,
        budget=shard.of_budget(model.budget, spent),
        part_of=whole,
    )


def check_divisible(config: RunConfig) -> Path:
    """Return the folder of a run that can be divided.

    Raises:
        UsageError: it cannot be.
    """
    if config.folder is None:
        raise UsageError("a divided run needs a folder that all shards share: give --out DIR (out=…)")
    if config.race_margin is not None:
        raise UsageError("a race compares all results at every step, so it needs one process: leave out --race")
    if config.new_samples:
        raise UsageError(
            "leave out --new-samples: the journal of a shard is its own, so that all its samples are new, unless "
            "--journal names another one"
        )
    return config.folder


def _check_others(out: Path, shard: Shard, settings: Settings) -> None:
    """Raise UsageError if this shard could not be merged with those that have begun, of which one is compared."""
    paths = sorted(out.glob(f"{SHARDS}/*-of-*"))
    others = {other: path for path in paths if (other := Shard.of_folder(path)) and (path / "run.json").is_file()}
    if divided_otherwise := next((other for other in others if other.count != shard.count), None):
        raise UsageError(
            f"{out}: all shards must be of one division, got {shard}, and {divided_otherwise} has begun: give each "
            f"division its own --out, or remove {others[divided_otherwise]}"
        )
    if other := next((other for other in others if other != shard), None):
        changed = find_differences(ResultsFolder.read_run_file(others[other]).settings, settings)
        if changed:
            raise SettingsChanged(
                f"{out}: all shards must have the same settings, and {other} was begun with others: "
                f"{'; '.join(changed.values())}. Give another --out, or remove {others[other]}"
            )


@contextmanager
def open_part(folder: Path, model: LLM, listener: RunListener, local: Path | None) -> Iterator[Path]:
    """Show that this process fills a part of a run, and yield the file for its journal.

    The journal is removed at the end: the folder has the draws.

    Raises:
        InputError: another process fills the folder, or the local folder cannot be used.
    """
    wait_until_free(folder, listener.on_status)
    with ExitStack() as stack:
        journal = stack.enter_context(_local_journal(folder, local))
        stack.enter_context(Heartbeat(folder, _SYNCED))
        yield journal


@contextmanager
def _local_journal(folder: Path, local: Path | None) -> Iterator[Path]:
    """Yield the file of a journal on a local disk, and remove it at the end."""
    path = private_folder(hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16], local)
    try:
        yield path / "journal.sqlite"
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _Owner:
    """The owner of the rate limits of a shard."""
