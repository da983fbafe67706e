"""`reasoning doctor`."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Tell what keeps programs of models locked up on this machine, and where things are.

    What must hold for the child process is tried out in one, not looked up.
    """
    from reasoning.cli.doctor import findings

    for about, part, fact in findings():
        typer.echo(f"{about:<11}{part:<26}{fact}".rstrip())
