"""Test, evaluate and compare chains on the cases in their folders.

    tests/feedback.toml                  cases: inputs, gold values, checks
    reasoning chain test DIR             run each case once; a case is also a test of pytest
    reasoning chain eval DIR             score by step and end to end, and name the step to work on
    reasoning chain compare A B          compare two versions on the same cases

The same from Python:

    from reasoning import benchmarks, connect

    benchmarks.chains.evaluate("my_chain", connect("local"))
    benchmarks.chains.compare("my_chain@1", "my_chain@2")

docs/how-to/test-chains.md describes the files.
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

_MODULES = {
    "Evaluation": "evaluation",
    "VersionComparison": "versions",
    "compare": "api",
    "evaluate": "api",
    "run_cases": "api",
}

__all__ = ["Evaluation", "VersionComparison", "compare", "evaluate", "run_cases"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'reasoning.benchmarks.chains' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"reasoning.benchmarks.chains.{_MODULES[name]}"), name)
    return value
