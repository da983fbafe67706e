"""`reasoning models`: the local weights, listed, fetched and removed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from reasoning.providers.llama_cpp import weights

models = typer.Typer(help="Local weights: list, get, remove.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(help="A name that `reasoning models list` shows.", show_default=False)]


@models.command("list")
def listed() -> None:
    """Show the weights that are known, and which are on this machine."""
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "parameters", "size", "licence", "on disk", "", box=None, pad_edge=False)
    for entry in weights.CATALOGUE:
        here = "yes" if weights.find(entry.name) else "no"
        default = "default" if entry.name == weights.DEFAULT else ""
        table.add_row(entry.name, entry.parameters, f"{entry.bytes / 1e6:,.0f} MB", entry.licence, here, default)
    console = Console(soft_wrap=True)
    console.print(table)
    console.print(
        f"Kept in {weights.folder()}. Use one with --model local:NAME, or a file of yours with local:FILE.gguf."
    )


@models.command()
def get(name: _Name = weights.DEFAULT) -> None:
    """Fetch weights, or go on with a download that broke off, and print the file's path."""
    with _bar(weights.entry(name)) as progress:
        path = weights.ensure(name, progress)
    typer.echo(path)


@models.command()
def remove(name: _Name) -> None:
    """Remove weights from this machine."""
    if weights.remove(name):
        typer.echo(f"removed {weights.entry(name).path}")
    else:
        typer.echo(f"{name} is not on this machine")


@contextmanager
def _bar(entry: weights.Weights) -> Iterator[weights.Progress]:
    """A progress bar on stderr, or where nobody looks, a line for each thing that begins."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(entry.name, total=entry.bytes)
        yield lambda done, total, what, /: shown.update(task, completed=done, total=total or None, description=what)


class _Lines:
    """Progress for a log file."""

    def __init__(self) -> None:
        self.said = ""

    def __call__(self, done: int, total: int, what: str, /) -> None:
        if what != self.said:
            self.said = what
            typer.echo(what, err=True)
