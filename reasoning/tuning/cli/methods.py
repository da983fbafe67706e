"""`reasoning tune methods`: the methods of training, each with its card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli.output import OutputOptions
from reasoning.tuning.cli.training_options import _complete_methods

if TYPE_CHECKING:
    from reasoning.tables import Document
    from reasoning.tuning.training.methods import Method


def methods(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A method, to show all of its card.", autocompletion=_complete_methods),
    ] = None,
    *,
    output: OutputOptions,
) -> None:
    """List the methods of training, or show the card of one."""
    from reasoning.tables import Document, Table
    from reasoning.tuning.training.methods import METHODS, find_method

    if name is not None:
        card = find_method(name)
        output.print(lambda: describe(card), lambda: to_json(card))
        return
    header = ("method", "trains", "served by", "paper")
    rows = [(one.name, one.trains, one.served_by, one.paper) for one in METHODS.values()]
    table = Table(header, rows, text_columns=len(header), priority=("served by", "trains", "paper"))
    note = "`reasoning tune methods NAME` shows when to use one, and its settings."
    output.print(Document([table, note]), lambda: {"methods": [to_json(one) for one in METHODS.values()]})


def describe(card: Method) -> Document:
    """Return all of a card as a table."""
    from reasoning.tables import Document, Table
    from reasoning.tuning.training.methods import COMMON

    rows = [
        ("method", f"{card.name}: {card.title}"),
        ("paper", card.paper),
        ("trains", card.trains),
        ("memory", card.memory),
        ("use it when", card.use_when),
        ("avoid it when", card.avoid_when),
        ("served by", card.serving),
    ]
    rows += [("needs", card.requires)] if card.requires else []
    settings = ", ".join(f"{name}={value}" for name, value in {**card.settings, **COMMON}.items())
    return Document([Table(("card", ""), [*rows, ("settings", settings)], text_columns=2)])


def to_json(card: Method) -> dict[str, Any]:
    """Return a card as plain data."""
    from dataclasses import asdict

    return {**asdict(card), "url": card.url, "settings": card.to_settings({})}
