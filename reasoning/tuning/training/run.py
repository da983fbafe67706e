"""Train a small model on examples: in a child process, resumed at its last checkpoint, kept as an adapter."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import UsageError
from reasoning.providers import adapters
from reasoning.providers.adapters import Adapter
from reasoning.providers.torch.base_model import BaseFiles, convert_base, find_base
from reasoning.tables import pluralize
from reasoning.tuning.examples.example_file import ExampleFile, to_example_file
from reasoning.tuning.training.child_runner import Progress, run_child
from reasoning.tuning.training.notebook_bar import notebook_bar
from reasoning.tuning.training.request import TrainingRequest, make_request
from reasoning.tuning.training.result import keep_result
from reasoning.tuning.training.work_folder import (
    JOB,
    RESULT,
    Job,
    read_job,
    remove_abandoned,
    work_folder,
    write_job,
)

if TYPE_CHECKING:
    from reasoning.tuning.training.memory import MemoryEstimate


def train(
    examples: ExampleFile | str | Path,
    model: str,
    method: str = "lora",
    *,
    name: str,
    minutes: float | None = None,
    steps: int | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    replace: bool = False,
    anyway: bool = False,
    progress: Progress | None = None,
) -> Adapter:
    """Train a small model on examples and keep the result as an adapter of the user.

    If it is interrupted in any way, the same call continues at the last checkpoint.

    Args:
        examples: the examples, or the path of their file.
        model: the base, such as "local:smollm2-135m".
        method: a name of `METHODS`.
        name: the name of the new adapter.
        minutes: the time of training. The learning rate decays in time for the end.
        steps: the number of steps, in place of `minutes`.
        held_out: the share of the examples that are held out, by group; 0 for none.
        seed: the seed of the division, of the order of examples, and of first weights.
        settings: settings of the method, such as `{"rank": 8}`.
        replace: whether an adapter of this name is replaced.
        anyway: train even if the estimated memory is not free.
        progress: called with what is done, the total, and a description. By default a notebook shows it.

    Returns:
        The adapter, which `connect(adapter.model)` uses.

    Raises:
        UsageError: an argument is not valid, or this machine cannot train by the method.
        MissingExtra: a library is not installed.
        InputError: no example is short enough.
        ReasoningError: the training process ended early; the message says why.
    """
    examples = to_example_file(examples)
    request = make_request(
        examples, model, method, minutes=minutes, steps=steps, held_out=held_out, seed=seed, settings=settings
    )
    with notebook_bar(progress) as report:
        base = find_base(model, report)
        check_free(base, name, replace)
        folder = prepare_folder(request, base, report)
        check_memory(estimate_folder(folder), anyway=anyway)
        return run_folder(folder, request, base, name, replace=replace, progress=report)


def check_free(base: BaseFiles, name: str, replace: bool) -> None:
    """Raise UsageError if the name of an adapter is not valid or taken: before hours of training, not after."""
    adapters.check_name(name)
    if not replace and (base.name, name) in adapters.names(base.name):
        raise UsageError(f"the adapter {name!r} of {base.name} exists: choose another --name, or give --replace")


def find_folder(request: TrainingRequest, base: BaseFiles) -> Path:
    """Return the folder in which to train, whether it exists or not."""
    return work_folder(
        {
            "format": 1,
            "base": base.sha256,
            "examples": request.examples.sha256,
            "method": request.method.name,
            "settings": dict(request.settings),
            "length": [request.minutes, request.steps],
            "held_out": request.held_out,
            "seed": request.seed,
        }
    )


def prepare_folder(request: TrainingRequest, base: BaseFiles, report: Progress) -> Path:
    """Return the folder in which to train, with the job and the examples as tokens."""
    from reasoning.tuning.training.batches import split
    from reasoning.tuning.training.tokens import find_frozen_prefix, open_tokenizer, tokenize

    folder = find_folder(request, base)
    if (folder / JOB).is_file():
        return folder
    converted = convert_base(base, lambda done, total, text: report(done, total, text))
    report(0, 0, "tokenising the examples")
    with open_tokenizer(base, request.method.served_by) as tokenizer:
        tokenized, too_long = tokenize(request.examples.examples, tokenizer, int(request.settings["max_tokens"]))
        prefix = find_frozen_prefix(tokenized, tokenizer.controls) if request.method.name == "alora" else None
    if too_long:
        report(
            0, 0, f"left out {pluralize(too_long, 'example')} with more than {request.settings['max_tokens']:,} tokens"
        )
    train, held_out = split(tokenized, request.held_out, request.seed)
    job = Job(
        base=str(converted),
        base_name=base.name,
        method=request.method.name,
        settings=request.settings,
        seed=request.seed,
        steps=request.steps,
        seconds=None if request.minutes is None else request.minutes * 60,
        skip=prefix.length if prefix else 0,
        invocation=prefix.invocation if prefix else (),
    )
    write_job(folder, job, train, held_out)
    return folder


def estimate_folder(folder: Path) -> MemoryEstimate:
    """Return the memory that the training of a folder will take."""
    from reasoning.tuning.training.memory import estimate
    from reasoning.tuning.training.tokens import FrozenPrefix

    job, train, held_out = read_job(folder)
    prefix = FrozenPrefix(job.skip, job.invocation) if job.skip else None
    return estimate(Path(job.base), job.method, job.settings, [*train, *held_out], prefix=prefix)


def check_memory(
    estimated: MemoryEstimate, *, anyway: bool = False, warn: Callable[[str], object] = lambda text: None
) -> None:
    """Refuse a training whose estimated memory is not free.

    Args:
        estimated: the estimate.
        anyway: warn instead.
        warn: receives a warning.

    Raises:
        UsageError: the memory is not free.
    """
    from reasoning.tuning.training.memory import available_memory, describe_need

    free = available_memory()
    if estimated.most <= free:
        return
    text = f"{estimated.method} needs {describe_need(estimated)} of memory, and {free / 1e9:.1f} GB are free"
    if estimated.total <= free or anyway:
        warn(f"{text}: the system may end the training")
        return
    raise UsageError(
        f"{text}: give a smaller --batch with --set accumulate=N, another method "
        "(`reasoning tune estimate` shows what fits), or --anyway"
    )


def run_folder(
    folder: Path, request: TrainingRequest, base: BaseFiles, name: str, *, replace: bool, progress: Progress
) -> Adapter:
    """Run the training of a folder, or what is left of it, and keep the result as an adapter."""
    remove_abandoned()
    if not (folder / RESULT).is_file():
        run_child(folder, request, progress)
    adapter = keep_result(folder, request, base, name, replace)
    discard(folder)
    return adapter


def discard(folder: Path) -> None:
    """Remove the folder of a training that is done or not wanted."""
    shutil.rmtree(folder, ignore_errors=True)
