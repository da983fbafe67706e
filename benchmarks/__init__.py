"""Comparisons of techniques on the same problems, with a verdict that the numbers support.

import reasoning as r

r.benchmarks.compare(["vanilla", "cot"], "gsm_symbolic", r.connect("local"), limit=24)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reasoning.benchmarks import chains as chains
    from reasoning.benchmarks import report as report
    from reasoning.benchmarks import shards as shards
    from reasoning.benchmarks import statistics as statistics
    from reasoning.benchmarks import tasks as tasks
    from reasoning.benchmarks import tracking as tracking
    from reasoning.benchmarks.analysis.comparison import Comparison as Comparison
    from reasoning.benchmarks.experiment import compare as compare
    from reasoning.benchmarks.results.result import Result as Result
    from reasoning.benchmarks.tasks import Task as Task

_FROM = {"Comparison": "analysis.comparison", "Result": "results.result", "Task": "tasks", "compare": "experiment"}
_MODULES = ("chains", "report", "shards", "statistics", "tasks", "tracking")

__all__ = sorted([*_FROM, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"reasoning.benchmarks.{name}")
    if name not in _FROM:
        raise AttributeError(f"module 'reasoning.benchmarks' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"reasoning.benchmarks.{_FROM[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
