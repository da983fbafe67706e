"""Voting: sample → parse → filter → vote. Here the last part: which of the parsed values has the most votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from reasoning.kinds import Kind


@dataclass(frozen=True)
class Vote:
    """The result of a vote.

    Attributes:
        value: the winner; None where no sample had a value.
        counts: each candidate and its votes, most votes first, of equals the one that was drawn first.
        valid: samples with a value; the others are no votes.
        total: all samples.
    """

    value: Any
    counts: tuple[tuple[Any, int], ...]
    valid: int
    total: int

    @property
    def share(self) -> float:
        """The winner's part of the valid votes, from 0 to 1; 0 where there are none."""
        return self.counts[0][1] / self.valid if self.valid else 0.0

    @property
    def tied(self) -> bool:
        """Whether another candidate has as many votes as the winner."""
        return len(self.counts) > 1 and self.counts[0][1] == self.counts[1][1]

    def __str__(self) -> str:
        shown = ", ".join(f"{value}: {count}" for value, count in self.counts) or "none"
        unread = f"; {self.total - self.valid} unread" if self.total > self.valid else ""
        return f"{shown}{unread}{'; a tie, the first drawn wins' if self.tied else ''}"


def majority(values: Iterable[Any], kind: Kind) -> Vote:
    """The value that most samples agree on (Wang et al. 2022, arXiv 2203.11171, §2: the unweighted sum).

    A tie goes to the candidate that was drawn first; else the order of the draws does not matter.

    Args:
        values: what the kind parsed from each sample, in draw order; None for a sample without an answer.
        kind: its keys say which values are one candidate. Of the forms that a candidate was drawn in, the
            most frequent stands for it, of equally frequent ones the shortest and then the alphabetically first.
    """
    samples = list(values)
    candidates: dict[Hashable, list[Any]] = {}
    for value in samples:
        if value is not None:
            candidates.setdefault(kind.key(value), []).append(value)
    counts = tuple((_form(drawn, kind), len(drawn)) for drawn in sorted(candidates.values(), key=len, reverse=True))
    return Vote(counts[0][0] if counts else None, counts, sum(count for _, count in counts), len(samples))


def _form(drawn: list[Any], kind: Kind) -> Any:
    """The value that stands for a candidate, whatever the order in which its forms were drawn."""
    forms = [kind.show(value) for value in drawn]
    frequency = Counter(forms)
    best = min(range(len(drawn)), key=lambda at: (-frequency[forms[at]], len(forms[at]), forms[at]))
    return drawn[best]
