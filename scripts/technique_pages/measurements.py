"""What was measured of each technique: its row, the difference to zero-shot chain of thought, and what a vote gives
for as many tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reasoning.benchmarks.analysis.paired import PairedDifference, families, paired_differences, scores_by_problem
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.report.report_data import ReportData, find
from reasoning.benchmarks.report.vote_curves import VoteCurve, vote_curves
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.statistics import holm
from reasoning.errors import ReasoningError
from reasoning.registry import get

REFERENCE = "cot"
_NEAR = 1.25
"""Tokens that differ by no more than this factor from what the whole pool takes count as as many."""


@dataclass(frozen=True)
class Votes:
    """Self-consistency over zero-shot chain of thought, with k of the draws that were bought.

    Attributes:
        k: draws.
        tokens: in and out, for one problem: the prompt once, and k of the draws.
        accuracy, low, high: of the vote; see `reasoning.benchmarks.statistics.vote_curves`.
    """

    k: int
    tokens: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """A results folder, looked at from zero-shot chain of thought.

    Attributes:
        store: the folder.
        found: what it holds.
        against: by spec, the pair with the reference as its second; p is adjusted by Holm over these pairs.
        votes: the reference's vote with more and more draws.
    """

    store: ResultsFolder
    found: ReportData
    against: Mapping[str, PairedDifference]
    votes: tuple[Votes, ...]

    @classmethod
    def of(cls, folder: Path) -> Measured:
        """A results folder of `reasoning bench run`, also one that is being filled.

        Raises:
            InputError: the folder holds no run, or is damaged.
        """
        store = ResultsFolder.read(folder)
        found = find(store)
        right = scores_by_problem(found.results)
        beside = [row.strategy for row in found.rows if row.n and row.strategy != REFERENCE and REFERENCE in right]
        made = {spec: paired_differences(right, [spec, REFERENCE], families(found.results))[0] for spec in beside}
        adjusted = holm({spec: pair.p for spec, pair in made.items()})
        against = {spec: replace(pair, p_adjusted=adjusted[spec]) for spec, pair in made.items()}
        return cls(store, found, against, _votes(store, found))

    @property
    def ranked(self) -> list[StrategySummary]:
        """The rows, the most accurate first, and of equals the cheapest."""
        return sorted((row for row in self.found.rows if row.n), key=lambda row: (-row.accuracy, tokens_of(row)))

    def rows_of(self, name: str) -> list[StrategySummary]:
        """The rows of a technique, whatever its parameters."""
        return [row for row in self.found.rows if row.n and technique(row.strategy) == name]

    def vote_for(self, row: StrategySummary) -> Votes | None:
        """The vote that takes about as many tokens as a row; None where one draw takes more, or all take fewer."""
        tokens = tokens_of(row)
        if not self.votes or not self.votes[0].tokens / _NEAR <= tokens <= self.votes[-1].tokens * _NEAR:
            return None
        return min(self.votes, key=lambda vote: abs(math.log(vote.tokens / tokens)))


def tokens_of(row: StrategySummary) -> float:
    """Tokens in and out for one solve that counts."""
    return (row.usage.prompt_tokens + row.usage.completion_tokens) / max(row.n, 1)


def technique(spec: str) -> str:
    """The technique that a spec names; empty where it is not known here."""
    try:
        return get(spec).card.name
    except ReasoningError:
        return ""


def _votes(store: ResultsFolder, found: ReportData) -> tuple[Votes, ...]:
    for pool in sorted(found.vote_curves, key=lambda one: -one.samples):
        strategy = get(pool.strategy)
        if strategy.card.name == "self_consistency" and dict(strategy.parameters())["base"] == get(REFERENCE):
            [drawn] = vote_curves(store, found.results, [pool.strategy], range(1, pool.samples))
            return _along(drawn, next(row for row in found.rows if row.strategy == drawn.strategy))
    return ()


def _along(drawn: VoteCurve, row: StrategySummary) -> tuple[Votes, ...]:
    solves = max(row.n, 1)
    once, each = row.usage.prompt_tokens / solves, row.usage.completion_tokens / solves / drawn.samples
    return tuple(Votes(one.k, once + each * one.k, one.mean, one.low, one.high) for one in drawn.majority)
