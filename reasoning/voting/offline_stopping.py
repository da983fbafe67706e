"""Simulation of stopping rules on samples that already exist, such as recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.kinds import Kind
from reasoning.voting.equivalence import AnswerClasses, Group
from reasoning.voting.majority import vote
from reasoning.voting.sample import VoteSample
from reasoning.voting.stopping import Keys, Rule
from reasoning.voting.vote import Vote


@dataclass(frozen=True)
class StoppingPoint:
    """The point at which a rule stops.

    Attributes:
        draws: the number of draws that the rule uses.
        vote: the vote over these draws.
    """

    draws: int
    vote: Vote


def simulate_stopping(
    values: Sequence[Any], kind: Kind, rule: Rule, *, max_draws: int | None = None, group: Group | None = None
) -> StoppingPoint:
    """Return the number of these samples that a rule would have used, and the vote over them.

    Args:
        values: the values that the kind parsed from the samples, in draw order; None for a sample
            without an answer.
        kind: the kind of the values.
        rule: the stopping rule, such as `Beta(0.95)`.
        max_draws: the maximum number of draws; None for all values.
        group: a function that joins values with the same meaning, as in `vote`.

    Examples:
        >>> from reasoning.kinds import Number
        >>> from reasoning.voting import Beta
        >>> point = simulate_stopping([7, 7, 7, 7, 7, 8], Number(), Beta(0.95))
        >>> print(point.draws, point.vote)
        4 7: 4
    """
    max_draws = len(values) if max_draws is None else min(max_draws, len(values))
    classes = AnswerClasses(kind, group)
    draws = first_stop(values[:max_draws], classes, rule, max_draws)
    samples = [VoteSample(value) for value in values[: max_draws if draws is None else draws]]
    return StoppingPoint(len(samples), vote(samples, kind, group=classes))


def first_stop(values: Sequence[Any], classes: AnswerClasses, rule: Rule, max_draws: int, after: int = 0) -> int | None:
    """Return the number of draws after which a rule stops; None if it needs more.

    Each decision depends only on the draws up to that point.

    Args:
        values: the values so far, in draw order.
        classes: the classes of equal answers.
        rule: the stopping rule.
        max_draws: the number of draws at which the sampling ends in any case.
        after: the number of draws that are known to be too few.
    """
    all_keys = None if classes.can_merge else classes.classify(values)
    for drawn in range(after + 1, min(len(values), max_draws) + 1):
        keys: Keys = classes.classify(values[:drawn]) if all_keys is None else all_keys[:drawn]
        if drawn == max_draws or rule.should_stop(keys, max_draws):
            return drawn
    return None
