"""Train a small model on examples: in a child process, resumed at its last checkpoint, kept as an adapter."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reasoning.errors import InputError, ReasoningError, UsageError
from reasoning.providers import adapters
from reasoning.providers.adapters import Adapter, ServedBy
from reasoning.providers.torch.base_model import BaseFiles, check_installed, convert_base, find_base
from reasoning.text_safety import redact
from reasoning.tuning.examples.example_file import ExampleFile
from reasoning.tuning.training.checkpoints import last_step
from reasoning.tuning.training.methods import Method, Setting, find_method
from reasoning.tuning.training.sparkline import draw_losses
from reasoning.tuning.training.work_folder import (
    CHECKPOINTS,
    JOB,
    PEFT,
    RESULT,
    Job,
    read_job,
    remove_abandoned,
    work_folder,
    write_job,
)

if TYPE_CHECKING:
    from reasoning.tuning.training.memory import MemoryEstimate
    from reasoning.tuning.training.tokens import FrozenPrefix, TokenizedExample

Progress = Callable[[float, float, str], object]
"""Receives what is done, the total (0 if unknown), and a description."""

_ENVIRONMENT = {
    # Freed memory goes back to the system, which takes 15 % off the peak.
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_ARENA_MAX": "2",
    # A neighbour on one of the cores otherwise makes each small operation many times slower.
    "GOMP_SPINCOUNT": "1000",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}
_KILLED = (-9, 137)


@dataclass(frozen=True)
class TrainingRequest:
    """A training that is asked for: the examples, the base, the method and the length.

    Attributes:
        examples: the examples.
        model: the base, as `local:NAME` or `local:FILE.gguf`.
        method: the method of training.
        settings: all settings of the method.
        minutes, steps: the length; one of them is set.
        held_out: the share of the examples that are held out, by group.
        seed: the seed of the division, of the order of examples, and of first weights.
    """

    examples: ExampleFile
    model: str
    method: Method
    settings: Mapping[str, Setting]
    minutes: float | None
    steps: int | None
    held_out: float
    seed: int


def make_request(
    examples: ExampleFile,
    model: str,
    method: str,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    held_out: float = 0.1,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
) -> TrainingRequest:
    """Return a checked request; for the arguments see `train`.

    Raises:
        UsageError: an argument is not valid, or this machine cannot train by the method.
        MissingExtra: a library is not installed.
    """
    chosen = find_method(method)
    check_installed()
    if chosen.refusal:
        raise UsageError(f"the method {chosen.name} cannot be used: {chosen.refusal}")
    if chosen.requires and importlib.util.find_spec(chosen.requires) is None:
        raise UsageError(
            f"the method {chosen.name} needs {chosen.requires}; install it with: pip install {chosen.requires}"
        )
    if (minutes is None) == (steps is None):
        raise UsageError("give the length of the training once, as --minutes or --steps")
    if minutes is not None and not 0 < minutes <= 10_000:
        raise UsageError(f"--minutes must be above 0 and at most 10,000, got {minutes:g}")
    if steps is not None and not 0 < steps <= 10_000_000:
        raise UsageError(f"--steps must be from 1 to 10,000,000, got {steps}")
    if not 0 <= held_out <= 0.9:
        raise UsageError(f"--held-out must be a share from 0 to 0.9, got {held_out:g}")
    if not examples.examples:
        raise InputError("the file has no examples; label some first: reasoning tune label")
    return TrainingRequest(examples, model, chosen, chosen.to_settings(settings or {}), minutes, steps, held_out, seed)


def train(
    examples: ExampleFile,
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
        examples: the examples; `read_examples` reads a file.
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
        progress: called with what is done, the total, and a description.

    Returns:
        The adapter, which `connect(adapter.model)` uses.

    Raises:
        UsageError: an argument is not valid, or this machine cannot train by the method.
        MissingExtra: a library is not installed.
        InputError: no example is short enough.
        ReasoningError: the training process ended early; the message says why.
    """
    request = make_request(
        examples, model, method, minutes=minutes, steps=steps, held_out=held_out, seed=seed, settings=settings
    )
    report = progress or (lambda done, total, text: None)
    base = find_base(model, lambda done, total, text: report(done, total, text))
    check_free(base, name, replace)
    folder = prepare_folder(request, base, report)
    check_memory(estimate_folder(folder), anyway=anyway)
    return run_folder(folder, request, base, name, replace=replace, progress=report)


