"""Tuning: the best prompts for a model, and small models for the steps of a chain."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasoning.tuning.comparison.api import compare as compare
    from reasoning.tuning.examples.api import label as label
    from reasoning.tuning.examples.example_file import read_examples as read_examples
    from reasoning.tuning.prompts.api import optimise as optimise
    from reasoning.tuning.training.estimation import estimate as estimate
    from reasoning.tuning.training.run import train as train
    from reasoning.tuning.training.training_log import read_training_log as read_training_log

__all__ = ["compare", "estimate", "label", "optimise", "read_examples", "read_training_log", "train"]

_MODULES = {
    "compare": "comparison.api",
    "estimate": "training.estimation",
    "label": "examples.api",
    "optimise": "prompts.api",
    "read_examples": "examples.example_file",
    "read_training_log": "training.training_log",
    "train": "training.run",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'reasoning.tuning' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"reasoning.tuning.{_MODULES[name]}"), name)
    return value
