"""How much each draw counts: the same, by its probability, or by a verifier's word."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from reasoning.errors import UnknownName, UsageError
from reasoning.voting.sample import VoteSample

WeightName = Literal["equal", "probability", "mean_probability"]
Weighting = WeightName | Callable[[VoteSample], float]
"""A named weighting, or a function of a draw (a verifier, a reward): 0 or more, higher for better."""

BY_LOGPROB = ("probability", "mean_probability")
"""The weightings that need log-probabilities."""


def weights(draws: Sequence[VoteSample], weigh: Weighting = "equal") -> tuple[list[float], str]:
    """The weight of each draw, and a remark where it could not be as asked.

    `probability` is that of the whole reply, P(chain, answer | prompt); `mean_probability` is that of a token, its
    geometric mean over the reply. Both are given relative to the likeliest draw, since a reply's own probability is
    too small a number. One draw without log-probabilities among those that vote, and all weigh the same.

    Source: Wang et al. 2022, arXiv 2203.11171, §2 and table 1: the weighted sums, "unnormalized" and "normalized".
    There, on PaLM-540B and GSM8K, the plain vote has 74.4 and the normalized sum 74.1.

    Raises:
        UsageError: a function gave a negative weight or none that is a number.
    """
    if callable(weigh):
        return [_checked(weigh(draw), at) if draw.counts else 0.0 for at, draw in enumerate(draws)], ""
    if weigh == "equal":
        return [1.0] * len(draws), ""
    if weigh not in BY_LOGPROB:
        raise UnknownName("weighting", str(weigh), ["equal", *BY_LOGPROB])
    known = [draw.logprob if weigh == "probability" else draw.mean_logprob for draw in draws]
    voting = [value for draw, value in zip(draws, known, strict=True) if draw.counts]
    there = [value for value in voting if value is not None]
    if missing := len(voting) - len(there):
        return [1.0] * len(draws), f"samples without log-probabilities: {missing}; all weigh the same"
    top = max(there, default=0.0)
    return [math.exp(min(0.0, value - top)) if value is not None else 0.0 for value in known], ""


def _checked(weight: float, at: int) -> float:
    if isinstance(weight, bool | int | float) and math.isfinite(weight) and weight >= 0:
        return float(weight)
    raise UsageError(f"weigh gave {weight!r} for draw {at}: a weight is a number from 0 up")
