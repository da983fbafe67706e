"""The command `reasoning models`: what is assumed of a model, and the local weights."""

from __future__ import annotations

from typing import Annotated

import typer

from reasoning.cli.commands import Commands
from reasoning.cli.completion import complete_models, complete_weights
from reasoning.cli.options import ModelOptions
from reasoning.cli.output import OutputOptions, console, echo
from reasoning.cli.progress import progress_bar

models = Commands(help="Local weights, and what is assumed of a model.", no_args_is_help=True)

_NAME = typer.Argument(
    metavar="NAME", help="A name in `reasoning models list`.", show_default=False, autocompletion=complete_weights
)


@models.command("list")
def list_models(*, output: OutputOptions) -> None:
    """Show the weights of the catalogue, which of them are on this machine, and your adapters."""
    from reasoning.providers import adapters
    from reasoning.providers.llama_cpp import weights
    from reasoning.tables import Document, Table

    header = ("name", "parameters", "size", "licence", "on disk", "default")
    rows = []
    for entry in weights.CATALOGUE:
        on_disk = "yes" if weights.find(entry.name) else "no"
        default = "yes" if entry.name == weights.DEFAULT else ""
        rows.append((entry.name, entry.parameters, f"{entry.bytes / 1e6:,.0f} MB", entry.licence, on_disk, default))
    trained = [(adapter.model, adapter.method, adapter.served_by) for adapter in adapters.all_adapters()]
    tables = [Table(header, rows, text_columns=len(header))]
    if trained:
        names = ("adapter", "method", "served by")
        tables.append(Table(names, trained, text_columns=len(names), name="adapters"))
    output.print(Document(tables))
    if output.format != "table":
        return
    note = "Use one with --model local:NAME, or your own file with local:FILE.gguf."
    if trained:
        note += " `reasoning tune list` shows more about the adapters."
    console().print(f"They are kept in {weights.folder()}. {note}", soft_wrap=True)


@models.command()
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A model, as in --model.", show_default=False, autocompletion=complete_models
        ),
    ],
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Show what is assumed of a model, and from where: server, key, settings, price.

    Nothing is sent, and no key is printed.
    """
    from reasoning.engine.describe import describe_model
    from reasoning.providers.model_table import users_file, users_path
    from reasoning.tables import Document, Table

    with options.connect(name) as llm:
        rows = describe_model(llm)
    assumed = {"model": rows[0].value, "assumptions": [row._asdict() for row in rows[1:]]}
    output.print(Document([Table(("subject", "value", "origin"), rows, text_columns=3)]), lambda: assumed)
    if output.format != "table":
        return
    state = "yours" if users_file() else "missing, so far"
    console().print(f"To change an assumption, write it into {users_path()} ({state}).", soft_wrap=True)


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
