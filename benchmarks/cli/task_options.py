"""The options that the commands with a task share: the task, its problems and the results folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.benchmarks.cli.completion import complete_tasks
from reasoning.cli import config as config_file
from reasoning.cli.completion import complete_results
from reasoning.cli.options import MACHINES, TASK
from reasoning.cli.output import info

if TYPE_CHECKING:
    from reasoning.benchmarks.tasks import Task as TaskSource
    from reasoning.benchmarks.tasks.problem_limit import ProblemLimit

NEW_SAMPLES_NEED_OUT = "--new-samples needs --out DIR, so that the same command continues with the same samples"

Task = Annotated[
    str,
    typer.Option(
        help="The task: gsm_symbolic, gym:NAME, mine.csv, …; `reasoning tasks` lists them.",
        metavar="TASK",
        callback=config_file.resolve_task,
        autocompletion=complete_tasks,
    ),
]
Fields = Annotated[
    str | None,
    typer.Option(
        help="The columns of a file or data set, as in 'question=Body, answer=Answer'.",
        metavar="NAME=COLUMN,…",
        rich_help_panel=TASK,
    ),
]
Split = Annotated[
    str,
    typer.Option(
        help="The split of a data set of the Hugging Face hub; `reasoning tasks NAME` lists them.",
        metavar="NAME",
        rich_help_panel=TASK,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(help="Number of problems; 0 is all.", min=0, show_default="20; all of your own file", metavar="N"),
]
LimitOfRun = Annotated[
    int | None,
    typer.Option(
        help="Number of problems that the run will judge; 0 is all.",
        min=0,
        show_default="20; all of your own file",
        metavar="N",
        rich_help_panel=TASK,
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of generated problems.", metavar="N", rich_help_panel=TASK)]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="The results folder.",
        metavar="DIR",
        show_default="one for these settings, under results/",
        autocompletion=complete_results,
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        help="The difference that does not matter, in percentage points of accuracy.",
        min=0,
        metavar="POINTS",
        rich_help_panel=TASK,
    ),
]
Pool = Annotated[
    str | None,
    typer.Option(
        help="The task from which strategies learn that must be fitted first. Its problems are never judged.",
        metavar="TASK",
        show_default="the task's training split, else its other problems",
        rich_help_panel=TASK,
        autocompletion=complete_tasks,
    ),
]
PoolSize = Annotated[
    int | None,
    typer.Option(
        help="Largest number of examples to learn from.",
        min=1,
        metavar="N",
        show_default="100",
        rich_help_panel=TASK,
    ),
]

ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        help="Run a part of the problems, I/N with I from 0 to N - 1, or fit, before them. See bench merge.",
        metavar="I/N",
        rich_help_panel=MACHINES,
    ),
]
LocalDir = Annotated[
    Path | None,
    typer.Option(
        help="With --shard, keep the journal in this folder on a local disk.",
        metavar="DIR",
        show_default="a temporary folder",
        rich_help_panel=MACHINES,
    ),
]


def choose_limit(source: TaskSource, limit: int | None, seed: int, usual: int | None = None) -> ProblemLimit:
    """Return the number of problems, and say which ones the default leaves out."""
    from reasoning.benchmarks.tasks.problem_limit import USUAL_LIMIT, ProblemLimit

    selection = ProblemLimit.choose(source, limit, seed, "--limit ", usual or USUAL_LIMIT)
    if hint := selection.hint():
        info(hint)
    return selection
