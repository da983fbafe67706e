"""The configuration of a run: how much is run, where it is kept, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reasoning.benchmarks.tasks import Task
from reasoning.benchmarks.tasks.problem_limit import USUAL_LIMIT, ProblemLimit
from reasoning.draw_stream import MAX_EPOCHS
from reasoning.engine.budget import Budget, check_budget
from reasoning.errors import UsageError
from reasoning.secret_scan import mask_secrets

_STORED = (
    *("limit", "epochs", "time_limit", "race_margin", "concurrency", "strategy_budget", "problem_budget"),
    *("new_samples", "pool", "pool_size"),
)


@dataclass(frozen=True)
class RunConfig:
    """Everything about a run except what is compared.

    Attributes:
        limit: the number of problems, at least 1; fewer if the task has no more.
        seed: the seed of generated problems.
        folder: the results folder; None keeps the results in memory only.
        shares_budget_with: other results folders whose spending counts against the model's budget.
        concurrency: the maximum number of problems in progress; None for the model's limit on
            requests.
        time_limit: seconds after which no further problem is started; None for no limit.
        strategy_budget: what each strategy may spend on all problems, within the model's budget.
            With a folder, this budget, the next and the model's are those of the run: the calls of
            earlier commands count. Only seconds are counted from the first call of each command.
        problem_budget: what each strategy may spend on one problem. If it runs out, the samples that
            it covered have the vote; other techniques leave the problem unanswered.
        new_samples: draw new completions instead of using recorded ones.
        epochs: independent repetitions of every problem, from 1 to 2,048, each with its own draws.
        race_margin: stop a strategy once it can no longer be the best by more than this many
            percentage points of accuracy, from 0 to below 100; None runs all strategies to the end.
        race_over_population: race for the best strategy on all problems of this kind, not on the
            problems of this run alone.
        selection: where the limit comes from, if the task's default may have left problems out.
        pool: the task from which strategies learn; by default the run's task, without the judged
            problems.
        pool_size: the largest number of examples to learn from; None is 100.
        budget: a budget for this folder's run, within the model's; see `reasoning.benchmarks.shards`.
        local_journal: the file of the folder's journal, on a local disk, if the folder is on a network file system.
            The folder then keeps the draws as `draws.jsonl`, from which the journal is made anew at the start.
        part_of: the run that this is a part of. It is recorded in place of this configuration.
        fingerprints: the fingerprints of strategies, by spec, that cannot be computed here: those of code that came
            from another machine without its files.
        summarize: whether the folder gets `results.json` and `results.md`.
        fit_folder: a results folder whose fits are used; strategies that it has not fitted are not fitted.

    Raises:
        UsageError: a number is out of range, or a budget is not a `Budget`.
    """

    limit: int = USUAL_LIMIT
    seed: int = 0
    folder: Path | None = None
    shares_budget_with: tuple[Path, ...] = ()
    concurrency: int | None = None
    time_limit: float | None = None
    strategy_budget: Budget | None = None
    problem_budget: Budget | None = None
    new_samples: bool = False
    epochs: int = 1
    race_margin: float | None = None
    race_over_population: bool = False
    selection: ProblemLimit | None = None
    pool: Task | None = None
    pool_size: int | None = None
    budget: Budget | None = None
    local_journal: Path | None = None
    part_of: RunConfig | None = None
    fit_folder: Path | None = None
    summarize: bool = True
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, least in (("limit", 1), ("concurrency", 1), ("pool_size", 1), ("time_limit", 0)):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, int | float) and value >= least):
                raise UsageError(
                    f"{name} must be {f'at least {least}' if least else 'a number of seconds'}, got {value!r}"
                )
        for budget in (self.strategy_budget, self.problem_budget, self.budget):
            if budget is not None:
                check_budget(budget)
        if not 1 <= self.epochs <= MAX_EPOCHS:
            raise UsageError(f"epochs must be from 1 to {MAX_EPOCHS}, got {self.epochs}")
        if self.race_margin is not None and not 0 <= self.race_margin < 100:
            raise UsageError(
                f"the margin of a race must be from 0 to below 100 percentage points, got {self.race_margin:g}"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what a repetition needs besides the run's settings, as plain data without defaults."""
        values = {name: value for name in _STORED if (value := getattr(self, name)) not in (None, False)}
        if self.pool is not None:
            values["pool"] = mask_secrets(self.pool.name)
        return {name: str(value) if isinstance(value, Budget) else value for name, value in values.items()}
