"""`reasoning bench`: the commands that look at results that are there. Nothing is run."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli.output import AsJson, console, info, print_json

if TYPE_CHECKING:
    from reasoning.benchmarks.analysis.comparison import Comparison

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A results folder.")]


def register(bench: typer.Typer) -> None:
    """Add them to `reasoning bench`."""
    for command in (report, rescore, compare, matrix, show):
        bench.command()(command)
    bench.command("power")(power_)


def printed(found: Comparison, as_json: bool) -> None:
    """The title, the table, the verdict and what limits the numbers; or one JSON object."""
    from reasoning.benchmarks.analysis.caveats import format_caveats

    if as_json:
        print_json(found.to_json())
        return
    out = console()
    out.print(found.title, style="bold")
    if found.rows:
        out.print()
        out.print(found.table())
    said = [found.verdict, format_caveats(found.caveats)]
    for part in filter(None, ["\n".join(found.names.legend), *map(found.names, said)]):
        out.print()
        out.print(part, soft_wrap=not sys.stdout.isatty())


def report(
    folder: Folder,
    write: Annotated[
        list[Path] | None,
        typer.Option(help="Also write a report: .html, .md, .tex, .csv or .json; may be given again.", metavar="FILE"),
    ] = None,
    no_traces: Annotated[
        bool, typer.Option("--no-traces", help="Leave the prompts and replies out of the page.")
    ] = False,
    parse_rules: Annotated[bool, typer.Option("--parse-rules", help="Also count the answers by parsing rule.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also print the other tables of a report: pairs, budgets, draws, …")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the table of a results folder again, and write it in other forms; nothing is run."""
    from reasoning.benchmarks.analysis.comparison import Comparison
    from reasoning.benchmarks.results.folder import ResultsFolder

    if write:
        from reasoning.benchmarks.report import check_format

        for path in write:
            check_format(path)
    store = ResultsFolder.read(folder)
    comparison = Comparison.from_folder(store)
    printed(comparison, as_json)
    if write or everything:
        from reasoning.benchmarks.report import ReportData, save, to_terminal

        data = ReportData.from_comparison(comparison)
        if everything and not as_json:
            console().print(to_terminal(data))
        for path in write or ():
            save(data, path, traces=not no_traces)
            info(f"written: {path}")
    if parse_rules and not as_json:
        from reasoning.benchmarks.analysis.summary_table import parse_rule_table

        specs = [row.strategy for row in comparison.rows]
        legend = [f"{number}  {comparison.names(spec)}" for number, spec in enumerate(specs, 1)]
        table = parse_rule_table(comparison.parse_rules, specs).to_rich(wrap_numbers=True)
        console().print("\nanswers by parsing rule:", *legend, table, sep="\n")


def rescore(folder: Folder, as_json: AsJson = False) -> None:
    """Read the stored replies of a results folder again with the present rules, and show what changed; no call."""
    from reasoning.benchmarks.rescore import rescore as read_again

    found = read_again(folder)
    if as_json:
        print_json(found.to_json())
    else:
        console().print(found.render())


def compare(
    before: Annotated[Path, typer.Argument(metavar="DIR1", help="The results folder of the run before.")],
    after: Annotated[Path, typer.Argument(metavar="DIR2", help="The one of the run after.")],
    fail_if_worse: Annotated[
        str | None,
        typer.Option(
            help="End with 1 where a strategy lost more than this, such as 2%, or could have without being seen.",
            metavar="POINTS",
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write a JUnit report.", metavar="FILE")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two runs problem by problem: a regression test for prompts and models."""
    from reasoning.benchmarks.analysis.junit import to_junit
    from reasoning.benchmarks.analysis.regression import compare_runs
    from reasoning.errors import InputError

    found = compare_runs(before, after, None if fail_if_worse is None else tolerance(fail_if_worse))
    if junit is not None:
        try:
            junit.write_text(to_junit(found), encoding="utf-8")
        except OSError as error:
            raise InputError(f"--junit {junit}: cannot be written: {error.strerror}") from None
    if as_json:
        print_json(found.to_json())
    else:
        console().print(found.table())
    if not found.passed:
        raise typer.Exit(1)


def matrix(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Results folders of one task.")],
) -> None:
    """Models × strategies: the accuracies of several runs in one table."""
    from reasoning.benchmarks.analysis.model_matrix import model_matrix as table

    console().print(table(folders))


def power_(
    difference: Annotated[float, typer.Option(help="The difference to find, in points of accuracy.")] = 5,
    pilot: Annotated[Path | None, typer.Option(help="A results folder: how often its strategies disagree.")] = None,
    disagree: Annotated[float | None, typer.Option(help="Or the % of problems that one of two solves.")] = None,
    strategies: Annotated[
        int, typer.Option(help="How many strategies are compared; a pilot says it itself.", min=2)
    ] = 2,
    power: Annotated[float, typer.Option(help="The chance to find it, in %.", min=50, max=99.9)] = 80,
) -> None:
    """Say how many problems a comparison needs, before it is run."""
    from reasoning.benchmarks.analysis.sample_size import required_problems

    console().print(required_problems(difference, pilot, disagree, strategies, power))


def tolerance(text: str) -> float:
    from reasoning.errors import UsageError

    try:
        points = float(text.removesuffix("%"))
        if not 0 <= points <= 100:
            raise ValueError
        return points
    except ValueError:
        raise UsageError(f"--fail-if-worse {text!r}: points of accuracy, such as 2%") from None


def show(
    folder: Folder,
    strategy: Annotated[str | None, typer.Option("--strategy", "-s", help="A strategy of the table.")] = None,
    problem: Annotated[str | None, typer.Option("--id", "-i", help="A problem's id, or its end.")] = None,
) -> None:
    """List who solved which problem; with --id open one, with --strategy too its trace."""
    from reasoning.benchmarks.analysis import inspect_results
    from reasoning.benchmarks.results.folder import ResultsFolder

    store = ResultsFolder.read(folder)
    out = console()
    if problem is None:
        out.print(inspect_results.answer_matrix(store, strategy))
        info(f"open a problem: reasoning bench show {shlex.quote(str(folder))} --strategy S --id I")
    else:
        out.print(inspect_results.show_problem(store, problem, strategy))
