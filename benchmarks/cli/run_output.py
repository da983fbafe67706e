"""The output of commands that run strategies: the forecast, the results, what was spent, and the exit code."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reasoning.benchmarks.cli.results import print_comparison
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.interrupts import command_line
from reasoning.cli.output import (
    CALLS_FAILED,
    NOT_STARTED,
    Format,
    OutputOptions,
    can_ask,
    confirm,
    console,
    echo,
    info,
    print_json,
)
from reasoning.errors import BudgetExhausted

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.runs.config import RunConfig
    from reasoning.benchmarks.runs.cost_estimate import CostEstimate
    from reasoning.benchmarks.tasks import Task
    from reasoning.cli.continuing import Part
    from reasoning.engine.budget import Budget
    from reasoning.engine.llm import LLM
    from reasoning.strategy import Strategy


def confirm_cost(
    strategies: Mapping[str, Strategy], source: Task, models: Sequence[LLM], configs: Sequence[RunConfig]
) -> None:
    """Print the forecast of a dear run, and on a terminal ask whether to start it."""
    from reasoning.benchmarks.results.settings import short_model_name
    from reasoning.benchmarks.runs.forecast import forecast
    from reasoning.tables import pluralize

    forecasts = [forecast(strategies, source, llm, config) for llm, config in zip(models, configs, strict=True)]
    if not any(one.is_dear for one in forecasts):
        return
    for llm, one in zip(models, forecasts, strict=True):
        info(f"{pluralize(configs[0].limit, 'problem')} on {short_model_name(llm.name)}: {one}")
    if not can_ask():
        return
    bound = "--time-limit 10m" if all(llm.client.free for llm in models) else "--budget-usd 1"
    if any(one.usd is None and not one.free for one in forecasts):
        # A budget in dollars needs a price.
        bound = "--budget-calls 1000"
    info(f"--limit 20 tries 20 of them, {bound} sets a limit, --dry-run has the details")
    if not confirm("Run all of it?"):
        info("nothing was run")
        raise typer.Exit(NOT_STARTED)


def print_cost(estimate: CostEstimate, output: OutputOptions) -> None:
    """Print the cost of a dry run."""
    from reasoning.tables import Document

    notes = estimate.notes.strip("\n")
    output.print(Document([estimate.title, estimate.table(), notes]), estimate.to_json, soft_wrap=True)


def print_results(comparison: Comparison, folder: Path, form: Format) -> None:
    """Print the results of a run, their folder, and their cost."""
    print_comparison(comparison, form)
    if comparison.servers:
        from reasoning.providers.server_use import servers_table

        info("\nServers, in this command:")
        console(stderr=True).print(servers_table(comparison.servers))
    info(f"\n{describe_cost(comparison)}\nresults: {folder}")
    wrong = next((result for result in comparison.results if result.correct is False), comparison.results[0])
    selection = f"--strategy {shlex.quote(wrong.strategy)} --id {shlex.quote(wrong.problem)}"
    place = shlex.quote(str(folder))
    info(f"open a problem: reasoning bench show {place} {selection}\nin the browser: reasoning view {place}")


def print_models(comparisons: Mapping[Path, Comparison], output: OutputOptions) -> None:
    """Print models × strategies, after the tables of each model."""
    from reasoning.benchmarks.analysis.model_matrix import model_matrix
    from reasoning.benchmarks.analysis.summary_table import numbers_table
    from reasoning.tables import Table

    if output.format == "json":
        print_json({"models": [comparison.to_json() for comparison in comparisons.values()]})
    elif output.format == "csv":
        numbers = [(one.model, numbers_table(one.rows)) for one in comparisons.values()]
        rows = [(model, *row) for model, table in numbers for row in table.rows]
        echo(Table(("model", *numbers[0][1].header), rows).to_csv(), end="")
    elif all(comparison.results for comparison in comparisons.values()):
        info("")
        output.print(model_matrix(list(comparisons)))


def exit_with_status(
    comparisons: Sequence[Comparison],
    of_strategy: Budget | None = None,
    part: Part | None = None,
    whole: Budget | None = None,
) -> None:
    """Raise the error that stopped the run, exit if calls failed, or return if all is done.

    Args:
        comparisons: the results of each model.
        of_strategy: the budget of each strategy, if it has one.
        part: the part of a divided run that the command was; None for a run that is not divided.
        whole: the budget of the divided run.
    """
    results = sum(len(comparison.results) for comparison in comparisons)
    if comparisons and (stopped := comparisons[-1].stopped) is not None:
        if not results:
            info(describe_cost(comparisons[-1]))
        if results or isinstance(stopped, BudgetExhausted):
            kept = "the results" if results else "the recorded draws"
            info(f"{kept} are kept; {how_to_continue(stopped, of_strategy=of_strategy, part=part, whole=whole)}")
        raise stopped
    if failed := [result for comparison in comparisons for result in comparison.failed]:
        info(
            f"{len(failed)} of {results} results failed, the last with: {failed[-1].reason}\n"
            f"the same command tries them again: {command_line()}"
        )
        raise typer.Exit(CALLS_FAILED)


def describe_cost(comparison: Comparison) -> str:
    """Return the cost of this command, of the results without the journal, and of earlier commands."""
    from reasoning.display import describe_spending

    used, before = comparison.results.usage(), comparison.before
    return describe_spending(comparison.spent, used, before.total(), before.interrupted, comparison.left)
