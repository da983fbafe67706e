"""Differences in the worst case: if no limit, refusal or failure had kept an answer from being right.

A reply that a limit cut off says nothing about a technique, so a difference that such replies could have made is
withheld.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from reasoning import registry
from reasoning.benchmarks.analysis.formatting import join_names
from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.analysis.score_table import ScoreTable
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.result_table import rows_of
from reasoning.benchmarks.statistics import holm
from reasoning.errors import ReasoningError
from reasoning.strategy import Strategy
from reasoning.tables import pluralize

_FACTOR = 4
"""The factor by which a limit that cut replies off should be raised."""
_REASONING_TOKENS = 25_000
"""The least limit to recommend if reasoning alone used it up."""


def with_worst_cases(pairs: Sequence[PairedDifference], results: Iterable[Result]) -> list[PairedDifference]:
    """Return the differences with their p-values in the worst case, for the better strategy of each pair.

    Every answer of the worse one that could have been right counts as right, and every failed one of the better
    one as wrong. Holm's correction is over the worst cases of all pairs: a difference that is significant then is
    significant whatever the missing answers would have been.

    Args:
        pairs: the differences of all pairs.
        results: the results behind them, also the failed ones.
    """
    rows = rows_of(results)
    if not rows.data["could_be_right"].any():
        return list(pairs)
    low = ScoreTable.of_results(rows, rows.data["correct"])
    high = ScoreTable.of_results(rows, rows.data["correct"] | rows.data["could_be_right"])
    return _with_bounds(pairs, low, high)


def with_worst_bounds(
    pairs: Sequence[PairedDifference],
    bounds: Mapping[str, Mapping[str, tuple[float, float]]],
    families: Mapping[str, str],
) -> list[PairedDifference]:
    """Return the differences with their p-values in the worst case, as `with_worst_cases` does.

    Args:
        pairs: the differences of all pairs.
        bounds: the least and the greatest possible score, by strategy and problem.
        families: the family of each problem that has one.
    """
    low, high = (
        {spec: {problem: ends[end] for problem, ends in by_problem.items()} for spec, by_problem in bounds.items()}
        for end in (0, 1)
    )
    return _with_bounds(pairs, ScoreTable.of(low, families), ScoreTable.of(high, families))


def _with_bounds(pairs: Sequence[PairedDifference], low: ScoreTable, high: ScoreTable) -> list[PairedDifference]:
    worst = {}
    for pair in pairs:
        better, worse = (pair.first, pair.second) if pair.difference.value >= 0 else (pair.second, pair.first)
        scores = ScoreTable({better: low.scores[better], worse: high.scores[worse]}, low.clusters)
        [least] = paired_differences(scores, [better, worse])
        worst[pair.first, pair.second] = max(pair.p, least.p) if least.difference.value > 0 else 1.0
    adjusted = holm(worst)
    return [replace(pair, p_worst=max(pair.p_adjusted, adjusted[pair.first, pair.second])) for pair in pairs]


def score_bounds(results: Iterable[Result]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the least and the greatest possible share of right answers, by strategy and problem."""
    rows = rows_of(results)
    problems, right = rows.distinct("problem"), rows.data["correct"]
    low = ScoreTable.of_results(rows, right).scores
    high = ScoreTable.of_results(rows, right | rows.data["could_be_right"]).scores
    return {
        spec: {
            problem: (least, most)
            for problem, least, most in zip(problems, low[spec].tolist(), high[spec].tolist(), strict=True)
            if not math.isnan(least)
        }
        for spec in low
    }


@dataclass(frozen=True)
class Incomplete:
    """The answers of a strategy that a limit, a refusal or a failure may have kept from being right.

    Attributes:
        strategy: its spec.
        n: the number of its answers, with the failed ones.
        truncated: those with a reply that a limit on tokens cut off.
        only_reasoning: those of them with a reply of which the limit left nothing but reasoning.
        refused: those that the model or the provider refused.
        failed: those with a failed call that was not refused.
        limit: the lowest limit that cut a reply off, in tokens; 0 if it is not known.
    """

    strategy: str
    n: int
    truncated: int
    only_reasoning: int
    refused: int
    failed: int
    limit: int

    @property
    def total(self) -> int:
        """The number of these answers."""
        return self.truncated + self.refused + self.failed

    def __str__(self) -> str:
        causes: list[str] = []
        if self.truncated:
            limit = f"the limit of {self.limit:,} tokens" if self.limit else "a limit on tokens"
            thinking = ""
            if self.only_reasoning:
                some = "" if self.only_reasoning == self.truncated else f" in {self.only_reasoning}"
                thinking = f", which thinking used up{some}"
            causes.append(self._count(self.truncated, f"cut off by {limit}{thinking}"))
        if self.refused:
            causes.append(self._count(self.refused, "refused", also=bool(causes)))
        if self.failed:
            causes.append(self._count(self.failed, "lost to failed calls", also=bool(causes)))
        return join_names(causes)

    def _count(self, count: int, what: str, also: bool = False) -> str:
        subject = str(count) if also else f"{count} of {pluralize(self.n, 'answer')} of {self.strategy}"
        return f"{subject} {'was' if count == 1 else 'were'} {what}"

    @property
    def remedy(self) -> str:
        """The setting or the command that makes the answers complete, or "" for refused ones."""
        if not self.truncated:
            return "repeat the command" if self.failed else ""
        limit = _FACTOR * (self.limit or 1024)
        if self.only_reasoning:
            limit = max(limit, _REASONING_TOKENS)
        own = _with_own_limit(self.strategy, self.limit, limit)
        return f"use {own}" if own else f"set --max-tokens {limit} (in Python, max_tokens={limit})"


def find_incomplete(results: Iterable[Result]) -> dict[str, Incomplete]:
    """Return the incomplete answers of each strategy that has any, by spec."""
    rows = rows_of(results)
    lost = rows.where(rows.data["could_be_right"])
    found = {}
    for spec in rows.distinct("strategy"):
        own = lost.of_strategy(spec)
        if not len(own):
            continue
        refused = own.data["refused"]
        failed = own.failed & ~refused
        truncated = own.where(~own.failed & ~refused).data
        limits = truncated["token_limit"][truncated["token_limit"] > 0]
        found[spec] = Incomplete(
            spec,
            len(rows.of_strategy(spec)),
            len(truncated),
            int(np.sum(truncated["only_reasoning"])),
            int(np.sum(refused)),
            int(np.sum(failed)),
            int(limits.min()) if len(limits) else 0,
        )
    return found


def explain_incomplete(incomplete: Iterable[Incomplete]) -> str:
    """Return which answers are incomplete and what to do about it, as the end of a sentence."""
    named = list(incomplete)
    remedies = list(dict.fromkeys(filter(None, (one.remedy for one in named))))
    reasons = "; ".join(map(str, named))
    return f"{reasons}. What to do: {', '.join(remedies)}." if remedies else f"{reasons}."


def _with_own_limit(spec: str, limit: int, wanted: int) -> str:
    """Return the spec of a strategy with its own limit raised, or "" if the limit is not its own."""
    try:
        strategy = registry.get(spec)
    except ReasoningError:
        return ""
    raised = _raised(strategy, limit, wanted)
    return "" if raised == strategy else repr(raised)


def _raised(strategy: Strategy, limit: int, wanted: int) -> Strategy:
    changes: dict[str, object] = {}
    for name, value in strategy.parameters():
        if isinstance(value, Strategy):
            changes[name] = _raised(value, limit, wanted)
        elif name.endswith("_tokens") and value == limit:
            changes[name] = wanted
    return strategy.replace(**changes) if changes else strategy
