"""The option `--ray` of `reasoning chain run`: workers buy the draws of a chain before its rows are made."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning import plugins
from reasoning.cli import interrupts
from reasoning.cli.progress import progress_bar
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain
    from reasoning.chain.inputs import ChainInput
    from reasoning.cli.options import BatchModelOptions
    from reasoning.engine.llm import LLM
    from reasoning.messages import Usage

GROUP = "reasoning.chain_engines"
"""The entry points of what runs chains on other machines; see `reasoning.benchmarks.shards.chain_run`."""


def check_ray(
    ray: str | None,
    workers: int | None,
    out: Path | None,
    new_samples: bool,
    together: bool,
    options: BatchModelOptions,
) -> None:
    """Check the options that go with `--ray`.

    Raises:
        UsageError: an option does not go with it, or the run was begun with `--ray` and is continued without.
    """
    if ray is None:
        if workers is not None:
            raise UsageError("--workers is the number of workers of a Ray cluster: give --ray auto, too")
        if out is not None and shards_folder(out).exists():
            raise UsageError(
                f"{out}: this run was begun with --ray, and its budget counts what the workers have spent: continue it "
                f"with --ray auto, or remove {shards_folder(out)}"
            )
        return
    if out is None:
        raise UsageError("--ray needs --out FILE, next to which it keeps what the workers have made")
    for given, name in ((new_samples, "--new-samples"), (together, "--together"), (options.batch, "--batch")):
        if given:
            raise UsageError(f"{name} and --ray exclude each other: leave one of them out")
    if options.journal.no_journal:
        raise UsageError("--no-journal and --ray exclude each other: the workers' draws are recorded in the journal")


def shards_folder(out: Path) -> Path:
    """Return the folder of what workers have made for a file of results."""
    return out.with_name(f".{out.name}.shards")


def buy_on_workers(
    chain: Chain, inputs: Sequence[ChainInput], llm: LLM, out: Path, ray: str, workers: int | None, before: Usage
) -> tuple[Usage, Usage]:
    """Let workers buy the draws of all valid inputs; return what they spent in earlier commands and in this one.

    Args:
        chain: the chain.
        inputs: the inputs.
        llm: the model.
        out: the file of the results.
        ray: the address of the cluster, or "auto".
        workers: the number of workers; None for the cores of the cluster.
        before: what commands without workers have spent on the run.
    """
    from reasoning.messages import Usage

    problems = [item.problem for item in inputs if item.problem is not None]
    if not problems:
        return Usage(), Usage()
    buy = plugins.load(GROUP, "ray")
    with progress_bar(total=len(problems)) as bar:
        interrupts.keep(f"what the workers have made is kept in {shards_folder(out)}")

        def on_row(done: int) -> None:
            bar(done, len(problems), "the workers' calls")

        earlier, spent = buy(chain, problems, llm, shards_folder(out), ray, workers, before, on_row)
    return earlier, spent


def forget_workers(out: Path) -> None:
    """Remove what workers have made for a run that is complete: the journal has their draws."""
    shutil.rmtree(shards_folder(out), ignore_errors=True)
