"""How right the values of a step are, for the cases in `tests`: a score from 0 to 1."""

from __future__ import annotations

from collections import Counter
from typing import Any


def verdicts(value: tuple[dict[str, Any], ...], gold: tuple[dict[str, Any], ...]) -> float:
    """The F1 of the verdicts, in any order: which claims they are about, the claims' own check says."""
    said, right = (Counter(one["verdict"] for one in verdicts) for verdicts in (value, gold))
    return 2 * (said & right).total() / (said.total() + right.total()) if said or right else 1.0
