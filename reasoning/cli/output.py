"""What the commands of all packages print with."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

_WIDTH = 120
"""Columns where standard output is no terminal."""


def console() -> Console:
    """Standard output for tables and text of other people, in which nothing is markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDTH)


def info(text: str) -> None:
    """Something about the run, on standard error."""
    typer.echo(text, err=True)


def print_json(data: Any) -> None:
    """One JSON object on standard output, and nothing else."""
    typer.echo(json.dumps(data, ensure_ascii=False))


def command_line() -> str:
    """The command that runs, as one would type it again."""
    return shlex.join(["reasoning", *sys.argv[1:]])
