"""The process that trains: `python -m reasoning.tuning.training.child_process FOLDER`.

It is a process of its own, so that its memory is freed when it ends, its allocator is set before it starts, and a
kill leaves the last checkpoint. It writes a JSON object a line to standard output. It ends when standard input is
closed, that is, when the process that started it has ended in any way.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reasoning.errors import ReasoningError
from reasoning.files import atomic_write
from reasoning.tuning.training.methods import METHODS
from reasoning.tuning.training.work_folder import CHECKPOINTS, MASKS, PEFT, RESULT, Job, read_job

BUSY = 75
"""The exit code if another process trains in the same folder."""

_lines = 1
"""The descriptor of the pipe to the process that started this one."""


def main(folder: Path) -> None:
    """Train what the folder says, from its last checkpoint on, and write the result into it."""
    from filelock import FileLock, Timeout

    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Whatever a library prints must not be among the lines for the parent.
    global _lines
    _lines = os.dup(1)
    os.dup2(2, 1)
    lock = FileLock(folder / "lock")
    try:
        # A process whose parent was killed ends within moments.
        lock.acquire(timeout=5)
    except Timeout:
        sys.exit(BUSY)
    try:
        train(folder)
    except ReasoningError as error:
        report({"error": str(error)})
        sys.exit(2)


def train(folder: Path) -> None:
    """Train; see `main`."""
    from reasoning.providers.torch.base_model import quiet_transformers
    from reasoning.tuning.training.forward import compute_prefix
    from reasoning.tuning.training.preparation import begin_prefix, prepare, save_trained
    from reasoning.tuning.training.trainer import Plan, Trainer

    job, examples, held_out = read_job(folder)
    report({"state": "loading the model"})
    with quiet_transformers():
        model = load_model(job)
        plan = Plan(job.settings, job.seed, job.steps, job.seconds)
        precision, prefix, masks = str(job.settings["precision"]), None, None
        if job.method == "sparse":
            masks, plan = _masks(folder, job, model, examples, plan)
        model = prepare(model, job.method, job.settings, seed=job.seed, masks=masks)
        if job.skip:
            # The new adapter changes nothing yet.
            prefix = compute_prefix(model.get_base_model(), examples[0].prompt[: job.skip], precision)
        if job.method == "prefix":
            begin_prefix(model, examples[0].prompt, precision)
        trainer = Trainer(
            model,
            examples,
            held_out,
            plan,
            prefix=prefix,
            skip=job.skip,
            report=lambda line: report({**line, "memory": peak_memory()}),
            checkpoints=folder / CHECKPOINTS,
        )
        trainer.run()
        save_trained(model, job.method, folder / PEFT, job.invocation or None, job.base_name)
    number = sum(parameter.numel() for parameter in trainer.parameters.values())
    result = {"log": trainer.log, "steps": trainer.step, "trained_parameters": number, "peak_memory": peak_memory()}
    atomic_write(folder / RESULT, json.dumps(result))


def load_model(job: Job) -> Any:
    """Return the base model of a job, with as many bits as its method holds the frozen weights with."""
    from transformers import AutoModelForCausalLM

    settings: dict[str, Any] = {"dtype": "float32", "local_files_only": True, "use_safetensors": True}
    if METHODS[job.method].bits < 32:
        import torch
        from transformers import BitsAndBytesConfig

        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=getattr(torch, str(job.settings["precision"])),
        )
    return AutoModelForCausalLM.from_pretrained(job.base, **settings)


def peak_memory() -> int:
    """Return the largest resident memory of this process so far, in bytes."""
    try:
        # `ru_maxrss` would also count the memory of the process that started this one.
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def report(line: Mapping[str, Any]) -> None:
    """Write a line for the process that started this one."""
    text = (json.dumps(line) + "\n").encode()
    while text:
        text = text[os.write(_lines, text) :]


def _masks(folder: Path, job: Job, model: Any, examples: Any, plan: Any) -> tuple[dict[str, Any], Any]:
    """Return the masks of `sparse` and what is left of the plan. The weights of the model are as before afterwards."""
    import dataclasses

    import torch
    from safetensors.torch import load_file, save_file

    from reasoning.tuning.training.preparation import choose_masks, linear_weights, prepare
    from reasoning.tuning.training.trainer import Trainer

    share = float(job.settings["mask_share"])
    steps = None if plan.steps is None else max(1, round(share * plan.steps))
    rest = dataclasses.replace(
        plan,
        steps=None if steps is None else max(1, plan.steps - steps),
        seconds=None if plan.seconds is None else plan.seconds * (1 - share),
    )
    if (folder / MASKS).is_file():
        return load_file(folder / MASKS), rest
    report({"state": "choosing the entries to train"})
    before = {name: weight.detach().clone() for name, weight in linear_weights(model).items()}
    prepare(model, job.method, job.settings, seed=job.seed)
    first = dataclasses.replace(plan, steps=steps, seconds=None if plan.seconds is None else plan.seconds * share)
    # All weights move with a tenth of the rate that few entries need.
    slow = {**job.settings, "learning_rate": float(job.settings["learning_rate"]) / 10}
    Trainer(model, examples, [], dataclasses.replace(first, settings=slow)).run()
    weights = linear_weights(model)
    masks = choose_masks(before, weights, int(job.settings["rank"]))
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(before[name])
            weight.grad = None
    new = folder / f"{MASKS}.new"
    save_file(masks, new)
    new.replace(folder / MASKS)
    return masks, rest


def _end_with_parent() -> None:
    """End this process when standard input is closed."""
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
