"""Scores of a step's values for the cases in `tests`, from 0 to 1."""

from __future__ import annotations

from collections import Counter
from typing import Any


def verdicts(value: tuple[dict[str, Any], ...], gold: tuple[dict[str, Any], ...]) -> float:
    """Return the F1 of the verdicts in any order; the step `claims` checks that the claims are right."""
    actual, expected = (Counter(verdict["verdict"] for verdict in verdicts) for verdicts in (value, gold))
    return 2 * (actual & expected).total() / (actual.total() + expected.total()) if actual or expected else 1.0
