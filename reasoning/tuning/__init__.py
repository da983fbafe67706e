"""Tuning: the best prompts for a model, and small models for the steps of a chain."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasoning.tuning.comparison.api import compare as compare
    from reasoning.tuning.examples.api import label as label
    from reasoning.tuning.prompts.api import optimise as optimise
    from reasoning.tuning.training.run import train as train

__all__ = ["compare", "label", "optimise", "train"]

_MODULES = {"compare": "comparison.api", "label": "examples.api", "optimise": "prompts.api", "train": "training.run"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'reasoning.tuning' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"reasoning.tuning.{_MODULES[name]}"), name)
    return value
