"""Tuning: the best prompts for a model, and small models for the steps of a chain."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasoning.tuning.prompts.api import optimise as optimise

__all__ = ["optimise"]


def __getattr__(name: str) -> Any:
    if name != "optimise":
        raise AttributeError(f"module 'reasoning.tuning' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module("reasoning.tuning.prompts.api"), name)
    return value
