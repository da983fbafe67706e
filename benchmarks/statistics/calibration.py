"""Calibration of confidences, and accuracy when the least confident answers are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bin:
    """Answers of similar confidence: their number, mean confidence, and share of right answers."""

    n: int
    confidence: float
    accuracy: float


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> list[Bin]:
    """Return the accuracy by confidence, in bins of equal width from 0 to 1, without empty bins.

    Args:
        confidences: the confidence of each answer, from 0 to 1.
        right: whether each answer is right.
        bins: the number of bins.
    """
    grouped: dict[int, list[int]] = {}
    for index, confidence in enumerate(confidences):
        grouped.setdefault(min(bins - 1, int(confidence * bins)), []).append(index)
    return [
        Bin(
            len(group), sum(confidences[i] for i in group) / len(group), sum(bool(right[i]) for i in group) / len(group)
        )
        for _, group in sorted(grouped.items())
    ]


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance of accuracy and confidence over answers.

    Args:
        confidences: the confidence of each answer, from 0 to 1.
        right: whether each answer is right.
        bins: the number of bins of equal width.

    Source: Naeini, Cooper and Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI.
    """
    total = len(confidences)
    return sum(b.n / total * abs(b.accuracy - b.confidence) for b in reliability(confidences, right, bins))


def selective_accuracy(confidences: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """Return pairs of coverage and accuracy: for each share of answered problems the share of right answers.

    The most confident answers come first. Answers of equal confidence are taken together.

    Args:
        confidences: the confidence of each answer.
        right: whether each answer is right.

    Source: El-Yaniv and Wiener (2010), "On the foundations of noise-free selective classification", JMLR 11.
    """
    order = sorted(range(len(confidences)), key=lambda i: -confidences[i])
    curve, solved = [], 0
    for taken, i in enumerate(order, 1):
        solved += bool(right[i])
        if taken == len(order) or confidences[order[taken]] != confidences[i]:
            curve.append((taken / len(order), solved / taken))
    return curve
