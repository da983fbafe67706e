"""Votes over samples: sample → parse → filter → vote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from reasoning.kinds import Kind


@dataclass(frozen=True)
class Vote:
    """The outcome of a vote.

    Attributes:
        value: the winner, as its first draw has it; None when no sample could be read.
        counts: each candidate and its number of votes, most votes first, among equals the one drawn first.
        valid: samples that voted.
        total: samples, those that could not be read among them.
    """

    value: Any
    counts: tuple[tuple[Any, int], ...]
    valid: int
    total: int

    @property
    def share(self) -> float:
        """The winner's share of the valid votes; 0 when there is none."""
        return self.counts[0][1] / self.valid if self.counts else 0.0

    @property
    def tied(self) -> bool:
        """Whether another candidate has as many votes as the winner, so that the order of draws decided."""
        return len(self.counts) > 1 and self.counts[0][1] == self.counts[1][1]

    def __str__(self) -> str:
        shown = ", ".join(f"{value}: {count}" for value, count in self.counts) or "none"
        unread = f"; {self.total - self.valid} unread" if self.total > self.valid else ""
        return f"{shown}{unread}{'; a tie, the first drawn wins' if self.tied else ''}"


def majority(values: Iterable[Any], kind: Kind) -> Vote:
    """The majority vote over the values of samples, in draw order.

    A None (nothing could be read) is no vote. Values are one candidate when their keys are equal by the kind. A tie
    goes to the candidate that was drawn first, so the winner does not depend on arrival (Wang et al. 2022, arXiv
    2203.11171, give no rule).
    """
    values = list(values)
    first: dict[Hashable, Any] = {}
    votes: Counter[Hashable] = Counter()
    for value in values:
        if value is not None:
            key = kind.key(value)
            first.setdefault(key, value)
            votes[key] += 1
    counts = tuple((first[key], count) for key, count in votes.most_common())  # stable: equals stay in draw order
    return Vote(counts[0][0] if counts else None, counts, votes.total(), len(values))
