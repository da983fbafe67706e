"""The commands `reasoning bench import` and `bench export`: results folders from and for other tools."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.benchmarks.cli.results import print_comparison
from reasoning.benchmarks.cli.task_options import Out
from reasoning.cli.completion import complete_kinds
from reasoning.cli.output import OutputOptions, console, info, print_json

if TYPE_CHECKING:
    from reasoning.benchmarks.exchange.importing import Import

_MOST = 20
"""The most disagreements that are listed in a terminal."""


def register(bench: typer.Typer) -> None:
    """Add these commands to `reasoning bench`."""
    bench.command("import")(import_results)
    bench.command("export")(export_results)


def import_results(
    logs: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]FILE...",
            help="Logs of one task; NAME is the strategy's name in the table. Two logs of one name are repetitions.",
        ),
    ],
    out: Out = None,
    tool: Annotated[
        str,
        typer.Option(
            "--from", help="The tool: inspect, lm-eval, promptfoo, dspy.", metavar="TOOL", show_default="by the content"
        ),
    ] = "",
    columns: Annotated[
        str | None,
        typer.Option(
            "--map",
            help="The columns of JSONL or CSV rows: question, answer (the right one), score, strategy, reply, id, …",
            metavar="PART=COLUMN,…",
        ),
    ] = None,
    score: Annotated[
        str, typer.Option(help="The scorer, metric or column of the score.", metavar="NAME", show_default="the first")
    ] = "",
    right_from: Annotated[
        float | None,
        typer.Option(
            help="The least score of a right answer, if scores lie between 0 and 1.", min=0, max=1, metavar="SCORE"
        ),
    ] = None,
    rescore: Annotated[
        bool, typer.Option("--rescore", help="Read and score the replies again, and list the disagreements.")
    ] = False,
    kind: Annotated[
        str,
        typer.Option(
            help="Read them again as this kind of answer: number, choice, yesno, text, …",
            metavar="KIND",
            show_default="by the targets",
            autocompletion=complete_kinds,
        ),
    ] = "",
    task: Annotated[
        str, typer.Option(help="The name of the task.", metavar="NAME", show_default="the one in the logs")
    ] = "",
    repeats: Annotated[
        bool, typer.Option("--repeats", help="Rows of the same problem are repetitions, not an error.")
    ] = False,
    *,
    output: OutputOptions,
) -> None:
    """Make a results folder of logs of inspect_ai, lm-eval, promptfoo or DSPy, or of any JSONL or CSV rows."""
    from reasoning.benchmarks.exchange.formats import read_log
    from reasoning.benchmarks.exchange.importing import import_logs
    from reasoning.benchmarks.tasks.field_mapping import parse_mapping

    mapping = None if columns is None else parse_mapping(columns)
    named = [_split(log) for log in logs]
    read = [(name, read_log(path, tool=tool, score=score, mapping=mapping)) for name, path in named]
    done = import_logs(read, out, kind=kind, rescore=rescore, right_from=right_from, task=task, repeats=repeats)
    if output.format == "json":
        print_json(done.to_json())
    else:
        print_comparison(done.comparison, output.format)
        if output.format == "table":
            _print_disagreements(done)
    info(f"\n{done.paired}\nresults: {done.folder}{'' if done.is_new else ' (it was there, from an equal import)'}")
    info(f"look at the problems: reasoning bench show {shlex.quote(str(done.folder))}")


def export_results(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR... OUT", help="Results folders, and the file or folder to write."),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--to",
            help="inspect (a folder of logs), parquet (a row for each result) or leaderboard (CSV).",
            metavar="FORM",
            show_default="by the end of OUT: .parquet, .csv, else inspect",
        ),
    ] = "",
    log_format: Annotated[
        str, typer.Option(help="The format of the logs of inspect_ai: eval or json.", metavar="FORMAT")
    ] = "eval",
) -> None:
    """Write results folders for other tools: logs of inspect_ai, Parquet, or a leaderboard as CSV."""
    from reasoning.benchmarks.exchange.exporting import export
    from reasoning.errors import UsageError

    if len(folders) < 2:
        raise UsageError("name the results folders, and then the file or folder to write: bench export DIR OUT")
    *read, out = folders
    info(export(read, out, form, log_format=log_format))


def _split(log: str) -> tuple[str, str]:
    """Return the name and the path of an argument; a file whose name has "=" needs no name."""
    from reasoning.benchmarks.exchange.solves import to_name
    from reasoning.errors import UsageError

    name, equals, path = log.partition("=")
    if equals and not path:
        raise UsageError(f"a log must be FILE or NAME=FILE, got {log!r}")
    return ("", log) if not equals or Path(log).exists() else (to_name(name), path)


def _print_disagreements(done: Import) -> None:
    from reasoning.benchmarks.exchange.disagreements import to_table
    from reasoning.benchmarks.exchange.importing import DISAGREEMENTS

    if not done.rescored or not done.is_new:
        return
    out, count = console(), len(done.disagreements)
    out.print()
    if not count:
        out.print(f"{done.reread:,} replies were read again; every score is the same.", soft_wrap=not out.is_terminal)
        return
    text = f"{done.reread:,} replies were read again; {count:,} scores differ: {done.folder / DISAGREEMENTS}"
    out.print(text, soft_wrap=not out.is_terminal)
    out.print(to_table(done.disagreements, _MOST).to_rich())
    if count > _MOST:
        out.print(f"and {count - _MOST:,} more")
