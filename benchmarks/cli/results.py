"""The commands `reasoning bench` that read results folders, without any call."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli.completion import complete_results
from reasoning.cli.output import Format, OutputOptions, console, echo, info, print_json

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison

_LEAST_COLUMNS = 36
"""The least width of a column of `show`; below it the strategies are shown one below the other."""

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A results folder.", autocompletion=complete_results)]


def register(bench: typer.Typer) -> None:
    """Add these commands to `reasoning bench`."""
    for command in (report, show, summary, compare, matrix, rescore, power):
        bench.command()(command)


def print_comparison(comparison: Comparison, form: Format) -> None:
    """Print the title, the table, the verdict and the caveats; for `csv` the numbers, for `json` one object."""
    from reasoning.benchmarks.analysis.caveats import format_caveats
    from reasoning.benchmarks.analysis.summary_table import fit_legend, metric_legend, numbers_table

    if form == "json":
        print_json(comparison.to_json())
        return
    if form != "table":
        echo(str(comparison) if form == "md" else numbers_table(comparison.rows).to_csv().rstrip("\n"))
        return
    out = console()
    out.print(comparison.title, style="bold")
    if comparison.hint:
        out.print(comparison.hint, soft_wrap=not out.is_terminal)
    if comparison.rows:
        out.print()
        out.print(comparison.table())
    sentences = [comparison.verdict, format_caveats(comparison.caveats)]
    legend = [*comparison.names.legend, *metric_legend(comparison.rows), *fit_legend(comparison.rows)]
    for part in filter(None, ["\n".join(legend), *map(comparison.names, sentences)]):
        out.print()
        out.print(part, soft_wrap=not out.is_terminal)


def parse_tolerance(text: str, option: str = "--fail-if-worse") -> float:
    """Return the percentage points of an option, such as 2 for `2%`.

    Raises:
        UsageError: the text is not a number from 0 to 100.
    """
    from reasoning.errors import UsageError

    try:
        points = float(text.removesuffix("%"))
        if not 0 <= points <= 100:
            raise ValueError
        return points
    except ValueError:
        raise UsageError(f"{option} must be percentage points from 0 to 100, such as 2%, got {text!r}") from None


def report(
    folder: Folder,
    write: Annotated[
        list[Path] | None,
        typer.Option(help="Also write a report: .html, .md, .tex, .csv or .json. Repeatable.", metavar="FILE"),
    ] = None,
    no_traces: Annotated[bool, typer.Option("--no-traces", help="Leave prompts and replies out of the page.")] = False,
    parse_rules: Annotated[bool, typer.Option("--parse-rules", help="Also count the answers by parsing rule.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also print the other tables of a report: pairs, budgets, votes, …")
    ] = False,
    *,
    output: OutputOptions,
) -> None:
    """Print the table of a results folder again, and write reports."""
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.results.folder import ResultsFolder

    if write:
        from reasoning.benchmarks.report import check_format

        for path in write:
            check_format(path)
    store = ResultsFolder.read(folder)
    comparison = Comparison.from_folder(store)
    print_comparison(comparison, output.format)
    if write or everything:
        from reasoning.benchmarks.report import ReportData, save, to_terminal

        data = ReportData.from_comparison(comparison)
        if everything and output.format == "table":
            console().print(to_terminal(data))
        for path in write or ():
            save(data, path, traces=not no_traces)
            info(f"written: {path}")
    if parse_rules and output.format == "table":
        from reasoning.benchmarks.analysis.summary_table import parse_rule_table

        specs = [row.strategy for row in comparison.rows]
        legend = [f"{number}  {comparison.names(spec)}" for number, spec in enumerate(specs, 1)]
        table = parse_rule_table(comparison.parse_rules, specs)
        console().print("\nanswers by parsing rule:", *legend, table, sep="\n")


def show(
    folder: Folder,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy", "-s", help="The spec of a strategy. Repeatable: side by side with --id.", metavar="SPEC"
        ),
    ] = None,
    problem: Annotated[
        str | None, typer.Option("--id", "-i", help="The id of a problem, or the end of it.", metavar="ID")
    ] = None,
    *,
    output: OutputOptions,
) -> None:
    """List which strategy solved which problem; open one problem with --id, and its trace with --strategy.

    Several strategies are shown side by side.
    """
    from reasoning.benchmarks.analysis import inspect_results
    from reasoning.benchmarks.results.folder import ResultsFolder

    store = ResultsFolder.read(folder)
    out = console()
    if problem is None:
        output.print(inspect_results.answer_matrix(store, strategy or ()))
        info(f"open a problem: reasoning bench show {shlex.quote(str(folder))} --strategy S --id I")
    elif output.format != "table":
        output.print(
            partial(inspect_results.answer_table, store, problem, strategy or ()),
            partial(inspect_results.problem_to_json, store, problem, strategy or ()),
        )
    elif strategy and len(strategy) > 1 and out.width >= _LEAST_COLUMNS * len(strategy):
        out.print(inspect_results.side_by_side(store, problem, strategy))
    else:
        out.print(inspect_results.show_problem(store, problem, *(strategy or ())))


def summary(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Results folders, of several tasks.", autocompletion=complete_results),
    ],
    *,
    output: OutputOptions,
) -> None:
    """Say in a sentence which strategy is better on which task, and how to open a problem that shows it."""
    from reasoning.benchmarks.analysis.across_tasks import TaskSummary
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.results.folder import ResultsFolder

    whole = TaskSummary([Comparison.from_folder(ResultsFolder.read(folder)) for folder in folders])
    if output.format != "table":
        output.print(whole.document, whole.to_json)
        return
    console().print(whole.text(), soft_wrap=not console().is_terminal)
    for comparison, better, worse, problem in whole.examples():
        words = ["-s", better, "-s", worse, "-i", problem]
        info(f"side by side: reasoning bench show {shlex.join([str(comparison.folder), *words])}")


def compare(
    before: Annotated[
        Path,
        typer.Argument(metavar="DIR1", help="The results folder of the earlier run.", autocompletion=complete_results),
    ],
    after: Annotated[
        Path,
        typer.Argument(metavar="DIR2", help="The results folder of the later run.", autocompletion=complete_results),
    ],
    fail_if_worse: Annotated[
        str | None,
        typer.Option(
            help="Exit with 1 if a strategy lost more than this, such as 2%, or may have without showing it.",
            metavar="POINTS",
        ),
    ] = None,
    strategies: Annotated[
        str | None,
        typer.Option(help="The strategies to compare.", metavar="SPECS", show_default="those in both runs"),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write a JUnit report.", metavar="FILE")] = None,
    *,
    output: OutputOptions,
) -> None:
    """Compare two runs problem by problem: a regression test for prompts and models."""
    from reasoning import spec
    from reasoning.benchmarks.analysis.junit import to_junit
    from reasoning.benchmarks.analysis.regression import compare_runs
    from reasoning.errors import InputError

    asked = None if strategies is None else spec.split(strategies)
    tolerance = None if fail_if_worse is None else parse_tolerance(fail_if_worse)
    changes = compare_runs(before, after, tolerance, asked)
    if junit is not None:
        try:
            junit.write_text(to_junit(changes), encoding="utf-8")
        except OSError as error:
            raise InputError(f"--junit {junit}: cannot be written: {error.strerror}") from None
    output.print(changes.table, changes.to_json)
    if not changes.passed:
        raise typer.Exit(1)


def matrix(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Results folders of one task.", autocompletion=complete_results)
    ],
    *,
    output: OutputOptions,
) -> None:
    """Print the accuracies of several runs in one table: models × strategies."""
    from reasoning.benchmarks.analysis.model_matrix import model_matrix

    output.print(model_matrix(folders))


def rescore(folder: Folder, *, output: OutputOptions) -> None:
    """Parse and score the stored replies again with the current rules, and show what changed."""
    from reasoning.benchmarks.rescore import rescore as rescore_folder
    from reasoning.tables import Document

    rescored = rescore_folder(folder)
    if output.format == "csv":
        # A file with two tables could not be read as one.
        output.print(Document([rescored.changes()]))
    else:
        output.print(rescored.document(40 if output.format == "table" else None), rescored.to_json)


def power(
    difference: Annotated[
        float, typer.Option(help="The difference to detect, in points of accuracy.", metavar="POINTS")
    ] = 5,
    pilot: Annotated[
        Path | None,
        typer.Option(
            help="A results folder that shows how often its strategies disagree.",
            metavar="DIR",
            autocompletion=complete_results,
        ),
    ] = None,
    disagree: Annotated[
        float | None,
        typer.Option(
            help="Or the percentage of problems that exactly one of two strategies solves.", metavar="PERCENT"
        ),
    ] = None,
    strategies: Annotated[
        int, typer.Option(help="Number of strategies to compare, unless a pilot gives it.", min=2, metavar="N")
    ] = 2,
    power: Annotated[
        float, typer.Option(help="The probability to detect it, in percent.", min=50, max=99.9, metavar="PERCENT")
    ] = 80,
    *,
    output: OutputOptions,
) -> None:
    """Print how many problems a comparison needs (a power analysis)."""
    from reasoning.benchmarks.analysis.sample_size import required_problems

    output.print(required_problems(difference, pilot, disagree, strategies, power))
