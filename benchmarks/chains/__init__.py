"""What cases say of a chain: by step and end to end, which step to work on, and whether a new version is better.

from reasoning import benchmarks, connect

benchmarks.chains.evaluate("my_chain", connect("local"))
benchmarks.chains.compare("my_chain@1", "my_chain@2")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasoning.benchmarks.chains.api import compare as compare
    from reasoning.benchmarks.chains.api import evaluate as evaluate
    from reasoning.benchmarks.chains.api import run_cases as run_cases
    from reasoning.benchmarks.chains.evaluation import Evaluation as Evaluation
    from reasoning.benchmarks.chains.versions import VersionComparison as VersionComparison

_FROM = {
    "Evaluation": "evaluation",
    "VersionComparison": "versions",
    "compare": "api",
    "evaluate": "api",
    "run_cases": "api",
}

__all__ = ["Evaluation", "VersionComparison", "compare", "evaluate", "run_cases"]


def __getattr__(name: str) -> Any:
    if name not in _FROM:
        raise AttributeError(f"module 'reasoning.benchmarks.chains' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"reasoning.benchmarks.chains.{_FROM[name]}"), name)
    return value
