"""A run, as its workers must know it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.tasks.sent_task import SentTask
from reasoning.chain.chain import Chain
from reasoning.engine.limit_settings import LimitSettings
from reasoning.engine.llm import LLM
from reasoning.messages import Usage
from reasoning.strategy import Strategy

PRICED = Usage(1, 1_000_000, 1_000_000)
"""The usage by which the prices of machines are compared."""


@dataclass(frozen=True)
class Job:
    """A run, as its workers must know it.

    Attributes:
        name: names the local folders of the run.
        strategies: the strategies.
        fingerprints: their fingerprints where the run was started, before a fit.
        task: the task, without its problems.
        connect: connects to the model.
        config: the configuration of a shard.
        limits: the rate limits of the run.
        budget: the names of the limits of the run's budget.
        fit: the files of the folder of the fits, by relative name.
        price: what a usage costs where the run was started.
    """

    name: str
    strategies: tuple[Strategy, ...]
    fingerprints: tuple[str, ...]
    task: SentTask
    connect: Callable[..., LLM]
    config: RunConfig
    limits: LimitSettings
    budget: tuple[str, ...]
    fit: Mapping[str, bytes]
    price: float | None


def is_of_library(strategy: Strategy) -> bool:
    """Return whether a strategy, with those inside it, is of this library, whose code is not sent to the workers."""
    inner = [value for _, value in strategy.parameters() if isinstance(value, Strategy)]
    is_own = type(strategy).__module__.startswith("reasoning.") and not isinstance(strategy, Chain)
    return is_own and all(map(is_of_library, inner))


def name_job(out: Path) -> str:
    """Return the name of a run's local folders: equal for the same folder on the same machine."""
    return hashlib.sha256(f"{os.uname().nodename}:{out.resolve()}".encode()).hexdigest()[:16]
