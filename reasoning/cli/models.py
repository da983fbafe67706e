"""The command `reasoning models`: list, download and remove local weights."""

from __future__ import annotations

from typing import Annotated

import typer

from reasoning.cli.commands import Commands
from reasoning.cli.output import console, echo
from reasoning.cli.progress import progress_bar

models = Commands(help="Local weights: list, download, remove.", no_args_is_help=True)

_NAME = typer.Argument(metavar="NAME", help="A name in `reasoning models list`.", show_default=False)


@models.command("list")
def list_models() -> None:
    """Show the weights of the catalogue, and which of them are on this machine."""
    from reasoning.providers.llama_cpp import weights
    from reasoning.tables import Table

    header = ("name", "parameters", "size", "licence", "on disk", "")
    rows = []
    for entry in weights.CATALOGUE:
        on_disk = "yes" if weights.find(entry.name) else "no"
        default = "default" if entry.name == weights.DEFAULT else ""
        rows.append((entry.name, entry.parameters, f"{entry.bytes / 1e6:,.0f} MB", entry.licence, on_disk, default))
    out = console()
    out.print(Table(header, rows, text_columns=len(header)), soft_wrap=True)
    note = "Use one with --model local:NAME, or your own file with local:FILE.gguf."
    out.print(f"They are kept in {weights.folder()}. {note}", soft_wrap=True)


@models.command("download")
def download_model(name: Annotated[str | None, _NAME] = None) -> None:
    """Download weights, or continue an interrupted download, and print the path of the file."""
    from reasoning.providers.llama_cpp import download, weights

    name = name or weights.DEFAULT
    with progress_bar(name, weights.entry(name).bytes, is_bytes=True) as bar:
        path = download.ensure(name, bar)
    echo(str(path))


@models.command()
def remove(name: Annotated[str, _NAME]) -> None:
    """Remove weights from this machine."""
    from reasoning.providers.llama_cpp import weights

    if weights.remove(name):
        echo(f"removed {weights.entry(name).path}")
    else:
        echo(f"{name} is not on this machine")
