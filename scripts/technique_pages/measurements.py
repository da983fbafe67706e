"""Measurements of each technique, its difference to zero-shot chain of thought, and the vote for as many tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reasoning.benchmarks import tasks
from reasoning.benchmarks.analysis.paired import PairedDifference, paired_differences
from reasoning.benchmarks.analysis.score_table import families, scores_by_problem
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.worst_case import with_worst_cases
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.vote_curves import VoteCurve, vote_curves
from reasoning.benchmarks.results.fitted import with_learned
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.statistics import holm
from reasoning.errors import ReasoningError
from reasoning.registry import get

REFERENCE = "cot"
_NEAR = 1.25
"""Token counts within this factor of each other count as equal."""


@dataclass(frozen=True)
class Votes:
    """Self-consistency over zero-shot chain of thought, with k of the recorded draws.

    Attributes:
        k: number of draws.
        tokens: prompt and completion tokens for one problem: the shared prompt once, and the rest of k draws.
        accuracy, low, high: the vote's accuracy and interval; see
            `reasoning.benchmarks.statistics.vote_curves`.
    """

    k: int
    tokens: float
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """A results folder, compared with zero-shot chain of thought.

    Attributes:
        store: the folder.
        found: its contents.
        against: by spec, the pair with the reference as its second; p is adjusted by Holm over
            these pairs, also in the worst case.
        votes: the reference's vote for increasing numbers of draws.
        earlier: the specs whose results are of an earlier version of the technique or of the
            problems, in full or in part.
    """

    store: ResultsFolder
    found: ReportData
    against: Mapping[str, PairedDifference]
    votes: tuple[Votes, ...]
    earlier: frozenset[str]

    @classmethod
    def of(cls, folder: Path) -> Measured:
        """Read a results folder of `reasoning bench run`; the run may still be in progress.

        Raises:
            InputError: the folder has no run, or is damaged.
        """
        store = ResultsFolder.read(folder)
        found = ReportData.from_folder(store)
        scores = scores_by_problem(found.comparison.results)
        others = [
            row.strategy for row in found.comparison.rows if row.n and row.strategy != REFERENCE and REFERENCE in scores
        ]
        pairs = {
            spec: paired_differences(scores, [spec, REFERENCE], families(found.comparison.results))[0]
            for spec in others
        }
        adjusted = holm({spec: pair.p for spec, pair in pairs.items()})
        compared = [replace(pair, p_adjusted=adjusted[spec]) for spec, pair in pairs.items()]
        compared = with_worst_cases(compared, found.comparison.results)
        against = dict(zip(pairs, compared, strict=True))
        return cls(store, found, against, _votes(store, found), _earlier(store))

    @property
    def ranked(self) -> list[StrategySummary]:
        """The rows by accuracy, ties by cost."""
        return sorted(
            (row for row in self.found.comparison.rows if row.n), key=lambda row: (-row.accuracy, tokens_of(row))
        )

    def vote_for(self, row: StrategySummary) -> Votes | None:
        """Return the vote with about as many tokens as a row; None if one draw takes more, or all take fewer."""
        tokens = tokens_of(row)
        if not self.votes or not self.votes[0].tokens / _NEAR <= tokens <= self.votes[-1].tokens * _NEAR:
            return None
        return min(self.votes, key=lambda vote: abs(math.log(vote.tokens / tokens)))


def tokens_of(row: StrategySummary) -> float:
    """Return the prompt and completion tokens of one counted solve."""
    return (row.usage.prompt_tokens + row.usage.completion_tokens) / max(row.n, 1)


def technique(spec: str) -> str:
    """Return the name of a spec's technique; empty if it is unknown."""
    try:
        return get(spec).card.name
    except ReasoningError:
        return ""


def _earlier(store: ResultsFolder) -> frozenset[str]:
    """Return the specs that the command of a folder would not answer from the folder's draws today."""
    if _problems_changed(store):
        return frozenset(store.specs)
    now = {spec: fingerprint(with_learned(store, get(spec))) for spec in store.specs if technique(spec)}
    return frozenset(
        key.strategy for key, result in store.results.items() if result.fingerprint != now.get(key.strategy)
    )


def chosen_split(settings: Mapping[str, Any]) -> str | None:
    """Return the split of a run; None if it is the task's usual one, or the task has no splits."""
    split = settings.get("split") or None
    try:
        return None if split is None or split == tasks.get(str(settings["task"])).split else str(split)
    except ReasoningError:
        return split


def _problems_changed(store: ResultsFolder) -> bool:
    """Return whether the task has other problems today; False if it cannot be loaded here."""
    settings = store.settings
    try:
        task = tasks.get(str(settings["task"]), split=chosen_split(settings) or "")
        examples = task.load(len(store.examples), int(settings["seed"] or 0))
    except ReasoningError:
        return False
    return [example.problem.question for example in examples] != [
        example.problem.question for example in store.examples.values()
    ]


def _votes(store: ResultsFolder, found: ReportData) -> tuple[Votes, ...]:
    for pool in sorted(found.vote_curves, key=lambda curve: -curve.samples):
        strategy = get(pool.strategy)
        if strategy.card.name == "self_consistency" and dict(strategy.parameters())["base"] == get(REFERENCE):
            [drawn] = vote_curves(store, found.comparison.results, [pool.strategy], range(1, pool.samples))
            row = next(row for row in found.comparison.rows if row.strategy == drawn.strategy)
            return _votes_along(drawn, row, _shared_prompt(store, drawn.strategy))
    return ()


def _votes_along(curve: VoteCurve, row: StrategySummary, shared: float) -> tuple[Votes, ...]:
    """Return the votes; a draw costs its replies, and the prompts of the calls that it makes after the first."""
    each = (tokens_of(row) - shared) / curve.samples
    return tuple(Votes(point.k, shared + each * point.k, point.mean, point.low, point.high) for point in curve.majority)


def _shared_prompt(store: ResultsFolder, spec: str) -> float:
    """Return the tokens of the prompt that all draws of a solve share, as a mean over the solves."""
    traces = [store.trace(key.problem, spec, key.epoch) for key in store.results if key.strategy == spec]
    firsts = [next(trace.calls(), None) for trace in traces if trace is not None]
    prompts = [call.completions[0].usage.prompt_tokens for call in firsts if call is not None and call.completions]
    if not prompts:
        raise SystemExit(f"{store.folder}: the traces of {spec} are missing, from which the cost of a vote is computed")
    return sum(prompts) / len(prompts)
