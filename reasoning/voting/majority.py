"""The count of votes: the parsed value with the most votes wins."""

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
    """Return the vote over plain values, where each sample has one vote.

    A tie goes to the candidate that was drawn first. Otherwise the order of the values does not
    matter.

    Args:
        values: the values that the kind parsed from the samples, in draw order; None for a sample
            without an answer.
        kind: the kind of the values; values with equal keys are one candidate.
        group: a function that joins values with the same meaning, as in `vote`.
        min_share: the share of the votes below which the vote abstains, from 0 to 1; 0 never
            abstains.

    Returns:
        The vote, with the winner as `value`.

    Source: Wang et al. 2022, arXiv 2203.11171, §2 (the unweighted sum).

    Examples:
        >>> from reasoning.kinds import Number
        >>> result = majority([18, 5, 18, None], Number())
        >>> result.value, result.counts
        (18, ((18, 2), (5, 1)))
        >>> print(result)
        18: 2, 5: 1; 1 unparsed
        >>> print(majority([1, 2], Number(), min_share=0.6).value)
        None
    """
    return vote([VoteSample(value) for value in values], kind, group=group, min_share=min_share)


def vote(
    samples: Sequence[VoteSample],
    kind: Kind,
    *,
    weigh: Weighting = "equal",
    keep: Keep | None = None,
    most_complex: int | None = None,
    group: Group | AnswerClasses | None = None,
    min_share: float = 0.0,
) -> Vote:
    """Count the samples that have a value and pass the filters.

    Args:
        samples: the samples, in draw order.
        kind: the kind of the values; values with equal keys are one candidate.
        weigh: the weight of a vote: "equal", "probability", "mean_probability", or a function of a
            sample; see `weights`.
        keep: a predicate for the samples that may vote; None for all.
        most_complex: the number of samples that vote, those with the most steps; None for all. See
            `apply_filters`.
        group: a function that joins values with the same meaning; see `AnswerClasses`.
        min_share: the share of the weight below which the vote abstains, from 0 to 1; 0 never
            abstains.

    Returns:
        The vote, with the winner as `value`.

    Raises:
        UsageError: `min_share` is not from 0 to 1, or a function returned an invalid weight.

    Examples:
        >>> from reasoning.kinds import Number
        >>> samples = [VoteSample(1, text="poor"), VoteSample(1, text="poor"), VoteSample(2, text="good")]
        >>> vote(samples, Number(), weigh=lambda sample: 0.9 if sample.text == "good" else 0.1).value
        2
        >>> vote(samples, Number(), keep=lambda sample: sample.text == "poor").counts
        ((1, 2),)
    """
    if not 0 <= min_share <= 1:
        raise UsageError(f"min_share must be from 0 to 1, got {min_share}")
    marked = apply_filters(samples, keep, most_complex)
    weight, note = weights(marked, weigh)
    classes = group if isinstance(group, AnswerClasses) else AnswerClasses(kind, group)
    draws: dict[Hashable, list[int]] = {}
    for index, key in enumerate(classes.classify([sample.value if sample.counts else None for sample in marked])):
        if key is not None:
            draws.setdefault(key, []).append(index)
    candidates = [_make_candidate(indexes, marked, weight, kind) for indexes in draws.values()]
    return Vote(
        _rank(candidates),
        total=len(marked),
        excluded=sum(sample.value is not None and not sample.kept for sample in marked),
        min_share=min_share,
        drawn=len(marked),
        note=note,
    )


def tie_credit(vote: Vote, is_correct: Callable[[Any], bool]) -> float:
    """Return the share of the tied winners that are correct, from 0 to 1.

    This is the probability of a correct answer if ties are broken at random, or by the first draw if
    the draws are in random order. A vote without a winner has the credit 0.

    Args:
        vote: the vote.
        is_correct: a function that returns whether a value is correct.
    """
    if vote.value is None:
        return 0.0
    return sum(bool(is_correct(value)) for value in vote.winners) / len(vote.winners)


def _make_candidate(draws: list[int], samples: Sequence[VoteSample], weight: Sequence[float], kind: Kind) -> Candidate:
    forms = {index: kind.show(samples[index].value) for index in draws}
    frequency = Counter(forms.values())
    chosen = min(frequency, key=lambda form: (-frequency[form], len(form), form))
    representative = next(index for index in draws if forms[index] == chosen)
    known = [logprob for index in draws if (logprob := samples[index].mean_logprob) is not None]
    return Candidate(
        samples[representative].value,
        tuple(draws),
        math.fsum([weight[index] for index in draws]),
        representative,
        math.fsum(known) / len(known) if len(known) == len(draws) else None,
    )


def _rank(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    ordered = sorted(candidates, key=lambda candidate: (-candidate.weight, candidate.draws[0]))
    if not ordered:
        return ()
    tied = [candidate for candidate in ordered if same_weight(candidate, ordered[0])]
    if all(candidate.logprob is not None for candidate in tied):
        first = min(tied, key=lambda candidate: (-(candidate.logprob or 0.0), candidate.draws[0]))
    else:
        first = min(tied, key=lambda candidate: candidate.draws[0])
    return (first, *(candidate for candidate in ordered if candidate is not first))
