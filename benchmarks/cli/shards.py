"""The command `reasoning bench merge`, and the options `--shard` and `--ray` of `bench run`."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.benchmarks.cli.results import Folder, print_comparison
from reasoning.benchmarks.cli.run_output import exit_with_status, print_results
from reasoning.cli.output import CALLS_FAILED, OutputOptions, info

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.listeners import Listeners, RunListener
    from reasoning.benchmarks.shards.ray_cluster import RayCluster
    from reasoning.benchmarks.tasks import Task
    from reasoning.cli.options import BatchModelOptions
    from reasoning.engine.llm import LLM
    from reasoning.strategy import Strategy


def check_shard_options(
    shard: str | None, models: Sequence[str] | None, options: BatchModelOptions
) -> BatchModelOptions:
    """Return the options of a model for a divided run: without the user's journal, unless one is named.

    Args:
        shard: the shard; None for a run on a Ray cluster.
        models: the models.
        options: the options.

    Raises:
        UsageError: an option does not go with shards.
    """
    from reasoning.benchmarks.shards.division import FIT, Shard
    from reasoning.errors import UsageError

    if shard not in (None, FIT):
        Shard.parse(str(shard))
    option = "--ray" if shard is None else "--shard"
    if len(models or ()) > 1:
        raise UsageError(f"{option} takes one --model: run the models one after the other, each with its own --out")
    if options.batch:
        raise UsageError(
            f"--batch and {option} exclude each other: one process sends as many lines as a provider takes"
        )
    if options.rate.share_limits:
        raise UsageError(f"--share-limits and {option} exclude each other: each part has its part of the limits")
    if options.journal.journal is not None or options.journal.no_journal:
        return options
    return dataclasses.replace(options, journal=dataclasses.replace(options.journal, no_journal=True))


def ray_cluster(address: str | None, workers: int | None) -> RayCluster | None:
    """Return the cluster of `--ray` and `--workers`; None without them.

    Raises:
        UsageError: only the workers are given, or a value is wrong.
    """
    from reasoning.errors import UsageError

    if address is None:
        if workers is not None:
            raise UsageError("--workers is the number of workers of a Ray cluster: give --ray auto, too")
        return None
    from reasoning.benchmarks.shards.ray_cluster import RayCluster

    return RayCluster(address, workers)


def on_cluster(cluster: RayCluster) -> Callable[..., Comparison]:
    """Return a function that runs a comparison on a cluster."""
    from reasoning.benchmarks.shards.ray_run import run_on_ray

    def run(
        strategies: Sequence[Strategy], task: Task, llm: LLM, config: RunConfig, listener: RunListener
    ) -> Comparison:
        return run_on_ray(strategies, task, llm, config, cluster, listener)

    return run


def run_shard_command(
    shard: str,
    strategies: Sequence[Strategy],
    task: Task,
    llm: LLM,
    config: RunConfig,
    progress: Listeners,
    local_dir: Path | None,
    output: OutputOptions,
) -> None:
    """Run a shard, or fit the strategies before the shards, and print what was made."""
    from reasoning.benchmarks.shards.division import FIT, Shard
    from reasoning.benchmarks.shards.shard_run import fit_before_shards, fit_folder, run_shard

    assert config.folder is not None
    if shard == FIT:
        stopped = fit_before_shards(strategies, task, llm, config, progress, local_dir)
        progress.close()
        if stopped is not None:
            raise stopped
        info(f"fitted for all shards: {fit_folder(config.folder)}")
        return
    part = Shard.parse(shard)
    comparison = run_shard(strategies, task, llm, config, part, progress, local_dir)
    progress.close()
    if comparison.results:
        print_results(comparison, part.folder(config.folder), output.format)
    info(f"after all shards: reasoning bench merge {shlex.quote(str(config.folder))}")
    exit_with_status([comparison], config.strategy_budget, part, llm.budget)


def merge(
    folder: Folder,
    into: Annotated[
        Path | None,
        typer.Option(help="The folder for the merged results.", metavar="DIR", show_default="DIR itself"),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Merge also while shards are running: what they have stored so far.")
    ] = False,
    *,
    output: OutputOptions,
) -> None:
    """Merge the shards of a run into the results folder that one process would have made. No call is made.

    What is missing is named: shards, and problems without all results. Merge again after a late shard.

    Exit codes: 0 complete, 2 nothing to merge, 4 shards or results are missing (what there is is merged).
    """
    from reasoning.benchmarks.shards.merge import merge_shards

    merged = merge_shards(folder, into=into, partial=partial)
    if merged.comparison is not None:
        print_comparison(merged.comparison, output.format)
    info(f"\n{merged}\nresults: {merged.folder}")
    if not merged.is_complete:
        raise typer.Exit(CALLS_FAILED)
