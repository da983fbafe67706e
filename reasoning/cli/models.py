"""The command `reasoning models`: list, download and remove local weights."""

from __future__ import annotations

from typing import Annotated

import typer

from reasoning.cli.progress import progress_bar
from reasoning.providers.llama_cpp import download, weights

models = typer.Typer(help="Local weights: list, download, remove.", no_args_is_help=True)

_Name = Annotated[str, typer.Argument(help="A name that `reasoning models list` shows.", show_default=False)]


@models.command("list")
def list_models() -> None:
    """Show the weights of the catalogue, and which of them are on this machine."""
    from rich.console import Console

    from reasoning.tables import Table

    header = ("name", "parameters", "size", "licence", "on disk", "")
    rows = []
    for entry in weights.CATALOGUE:
        on_disk = "yes" if weights.find(entry.name) else "no"
        default = "default" if entry.name == weights.DEFAULT else ""
        rows.append((entry.name, entry.parameters, f"{entry.bytes / 1e6:,.0f} MB", entry.licence, on_disk, default))
    console = Console(soft_wrap=True)
    console.print(Table(header, rows, text_columns=len(header)))
    console.print(
        f"They are kept in {weights.folder()}. Use one with --model local:NAME, or your own file with local:FILE.gguf."
    )


@models.command("download")
def download_model(name: _Name = weights.DEFAULT) -> None:
    """Download weights, or continue an interrupted download, and print the path of the file."""
    with progress_bar(name, weights.entry(name).bytes, is_bytes=True) as bar:
        path = download.ensure(name, bar)
    typer.echo(path)


@models.command()
def remove(name: _Name) -> None:
    """Remove weights from this machine."""
    if weights.remove(name):
        typer.echo(f"removed {weights.entry(name).path}")
    else:
        typer.echo(f"{name} is not on this machine")
