"""Whether a confidence means what it says, and what leaving the unsure ones out would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence: how many, their mean confidence, and the share that is right."""

    n: int
    confidence: float
    accuracy: float


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Accuracy by confidence, in bins of equal width from 0 to 1; empty ones are left out."""
    grouped: dict[int, list[int]] = {}
    for place, confidence in enumerate(confidences):
        grouped.setdefault(min(bins - 1, int(confidence * bins)), []).append(place)
    return [
        Bin(
            len(group), sum(confidences[i] for i in group) / len(group), sum(bool(right[i]) for i in group) / len(group)
        )
        for _, group in sorted(grouped.items())
    ]


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """The expected calibration error: how far accuracy and confidence are apart, on average over answers.

    Source: Naeini, Cooper and Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI.
    """
    total = len(confidences)
    return sum(one.n / total * abs(one.accuracy - one.confidence) for one in reliability(confidences, right, bins))


def selective_accuracy(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """Accuracy at coverage: for each share of problems that is answered, the surest first, the share of right ones.

    Equally sure answers are taken together.

    Source: El-Yaniv and Wiener (2010), "On the foundations of noise-free selective classification", JMLR 11.
    """
    order = sorted(range(len(confidences)), key=lambda i: -confidences[i])
    curve, solved = [], 0
    for taken, i in enumerate(order, 1):
        solved += bool(right[i])
        if taken == len(order) or confidences[order[taken]] != confidences[i]:
            curve.append((taken / len(order), solved / taken))
    return curve
