"""The problems of a run: their number and order, and those that were finished within a time limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import ResultKey
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.listeners import RunListener
from reasoning.benchmarks.runs.race import shuffled
from reasoning.benchmarks.runs.runner import missing_keys
from reasoning.benchmarks.tasks import Task
from reasoning.errors import CallFailed
from reasoning.secret_scan import mask_secrets
from reasoning.strategy import Strategy


def load_problems(store: ResultsFolder, task: Task, config: RunConfig, listener: RunListener) -> list[str]:
    """Return the ids of the problems, and make those that the folder lacks. A race has its own order."""
    limit = _limit(store, config)
    if store.needs_examples(limit, ()):
        listener.on_status(f"making the problems of {mask_secrets(task.name)}")
        store.add_examples(task.load(limit, config.seed))
    ids = list(store.examples)[: config.limit]
    return (ids if config.race_margin is None else shuffled(ids, config.seed))[:limit]


def load_scorers(store: ResultsFolder, keys: Sequence[ResultKey], task: Task, config: RunConfig) -> None:
    """Load the problems again if a missing result needs the task's own scorer, which no file can hold."""
    if store.needs_examples(0, (key.problem for key in keys)):
        store.add_examples(task.load(_limit(store, config), config.seed))


def keep_finished(store: ResultsFolder, ids: list[str], named: Mapping[str, Strategy], config: RunConfig) -> list[str]:
    """Return the first problems that every strategy has finished, and store their number with the time limit."""
    unfinished = {key.problem for key in missing_keys(store, ids, named, config.epochs, config.fingerprints)}
    finished = list(takewhile(lambda problem: problem not in unfinished, ids))
    if not finished:
        raise CallFailed("no problem was finished within the time limit; the same command continues")
    if len(finished) < len(ids):
        known = store.metadata.get("completed_within", {})
        store.update_metadata(completed_within={**known, str(config.time_limit): len(finished)})
    return finished


def _limit(store: ResultsFolder, config: RunConfig) -> int:
    """Return the number of problems: with a time limit, as many as an earlier run finished within it."""
    finished: int = store.metadata.get("completed_within", {}).get(str(config.time_limit), config.limit)
    return min(config.limit, finished)
