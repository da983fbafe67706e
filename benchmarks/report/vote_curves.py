"""What fewer draws would have given, from the votes that a run has stored."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import reasoning
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.statistics.vote_curves import CurvePoint, SamplePool, curve
from reasoning.errors import ReasoningError
from reasoning.kinds import Kind
from reasoning.problem import Example

_KS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 100)
_CHOOSE = ("stop", "weigh", "keep", "most_complex", "group")
"""Parameters of a vote that make its draws no plain sample: they stop it early, leave draws out or weigh them."""


@dataclass(frozen=True)
class VoteCurve:
    """One strategy's curves.

    Attributes:
        strategy: its spec.
        n: problems, over all repetitions.
        samples: draws a problem.
        majority: accuracy of the vote of k draws.
        any: the chance that any of k draws is right.
    """

    strategy: str
    n: int
    samples: int
    majority: tuple[CurvePoint, ...]
    any: tuple[CurvePoint, ...]


def vote_curves(
    store: ResultsFolder, results: Sequence[Result], specs: Sequence[str], at: Sequence[int] = _KS
) -> tuple[VoteCurve, ...]:
    """The curves of each strategy that voted over a fixed number of draws, at these numbers and at all of them.

    The store has the candidates with their counts. Draws without an answer are the rest up to the number of samples.
    """
    found = []
    for spec in specs:
        samples = _samples(spec)
        voted = [one for one in results if one.strategy == spec and not one.failed] if samples else []
        if samples and any(one.votes for one in voted) and not store.needs_examples(0, [one.problem for one in voted]):
            pools = [pool for one in voted if (pool := _pool(one, store.examples[one.problem], samples))]
            if pools:
                ks = [k for k in at if k < samples] + [samples]
                majority, either = curve(pools, ks), curve(pools, ks, measure="any")
                found.append(VoteCurve(spec, len(pools), samples, majority, either))
    return tuple(found)


def _samples(spec: str) -> int | None:
    """How many draws the strategy always votes over; None where it does not, or is not known here."""
    try:
        strategy = reasoning.strategies.get(spec)
    except ReasoningError:
        return None
    plain = {one.name: one.default for one in dataclasses.fields(cast(Any, strategy))}
    if any(getattr(strategy, name) != plain[name] for name in _CHOOSE if name in plain):
        return None
    samples = getattr(strategy, "samples", None)
    return samples if isinstance(samples, int) else None


def _pool(result: Result, example: Example, samples: int) -> SamplePool | None:
    unread = samples - sum(count for _, count in result.votes)
    if unread < 0:
        return None
    right: list[int] = []
    wrong: list[int] = []
    for shown, count in result.votes:
        fine = bool(result.correct) if shown == result.value else example.score(_value(example.problem.kind, shown))
        (right if fine else wrong).append(count)
    return SamplePool(tuple(sorted(right)), tuple(sorted(wrong)), unread, result.cluster)


def _value(kind: Kind, shown: str) -> Any:
    try:
        return _parsed(cast(Hashable, kind), shown)
    except TypeError:  # a kind that holds a schema has no hash
        return kind.parse(shown)


@lru_cache(maxsize=1 << 14)  # votes repeat themselves
def _parsed(kind: Hashable, shown: str) -> Any:
    return cast(Kind, kind).parse(shown)
