"""The folder in which a training runs: what it is to do, its examples as tokens, its checkpoints and its result."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reasoning import paths
from reasoning.files import atomic_write, parse_json_object
from reasoning.tuning.training.methods import Setting
from reasoning.tuning.training.tokens import TokenizedExample

JOB, TOKENS, RESULT, CHECKPOINTS, MASKS, PEFT = (
    *("job.json", "tokens.json", "result.json"),
    *("checkpoints", "masks.safetensors", "peft"),
)
_ABANDONED = 30 * 24 * 3600.0
"""The age in seconds from which a training that was not continued is removed."""


@dataclass(frozen=True)
class Job:
    """The task of a training process.

    Attributes:
        base: the folder of the base in PyTorch.
        base_name: the name of the base.
        method: the name of the method.
        settings: all its settings.
        seed: the seed of everything random.
        steps, seconds: the length of the training; one of them is set.
        skip: the tokens of a prompt that are computed once, without the adapter.
        invocation: the tokens from which on an activated adapter is active; empty for others.
    """

    base: str
    base_name: str
    method: str
    settings: Mapping[str, Setting]
    seed: int
    steps: int | None = None
    seconds: float | None = None
    skip: int = 0
    invocation: tuple[int, ...] = ()


def work_folder(identity: Mapping[str, Any]) -> Path:
    """Return the folder of a training. The same command gives the same folder, so that it is continued."""
    text = json.dumps(identity, sort_keys=True)
    return paths.cache_dir() / "training" / hashlib.sha256(text.encode()).hexdigest()[:24]


def write_job(folder: Path, job: Job, train: Sequence[TokenizedExample], held_out: Sequence[TokenizedExample]) -> None:
    """Write the job and its examples, unless they are there from an interrupted command."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / JOB).is_file():
        return
    parts = {"train": [asdict(one) for one in train], "held_out": [asdict(one) for one in held_out]}
    atomic_write(folder / TOKENS, json.dumps(parts))
    atomic_write(folder / JOB, json.dumps(asdict(job)))


def read_job(folder: Path) -> tuple[Job, list[TokenizedExample], list[TokenizedExample]]:
    """Return the job, the examples to train on, and the held-out examples."""
    table = parse_json_object((folder / JOB).read_bytes(), str(folder / JOB))
    parts = parse_json_object((folder / TOKENS).read_bytes(), str(folder / TOKENS))
    train, held_out = (
        [TokenizedExample(one["group"], tuple(one["prompt"]), tuple(one["reply"])) for one in parts[name]]
        for name in ("train", "held_out")
    )
    return Job(**{**table, "invocation": tuple(table["invocation"])}), train, held_out


def remove_abandoned() -> None:
    """Remove the folders of trainings that were interrupted long ago."""
    for folder in (paths.cache_dir() / "training").glob("*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _ABANDONED:
                shutil.rmtree(folder, ignore_errors=True)
