"""Calibration of a strategy's confidence, and its accuracy if it answered only when confident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_table import rows_of
from reasoning.benchmarks.statistics.calibration import Bin, calibration_error, reliability, selective_accuracy


@dataclass(frozen=True)
class Calibration:
    """The calibration of one strategy.

    Attributes:
        strategy: its spec.
        n: the number of results with a confidence.
        error: the expected calibration error, in ten bins.
        bins: accuracy by confidence.
        selective: pairs of coverage and accuracy, the most confident answers first.
    """

    strategy: str
    n: int
    error: float
    bins: tuple[Bin, ...]
    selective: tuple[tuple[float, float], ...]


def measure_calibration(results: Sequence[Result], specs: Sequence[str]) -> tuple[Calibration, ...]:
    """Return the calibration of each strategy whose results have a confidence.

    Args:
        results: the results of these strategies.
        specs: the strategies, in order.
    """
    calibrations, rows = [], rows_of(results)
    for spec in specs:
        own = rows.of_strategy(spec)
        data = own.where(~own.failed & ~np.isnan(own.data["confidence"])).data
        if len(data):
            confidences, correct = data["confidence"].tolist(), data["correct"].tolist()
            bins, curve = tuple(reliability(confidences, correct)), tuple(selective_accuracy(confidences, correct))
            calibrations.append(Calibration(spec, len(data), calibration_error(confidences, correct), bins, curve))
    return tuple(calibrations)
