"""Calibration of a strategy's confidence, and its accuracy if it answered only when confident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reasoning.benchmarks.results.result import Result
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
    calibrations = []
    for spec in specs:
        pairs = [
            (result.confidence, result.correct is True)
            for result in results
            if result.strategy == spec and not result.failed and result.confidence is not None
        ]
        if pairs:
            confidences, correct = [confidence for confidence, _ in pairs], [right for _, right in pairs]
            bins, curve = tuple(reliability(confidences, correct)), tuple(selective_accuracy(confidences, correct))
            calibrations.append(Calibration(spec, len(pairs), calibration_error(confidences, correct), bins, curve))
    return tuple(calibrations)
