"""`reasoning tune label`: training examples of a chain's step, labelled by a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli import interrupts
from reasoning.cli.completion import complete_models
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.options import MODEL_HELP, AllowCode, ChainFolder, ModelOptions
from reasoning.cli.output import CALLS_FAILED, OutputOptions, ask_line, can_ask, info
from reasoning.cli.progress import progress_bar

if TYPE_CHECKING:
    from reasoning.strategy import Strategy
    from reasoning.tuning.examples.example_file import TrainingExample
    from reasoning.tuning.examples.labelling import Labelling
    from reasoning.tuning.examples.step_inputs import StepReader

_SHOWN_INVALID = 3
"""The most invalid rows of a file that are named."""


def label(
    folder: ChainFolder,
    step: Annotated[str, typer.Argument(metavar="STEP", help="The step to label.")],
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher",
            "-t",
            help="The model that labels; or a strategy that --model answers by, such as self_consistency(cot).",
            metavar="NAME",
            autocompletion=complete_models,
        ),
    ] = "local",
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            help=f"The model of a strategy as the teacher: {MODEL_HELP}",
            metavar="NAME",
            autocompletion=complete_models,
        ),
    ] = "local",
    votes: Annotated[int, typer.Option(help="Largest number of replies to one input.", min=1, metavar="N")] = 5,
    agree: Annotated[
        int, typer.Option(help="Number of replies that must agree, more than half of the votes.", min=1, metavar="N")
    ] = 4,
    files: Annotated[
        list[str] | None,
        typer.Option(
            "--inputs",
            help="More inputs of the step: .jsonl, .json, .csv with what it reads, by name. Repeatable.",
            metavar="FILE",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="Largest number of inputs; 0 is all.", min=0, show_default="all", metavar="N"),
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Accept, correct or drop each label in the terminal.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The folder for the labels.", metavar="FOLDER", show_default="CHAIN/.tuning"),
    ] = None,
    allow_code: AllowCode = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Label inputs of a chain's step by a teacher, as examples to train a small model on.

    The inputs are the cases without gold values, which `reasoning chain generate CHAIN STEP` writes,
    and those of --inputs. Each gets several replies; the label is the value that enough of them agree
    on. An input is left out if its replies are refused by the step's check or do not agree, or if it
    is nearly equal to a case with gold values, by which the trained model is judged.

    Every reply is a draw in the journal and every label is stored at once: the same command
    continues.
    """
    from reasoning.chain.scaffold import resolve_folder
    from reasoning.errors import UsageError
    from reasoning.tuning.examples.api import read_pool
    from reasoning.tuning.examples.example_file import locked
    from reasoning.tuning.examples.labelling import labels_path, open_labelling, run_labelling
    from reasoning.tuning.examples.labelling_report import describe, to_json
    from reasoning.tuning.examples.teacher_votes import Teacher

    if review and not can_ask():
        raise UsageError("--review needs a terminal; label without it, and review later with the same command")
    path = resolve_folder(folder)
    target = labels_path(path, step, out)
    invalid: list[str] = []
    reader, pool = read_pool(path, step, files or [], limit, "all" if allow_code else "trusted", invalid.append)
    _print_invalid(invalid)
    strategy = _find_strategy(teacher)
    with options.open_model(teacher if strategy is None else model) as llm:
        teaching = Teacher(reader.step, llm, votes, agree, strategy)
        with locked(target):
            labelling = open_labelling(target, teaching, reader.chain.name, pool)
            interrupts.keep(f"the labels are kept in {target}, and the draws in the journal")
            with progress_bar("labelling", len(pool.inputs)) as bar, bar.watching(llm):
                run_labelling(labelling, teaching, lambda labelling: bar.advance(_describe_progress(labelling)))
            if review and labelling.stopped is None:
                _review(labelling, reader)
    output.print(lambda: describe(labelling), lambda: to_json(labelling))
    _finish(labelling)
    if labelling.labels:
        source = f"{folder} {step}" if out is None else f"--examples {target}"
        info(f"next: reasoning tune train {source} --model local:smollm2-135m --name {step}")


def _print_invalid(reasons: list[str]) -> None:
    """Print why rows of files are no inputs, the first ones in full."""
    from reasoning.tables import pluralize

    for reason in reasons[:_SHOWN_INVALID]:
        info(f"left out: {reason:.300}")
    if len(reasons) > _SHOWN_INVALID:
        info(f"left out: {pluralize(len(reasons) - _SHOWN_INVALID, 'more row')} that cannot be read as inputs")


def _find_strategy(teacher: str) -> Strategy | None:
    """Return the strategy that a teacher names; None for a model."""
    from reasoning import registry

    is_strategy = "(" in teacher or teacher.strip() in registry.places()
    return registry.get(teacher) if is_strategy else None


def _describe_progress(labelling: Labelling) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in labelling.outcomes.items())


def _review(labelling: Labelling, reader: StepReader) -> None:
    """Let a person accept, correct or drop each label, and write the file anew."""
    from reasoning.benchmarks.cli.chain_generate import open_editor
    from reasoning.chain.step_replies import read_reply
    from reasoning.tuning.examples.review import ReviewDialogue

    values = {one.id: one.values for one in labelling.pool.inputs}

    def find_error(example: TrainingExample, reply: str) -> str:
        return read_reply(reader.step, reply, values[example.id])[1] or ""

    labels = [one for one in labelling.labels if one.id in values]
    try:
        ReviewDialogue(labelling.reviews, labels, find_error, ask_line, info, open_editor).run()
    finally:
        labelling.save()


def _finish(labelling: Labelling) -> None:
    """Raise the error that stopped a labelling, or exit with 4 if calls failed for good."""
    if labelling.stopped is not None:
        info(f"the labels are kept; {how_to_continue(labelling.stopped, is_of_run=False)}")
        raise labelling.stopped
    if labelling.outcomes["failed"]:
        reason = next(verdict.reason for verdict in labelling.verdicts.values() if verdict.outcome == "failed")
        info(f"calls failed for good, the first because: {reason:.300}")
        raise typer.Exit(CALLS_FAILED)
