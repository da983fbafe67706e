"""What a vote gives: its candidates, the winner, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Candidate:
    """A value that was voted for.

    Attributes:
        value: the form that stands for it: of the forms drawn the most frequent, of equally frequent ones the shortest
            and then the alphabetically first.
        draws: the indexes of the draws that voted for it, ascending.
        weight: their weights together; their number where each draw counts the same.
        speaker: the first of its draws that has the value in this form.
        logprob: the mean over its draws of a token's log-probability; None where one of them has none.
    """

    value: Any
    draws: tuple[int, ...]
    weight: float
    representative: int
    logprob: float | None = None


@dataclass(frozen=True)
class Vote:
    """The result of a vote.

    A tie goes to the candidate with the higher mean log-probability, where all that tie have one, else (or where they
    are equal too) to the one that was drawn first. It is a tie all the same: see `tied` and `winners`.

    Attributes:
        candidates: the winner first, then by weight, of equals the one that was drawn first.
        total: the samples that were counted, with those that had no value and those that were left out.
        left_out: samples with a value that the filter did not let vote.
        min_share: the share below which there is no winner.
        bought: all samples that were drawn, with those that came after a stopping rule had decided.
        remark: what else is to be known, such as that weights were missing.
    """

    candidates: tuple[Candidate, ...]
    total: int
    excluded: int = 0
    min_share: float = 0.0
    drawn: int = 0
    note: str = ""

    @property
    def value(self) -> Any:
        """The winner; None where no sample had a value, or where the vote abstains."""
        return None if self.abstained or not self.candidates else self.candidates[0].value

    @property
    def counts(self) -> tuple[tuple[Any, int], ...]:
        """Each candidate and its number of votes."""
        return tuple((one.value, len(one.draws)) for one in self.candidates)

    @property
    def valid(self) -> int:
        """Samples that voted."""
        return sum(len(one.draws) for one in self.candidates)

    @property
    def unparsed(self) -> int:
        """Samples without a value; they are no votes."""
        return self.total - self.valid - self.excluded

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """Each candidate's part of the whole weight, from 0 to 1."""
        weights = [one.weight for one in self.candidates]
        whole = math.fsum(weights)
        return tuple([weight / whole if whole else 0.0 for weight in weights])

    @property
    def share(self) -> float:
        """The first candidate's part of the whole weight, from 0 to 1; 0 where there are no votes."""
        return self.shares[0] if self.candidates else 0.0

    @property
    def entropy(self) -> float:
        """How divided the vote is, in bits: 0 where all agree, log2(k) where k candidates have equal shares."""
        return max(0.0, -math.fsum(share * math.log2(share) for share in self.shares if share))

    @property
    def weighted(self) -> bool:
        """Whether the weights are not just the numbers of votes."""
        return [one.weight for one in self.candidates] != [len(one.draws) for one in self.candidates]

    @property
    def winners(self) -> tuple[Any, ...]:
        """All candidates with the highest weight, the one that the tie goes to first."""
        return tuple(
            one.value for one in self.candidates if self.candidates[0].weight and same_weight(one, self.candidates[0])
        )

    @property
    def tied(self) -> bool:
        """Whether another candidate has as much weight as the first."""
        return len(self.winners) > 1

    @property
    def abstained(self) -> bool:
        """Whether there were votes, but the first candidate's share is under `min_share`, or no vote has any weight."""
        return bool(self.candidates) and (self.share < self.min_share - 1e-9 or not self.share)

    @property
    def reason(self) -> str:
        """Why there is no winner; empty where there is one."""
        if self.abstained:
            first = self.candidates[0].value
            if not self.share:
                return "no vote has any weight"
            return f"no majority: {first!r} has {self.share:.0%} of the votes, min_share is {self.min_share:.0%}"
        if self.candidates:
            return ""
        if self.excluded:
            return f"no sample of {self.total} voted: {self.unparsed} unparsed, {self.excluded} excluded by the filter"
        return f"no sample of {self.total} could be parsed"

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known beside the counts: samples that did not vote, a tie, an abstention."""
        tie = "a tie, the likelier wins" if self._by_logprob else "a tie, the first drawn wins"
        remarks = (
            f"{self.unparsed} unparsed" if self.unparsed else "",
            f"{self.excluded} excluded" if self.excluded else "",
            tie if self.tied else "",
            self.reason if self.abstained else "",
            f"{self.drawn - self.total} more drawn than needed" if self.drawn > self.total else "",
            self.note,
        )
        return tuple(remark for remark in remarks if remark)

    def __str__(self) -> str:
        weighed = self.weighted
        counts = [
            f"{one.value}: {len(one.draws)}{f' (weight {one.weight:.3g})' if weighed else ''}"
            for one in self.candidates
        ]
        return "; ".join([", ".join(counts) or "none", *self.notes])

    @property
    def _by_logprob(self) -> bool:
        likely = [one.logprob for one in self.candidates if same_weight(one, self.candidates[0])]
        return None not in likely and len(set(likely)) > 1

    def _repr_html_(self) -> str:
        from reasoning.display import votes_html

        return votes_html(self)


def same_weight(a: Candidate, b: Candidate) -> bool:
    """Whether two candidates have the same weight, but for rounding."""
    return math.isclose(a.weight, b.weight, rel_tol=1e-9)
