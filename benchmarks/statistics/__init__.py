"""What counts can tell: intervals, paired tests, power, noise, calibration, racing. Each function names its source.

What the table of every run needs is here and imports nothing heavy; `noise`, `calibration` and `racing` are modules.
"""

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
from reasoning.benchmarks.statistics.power import design_effect, detectable_difference, required_sample_size

__all__ = [
    "Difference",
    "Mean",
    "bootstrap",
    "clopper_pearson",
    "clustered_error",
    "clustered_mean",
    "clustered_share",
    "design_effect",
    "detectable_difference",
    "disagreements",
    "holm",
    "mcnemar",
    "paired_mean",
    "paired_t",
    "required_sample_size",
    "superiority",
    "tango",
    "wilson",
]
