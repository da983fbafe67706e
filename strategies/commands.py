"""`reasoning strategies`: the shelf as a table, and one technique's card with its prompts as they go out."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

shelf = typer.Typer(help="The techniques: a table, and one technique's card in full.", invoke_without_command=True)


def register(root: typer.Typer) -> None:
    """Add this package's commands."""
    root.add_typer(shelf, name="strategies")


@shelf.callback()
def table(context: typer.Context) -> None:
    """List every technique."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.table import Table

    from strategies.registry import catalogue

    rows = Table(box=None, header_style="bold", pad_edge=False)
    rows.add_column("name", no_wrap=True)
    rows.add_column("technique")
    rows.add_column("calls")
    rows.add_column("what it does", ratio=1)
    for name, card in catalogue().items():
        title = card.title + (f" ({card.year})" if card.year else "")
        rows.add_row(name, title, str(card.calls), card.summary)
    out = Console(highlight=False)
    out.print(rows)
    out.print("\nOne in full: reasoning strategies show NAME", style="dim")


@shelf.command()
def show(spec: Annotated[str, typer.Argument(help="A name or a spec, such as 'cot(shots=4)'.")]) -> None:
    """Print one technique's card, its parameters and its prompts."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table

    from reasoning.prompts import Prompt
    from strategies.registry import get

    strategy = get(spec)
    card = strategy.card
    out = Console(highlight=False, markup=False)
    out.print(f"{card.title}: {card.name}", style="bold")
    paper = ", ".join(str(part) for part in (card.authors, card.year, card.arxiv and f"arXiv {card.arxiv}") if part)
    facts = {
        "what": card.summary,
        "paper": paper,
        "aliases": ", ".join(card.aliases),
        "calls": f"{card.calls}" + (f"   ({card.counts})" if card.counts else ""),
        "kinds": ", ".join(kind.__name__ for kind in card.serves) or "all",
        "needs": ", ".join(card.needs),
        "use when": card.use_when,
        "not when": card.avoid_when,
    }
    lines = Table.grid(padding=(0, 2))
    for label, text in facts.items():
        if text:
            lines.add_row(label, text)
    out.print(Padding(lines, (0, 0, 0, 2)))
    parameters = [field for field in dataclasses.fields(strategy) if field.init] if card.year or card.authors else []  # type: ignore[arg-type]
    prompts = dict(getattr(strategy, "prompts", {}))  # those that a parameter brings along
    for field in parameters:
        value = getattr(strategy, field.name)
        if isinstance(value, Prompt):
            prompts[field.name] = value
        else:
            out.print(f"  {field.name} = {value!r}")
    for name, prompt in prompts.items():
        out.print(f"\nprompt {name}", style="bold")
        lines = Table.grid(padding=(0, 2))
        for title, text in {**prompt.sections, "Input": prompt.input, "Recap": prompt.recap}.items():
            if text:
                lines.add_row(title, text)
        out.print(Padding(lines, (0, 0, 0, 2)))
