"""Divided runs from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.experiment import configure
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.benchmarks.shards.division import FIT, Shard
from reasoning.benchmarks.shards.shard_run import fit_before_shards, run_shard
from reasoning.benchmarks.tasks import Task
from reasoning.engine.connect import connected
from reasoning.engine.llm import LLM
from reasoning.problem import Example
from reasoning.strategy import Strategy


def compare_shard(
    shard: str,
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    *,
    out: str | Path,
    local_folder: str | Path | None = None,
    progress: bool = True,
    **options: Any,
) -> Comparison | None:
    """Run one shard of a comparison, whose shards `merge_shards` puts together.

    Args:
        shard: "I/N" with I from 0 to N - 1, or "fit" to fit the strategies once, before the shards.
        strategies: specs or strategies, as `reasoning.benchmarks.compare` takes them.
        task: a name, a task or a list of examples.
        llm: the model, with the budget and the rate limits of the whole run: a shard has the N-th part of what is
            given. `journal=False` keeps it from using the user's journal, which may be on a network file system.
        out: the folder of the run, which all shards share; each makes its own within it.
        local_folder: the folder for the journal, on a local disk; by default a temporary one.
        progress: show the progress on a terminal or below a notebook's cell.
        **options: what else `compare` takes, as for the whole run.

    Returns:
        The comparison on the problems of the shard; None after a fit.

    Raises:
        UsageError: an argument is wrong, or a strategy has not been fitted.
        ReasoningError: a fit was stopped, such as by the budget.
    """
    source, config = configure(task, out=out, **options)
    local, model = None if local_folder is None else Path(local_folder), connected(llm)
    with RunProgress(shown=progress, plain=False) as listener:
        if shard == FIT:
            if (stopped := fit_before_shards(strategies, source, model, config, listener, local)) is not None:
                raise stopped
            return None
        return run_shard(strategies, source, model, config, Shard.parse(shard), listener, local)


def compare_on_ray(
    strategies: Sequence[str | Strategy],
    task: str | Task | Sequence[Example],
    llm: LLM | str,
    *,
    out: str | Path,
    address: str = "auto",
    workers: int | None = None,
    progress: bool = True,
    **options: Any,
) -> Comparison:
    """Run a comparison on the workers of a Ray cluster. The same call continues one that was stopped.

    Args:
        strategies: specs or strategies, as `reasoning.benchmarks.compare` takes them.
        task: a name, a task or a list of examples. The problems are loaded here and sent to the workers.
        llm: the model of `reasoning.connect`. Its budget, and the rate limits that were given, are those of all workers
            together. The key is sent to the workers over the connections of Ray.
        out: the results folder, on this machine.
        address: "auto" for the cluster that this machine belongs to, or else one on this machine alone; or the address
            of a cluster that this machine is a part of.
        workers: the number of workers, each with a core; by default the cores of the cluster.
        progress: show the progress on a terminal or below a notebook's cell.
        **options: what else `compare` takes.

    Returns:
        The comparison. If the budget ended the run, it holds the results up to then, and `stopped` is set.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: an argument is wrong.
        CallFailed: calls failed for good, or workers die again and again. The results so far are kept in `out`.
    """
    from reasoning.benchmarks.shards.ray_cluster import RayCluster
    from reasoning.benchmarks.shards.ray_run import run_on_ray

    cluster = RayCluster(address, workers)
    source, config = configure(task, out=out, **options)
    with RunProgress(shown=progress, plain=False) as listener:
        return run_on_ray(strategies, source, connected(llm), config, cluster, listener)
