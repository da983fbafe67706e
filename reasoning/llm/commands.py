"""`reasoning models`: the local weights that this library knows, and fetching and removing them."""

from __future__ import annotations

from typing import Annotated

import typer

models = typer.Typer(help="Local models: list, get, remove.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A name from `reasoning models list`.")]


@models.command("list")
def list_() -> None:
    """Show the catalogue and what of it is on this machine."""
    from rich.console import Console
    from rich.table import Table

    from reasoning.llm.weights import CATALOGUE, DEFAULT, find, folder

    rows = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "weights", "parameters", "MB", "licence", "here"):
        rows.add_column(title, no_wrap=title == "name")
    for one in CATALOGUE:
        name = f"{one.name} *" if one.name == DEFAULT else one.name
        here = "yes" if find(one.name) else "no"
        rows.add_row(name, one.title, one.parameters, f"{one.bytes / 1e6:,.0f}", one.licence, here)
    out = Console(highlight=False)
    out.print(rows)
    out.print("\n* is what --model local stands for; the others: --model local:NAME", style="dim")
    out.print(f"kept in {folder()}, fetched on first use", style="dim", soft_wrap=True)


@models.command()
def get(name: Name) -> None:
    """Fetch weights, check them, and print where they are."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from reasoning.llm import weights

    size = weights.entry(name).bytes
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=size)
        path = weights.get(name, lambda done, total, what: bar.update(task, completed=done, description=what))
    typer.echo(path)


@models.command()
def remove(name: Name) -> None:
    """Remove weights from this machine."""
    from reasoning.llm import weights

    done = weights.remove(name)
    typer.echo(f"{name} is removed" if done else f"{name} was not here")
