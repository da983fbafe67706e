"""`reasoning journal`: what is recorded, out of it and into it, and looking after it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning import paths
from reasoning.cli.output import AsJson, print_json
from reasoning.errors import JournalError, UsageError
from reasoning.journal import maintenance

if TYPE_CHECKING:
    from reasoning.journal.exporting import ProgressCallback
    from reasoning.journal.maintenance import ModelStats

journal = typer.Typer(help="The record of draws: look into it, export, import, merge, prune.", no_args_is_help=True)

_SHOWN = 20
"""Problems that are printed."""

_Journal = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="The journal's file; by default the user's.")
]
_Model = Annotated[str | None, typer.Option(help="Only draws of this model.")]


@journal.command()
def info(file: _Journal = None, as_json: AsJson = False) -> None:
    """Show what is recorded: draws, tokens and money for each model."""

    with _spinning("counting"):
        found = maintenance.info(_path(file))
    draws = sum(share.draws for share in found.models.values())
    first = min((share.first for share in found.models.values() if share.first), default=None)
    last = max((share.last for share in found.models.values() if share.last), default=None)
    if as_json:
        head = {"path": str(found.path), "bytes": found.bytes, "draws": draws, "requests": found.requests}
        models = [{"model": model, **asdict(share)} for model, share in found.models.items()]
        print_json({**head, "first": first, "last": last, "models": models})
        return
    if not found.models:
        typer.echo(f"{found.path}: no draws are recorded")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from reasoning.display import strip_control

    table = Table("model", box=None, pad_edge=False)
    for name in ("draws", "prompt tokens", "completion tokens", "cost", "no price"):
        table.add_column(name, justify="right", no_wrap=True)
    for model, share in found.models.items():
        counts = (f"{count:,}" for count in (share.draws, share.prompt_tokens, share.completion_tokens))
        usd = "" if share.usd is None else f"${share.usd:,.4f}"
        table.add_row(Text(strip_control(model)), *counts, usd, f"{share.unpriced:,}" if share.unpriced else "")
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"{found.path}: {_draws(draws)} of {found.requests:,} request{'s' * (found.requests != 1)}, "
        f"{found.bytes / 1e6:,.1f} MB"
    )
    console.print(f"from {first} to {last}")
    console.print(table)


@journal.command("export")
def export_(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Ends with .jsonl, .jsonl.gz or .parquet.")],
    file: _Journal = None,
    model: _Model = None,
    since: Annotated[str | None, typer.Option(help="Only draws from then on: 7d, 12h, 2026-01-31.")] = None,
) -> None:
    """Write draws with their requests to a file, one a line."""
    from reasoning.journal.exporting import export_draws
    from reasoning.journal.filters import parse_time

    after = None if since is None else parse_time(since, "--since")
    with _bar("exporting") as progress:
        written = export_draws(_path(file), out.expanduser(), model=model, since=after, progress=progress)
    typer.echo(f"{out}: {_draws(written)}")


@journal.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A .jsonl or .jsonl.gz file of an export.")],
    file: _Journal = None,
) -> None:
    """Take in the draws of an export. Draws that are there stay as they are; a wrong line stops it before anything."""
    from reasoning.journal.importing import import_draws

    path = _path(file)
    with _bar("reading lines") as progress:
        taken = import_draws(path, source, progress)
    typer.echo(f"{path}: {_draws(taken.new)} new, {taken.known:,} known{_conflicts(taken.conflicts)}")


@journal.command()
def merge(
    others: Annotated[list[Path], typer.Argument(metavar="OTHER…", help="The journals to take in.")],
    file: _Journal = None,
) -> None:
    """Take in other journals. Draws that are there stay as they are."""
    from reasoning.journal.importing import merge_journal

    path = _path(file)
    for other in others:
        with _bar(f"merging {other.name}") as progress:
            taken = merge_journal(path, other.expanduser(), progress)
        typer.echo(f"{other}: {_draws(taken.new)} new, {taken.known:,} known{_conflicts(taken.conflicts)}")


@journal.command()
def prune(
    file: _Journal = None,
    model: _Model = None,
    older_than: Annotated[str | None, typer.Option(help="Only draws from before: 30d, 12h, 2026-01-31.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Remove draws for good. What is removed must be bought again."""
    from reasoning.journal.filters import parse_time

    if model is None and older_than is None:
        raise UsageError("say which draws to remove: --model NAME, --older-than 30d, or both")
    path, before = _path(file), None if older_than is None else parse_time(older_than, "--older-than")
    share = maintenance.count(path, model=model, before=before)
    what = f"{_draws(share.draws)} ({_cost(share)}) of {path}"
    if dry_run or not share.draws:
        typer.echo(f"would remove {what}" if share.draws else f"{path}: there are no such draws")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"this removes {what}: give --yes to do it, or --dry-run to see only")
        typer.confirm(f"remove {what}?", abort=True, err=True)
    with _spinning("removing"):
        gone = maintenance.prune(path, model=model, before=before)
    typer.echo(f"{path}: removed {_draws(gone)}")
    try:
        with _spinning("giving the space back to the disk"):
            maintenance.vacuum(path)
    except JournalError as error:
        typer.echo(f"the file keeps its size for now, and what comes next fills the space: {error}", err=True)


@journal.command()
def verify(file: _Journal = None) -> None:
    """Look at all that is recorded; ends with 0 when all is sound, and with 2 otherwise."""
    from reasoning.display import strip_control

    path, found = _path(file), 0
    with _bar("looking at requests") as progress:
        for problem in maintenance.verify(path, progress):
            found += 1
            if found <= _SHOWN:
                typer.echo(strip_control(problem), err=True)
    if found:
        more = f", of which the first {_SHOWN} are shown" if found > _SHOWN else ""
        typer.echo(f"{path}: {found:,} problem{'' if found == 1 else 's'}{more}", err=True)
        raise typer.Exit(2)
    typer.echo(f"{path}: all is sound")


def _path(file: Path | None) -> Path:
    return paths.data_dir() / "journal.sqlite" if file is None else file.expanduser()


def _draws(number: int) -> str:
    return f"{number:,} draw{'' if number == 1 else 's'}"


def _cost(share: ModelStats) -> str:
    """What draws have cost, and how many of them have no price."""
    if share.usd is None:
        return "no price known"
    return f"${share.usd:,.4f}" + (f" and {_draws(share.unpriced)} without a price" if share.unpriced else "")


def _conflicts(number: int) -> str:
    return f", {number:,} of them with another text there, which stays" if number else ""


@contextmanager
def _spinning(what: str) -> Iterator[None]:
    """Something that moves on stderr, where somebody looks."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


@contextmanager
def _bar(what: str) -> Iterator[ProgressCallback]:
    """A progress bar on stderr, where somebody looks."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total or None)
