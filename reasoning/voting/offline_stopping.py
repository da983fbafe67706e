"""What a stopping rule would have done with samples that are all there: for recordings and replays."""

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
    """Where a rule stops.

    Attributes:
        draws: how many draws it uses.
        vote: the vote over these.
    """

    draws: int
    vote: Vote


def simulate_stopping(
    values: Sequence[Any], kind: Kind, rule: Rule, *, max_draws: int | None = None, group: Group | None = None
) -> StoppingPoint:
    """How many of these samples a rule would have used, and the vote over them.

    Args:
        values: what the kind parsed from each sample, in draw order; None for a sample without an answer.
        kind, group: as in `vote`.
        rule: such as `Beta(0.95)`.
        max_draws: draw at most so many; by default all.
    """
    max_draws = len(values) if max_draws is None else min(max_draws, len(values))
    groups = AnswerClasses(kind, group)
    used = first_stop(values[:max_draws], groups, rule, max_draws)
    draws = [VoteSample(value) for value in values[: max_draws if used is None else used]]
    return StoppingPoint(len(draws), vote(draws, kind, group=groups))


def first_stop(values: Sequence[Any], groups: AnswerClasses, rule: Rule, max_draws: int, after: int = 0) -> int | None:
    """After how many draws the rule stops, each time judged by the draws until then alone; None where it wants more.

    Args:
        after: so many draws are known not to be enough.
    """
    whole = None if groups.can_merge else groups.classify(values)
    for drawn in range(after + 1, min(len(values), max_draws) + 1):
        keys: Keys = groups.classify(values[:drawn]) if whole is None else whole[:drawn]
        if drawn == max_draws or rule.should_stop(keys, max_draws):
            return drawn
    return None
