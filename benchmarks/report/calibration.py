"""Whether a strategy's confidence means what it says: its reliability, and what leaving the unsure out would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.statistics.calibration import Bin, calibration_error, reliability, selective_accuracy


@dataclass(frozen=True)
class Calibration:
    """One strategy's confidence against what was right.

    Attributes:
        strategy: its spec.
        n: results that tell a confidence.
        error: the expected calibration error, in ten bins.
        bins: accuracy by confidence.
        selective: pairs of coverage and accuracy, the surest first.
    """

    strategy: str
    n: int
    error: float
    bins: tuple[Bin, ...]
    selective: tuple[tuple[float, float], ...]


def measure_calibration(results: Sequence[Result], specs: Sequence[str]) -> tuple[Calibration, ...]:
    """For each strategy that tells a confidence."""
    found = []
    for spec in specs:
        told = [
            (result.confidence, result.correct is True)
            for result in results
            if result.strategy == spec and not result.failed and result.confidence is not None
        ]
        if told:
            sure, right = [one for one, _ in told], [one for _, one in told]
            bins, curve = tuple(reliability(sure, right)), tuple(selective_accuracy(sure, right))
            found.append(Calibration(spec, len(told), calibration_error(sure, right), bins, curve))
    return tuple(found)
