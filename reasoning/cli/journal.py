"""The command `reasoning journal`: statistics, export, import, merge, prune and verify."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning import paths
from reasoning.cli import output
from reasoning.cli.commands import Commands
from reasoning.cli.completion import complete_models
from reasoning.cli.output import OutputOptions, echo, print_json
from reasoning.cli.progress import progress_bar, spinner
from reasoning.errors import JournalError, UsageError
from reasoning.tables import Document, Table, pluralize

if TYPE_CHECKING:
    from reasoning.journal.importing import ImportResult
    from reasoning.journal.maintenance import ModelStats

journal = Commands(help="Inspect, export, import, merge, prune or verify the journal.", no_args_is_help=True)

_MAX_PROBLEMS = 20
"""The maximum number of problems to print."""

_Journal = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="The journal's file; by default the user's.")
]
_Model = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Only draws of this model.", metavar="NAME", autocompletion=complete_models),
]


@journal.command()
def info(file: _Journal = None, *, output: OutputOptions) -> None:
    """Show the recorded draws, tokens and cost of each model."""
    from reasoning.journal import maintenance

    with spinner("counting"):
        contents = maintenance.info(_path(file))
    draws = sum(stats.draws for stats in contents.models.values())
    first = min((stats.first for stats in contents.models.values() if stats.first), default=None)
    last = max((stats.last for stats in contents.models.values() if stats.last), default=None)
    if output.format == "json":
        head = {"path": str(contents.path), "bytes": contents.bytes, "draws": draws, "requests": contents.requests}
        models = [{"model": model, **asdict(stats)} for model, stats in contents.models.items()]
        print_json({**head, "first": first, "last": last, "models": models})
        return
    if not contents.models and output.format == "table":
        echo(f"{contents.path}: no draws are recorded")
        return
    rows = []
    for model, stats in contents.models.items():
        counts = (f"{count:,}" for count in (stats.draws, stats.prompt_tokens, stats.completion_tokens))
        usd = "" if stats.usd is None else f"${stats.usd:,.4f}"
        rows.append((model, *counts, usd, f"{stats.unpriced:,}" if stats.unpriced else ""))
    requests, size = pluralize(contents.requests, "request"), f"{contents.bytes / 1e6:,.1f} MB"
    about = f"{contents.path}: {_draws(draws)} of {requests}, {size}\nfrom {first} to {last}"
    header = ("model", "draws", "prompt tokens", "completion tokens", "cost", "no price")
    output.print(Document([about, Table(header, rows)]), soft_wrap=True)


@journal.command("export")
def export_(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="A file that ends with .jsonl, .jsonl.gz or .parquet.")],
    file: _Journal = None,
    model: _Model = None,
    since: Annotated[
        str | None, typer.Option(help="Only draws since an age or a date: 7d, 12h, 2026-01-31.", metavar="TIME")
    ] = None,
) -> None:
    """Write draws with their requests to a file, one per line."""
    from reasoning.journal.exporting import export_draws
    from reasoning.journal.filters import parse_time

    after = None if since is None else parse_time(since, "--since")
    with progress_bar("exporting") as progress:
        written = export_draws(_path(file), out.expanduser(), model=model, since=after, progress=progress)
    echo(f"{out}: {_draws(written)}")


@journal.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A .jsonl or .jsonl.gz file of an export.")],
    file: _Journal = None,
) -> None:
    """Import the draws of an export.

    Recorded draws stay as they are. All lines are checked before anything is imported.
    """
    from reasoning.journal.importing import import_draws

    path = _path(file)
    with progress_bar("reading lines") as progress:
        result = import_draws(path, source, progress)
    echo(f"{path}: {_describe_import(result)}")


@journal.command()
def merge(
    others: Annotated[list[Path], typer.Argument(metavar="OTHER", help="The journals to import.")],
    file: _Journal = None,
) -> None:
    """Import other journals. Recorded draws stay as they are."""
    from reasoning.journal.importing import merge_journal

    path = _path(file)
    for other in others:
        with progress_bar(f"merging {other.name}") as progress:
            result = merge_journal(path, other.expanduser(), progress)
        echo(f"{other}: {_describe_import(result)}")


@journal.command()
def prune(
    file: _Journal = None,
    model: _Model = None,
    older_than: Annotated[
        str | None, typer.Option(help="Only draws before an age or a date: 30d, 12h, 2026-01-31.", metavar="TIME")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted.")] = False,
) -> None:
    """Delete draws for good. A deleted draw must be bought again."""
    from reasoning.journal import maintenance
    from reasoning.journal.filters import parse_time

    if model is None and older_than is None:
        raise UsageError("name the draws to delete: --model NAME, --older-than 30d, or both")
    path, before = _path(file), None if older_than is None else parse_time(older_than, "--older-than")
    stats = maintenance.count(path, model=model, before=before)
    what = f"{_draws(stats.draws)} ({_cost(stats)}) of {path}"
    if dry_run or not stats.draws:
        echo(f"would delete {what}" if stats.draws else f"{path}: no such draws")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"this deletes {what}: pass --yes to do it, or --dry-run to look only")
        typer.confirm(f"delete {what}?", abort=True, err=True)
    with spinner("deleting"):
        deleted = maintenance.prune(path, model=model, before=before)
    echo(f"{path}: deleted {_draws(deleted)}")
    try:
        with spinner("returning the space to the disk"):
            maintenance.vacuum(path)
    except JournalError as error:
        output.info(f"the file keeps its size, and later draws fill the space: {error}")


@journal.command()
def verify(file: _Journal = None) -> None:
    """Check every record; the exit code is 0 for a sound journal, and 2 otherwise."""
    from reasoning.journal import maintenance
    from reasoning.text_safety import to_line

    path, problems = _path(file), 0
    with progress_bar("checking requests") as progress:
        for problem in maintenance.verify(path, progress):
            problems += 1
            if problems <= _MAX_PROBLEMS:
                output.info(to_line(problem))
    if problems:
        more = f"; the first {_MAX_PROBLEMS} are shown" if problems > _MAX_PROBLEMS else ""
        output.info(f"{path}: {pluralize(problems, 'problem')}{more}")
        raise typer.Exit(2)
    echo(f"{path}: no problems found")


def _path(file: Path | None) -> Path:
    return paths.data_dir() / "journal.sqlite" if file is None else file.expanduser()


def _draws(number: int) -> str:
    return pluralize(number, "draw")


def _cost(stats: ModelStats) -> str:
    """Return the cost of draws, and the number of those without a price."""
    if stats.usd is None:
        return "no price known"
    return f"${stats.usd:,.4f}" + (f" and {_draws(stats.unpriced)} without a price" if stats.unpriced else "")


def _describe_import(result: ImportResult) -> str:
    conflicts = f", {result.conflicts:,} of them with another recorded text, which stays" if result.conflicts else ""
    damaged = f"; {_draws(result.damaged)} left out, since they are damaged" if result.damaged else ""
    return f"{_draws(result.new)} new, {result.known:,} known{conflicts}{damaged}"
