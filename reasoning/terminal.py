"""What the commands of all packages print with."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 120
"""Columns where standard output is no terminal."""


def screen() -> Console:
    """Standard output for tables and text of other people, in which nothing is markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDTH)


def say(text: str) -> None:
    """Something about the run, on standard error."""
    typer.echo(text, err=True)


def command() -> str:
    """The command that runs, as one would type it again."""
    return shlex.join(["reasoning", *sys.argv[1:]])
