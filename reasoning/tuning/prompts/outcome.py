"""The outcome of a search: the chosen candidate, the final test, and the answer to "should I use it"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from reasoning.benchmarks.analysis.formatting import difference_cells, percent
from reasoning.benchmarks.analysis.paired import PairedDifference
from reasoning.errors import ReasoningError
from reasoning.messages import Usage
from reasoning.prompts import Prompt
from reasoning.strategy import Strategy
from reasoning.tables import Document, Table, escape_html, render_text
from reasoning.tuning.prompts.final_test import (
    ORIGINAL_ARM,
    PLAIN_ARM,
    TUNED_ARM,
    FinalTest,
)
from reasoning.tuning.prompts.parts import Candidate
from reasoning.tuning.prompts.prompt_diff import prompt_diff
from reasoning.tuning.prompts.verdict import Decision, Verdict


@dataclass(frozen=True, repr=False)
class Outcome:
    """The outcome of a search. Print it, or let a notebook show it.

    Attributes:
        original: the strategy or chain before the search.
        strategy: the one with the chosen candidate; the original if none was better.
        candidate: the chosen candidate.
        changes: the changed prompts and phrases, by name.
        before: the same prompts and phrases in the original.
        method: the name of the method.
        model: the name of the model.
        pools: the pools, for display.
        score, examples: the mean score of the chosen candidate on the selection pool, and the number of examples.
        candidates: the number of candidates that were raced.
        test: the final test; None if no candidate was better on the selection pool, or it was not reached.
        stopped: the error that ended the run early, if any. The search may have used up its part of the budget
            without that: then a larger budget would extend it.
        is_exhausted: whether the budget ended the search, and not the optimizer.
        spent: what this command paid for.
        total: what the run has spent with earlier commands.
        used: what the search and the final test cost without the journal.
        left: what is left of the budget.
        events: the log.
        folder: the outcome folder, if any.
    """

    original: Strategy
    strategy: Strategy
    candidate: Candidate
    changes: dict[str, Prompt | str]
    before: dict[str, Prompt | str]
    method: str
    model: str
    pools: str
    score: float
    examples: int
    candidates: int
    test: FinalTest | None
    stopped: ReasoningError | None
    is_exhausted: bool
    spent: Usage
    total: Usage
    used: Usage
    left: str
    events: Sequence[dict[str, Any]] = field(default=(), repr=False)
    folder: Path | None = None

    @cached_property
    def conclusion(self) -> Verdict:
        """The verdict with the numbers behind it."""
        return Verdict(self.test, self.stopped, self.candidates, self.is_exhausted)

    @property
    def decision(self) -> Decision:
        """The answer to the question whether to use the tuned prompts."""
        return self.conclusion.decision

    @property
    def verdict(self) -> str:
        """The decision with its reasons, in sentences."""
        return self.conclusion.text()

    def diff(self) -> str:
        """Return the unified diff of the changed prompts; empty if nothing changed."""
        return prompt_diff(self.before, self.changes)

    def table(self) -> Document:
        """Return the outcome as tables and sentences."""
        parts: list[Table | str] = [f"{self.original!r} on {self.model}, by {self.method}: {self.pools}"]
        if self.test is not None:
            parts += [_arm_table(self.test), *([_pair_table(self.test)] if self.test.pairs else [])]
        parts.append(self.verdict)
        return Document(parts)

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as plain data."""
        return {
            "strategy": repr(self.original),
            "model": self.model,
            "method": self.method,
            "pools": self.pools,
            "decision": self.decision,
            "verdict": self.verdict,
            "candidate": {"key": self.candidate.key, "origin": self.candidate.origin, **self.candidate.to_json()},
            "selection": {"score": self.score, "n": self.examples, "candidates": self.candidates},
            "test": None if self.test is None else _test_json(self.test),
            "search_ended_by": "budget" if self.is_exhausted else "method",
            "stopped": None if self.stopped is None else str(self.stopped),
            "spent": usage_json(self.spent),
            "spent_in_total": usage_json(self.total),
            "without_the_journal": usage_json(self.used),
            "left": self.left,
            "folder": None if self.folder is None else str(self.folder),
        }

    def __repr__(self) -> str:
        return render_text(self.table(), 100)

    def _repr_html_(self) -> str:
        parts = (
            part.to_html() if isinstance(part, Table) else f"<p>{escape_html(part)}</p>" for part in self.table().parts
        )
        return "".join(parts)


def _arm_table(test: FinalTest) -> Table:
    rows = [
        (
            arm.name,
            arm.about,
            f"{arm.n}",
            percent(arm.score),
            f"{100 * arm.interval[0]:.0f} to {100 * arm.interval[1]:.0f}",
            f"{arm.tokens:,.0f}",
            f"{arm.usage.calls / max(1, arm.n):.1f}",
        )
        for arm in test.arms
    ]
    header = ("final test", "what it is", "n", "score", "95 %", "tokens a solve", "calls a solve")
    return Table(header, rows, name="arms", text_columns=2, priority=("score", "95 %", "tokens a solve"))


def _pair_table(test: FinalTest) -> Table:
    rows = [(f"{pair.first} − {pair.second}", *difference_cells(pair)) for pair in _ordered(test)]
    return Table(("difference", "points", "95 %", "p (Holm)"), rows, name="differences")


def _ordered(test: FinalTest) -> list[PairedDifference]:
    wanted = ((TUNED_ARM, ORIGINAL_ARM), (TUNED_ARM, PLAIN_ARM), (PLAIN_ARM, ORIGINAL_ARM))
    return [pair for names in wanted if (pair := test.difference(*names)) is not None]


def _test_json(test: FinalTest) -> dict[str, Any]:
    return {
        "size": test.size,
        "candidates_tested": test.looks,
        "complete": test.stopped is None,
        "arms": [arm.to_json() for arm in test.arms],
        "differences": [
            {
                "first": pair.first,
                "second": pair.second,
                "n": pair.n,
                "difference": pair.difference.value,
                "ci95": [pair.difference.low, pair.difference.high],
                "p": pair.p_adjusted,
                "test": pair.test,
                "significant": pair.is_significant,
                "withheld": pair.is_withheld,
            }
            for pair in _ordered(test)
        ],
    }


def usage_json(usage: Usage) -> dict[str, Any]:
    """Return a usage as plain data."""
    return {
        "calls": usage.calls,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "usd": usage.usd,
    }
