"""What counts can tell: intervals, paired tests, power, noise, calibration, racing. Each function names its source.

What the table of every run needs is here and imports nothing heavy; `noise`, `calibration` and `racing` are modules.
"""

from reasoning.benchmarks.statistics.intervals import Mean, clustered, clustered_error, clustered_share, exact, wilson
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
from reasoning.benchmarks.statistics.power import design_effect, problems_needed, smallest_difference

__all__ = [
    "Difference",
    "Mean",
    "bootstrap",
    "clustered",
    "clustered_error",
    "clustered_share",
    "design_effect",
    "disagreements",
    "exact",
    "holm",
    "mcnemar",
    "paired_mean",
    "paired_t",
    "problems_needed",
    "smallest_difference",
    "superiority",
    "tango",
    "wilson",
]
