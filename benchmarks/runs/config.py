"""How a comparison is run: everything beside what is compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning.engine.budget import Budget
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
        epochs: independent repetitions of every problem, each with draws of its own.
        race: stop a strategy when it can no longer be the best by more than this many points of accuracy; None runs
            them all to the end.
        sample: the race is about all problems like these, and not about which is the best on these alone.
    """

    limit: int = 20
    seed: int = 0
    folder: Path | None = None
    concurrency: int | None = None
    minutes: float | None = None
    strategy_budget: Budget | None = None
    problem_budget: Budget | None = None
    fresh: bool = False
    epochs: int = 1
    race: float | None = None
    sample: bool = False

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise UsageError(f"limit={self.limit}: at least one problem")
        if self.epochs < 1:
            raise UsageError(f"epochs={self.epochs}: every problem is solved at least once")
        if self.race is not None and not 0 <= self.race < 100:
            raise UsageError(f"race={self.race:g}: points of accuracy, from 0 to below 100")

    def to_json(self) -> dict[str, Any]:
        """What is asked for beside the settings of a run, as plain data."""
        names = ("limit", "epochs", "minutes", "race", "concurrency", "strategy_budget", "problem_budget", "fresh")
        given = {name: value for name in names if (value := getattr(self, name)) not in (None, False)}
        return {name: str(one) if isinstance(one, Budget) else one for name, one in given.items()}

    @property
    def seconds(self) -> float | None:
        return None if self.minutes is None else 60 * self.minutes
