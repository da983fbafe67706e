"""`reasoning tune strategy`: training examples that teach a model the answers of a strategy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reasoning.benchmarks.cli.completion import complete_tasks
from reasoning.benchmarks.cli.task_options import Fields, LimitOfRun, Pool, PoolSize, Seed, Split
from reasoning.cli import config as config_file
from reasoning.cli import interrupts
from reasoning.cli.completion import complete_models, complete_specs
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.options import MODEL_HELP, ModelOptions
from reasoning.cli.output import CALLS_FAILED, OutputOptions, info
from reasoning.cli.progress import progress_bar


def tune_strategy(
    strategy: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="The strategy whose answers are taught, such as 'self_consistency(cot, samples=15)'.",
            callback=config_file.resolve_strategies,
            autocompletion=complete_specs,
        ),
    ],
    task: Annotated[
        str,
        typer.Option(
            help="The task. Problems that a run of it judges are left out.",
            metavar="TASK",
            callback=config_file.resolve_task,
            autocompletion=complete_tasks,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file of the examples.", metavar="FILE.jsonl")],
    teacher: Annotated[
        str,
        typer.Option("--teacher", "-t", help=MODEL_HELP, metavar="NAME", autocompletion=complete_models),
    ] = "local",
    student: Annotated[
        str,
        typer.Option(
            help="The strategy whose prompt the examples have.",
            metavar="SPEC",
            callback=config_file.resolve_strategies,
            autocompletion=complete_specs,
        ),
    ] = "cot",
    gold: Annotated[
        bool, typer.Option("--gold", help="Keep samples with the right answer, instead of the voted one.")
    ] = False,
    min_share: Annotated[
        float, typer.Option(help="Least share of the votes that the answer must have.", min=0, max=1, metavar="SHARE")
    ] = 0.5,
    per_problem: Annotated[
        int, typer.Option(help="Largest number of different samples of one problem.", min=1, metavar="N")
    ] = 1,
    fields: Fields = None,
    split: Split = "",
    limit: LimitOfRun = None,
    seed: Seed = 0,
    pool: Pool = None,
    pool_size: PoolSize = None,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Make training examples from a strategy's answers, with the reasoning of samples that reached them.

    The strategy answers problems of a pool that is never judged. An example is the prompt of the
    student and a sample's reasoning with the answer, so that the student learns in one call what the
    strategy finds in many. No right answers are needed; with --gold only samples with the right one
    are kept.

    Every draw is in the journal and every example is stored at once: the same command continues.
    Train on the file with `reasoning tune train --examples FILE`.
    """
    from reasoning import registry
    from reasoning.benchmarks.cli.annotate import load_pool
    from reasoning.tuning.examples.example_file import locked
    from reasoning.tuning.examples.labelling_report import describe, to_json
    from reasoning.tuning.examples.strategy_examples import Distilling, open_distillation, run_distillation

    teaching, learning = registry.get(strategy), registry.get(student)
    problems = load_pool(task, pool, fields, split, limit, seed, pool_size)
    info(f"answering {problems}")
    target = out.expanduser()
    with options.open_model(teacher) as llm:
        settings = Distilling(teaching, learning, llm, gold, min_share, per_problem)
        with locked(target):
            distillation = open_distillation(target, settings, task, problems.examples)
            interrupts.keep(f"the examples are kept in {target}, and the draws in the journal")
            with progress_bar("distilling", len(problems.examples)) as bar, bar.watching(llm):
                run_distillation(distillation, settings, lambda _: bar.advance())
    output.print(lambda: describe(distillation), lambda: to_json(distillation))
    if distillation.stopped is not None:
        info(f"the examples are kept; {how_to_continue(distillation.stopped, is_of_run=False)}")
        raise distillation.stopped
    if failed := distillation.counts["failed"]:
        reason = next(why for outcome, why in distillation.outcomes.values() if outcome == "failed")
        info(f"{failed} problems have a failed call, the first because: {reason:.300}")
        raise typer.Exit(CALLS_FAILED)
