"""Vote curves: the accuracy of votes over fewer draws, computed from the votes of a run."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_table import rows_of
from reasoning.benchmarks.statistics.vote_curves import CurvePoint, Measure, SamplePool, curve
from reasoning.errors import ReasoningError
from reasoning.kinds import Kind
from reasoning.problem import Example
from reasoning.registry import get

_KS = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 100)
_SELECTION = ("stop", "weigh", "keep", "most_complex", "group")
"""Parameters of a vote that stop it early, exclude draws or weight them. Its draws are then not a
plain sample."""


@dataclass(frozen=True)
class VoteCurve:
    """The vote curves of one strategy.

    Attributes:
        strategy: its spec.
        n: the number of solves: problems times repetitions.
        samples: the number of draws for one solve.
        majority: the accuracy of a majority vote over k draws (maj@k).
        any: the probability that any of k draws is right (pass@k).
        all: the probability that all of k draws are right (pass^k).
    """

    strategy: str
    n: int
    samples: int
    majority: tuple[CurvePoint, ...]
    any: tuple[CurvePoint, ...]
    all: tuple[CurvePoint, ...]


def vote_curves(
    folder: ResultsFolder, results: Sequence[Result], specs: Sequence[str], ks: Sequence[int] = _KS
) -> tuple[VoteCurve, ...]:
    """Return the curves of each strategy that votes over a fixed number of draws.

    The results hold the candidates with their counts. Draws that are missing from the counts had no
    answer. Of a folder that was made of logs of other tools, the draws are the replies of a solve, or else its
    repetitions.

    Args:
        folder: the results folder.
        results: the results of these strategies.
        specs: the strategies, in order.
        ks: the numbers of draws; all draws are added.
    """
    rows = rows_of(results)
    if "imported" in folder.metadata:
        return tuple(filter(None, (imported_curve(folder, rows.of_strategy(spec), spec, ks) for spec in specs)))
    curves = []
    for spec in specs:
        samples = _samples(spec)
        if not samples:
            continue
        own = rows.of_strategy(spec)
        own = own.where(~own.failed)
        if folder.needs_examples(0, own.distinct("problem")):
            continue
        pools, has_votes = list[SamplePool](), False
        # One after the other: a large run has more results than fit into memory as objects.
        for result in own:
            has_votes = has_votes or bool(result.votes)
            if pool := _pool(result, folder.examples[result.problem], samples):
                pools.append(pool)
        if pools and has_votes:
            curves.append(_drawn(spec, pools, samples, ks))
    return tuple(curves)


def imported_curve(
    folder: ResultsFolder, results: Sequence[Result], spec: str, ks: Sequence[int] = _KS
) -> VoteCurve | None:
    """Return the curves of a strategy of another tool; None if its problems were not drawn equally often.

    Args:
        folder: the results folder.
        results: the results.
        spec: the strategy.
        ks: as in `vote_curves`.
    """
    log = folder.metadata["imported"]["strategies"].get(spec, {})
    own = [result for result in results if result.strategy == spec and not result.failed]
    samples = log.get("replies") or 0
    if samples > 1 and any(result.votes for result in own):
        pools = [pool for result in own if (pool := _pool(result, folder.examples[result.problem], samples))]
        return _drawn(spec, pools, samples, ks) if pools else None
    # A vote needs the answers; whole replies to one problem differ in their words.
    if not log.get("reads_answers") and not folder.metadata["imported"].get("rescored"):
        return None
    by_problem: dict[str, list[Result]] = {}
    for result in own:
        by_problem.setdefault(result.problem, []).append(result)
    epochs = max(map(len, by_problem.values()), default=0)
    whole = [solves for solves in by_problem.values() if len(solves) == epochs]
    return _drawn(spec, list(map(_pool_of_repetitions, whole)), epochs, ks) if epochs > 1 else None


def _pool_of_repetitions(solves: Sequence[Result]) -> SamplePool:
    right = sum(bool(result.correct) for result in solves)
    wrong = Counter(result.value for result in solves if not result.correct and result.value is not None)
    unparsed = len(solves) - right - wrong.total()
    return SamplePool((right,) if right else (), tuple(sorted(wrong.values())), unparsed, solves[0].cluster)


def _drawn(spec: str, pools: Sequence[SamplePool], samples: int, ks: Sequence[int]) -> VoteCurve:
    points = [k for k in ks if k < samples] + [samples]
    measures: Sequence[Measure] = ("majority", "any", "all")
    return VoteCurve(spec, len(pools), samples, *(curve(pools, points, measure=measure) for measure in measures))


def _samples(spec: str) -> int | None:
    """Return the fixed number of draws that a strategy votes over; None without one or for an unknown strategy."""
    try:
        strategy = get(spec)
    except ReasoningError:
        return None
    defaults = {field.name: field.default for field in dataclasses.fields(cast(Any, strategy))}
    if any(getattr(strategy, name) != defaults[name] for name in _SELECTION if name in defaults):
        return None
    samples = getattr(strategy, "samples", None)
    return samples if isinstance(samples, int) else None


def _pool(result: Result, example: Example, samples: int) -> SamplePool | None:
    unparsed = samples - sum(count for _, count in result.votes)
    if unparsed < 0:
        return None
    right: list[int] = []
    wrong: list[int] = []
    for text, count in result.votes:
        is_right = bool(result.correct) if text == result.value else example.score(_parse(example.problem.kind, text))
        (right if is_right else wrong).append(count)
    return SamplePool(tuple(sorted(right)), tuple(sorted(wrong)), unparsed, result.cluster)


def _parse(kind: Kind, text: str) -> Any:
    try:
        return _parse_cached(cast(Hashable, kind), text)
    except TypeError:
        # A kind that holds a schema has no hash.
        return kind.parse(text)


# Many votes have the same text.
@lru_cache(maxsize=1 << 14)
def _parse_cached(kind: Hashable, text: str) -> Any:
    return cast(Kind, kind).parse(text)
