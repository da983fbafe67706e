"""Differences in the worst case: if no limit, refusal or failure had kept an answer from being right.

A reply that a limit cut off says nothing about a technique, so a difference that such replies could have made is
withheld.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reasoning import registry
from reasoning.benchmarks.analysis.formatting import join_names
from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.statistics import holm
from reasoning.errors import ReasoningError
from reasoning.strategy import Strategy
from reasoning.tables import pluralize

_FACTOR = 4
"""The factor by which a limit that cut replies off should be raised."""
_REASONING_TOKENS = 25_000
"""The least limit to recommend if reasoning alone used it up."""


def with_worst_cases(
    pairs: Sequence[PairedDifference], results: Iterable[Result], families: Mapping[str, str]
) -> list[PairedDifference]:
    """Return the differences with their p-values in the worst case, for the better strategy of each pair.

    Every answer of the worse one that could have been right counts as right, and every failed one of the better
    one as wrong. Holm's correction is over the worst cases of all pairs: a difference that is significant then is
    significant whatever the missing answers would have been.

    Args:
        pairs: the differences of all pairs.
        results: the results behind them, also the failed ones.
        families: the family of each problem that has one.
    """
    results = list(results)
    if not any(result.could_be_right for result in results):
        return list(pairs)
    return with_worst_bounds(pairs, score_bounds(results), families)


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
    worst = {}
    for pair in pairs:
        better, worse = (pair.first, pair.second) if pair.difference.value >= 0 else (pair.second, pair.first)
        scores = {
            better: {problem: low for problem, (low, _) in bounds[better].items()},
            worse: {problem: high for problem, (_, high) in bounds[worse].items()},
        }
        [least] = paired_differences(scores, [better, worse], families)
        worst[pair.first, pair.second] = max(pair.p, least.p) if least.difference.value > 0 else 1.0
    adjusted = holm(worst)
    return [replace(pair, p_worst=max(pair.p_adjusted, adjusted[pair.first, pair.second])) for pair in pairs]


def score_bounds(results: Sequence[Result]) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the least and the greatest possible share of right answers, by strategy and problem."""
    solves: dict[str, dict[str, list[Result]]] = {}
    for result in results:
        solves.setdefault(result.strategy, {}).setdefault(result.problem, []).append(result)
    return {
        spec: {
            problem: (
                sum(one.correct is True for one in of_problem) / len(of_problem),
                sum(one.correct is True or one.could_be_right for one in of_problem) / len(of_problem),
            )
            for problem, of_problem in by_problem.items()
        }
        for spec, by_problem in solves.items()
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
    by_spec: dict[str, list[Result]] = {}
    for result in results:
        by_spec.setdefault(result.strategy, []).append(result)
    found = {}
    for spec, of_spec in by_spec.items():
        if lost := [result for result in of_spec if result.could_be_right]:
            refused = [result for result in lost if result.refused]
            failed = [result for result in lost if result.failed and not result.refused]
            truncated = [result for result in lost if not result.failed and not result.refused]
            found[spec] = Incomplete(
                spec,
                len(of_spec),
                len(truncated),
                sum(result.only_reasoning > 0 for result in truncated),
                len(refused),
                len(failed),
                min((result.token_limit for result in truncated if result.token_limit), default=0),
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
