"""The command `reasoning tasks`."""

from __future__ import annotations

from typing import Annotated

import typer

from reasoning.benchmarks.cli.completion import complete_tasks
from reasoning.cli.output import OutputOptions, console


def tasks(
    name: Annotated[
        str | None,
        typer.Argument(
            help="Describe this task, or a form of files such as csv; gym lists its sets.",
            metavar="NAME",
            autocompletion=complete_tasks,
        ),
    ] = None,
    *,
    output: OutputOptions,
) -> None:
    """List the tasks that `bench run --task` accepts."""
    from reasoning.benchmarks.cli.task_table import describe_task, task_table
    from reasoning.tables import Document

    if name is None:
        output.print(Document([task_table()]))
    elif output.format != "table":
        raise typer.BadParameter(f"--output {output.format} goes with the list of tasks; leave out {name}")
    else:
        console().print(describe_task(name))
