"""The result of a vote: its candidates, the winner, and the confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reasoning.text_safety import strip_control


@dataclass(frozen=True)
class Candidate:
    """A value with at least one vote.

    Attributes:
        value: the form that represents the candidate: its most frequent form. Among equally frequent
            forms, it is the shortest, then the alphabetically first.
        draws: the indexes of the draws that voted for it, ascending.
        weight: the sum of their weights; their number if all weights are equal.
        representative: the index of the first of its draws that has the value in this form.
        logprob: the mean over its draws of the log-probability per token; None if a draw has none.
    """

    value: Any
    draws: tuple[int, ...]
    weight: float
    representative: int
    logprob: float | None = None


@dataclass(frozen=True)
class Vote:
    """The result of a vote.

    A tie goes to the candidate with the highest mean log-probability if all tied candidates have
    one. Otherwise, or if these are equal too, it goes to the candidate that was drawn first. `tied`
    and `winners` still report it as a tie.

    Attributes:
        candidates: the candidates by descending weight, the winner first. Candidates with equal
            weights are in the order of their first draws.
        total: the number of samples in the vote, including unparsed and excluded ones.
        excluded: the number of samples with a value that the filter excluded.
        min_share: the share of the weight, from 0 to 1, below which there is no winner.
        drawn: the number of all samples, including those drawn after a stopping rule had decided.
        note: any further caveat, such as missing weights, or empty.
    """

    candidates: tuple[Candidate, ...]
    total: int
    excluded: int = 0
    min_share: float = 0.0
    drawn: int = 0
    note: str = ""

    @property
    def value(self) -> Any:
        """Return the winner; None if no sample had a value or the vote abstains."""
        return None if self.abstained or not self.candidates else self.candidates[0].value

    @property
    def counts(self) -> tuple[tuple[Any, int], ...]:
        """Return each candidate and its number of votes."""
        return tuple((candidate.value, len(candidate.draws)) for candidate in self.candidates)

    @property
    def valid(self) -> int:
        """Return the number of samples that voted."""
        return sum(len(candidate.draws) for candidate in self.candidates)

    @property
    def unparsed(self) -> int:
        """Return the number of samples without a value; they do not vote."""
        return self.total - self.valid - self.excluded

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """Return each candidate's share of the total weight, from 0 to 1."""
        weights = [candidate.weight for candidate in self.candidates]
        total_weight = math.fsum(weights)
        return tuple([weight / total_weight if total_weight else 0.0 for weight in weights])

    @property
    def share(self) -> float:
        """Return the first candidate's share of the total weight, from 0 to 1; 0 without votes."""
        return self.shares[0] if self.candidates else 0.0

    @property
    def entropy(self) -> float:
        """Return the entropy of the shares in bits: 0 if all agree, log2(k) for k equal shares."""
        return max(0.0, -math.fsum(share * math.log2(share) for share in self.shares if share))

    @property
    def weighted(self) -> bool:
        """Return whether the weights differ from the numbers of votes."""
        return any(candidate.weight != len(candidate.draws) for candidate in self.candidates)

    @property
    def winners(self) -> tuple[Any, ...]:
        """Return all candidates with the highest weight, the winner of the tie first."""
        if not self.candidates or not self.candidates[0].weight:
            return ()
        return tuple(candidate.value for candidate in self.candidates if same_weight(candidate, self.candidates[0]))

    @property
    def tied(self) -> bool:
        """Return whether another candidate has the same weight as the first."""
        return len(self.winners) > 1

    @property
    def abstained(self) -> bool:
        """Return whether the vote abstains.

        It does if the first candidate's share is below `min_share`, or if no vote has any weight.
        """
        return bool(self.candidates) and (self.share < self.min_share - 1e-9 or not self.share)

    @property
    def reason(self) -> str:
        """Return why there is no winner; empty if there is one."""
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
        """Return the caveats of the counts: samples that did not vote, a tie, an abstention."""
        tie = "a tie, the likelier wins" if self._by_logprob else "a tie, the first drawn wins"
        notes = (
            f"{self.unparsed} unparsed" if self.unparsed else "",
            f"{self.excluded} excluded" if self.excluded else "",
            tie if self.tied else "",
            self.reason if self.abstained else "",
            f"{self.drawn - self.total} more drawn than needed" if self.drawn > self.total else "",
            self.note,
        )
        return tuple(note for note in notes if note)

    def __repr__(self) -> str:
        return f"<Vote {self}>"

    def __str__(self) -> str:
        weighted = self.weighted
        counts = [
            f"{candidate.value}: {len(candidate.draws)}{f' (weight {candidate.weight:.3g})' if weighted else ''}"
            for candidate in self.candidates
        ]
        return strip_control("; ".join([", ".join(counts) or "none", *self.notes]))

    @property
    def _by_logprob(self) -> bool:
        likely = [candidate.logprob for candidate in self.candidates if same_weight(candidate, self.candidates[0])]
        return None not in likely and len(set(likely)) > 1

    def _repr_html_(self) -> str:
        from reasoning.display import votes_html

        return votes_html(self)


def same_weight(a: Candidate, b: Candidate) -> bool:
    """Return whether two candidates have the same weight, up to rounding."""
    return math.isclose(a.weight, b.weight, rel_tol=1e-9)
