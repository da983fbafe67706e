"""Checkpoints of a training: trained weights and the optimizer's state, written atomically and without pickle."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reasoning.files import atomic_write

_NAME = re.compile(r"step-(\d+)")
_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


def save_checkpoint(folder: Path, step: int, parameters: Mapping[str, Any], optimizer: Any, state: Any) -> None:
    """Write a checkpoint and remove the earlier ones. A kill at any moment leaves a complete one.

    Args:
        folder: the folder of the checkpoints.
        step: the number of steps that are done.
        parameters: the trained parameters by name.
        optimizer: the optimizer, whose state has a tensor or a number by parameter and name.
        state: everything else, as plain data.
    """
    from safetensors.torch import save_file

    new, target = folder / "new", folder / f"step-{step}"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    save_file({name: parameter.detach().contiguous() for name, parameter in parameters.items()}, new / _WEIGHTS)
    moments = {
        f"{key}:{name}": value.contiguous()
        for name, parameter in parameters.items()
        for key, value in optimizer.state[parameter].items()
    }
    save_file(moments, new / _OPTIMIZER)
    atomic_write(new / _STATE, json.dumps(state))
    shutil.rmtree(target, ignore_errors=True)
    new.rename(target)
    for older in _checkpoints(folder)[:-1]:
        shutil.rmtree(older, ignore_errors=True)


def load_checkpoint(folder: Path, parameters: Mapping[str, Any], optimizer: Any) -> Any:
    """Load the last checkpoint into parameters and optimizer, and return its state; None without one."""
    import torch
    from safetensors.torch import load_file

    found = _checkpoints(folder)
    if not found:
        return None
    weights, moments = load_file(found[-1] / _WEIGHTS), load_file(found[-1] / _OPTIMIZER)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    for key, value in moments.items():
        kind, _, name = key.partition(":")
        optimizer.state[parameters[name]][kind] = value
    return json.loads((found[-1] / _STATE).read_bytes())


def last_step(folder: Path) -> int:
    """Return the number of steps that the last checkpoint has; 0 without one."""
    found = _checkpoints(folder)
    return _step(found[-1]) if found else 0


def _checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints, the last one last."""
    return sorted((path for path in folder.glob("step-*") if _NAME.fullmatch(path.name)), key=_step)


def _step(path: Path) -> int:
    return int(path.name.partition("-")[2])
