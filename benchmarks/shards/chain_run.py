"""A chain over many inputs on the workers of a Ray cluster, for `chain run --ray`.

The workers buy the draws: the chain is the one strategy of a divided run whose problems are the inputs. The command
then makes the rows from the recorded draws as it always does, so that they are those of one process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.listeners import RunStart
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.benchmarks.shards.ray_cluster import RayCluster
from reasoning.benchmarks.shards.ray_run import run_on_ray
from reasoning.benchmarks.tasks.in_memory import ExampleList
from reasoning.chain.chain import Chain
from reasoning.engine.llm import LLM
from reasoning.journal.importing import merge_journal
from reasoning.messages import Usage
from reasoning.problem import Example, Problem


def buy_draws(
    chain: Chain,
    problems: Sequence[Problem],
    llm: LLM,
    folder: Path,
    address: str,
    workers: int | None,
    spent: Usage,
    on_row: Callable[[int], None],
) -> tuple[Usage, Usage]:
    """Buy the draws of a chain on all problems, and record them in the model's journal.

    Args:
        chain: the chain.
        problems: the problems.
        llm: the model, whose journal is in a file.
        folder: keeps what the workers have made until the run is complete.
        address: the address of the cluster, or "auto".
        workers: the number of workers; None for the cores of the cluster.
        spent: what was spent of the model's budget by other commands.
        on_row: receives the number of problems that are done.

    Returns:
        What workers have spent in earlier commands, and in this one.

    Raises:
        MissingExtra: Ray is not installed.
        ReasoningError: what ended the run on a worker. The draws so far are recorded.
    """
    examples = [
        Example(replace(problem, id=f"input-{number:07d}"), "", scorer=_is_unscored)
        for number, problem in enumerate(problems, 1)
    ]
    listener = _Rows(on_row)
    config = RunConfig(limit=len(examples), folder=folder)
    try:
        comparison = run_on_ray(
            [chain], ExampleList(tuple(examples)), llm, config, RayCluster(address, workers), listener, spent
        )
    finally:
        if llm.journal.path is not None and (folder / "journal.sqlite").is_file():
            merge_journal(llm.journal.path, folder / "journal.sqlite")
    return comparison.before.total(), comparison.spent


def _is_unscored(value: Any) -> bool:
    return False


class _Rows(RunProgress):
    """Tells a command how many inputs are done."""

    def __init__(self, on_row: Callable[[int], None]) -> None:
        super().__init__(shown=False)
        self._on_row, self._rows = on_row, 0

    def on_start(self, start: RunStart) -> None:
        super().on_start(start)
        self._rows = len(start.stored)
        self._on_row(self._rows)

    def on_result(self, result: Result) -> None:
        self._rows += 1
        self._on_row(self._rows)
