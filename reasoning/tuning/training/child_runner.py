"""The process that trains, started, followed and ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from reasoning.errors import ReasoningError, UsageError
from reasoning.text_safety import redact
from reasoning.tuning.training.checkpoints import last_step
from reasoning.tuning.training.request import TrainingRequest
from reasoning.tuning.training.work_folder import CHECKPOINTS

Progress = Callable[[float, float, str], object]
"""Receives what is done, the total (0 if unknown), and a description."""

_ENVIRONMENT = {
    # Freed blocks from 32 MiB on, the most that glibc takes, go back to the system. With 64 KiB the peak is 6 to 12 %
    # lower, but asking for the pages again makes a training of 0.5B parameters take 1.7 times as long.
    "MALLOC_TRIM_THRESHOLD_": "33554432",
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_ARENA_MAX": "2",
    # A neighbour on one of the cores otherwise makes each small operation many times slower.
    "GOMP_SPINCOUNT": "1000",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}
_KILLED = (-9, 137)


def run_child(folder: Path, request: TrainingRequest, report: Progress) -> None:
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