def base_name(base: BaseFiles) -> str:
    """Return the name of the folder of a base's adapters: that of the catalogue, or the file's with its hash."""
    return base.name if not base.name.lower().endswith(".gguf") else f"{base.name}@{base.sha256[:12]}"


def check_free(base: BaseFiles, name: str, replace: bool) -> None:
    """Raise UsageError if the name of an adapter is not valid or taken: before hours of training, not after."""
    adapters.check_name(name)
    if not replace and (base_name(base), name) in adapters.names(base_name(base)):
        raise UsageError(f"the adapter {name!r} of {base_name(base)} exists: choose another --name, or give --replace")


def prepare_folder(request: TrainingRequest, base: BaseFiles, report: Progress) -> Path:
    """Return the folder in which to train, with the job and the examples as tokens."""
    from reasoning.tuning.training.batches import split
    from reasoning.tuning.training.tokens import find_frozen_prefix, open_tokenizer, tokenize

    folder = work_folder(
        {
            "base": base.sha256,
            "examples": request.examples.sha256,
            "method": request.method.name,
            "settings": dict(request.settings),
            "length": [request.minutes, request.steps],
            "held_out": request.held_out,
            "seed": request.seed,
        }
    )
    if (folder / JOB).is_file():
        return folder
    converted = convert_base(base, lambda done, total, text: report(done, total, text))
    report(0, 0, "tokenising the examples")
    with open_tokenizer(base, request.method.served_by) as tokenizer:
        tokenized, too_long = tokenize(request.examples.examples, tokenizer, int(request.settings["max_tokens"]))
        prefix = find_frozen_prefix(tokenized, tokenizer.controls) if request.method.name == "alora" else None
    if too_long:
        report(0, 0, f"left out {too_long:,} examples with more than {request.settings['max_tokens']:,} tokens")
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


def try_frozen_prefix(examples: Sequence[TokenizedExample], controls: frozenset[int]) -> FrozenPrefix | None:
    """Return the begin that `alora` computes once; None if the prompts have none."""
    from reasoning.tuning.training.tokens import find_frozen_prefix

    try:
        return find_frozen_prefix(examples, controls)
    except UsageError:
        return None


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
        _run_child(folder, request, progress)
    adapter = _keep(folder, request, base, name, replace)
    discard(folder)
    return adapter


def discard(folder: Path) -> None:
    """Remove the folder of a training that is done or not wanted."""
    shutil.rmtree(folder, ignore_errors=True)


def _run_child(folder: Path, request: TrainingRequest, report: Progress) -> None:
    """Run the process that trains until it ends, and report what it says.

    Raises:
        ReasoningError: it ended early.
    """
    from reasoning.tuning.training.child_process import BUSY

    if done := last_step(folder / CHECKPOINTS):
        report(0, 0, f"continuing at step {done:,}")
    command = [sys.executable, "-m", "reasoning.tuning.training.child_process", str(folder)]
    described, error = _Description(request), ""
    with (folder / "errors.txt").open("w+") as errors, _started(command, errors) as child:
        assert child.stdout is not None
        for text in child.stdout:
            line = json.loads(text)
            error = line.get("error", error)
            if "error" not in line:
                described.add(line)
                report(described.done, described.total, described.text)
        code = child.wait()
        errors.seek(0)
        printed = errors.read()
    if error:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(error)
    if code == BUSY:
        raise UsageError("another process trains this already; wait for it")
    if code in _KILLED:
        raise ReasoningError(
            "the training process was killed, probably since memory ran out; the last checkpoint is kept: see "
            "`reasoning tune estimate`, and give a smaller --batch or another --method"
        )
    if code:
        raise ReasoningError(
            f"the training process ended with the exit code {code}: {redact(printed[-2000:], max_length=600)}; "
            "the last checkpoint is kept, and the same command continues"
        )


