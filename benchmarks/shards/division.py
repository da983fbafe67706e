"""The division of a run: what one shard has of the problems, the budget and the rate limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.folder import SHARDS
from reasoning.benchmarks.tasks import Task
from reasoning.engine.budget import Budget
from reasoning.engine.limit_settings import LimitSettings
from reasoning.errors import UsageError
from reasoning.messages import Usage
from reasoning.problem import Example

FIT = "fit"
"""The name of the part that fits the strategies of a run, before the shards."""
MAX_SHARDS = 10_000
"""The most shards of a run."""
_NAME = re.compile(r"(\d{1,5})-of-(\d{1,5})")


@dataclass(frozen=True, order=True)
class Shard:
    """One of the equal parts of a run: every `count`-th problem, from the problem `index` on.

    Neighbouring problems go to different shards, so that a file sorted by difficulty is divided evenly, and the first
    problems of a run stay the first of its shards if its limit grows.

    Attributes:
        count: the number of shards.
        index: the number of this one, from 0.

    Raises:
        UsageError: the index is not below the count.
    """

    count: int
    index: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_SHARDS:
            raise UsageError(f"a run must have 1 to {MAX_SHARDS:,} shards, got {self.count:,}")
        if not 0 <= self.index < self.count:
            raise UsageError(
                f"a shard must be from 0/{self.count} to {self.count - 1}/{self.count}, got {self.index}/{self.count}"
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard of a text such as "3/8".

        Raises:
            UsageError: the text is not of this form, or there is no such shard.
        """
        if not (found := re.fullmatch(r"\s*(\d{1,5})\s*/\s*(\d{1,5})\s*", text)):
            raise UsageError(f"a shard must be I/N with I from 0 to N - 1, such as 0/8, or {FIT!r}, got {text!r}")
        return cls(int(found[2]), int(found[1]))

    @classmethod
    def of_folder(cls, folder: Path) -> Shard | None:
        """Return the shard whose folder has this name; None if it is no shard's."""
        found = _NAME.fullmatch(folder.name)
        return cls(int(found[2]), int(found[1])) if found else None

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def folder(self, run: Path) -> Path:
        """Return the folder of this shard within that of the run."""
        return run / SHARDS / f"{self.index}-of-{self.count}"

    def share(self, total: int) -> int:
        """Return the part of a number. The parts of all shards add up to it."""
        return total // self.count + (self.index < total % self.count)

    def of_limits(self, settings: LimitSettings) -> LimitSettings:
        """Return the part of the rate limits that were given.

        Raises:
            UsageError: there are fewer requests in flight than shards.
        """
        if settings.concurrency is not None and settings.concurrency < self.count:
            raise UsageError(
                f"the concurrency of a run is divided among its shards: it must be at least {self.count}, got "
                f"{settings.concurrency}"
            )
        concurrency = settings.concurrency and self.share(settings.concurrency)
        requests, tokens = settings.requests_per_minute, settings.tokens_per_minute
        return LimitSettings(concurrency, requests and requests / self.count, tokens and tokens / self.count)

    def of_budget(self, budget: Budget, spent: Usage | None = None) -> Budget:
        """Return the part of a budget. Seconds are not divided, since shards run at the same time.

        Args:
            budget: the budget of the run.
            spent: what was spent of it before the shards.
        """
        used = Usage() if spent is None else spent
        usd, tokens, calls = budget.usd, budget.tokens, budget.calls
        return Budget(
            usd if usd is None else max(0.0, usd - (used.usd or 0.0)) / self.count,
            tokens if tokens is None else self.share(max(0, tokens - used.tokens)),
            calls if calls is None else self.share(max(0, calls - used.calls)),
            budget.seconds,
        )


@dataclass(frozen=True)
class ShardTask:
    """The problems of one shard of a task. Everything else is the task's.

    Attributes:
        task: the task of the whole run.
        shard: the shard.
    """

    task: Task
    shard: Shard

    def __getattr__(self, name: str) -> Any:
        return getattr(self.task, name)

    def load(self, limit: int, seed: int) -> list[Example]:
        """Return the first `limit` examples of the shard.

        Raises:
            UsageError: the shard has none.
        """
        shard = self.shard
        examples = self.task.load(shard.index + (limit - 1) * shard.count + 1, seed)
        if len(examples) <= shard.index:
            raise UsageError(
                f"the shard {shard} has no problem, since the task has {len(examples)}: give at most "
                f"{max(1, len(examples))} shards"
            )
        return examples[shard.index :: shard.count]


def divide_limits(limits: LimitSettings, workers: int) -> LimitSettings:
    """Return a worker's part of the rate limits that were given."""
    concurrency, requests, tokens = limits.concurrency, limits.requests_per_minute, limits.tokens_per_minute
    return LimitSettings(
        concurrency and max(1, concurrency // workers),
        requests and requests / workers,
        tokens and tokens / workers,
        limits.patience,
    )
