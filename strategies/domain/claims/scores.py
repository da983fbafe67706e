"""Scores of a step's values for the cases in `tests`, from 0 to 1."""

from __future__ import annotations

from collections import Counter
from typing import Any


def verdicts(value: tuple[dict[str, Any], ...], gold: tuple[dict[str, Any], ...]) -> float:
    """Return the F1 of the verdicts in any order. Whether they are about the right claims is checked at the step `claims`."""
    given, right = (Counter(one["verdict"] for one in verdicts) for verdicts in (value, gold))
    return 2 * (given & right).total() / (given.total() + right.total()) if given or right else 1.0
