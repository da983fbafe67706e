"""Label the inputs of a chain's step from Python, as the command does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reasoning import registry
from reasoning.chain.code_loader import ImportPolicy
from reasoning.chain.folder import load
from reasoning.chain.scaffold import resolve_folder
from reasoning.engine.connect import connected
from reasoning.engine.notebook_progress import notebook_progress
from reasoning.errors import UsageError
from reasoning.strategy import Strategy
from reasoning.tuning.examples.example_file import locked
from reasoning.tuning.examples.labelling import Labelling, labels_path, open_labelling, run_labelling
from reasoning.tuning.examples.step_inputs import InputPool, StepReader, choose_inputs, read_case_inputs
from reasoning.tuning.examples.teacher_votes import Teacher

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM


def label(
    folder: str | Path,
    step: str,
    teacher: LLM | str,
    *,
    votes: int = 5,
    agree: int = 4,
    strategy: str | Strategy | None = None,
    inputs: Sequence[str | Path] = (),
    limit: int | None = None,
    out: str | Path | None = None,
    allow_code: bool = False,
) -> Labelling:
    """Label the inputs of a chain's step by a teacher, like `reasoning tune label`.

    The inputs are the cases without gold values in the chain's folder, and those in files. Near
    duplicates of cases with gold values are left out.

    Args:
        folder: the chain's folder, or the name of a bundled chain.
        step: the name of the step.
        teacher: the model that labels: what `reasoning.connect` returns, or its name.
        votes: the largest number of replies to one input.
        agree: the number of replies that must agree; more than half of the votes.
        strategy: a strategy by which the teacher answers the step's prompt; by default the step's own
            call with its repairs.
        inputs: files with further inputs of the step, in rows with what it reads by name.
        limit: the largest number of inputs; None and 0 are all.
        out: the folder for the labels; by default `.tuning` in the chain's folder.
        allow_code: import the functions that the chain names. They run with your rights.

    Returns:
        The labels with their counts, cost and acceptance rate. They are in its file, `path`.

    Raises:
        UsageError: the step cannot be taught, there is no input, or the file has other labels.
        BudgetExhausted, CallFailed: the error that stopped the labelling. The labels until then are
            kept, and the same call continues.
    """
    teacher = connected(teacher)
    path = resolve_folder(str(folder))
    target = labels_path(path, step, None if out is None else Path(out))
    reader, pool = read_pool(path, step, [str(file) for file in inputs], limit, "all" if allow_code else "trusted")
    teaching = Teacher(reader.step, teacher, votes, agree, None if strategy is None else registry.get(strategy))
    with locked(target):
        labelling = open_labelling(target, teaching, reader.chain.name, pool)
        with notebook_progress(teacher, len(pool.inputs)) as on_input:
            run_labelling(labelling, teaching, lambda labelling: on_input())
    if labelling.stopped is not None:
        raise labelling.stopped
    return labelling


def read_pool(
    path: Path,
    step: str,
    files: Sequence[str],
    limit: int | None,
    policy: ImportPolicy,
    on_invalid: Callable[[str], None] = lambda reason: None,
) -> tuple[StepReader, InputPool]:
    """Return the reader of a step, and the inputs to label: of cases without gold values, and of files.

    Args:
        path: the chain's folder.
        step: the name of the step.
        files: files with inputs of the step.
        limit: the largest number of inputs; None and 0 are all.
        policy: the import policy for the functions that the chain names.
        on_invalid: called with the reason why a row of a file is no input.

    Raises:
        UsageError: the step cannot be taught, or there is no input.
    """
    reader = StepReader(load(path, policy), step)
    unlabelled, judged = read_case_inputs(reader, path, policy)
    pool = choose_inputs([*unlabelled, *reader.from_files(files, on_invalid)], judged, limit)
    if not pool.inputs:
        left_out = f"; {pool.near_duplicates} near duplicates of cases with gold values" if pool.near_duplicates else ""
        raise UsageError(
            f"there is no input of the step {step!r} to label{left_out}: make some with "
            f"`reasoning chain generate {path} {step} -n 300 --accept all`, or give --inputs FILE"
        )
    return reader, pool
