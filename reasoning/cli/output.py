"""The output of all commands: tables on standard output, everything else on standard error."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

INTERRUPTED = 130
"""The exit code after Ctrl-C, as in shells, and after SIGTERM."""
CALLS_FAILED = 4
"""The exit code when calls failed for good; the other results are kept."""
_WIDTH = 120
"""Columns of a table if standard output is not a terminal."""


def console() -> Console:
    """Return a console on standard output that prints text literally, without markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _WIDTH)


def info(text: str) -> None:
    """Print information about the run on standard error."""
    typer.echo(text, err=True)


def print_json(data: Any) -> None:
    """Print one JSON object on standard output."""
    typer.echo(json.dumps(data, ensure_ascii=False))


def command_line() -> str:
    """Return the running command as it would be typed again."""
    return shlex.join(["reasoning", *sys.argv[1:]])
