"""What a stopping rule would have done with samples that are all there: for recordings and replays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.kinds import Kind
from reasoning.voting.equivalence import Group, Groups
from reasoning.voting.majority import vote
from reasoning.voting.sample import Draw
from reasoning.voting.stopping import Keys, Rule
from reasoning.voting.vote import Vote


@dataclass(frozen=True)
class Stopped:
    """Where a rule stops.

    Attributes:
        draws: how many draws it uses.
        vote: the vote over these.
    """

    draws: int
    vote: Vote


def stopped(
    values: Sequence[Any], kind: Kind, rule: Rule, *, most: int | None = None, group: Group | None = None
) -> Stopped:
    """How many of these samples a rule would have used, and the vote over them.

    Args:
        values: what the kind parsed from each sample, in draw order; None for a sample without an answer.
        kind, group: as in `vote`.
        rule: such as `Beta(0.95)`.
        most: draw at most so many; by default all.
    """
    most = len(values) if most is None else min(most, len(values))
    groups = Groups(kind, group)
    used = first_stop(values[:most], groups, rule, most)
    draws = [Draw(value) for value in values[: most if used is None else used]]
    return Stopped(len(draws), vote(draws, kind, group=groups))


def first_stop(values: Sequence[Any], groups: Groups, rule: Rule, most: int, after: int = 0) -> int | None:
    """After how many draws the rule stops, each time judged by the draws until then alone; None where it wants more.

    Args:
        after: so many draws are known not to be enough.
    """
    whole = None if groups.joins else groups.keys(values)
    for drawn in range(after + 1, min(len(values), most) + 1):
        keys: Keys = groups.keys(values[:drawn]) if whole is None else whole[:drawn]
        if drawn == most or rule.enough(keys, most):
            return drawn
    return None
