"""The count: which of the parsed values has the most votes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from reasoning.errors import UsageError
from reasoning.kinds import Kind
from reasoning.voting.equivalence import AnswerClasses, Group
from reasoning.voting.filters import Keep, apply_filters
from reasoning.voting.sample import VoteSample
from reasoning.voting.vote import Candidate, Vote, same_weight
from reasoning.voting.weights import Weighting, weights


def majority(values: Iterable[Any], kind: Kind, *, group: Group | None = None, min_share: float = 0.0) -> Vote:
    """The value that most samples agree on (Wang et al. 2022, arXiv 2203.11171, §2: the unweighted sum).

    A tie goes to the candidate that was drawn first; else the order of the draws does not matter.

    Args:
        values: what the kind parsed from each sample, in draw order; None for a sample without an answer.
        kind: its keys say which values are one candidate.
        group, min_share: as in `vote`.
    """
    return vote([VoteSample(value) for value in values], kind, group=group, min_share=min_share)


def vote(
    draws: Sequence[VoteSample],
    kind: Kind,
    *,
    weigh: Weighting = "equal",
    keep: Keep | None = None,
    most_complex: int | None = None,
    group: Group | AnswerClasses | None = None,
    min_share: float = 0.0,
) -> Vote:
    """Count the draws that have a value and pass the filter.

    Args:
        draws: in draw order.
        kind: its keys say which values are one candidate.
        weigh: what each vote counts; see `weights`.
        keep, most_complex: the filter; see `keeping`.
        group: joins values that mean the same; see `AnswerClasses`.
        min_share: the share of the weight, from 0 to 1, below which the vote abstains.

    Raises:
        UsageError: `min_share` is no share, or a function gave no weight.
    """
    if not 0 <= min_share <= 1:
        raise UsageError(f"min_share={min_share}: a share is from 0 to 1")
    marked = apply_filters(draws, keep, most_complex)
    weight, remark = weights(marked, weigh)
    groups = group if isinstance(group, AnswerClasses) else AnswerClasses(kind, group)
    places: dict[Hashable, list[int]] = {}
    for at, key in enumerate(groups.classify([draw.value if draw.counts else None for draw in marked])):
        if key is not None:
            places.setdefault(key, []).append(at)
    found = [_candidate(at, marked, weight, kind) for at in places.values()]
    return Vote(
        _ranked(found),
        total=len(marked),
        excluded=sum(draw.value is not None and not draw.kept for draw in marked),
        min_share=min_share,
        drawn=len(marked),
        note=remark,
    )


def tie_credit(vote: Vote, right: Callable[[Any], bool]) -> float:
    """What a vote is worth when a tie counts by halves: the share of the tied winners that are right.

    This is the chance of being right if a tie is broken by lot, or by who was drawn first when the draws come in random
    order. A vote without a winner is worth 0.
    """
    if vote.value is None:
        return 0.0
    return sum(bool(right(value)) for value in vote.winners) / len(vote.winners)


def _candidate(places: list[int], draws: Sequence[VoteSample], weight: Sequence[float], kind: Kind) -> Candidate:
    forms = {at: kind.show(draws[at].value) for at in places}
    frequency = Counter(forms.values())
    standing = min(frequency, key=lambda form: (-frequency[form], len(form), form))
    speaker = next(at for at in places if forms[at] == standing)
    known = [logprob for at in places if (logprob := draws[at].mean_logprob) is not None]
    return Candidate(
        draws[speaker].value,
        tuple(places),
        math.fsum([weight[at] for at in places]),
        speaker,
        math.fsum(known) / len(known) if len(known) == len(places) else None,
    )


def _ranked(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    ordered = sorted(candidates, key=lambda one: (-one.weight, one.draws[0]))
    if not ordered:
        return ()
    tied = [one for one in ordered if same_weight(one, ordered[0])]
    if all(one.logprob is not None for one in tied):
        first = min(tied, key=lambda one: (-(one.logprob or 0.0), one.draws[0]))
    else:
        first = min(tied, key=lambda one: one.draws[0])
    return (first, *(one for one in ordered if one is not first))
