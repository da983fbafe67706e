"""The worker of a divided run: it runs shards with the library's own stack, one after the other or a few at once.

Nothing of it is shared with other workers but the budget, which is lent in parts, and the rate limits, of which each
worker has its part. Its files are on a local disk, and their copies grow where the coordinator is.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from reasoning.benchmarks.experiment import run_comparison
from reasoning.benchmarks.results.folder import SPENDING
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.runs.progress import RunProgress
from reasoning.benchmarks.shards.coordinator import Attempt
from reasoning.benchmarks.shards.division import Shard, divide_limits
from reasoning.benchmarks.shards.job import PRICED, Job, is_of_library
from reasoning.benchmarks.shards.leases import Amounts
from reasoning.benchmarks.shards.lender import ShardLender
from reasoning.benchmarks.shards.local_disk import private_folder
from reasoning.benchmarks.shards.shipping import GROWING, REPLACED, Sender
from reasoning.benchmarks.shards.shipping_thread import ShippingThread
from reasoning.benchmarks.tasks.sent_task import SentTask
from reasoning.engine.budget import Budget
from reasoning.engine.ledger import Spending
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, ReasoningError, UsageError
from reasoning.files import atomic_write
from reasoning.problem import Example
from reasoning.providers.server_use import ServerUse
from reasoning.strategy import Strategy

_ATTEMPT = "attempt"
"""The file with the number of the attempt that has made the files of a folder."""


@dataclass(frozen=True)
class ShardEnd:
    """The end of a shard.

    Attributes:
        error: the error that stopped it, if any.
        by_budget: whether the budget of the run stopped it.
        servers: what each of several servers did for it.
    """

    error: ReasoningError | None = None
    by_budget: bool = False
    servers: tuple[ServerUse, ...] = ()


class ShardWorker:
    """Runs shards.

    Args:
        call: calls a method of the coordinator by its name, and returns the future of its result.
    """

    def __init__(self, call: Callable[..., Future[Any]]) -> None:
        self._call = call
        self._job: Job | None = None

    def start(self, job: Job, environment: Mapping[str, str]) -> ReasoningError | None:
        """Prepare to run the shards of a job, and return why they cannot be run here, if so.

        Args:
            job: the job.
            environment: the keys of the model's provider. They are kept in this process only.
        """
        os.environ.update(environment)
        for strategy, expected in zip(job.strategies, job.fingerprints, strict=True):
            # The code of a user is sent; it has no file here from which its fingerprint could be computed.
            if is_of_library(strategy) and fingerprint(strategy) != expected:
                return UsageError(
                    f"{strategy!r} must be the same on all machines, and differs on a worker: install one version of "
                    "the library on all of them"
                )
        self._job = job
        return None

    def run(
        self, shard: Shard, examples: Sequence[Example], seconds: float | None, time_limit: float | None, workers: int
    ) -> ShardEnd:
        """Run a shard to its end.

        Args:
            shard: the shard.
            examples: its problems.
            seconds: the seconds that are left of the budget; None for no limit.
            time_limit: the seconds after which no further problem is started; None for no limit.
            workers: the number of workers that share the rate limits.
        """
        assert self._job is not None
        try:
            return self._run(self._job, shard, examples, seconds, time_limit, workers)
        except ReasoningError as error:
            return ShardEnd(_sendable(error))

    def _run(
        self,
        job: Job,
        shard: Shard,
        examples: Sequence[Example],
        seconds: float | None,
        time_limit: float | None,
        workers: int,
    ) -> ShardEnd:
        local = private_folder(f"{job.name}-{shard.index}-of-{shard.count}")
        folder = local / "run"
        attempt = self._begin(shard, local)
        part = divide_limits(job.limits, workers)
        llm = job.connect(
            journal=False,
            concurrency=part.concurrency,
            requests_per_minute=part.requests_per_minute,
            tokens_per_minute=part.tokens_per_minute,
        )
        with llm:
            if job.budget and (here := llm.price(PRICED)) != job.price:
                raise UsageError(
                    f"the price of {llm.name} must be the same on all machines, got {here} and {job.price} US dollars "
                    "for a million tokens of prompt and of reply: copy models.toml to all of them"
                )
            spent = Amounts.of(Spending.read(folder / SPENDING, llm.price).total())
            is_known = attempt.continues or attempt.is_settled
            lent = self._call("settle", shard, attempt.number, spent, is_known=is_known).result()

            async def borrow(needed: Amounts) -> tuple[Amounts, bool]:
                found = self._call("borrow", shard, attempt.number, needed)
                lent: tuple[Amounts, bool] = await asyncio.wrap_future(found)
                return lent

            budget = Budget(seconds=seconds)
            if job.budget:
                budget.lender = ShardLender(job.budget, lent, borrow)
            config = replace(
                job.config,
                limit=max(1, len(examples)),
                folder=folder,
                budget=budget,
                time_limit=time_limit,
                summarize=False,
                local_journal=local / "journal.sqlite",
                fit_folder=_write_fit(local / "fit", job.fit),
            )
            task = replace(job.task, examples=tuple(examples))
            with ShippingThread(self._call, shard, attempt, Sender(folder, attempt.sizes), llm):
                end = replace(_run(job.strategies, task, llm, config), servers=llm.server_uses)
            spent = Amounts.of(Spending.read(folder / SPENDING, llm.price).total())
        self._call("end", shard, attempt.number, spent).result()
        shutil.rmtree(local, ignore_errors=True)
        return end

    def _begin(self, shard: Shard, local: Path) -> Attempt:
        """Begin an attempt of a shard: with the files that this machine has of the last one, or with their copies."""
        try:
            known = int((local / _ATTEMPT).read_text(encoding="ascii"))
        except (OSError, ValueError):
            known = 0
        attempt: Attempt = self._call("begin", shard, known).result()
        folder = local / "run"
        if not attempt.continues:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in (*GROWING, *REPLACED):
                _fetch(folder / name, partial(self._fetch, shard, name))
        atomic_write(local / _ATTEMPT, str(attempt.number))
        return attempt

    def _fetch(self, shard: Shard, name: str, start: int) -> bytes:
        data: bytes = self._call("fetch", shard, name, start).result()
        return data


def _fetch(path: Path, read: Callable[[int], bytes]) -> None:
    """Copy a file in parts; one that is empty or missing stays missing."""
    if data := read(0):
        with path.open("wb") as file:
            while data:
                file.write(data)
                data = read(file.tell())


def _run(strategies: Sequence[Strategy], task: SentTask, llm: LLM, config: RunConfig) -> ShardEnd:
    try:
        with RunProgress(shown=False) as listener:
            stopped = run_comparison(list(strategies), task, llm, config, listener).stopped
    except ReasoningError as error:
        stopped = error
    if isinstance(stopped, BudgetExhausted):
        # It holds a budget with the connection to the coordinator.
        of_run = isinstance(stopped.budget, Budget) and stopped.budget.lender is not None
        return ShardEnd(BudgetExhausted(str(stopped), is_time=stopped.is_time), by_budget=of_run)
    return ShardEnd(_sendable(stopped))


def _sendable(error: ReasoningError | None) -> ReasoningError | None:
    """Return an error that can be sent to another process: itself, or one with its text."""
    if error is None:
        return None
    try:
        if str(pickle.loads(pickle.dumps(error))) == str(error):
            return error
    except Exception:
        pass
    copy = ReasoningError(str(error))
    copy.exit_code, copy.ends_run = error.exit_code, error.ends_run
    return copy


def _write_fit(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / name, content)
    return folder
