"""Statistics of benchmark results: intervals, paired tests, power, variance components, calibration, racing.

Each function names its source. The package exports what the table of every run needs, and imports
nothing heavy; the modules `variance_components`, `calibration`, `racing` and `vote_curves` are imported
by name.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.statistics.intervals import (
    Mean,
    clopper_pearson,
    clustered_error,
    clustered_mean,
    clustered_share,
    wilson,
)
from reasoning.benchmarks.statistics.paired import (
    Difference,
    bootstrap,
    disagreements,
    holm,
    mcnemar,
    paired_mean,
    paired_t,
    superiority,
    tango,
)
from reasoning.benchmarks.statistics.power import (
    design_effect,
    detectable_difference,
    mcnemar_power,
    required_sample_size,
)

if TYPE_CHECKING:
    from reasoning.benchmarks.statistics.vote_curves import SamplePool as SamplePool
    from reasoning.benchmarks.statistics.vote_curves import curve as curve

__all__ = [
    "Difference",
    "Mean",
    "SamplePool",
    "bootstrap",
    "clopper_pearson",
    "clustered_error",
    "clustered_mean",
    "clustered_share",
    "curve",
    "design_effect",
    "detectable_difference",
    "disagreements",
    "holm",
    "mcnemar",
    "mcnemar_power",
    "paired_mean",
    "paired_t",
    "required_sample_size",
    "superiority",
    "tango",
    "wilson",
]


def __getattr__(name: str) -> Any:
    if name not in ("SamplePool", "curve"):  # they need `reasoning.voting`
        raise AttributeError(f"module 'reasoning.benchmarks.statistics' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module("reasoning.benchmarks.statistics.vote_curves"), name)
    return value
