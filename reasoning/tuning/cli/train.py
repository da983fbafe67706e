"""`reasoning tune train`: a small model trained on the examples of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli import interrupts
from reasoning.cli.output import OutputOptions, info
from reasoning.cli.progress import progress_bar
from reasoning.tuning.cli.training_options import (
    BASE,
    BaseModel,
    Chain,
    ExampleOptions,
    MethodName,
    SettingOptions,
    Step,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reasoning.providers.adapters import Adapter
    from reasoning.tables import Document
    from reasoning.tuning.training.estimation import MemoryTable
    from reasoning.tuning.training.memory import MemoryEstimate

_DEFAULT_MINUTES = 5.0


def train(
    chain: Chain = None,
    step: Step = None,
    model: BaseModel = BASE,
    method: MethodName = "lora",
    name: Annotated[
        str | None, typer.Option(help="The name of the new adapter.", metavar="NAME", show_default="STEP-METHOD")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Time of training.", min=0.01, metavar="MINUTES", show_default="5"),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Number of steps, in place of --minutes.", min=1, metavar="N")
    ] = None,
    held_out: Annotated[
        float, typer.Option(help="Share of the examples that are held out and never trained on.", metavar="SHARE")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the division, the order and the first weights.", metavar="N")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the adapter of this name.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Train even if the estimated memory is not free.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the estimate and train nothing.")] = False,
    *,
    source: ExampleOptions,
    settings: SettingOptions,
    output: OutputOptions,
) -> None:
    """Train a small model on the labels of a chain's step, or on a file of examples.

    The result is an adapter with a name: use it as --model local:smollm2-135m+NAME. Training runs in
    a process of its own and writes checkpoints: the same command continues after an interrupt.
    """
    from reasoning.providers.torch.base_model import find_base
    from reasoning.tuning.training import run
    from reasoning.tuning.training.request import make_request

    examples = source.read(chain, step)
    if minutes is None and steps is None:
        minutes = _DEFAULT_MINUTES
    request = make_request(
        examples,
        model,
        method,
        minutes=minutes,
        steps=steps,
        held_out=held_out,
        seed=seed,
        settings=settings.to_settings(),
    )
    name = name or f"{examples.header.step or 'strategy'}-{method}"
    with progress_bar() as bar:

        def show(done: float, total: float, text: str) -> None:
            # What a training says at each step is a new text each time.
            (bar.update if total else bar)(done, total, text)

        base = find_base(model, bar)
        if not dry_run:
            run.check_free(base, name, replace)
        is_new = not run.find_folder(request, base).exists()
        folder = run.prepare_folder(request, base, bar)
        estimated = run.estimate_folder(folder)
        table = tabulate_folder(folder, base.name, estimated)
        if dry_run:
            # The checkpoint of an interrupted training is kept.
            if is_new:
                run.discard(folder)
        else:
            run.check_memory(estimated, anyway=anyway, warn=info)
            interrupts.keep("the training is kept up to its last checkpoint")
            adapter = run.run_folder(folder, request, base, name, replace=replace, progress=show)
    if dry_run:
        output.print(table.to_document, table.to_json)
        return
    left_out = len(examples.examples) - adapter.examples["number"]
    output.print(lambda: describe(adapter, estimated, left_out), lambda: to_json(adapter))


def tabulate_folder(folder: Path, base: str, estimated: MemoryEstimate) -> MemoryTable:
    """Return an estimate with what it rests on: the examples of a training, and the memory that is free."""
    from reasoning.tuning.training.estimation import MemoryTable
    from reasoning.tuning.training.memory import available_memory
    from reasoning.tuning.training.work_folder import read_job

    _, train, held_out = read_job(folder)
    lengths = [len(one.prompt) + len(one.reply) for one in (*train, *held_out)]
    return MemoryTable(base, len(lengths), max(lengths), available_memory(), (estimated,))


def describe(adapter: Adapter, estimated: MemoryEstimate, left_out: int = 0) -> Document:
    """Return what was trained, with its scores on the held-out examples.

    Args:
        adapter: the adapter.
        estimated: the memory that was estimated.
        left_out: the number of examples that were too long.
    """
    from reasoning.cli.progress import format_duration
    from reasoning.tables import Document, Table, pluralize

    scores, course = adapter.scores, adapter.settings
    peak = f"{course['peak_memory'] / 1e9:.1f} GB, estimated {estimated.total / 1e9:.1f} GB"
    rows = [
        ("method", f"{adapter.method}, {course['trained_parameters']:,} trained parameters"),
        ("steps", f"{course['steps']:,} in {format_duration(course['seconds'])}"),
        ("peak memory", peak),
    ]
    if scores:
        rows += [
            ("held-out loss", f"{course['loss_before']:.3f} → {scores['loss']:.3f}"),
            ("held out, exact", f"{course['exact_before']} → {scores['exact']} of {scores['held_out']}"),
        ]
    longest = course["max_tokens"]
    excluded = f"; {pluralize(left_out, 'example')} with more than {longest:,} tokens left out" if left_out else ""
    parts: list[Table | str] = [
        f"Trained {adapter.name} on {adapter.base}, on {pluralize(adapter.examples['number'], 'example')}{excluded}.",
        Table(("training", "result"), rows, text_columns=2),
        (adapter.folder / "loss.txt").read_text(encoding="utf-8").rstrip(),
        *_caveats(scores, course, teaches_strategy="strategy" in adapter.examples),
        f"It is in {adapter.folder}. Use it with --model {adapter.model}",
    ]
    return Document(parts)


def _caveats(scores: Any, course: Any, *, teaches_strategy: bool) -> list[str]:
    """Return what the scores cannot tell, in sentences."""
    if not scores:
        return ["No example was held out, so nothing tells whether other inputs are solved."]
    lines = []
    if teaches_strategy:
        lines.append("Reasoning is rarely repeated word by word; judge the answers with `reasoning bench run`.")
    elif scores["held_out"] < 30:
        lines.append(
            f"{scores['held_out']} held-out examples tell little; judge it with `reasoning tune compare` on cases."
        )
    if course["best_loss"] < 0.9 * scores["loss"]:
        lines.append(f"The held-out loss was {course['best_loss']:.3f} earlier: train for less time, or label more.")
    return lines


def to_json(adapter: Adapter) -> dict[str, Any]:
    """Return an adapter as plain data."""
    return {
        "name": adapter.name,
        "model": adapter.model,
        "base": adapter.base,
        "method": adapter.method,
        "served_by": adapter.served_by,
        "sha256": adapter.sha256,
        "folder": str(adapter.folder),
        "settings": dict(adapter.settings),
        "scores": dict(adapter.scores),
    }