@contextlib.contextmanager
def _started(command: list[str], errors: Any) -> Iterator[subprocess.Popen[str]]:
    """Yield the process that trains, and end it when the block ends.

    It is in a session of its own: Ctrl-C in a terminal reaches only this process, and standard input, which the
    system closes when this process ends in any way, tells it.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**os.environ, **_ENVIRONMENT},
        start_new_session=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


class _Description:
    """The state of a training in words, from the lines of its log."""

    def __init__(self, request: TrainingRequest) -> None:
        self._request = request
        self._state, self._loss, self._held_out, self._memory = "starting", "", "", ""
        self.done, self.total = 0.0, 0.0

    def add(self, line: Mapping[str, Any]) -> None:
        """Read a line."""
        self._state = line.get("state", "") if "step" not in line else ""
        if "loss" in line:
            self._loss = f"loss {line['loss']:.3f}"
        if "held_out_loss" in line:
            exact = f"{line['held_out_exact']}/{line['held_out']} exact"
            self._held_out = f"held out {line['held_out_loss']:.3f}, {exact}"
        if "memory" in line:
            self._memory = f"{line['memory'] / 1e9:.1f} GB"
        if "step" in line:
            request = self._request
            if request.steps is not None:
                self.done, self.total = line["step"], line.get("steps") or request.steps
            elif request.minutes is not None:
                self.done, self.total = round(line["share"] * request.minutes * 60), round(request.minutes * 60)

    @property
    def text(self) -> str:
        """The words, such as "loss 0.213 · held out 0.198, 12/40 exact · 1.9 GB"."""
        return " · ".join(filter(None, (self._state, self._loss, self._held_out, self._memory)))


def _keep(folder: Path, request: TrainingRequest, base: BaseFiles, name: str, replace: bool) -> Adapter:
    """Make an adapter of the result in the folder of a training."""
    result = json.loads((folder / RESULT).read_bytes())
    header = request.examples.header
    scores = summarize(result["log"])
    versions = {package: importlib.metadata.version(package) for package in ("torch", "transformers", "peft")}
    about = {
        "sha256": request.examples.sha256,
        "number": len(request.examples.examples),
        **({"step": header.step, "chain": header.chain} if header.step else {"strategy": header.strategy}),
        "prompt_sha256": header.prompt_sha256,
        "teacher": header.teacher,
    }
    settings = {
        **request.settings,
        "seed": request.seed,
        "held_out": request.held_out,
        **({"minutes": request.minutes} if request.minutes is not None else {}),
        "steps": result["steps"],
        "trained_parameters": result["trained_parameters"],
    }
    with adapters.create(base_name(base), name, replace=replace) as target:
        shutil.copytree(folder / PEFT, target / adapters.PEFT)
        lines = [json.dumps(line) for line in result["log"]]
        (target / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (target / "loss.txt").write_text(draw_losses(result["log"]) + "\n", encoding="utf-8")
        served_by = _convert(request.method, target, base)
        adapters.describe(
            target,
            name,
            base_name(base),
            base.sha256,
            request.method.name,
            served_by,
            settings=settings,
            examples=about,
            scores={**scores, "peak_memory": result["peak_memory"]},
            versions={**versions, "reasoning": importlib.metadata.version("reasoning-strategies")},
        )
    return adapters.find(base_name(base), name)


def _convert(chosen: Method, target: Path, base: BaseFiles) -> ServedBy:
    """Write what llama.cpp serves, and return what serves the adapter."""
    if chosen.served_by == "llama.cpp":
        from reasoning.tuning.conversion.gguf_adapter import write_gguf_adapter

        write_gguf_adapter(target / adapters.PEFT, base.gguf, target / adapters.GGUF)
    elif chosen.served_by == "merged":
        from reasoning.tuning.conversion.merge import merge

        merge(base.gguf, [(target / adapters.PEFT, 1.0)], target / adapters.MERGED)
    return chosen.served_by


def summarize(log: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the scores of a training from its log: the last losses, and those of held-out examples before it."""
    losses = [line["loss"] for line in log if "loss" in line]
    held = [line for line in log if "held_out_loss" in line]
    scores: dict[str, Any] = {"loss": round(sum(losses[-10:]) / max(1, len(losses[-10:])), 6)}
    if held:
        scores |= {
            "held_out": held[-1]["held_out"],
            "held_out_loss_before": held[0]["held_out_loss"],
            "held_out_loss": held[-1]["held_out_loss"],
            "held_out_exact_before": held[0]["held_out_exact"],
            "held_out_exact": held[-1]["held_out_exact"],
            "best_held_out_loss": min(line["held_out_loss"] for line in held),
        }
    return {**scores, "seconds": log[-1]["seconds"] if log else 0.0}
