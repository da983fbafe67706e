"""How a comparison is run: everything beside what is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reasoning.budget import Budget
from reasoning.errors import UsageError


@dataclass(frozen=True)
class Plan:
    """How much is run, where it is kept, and what it may take.

    Attributes:
        limit: how many problems.
        seed: of the problems, for tasks that are made from one.
        folder: where every result is kept when it is known; None for memory alone.
        concurrency: problems under way at once; None for as many as the model takes requests.
        minutes: begin no further problem after this time.
        strategy_budget: what each strategy may spend on all its problems, within the model's budget.
        problem_budget: what each strategy may spend on one problem. One that is used up leaves the problem unanswered.
        fresh: take draws that nobody has taken before, rather than recorded ones.
    """

    limit: int = 20
    seed: int = 0
    folder: Path | None = None
    concurrency: int | None = None
    minutes: float | None = None
    strategy_budget: Budget | None = None
    problem_budget: Budget | None = None
    fresh: bool = False

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise UsageError(f"limit={self.limit}: at least one problem")

    @property
    def seconds(self) -> float | None:
        return None if self.minutes is None else 60 * self.minutes
