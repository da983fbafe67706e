"""All problems and strategies over one queue, each result kept when it is known."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from reasoning.answer import Failed
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.runs.config import RunConfig
from reasoning.benchmarks.runs.fingerprint import fingerprint
from reasoning.benchmarks.runs.race import RaceController
from reasoning.engine.budget import Budget
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, CallFailed, ReasoningError, UsageError
from reasoning.journal import Journal
from reasoning.strategy import Strategy
from reasoning.trace import Trace

OnResult = Callable[[Result], None]
"""Told of each result that is made now."""

_GIVE_UP = 8
"""Results that failed, and none that came through, after which a run is not worth going on."""


def missing_keys(
    store: ResultsFolder, ids: Sequence[str], strategies: Mapping[str, Strategy], epochs: int = 1
) -> list[ResultKey]:
    """What is still to be run, problem by problem, so that strategies can be compared at any moment.

    Failed results are tried again, and those of strategies whose prompts or code have changed are made anew.
    """
    prints = {spec: fingerprint(strategy) for spec, strategy in strategies.items()}

    def stored(key: ResultKey) -> bool:
        result = store.results.get(key)
        return result is not None and not result.failed and result.fingerprint == prints[key.strategy]

    keys = (ResultKey(problem, spec, epoch) for problem in ids for epoch in range(epochs) for spec in strategies)
    return [key for key in keys if not stored(key)]


async def run(
    keys: Sequence[ResultKey],
    strategies: Mapping[str, Strategy],
    llm: LLM,
    store: ResultsFolder,
    on_result: OnResult = lambda result: None,
    config: RunConfig | None = None,
    journal: Journal | None = None,
    race: RaceController | None = None,
) -> ReasoningError | None:
    """Solve what the keys name, and store every result.

    A call that fails for good, and a bug in a strategy, is that one result's failure.

    Args:
        keys: what is to be run, in order.
        strategies: by spec.
        llm: the model.
        store: where problems come from and results go.
        on_result: told of each result.
        config: what each strategy and each problem may spend, how many solves may be under way at once, and when no
            further problem is begun (those begun are finished with every strategy).
        journal: where draws are recorded; the model's own unless given.
        race: stops strategies that can no longer be the best.

    Returns:
        What stopped the run before its end, or None. The budget lets solves that are under way come to their end; a
        strategy that has used up its own ends alone.

    Raises:
        UsageError: what was asked for makes no sense, seen before anything had been answered.
    """
    for spec, kind in dict.fromkeys((key.strategy, store.examples[key.problem].problem.kind) for key in keys):
        strategies[spec].check_supports(kind)
    config = config or RunConfig()
    work = _Run(
        strategies, llm, store, on_result, deque(keys), config, llm.journal if journal is None else journal, race
    )
    return await work.through(config.concurrency or llm.limits.concurrency)


class _Run:
    def __init__(
        self,
        strategies: Mapping[str, Strategy],
        llm: LLM,
        store: ResultsFolder,
        watch: OnResult,
        queue: deque[ResultKey],
        plan: RunConfig,
        journal: Journal,
        racing: RaceController | None,
    ) -> None:
        again = set(queue)
        self.racing, self.current = racing, {key: one for key, one in store.results.items() if key not in again}
        self.strategies, self.llm, self.store, self.watch, self.queue = strategies, llm, store, watch, queue
        self.journal, self.epoch = journal, int(store.metadata.get("first_epoch", 0))
        self.prints = {spec: fingerprint(strategy) for spec, strategy in strategies.items()}
        self.budgets = {spec: (plan.strategy_budget or Budget()).nested_in(llm.budget) for spec in strategies}
        self.of_a_problem = plan.problem_budget or Budget()
        self.exhausted: BudgetExhausted | None = None
        self.over: set[str] = set()
        self.answered = self.failed = 0
        self.begun: set[str] = set()
        self.ends = math.inf if plan.time_limit is None else time.monotonic() + plan.time_limit

    async def through(self, workers: int) -> ReasoningError | None:
        """Work until the queue is empty or something ends the run; what is not a ReasoningError is raised."""
        tasks = [asyncio.ensure_future(self._worker()) for _ in range(min(workers, len(self.queue)))]
        try:
            await asyncio.gather(*tasks)
        except ReasoningError as error:
            if isinstance(error, UsageError) and not error.ends_run:
                raise
            return error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return self.exhausted

    async def _worker(self) -> None:
        while self.queue:
            if self.queue[0].problem not in self.begun and time.monotonic() > self.ends:
                return
            key = self.queue.popleft()
            spec = key.strategy
            if spec in self.over or (self.racing and spec in self.racing.stopped):
                continue
            self.begun.add(key.problem)
            try:
                result, trace = await self._solve(key)
            except BudgetExhausted as error:
                self.exhausted = error
                if error.budget is not self.budgets[spec]:
                    self.queue.clear()
                self.over.add(spec)
                continue
            self.store.add(result, trace)
            self.current[key] = result
            if self.racing:
                self.racing.update(self.current)
                if self.racing.decided:
                    self.queue.clear()
            self.watch(result)
            self._count(result)

    async def _solve(self, key: ResultKey) -> tuple[Result, Trace | None]:
        """The result; a call that failed and a bug are one. Raises what no other solve could get around."""
        example, spec = self.store.examples[key.problem], key.strategy
        try:
            budget = self.of_a_problem.nested_in(self.budgets[spec])
            epoch = self.epoch + key.epoch
            answer = await self.strategies[spec].arun(
                example.problem, self.llm, epoch=epoch, budget=budget, journal=self.journal
            )
            made = partial(Result.from_answer, answer, example, spec, self.prints[spec], key.epoch)
            return await asyncio.to_thread(made) if getattr(example.scorer, "slow", False) else made(), answer.trace
        except ReasoningError as error:
            lasting = not isinstance(error, CallFailed | UsageError) or error.ends_run
            if lasting or (isinstance(error, UsageError) and not self.answered):
                raise
            failure: Exception = error
        except Exception as error:
            failure = error
        failed = Failed(f"{type(failure).__name__}: {failure}")
        return Result.from_answer(failed, example, spec, self.prints[spec], key.epoch), None

    def _count(self, result: Result) -> None:
        if result.failed:
            self.failed += 1
        else:
            self.answered += 1
        if self.failed >= _GIVE_UP and not self.answered:
            raise CallFailed(f"the first {self.failed} results all failed, the last with: {result.reason}")
