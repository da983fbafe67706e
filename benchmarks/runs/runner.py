"""The runner: all problems and strategies over one queue, each result stored at once."""

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
from reasoning.engine.failure_guard import FailureGuard
from reasoning.engine.ledger import Ledger, Spending
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted, CallFailed, PromptRefused, ReasoningError, UsageError
from reasoning.journal import Journal
from reasoning.strategy import Strategy
from reasoning.trace import Trace

OnResult = Callable[[Result], None]
"""Receives each new result."""


def missing_keys(
    store: ResultsFolder,
    ids: Sequence[str],
    strategies: Mapping[str, Strategy],
    epochs: int = 1,
    known: Mapping[str, str] | None = None,
) -> list[ResultKey]:
    """Return the keys of the missing results, problem by problem, so that every prefix is a fair comparison.

    Failed results count as missing, and so do results of strategies whose prompts or version have
    changed.
    """
    fingerprints = fingerprints_of(strategies, known or {})

    keys = (ResultKey(problem, spec, epoch) for problem in ids for epoch in range(epochs) for spec in strategies)
    return [key for key in keys if not store.results.is_current(key, fingerprints[key.strategy])]


def fingerprints_of(strategies: Mapping[str, Strategy], known: Mapping[str, str]) -> dict[str, str]:
    """Return the fingerprints of strategies by spec; those that are known are not computed."""
    return {spec: known.get(spec) or fingerprint(strategy) for spec, strategy in strategies.items()}


async def run(
    keys: Sequence[ResultKey],
    strategies: Mapping[str, Strategy],
    llm: LLM,
    store: ResultsFolder,
    on_result: OnResult = lambda result: None,
    config: RunConfig | None = None,
    journal: Journal | None = None,
    race: RaceController | None = None,
    ledger: Ledger | None = None,
    budget: Budget | None = None,
) -> ReasoningError | None:
    """Make the results that the keys name, and store each.

    A call that fails for good, or a bug in a strategy, fails that one result.

    Args:
        keys: the results to make, in order.
        strategies: the strategies by spec.
        llm: the model.
        store: holds the problems, and receives the results.
        on_result: called with each new result.
        config: the budgets of each strategy and problem, the number of solves in progress, and the
            time limit (solves of started problems finish with every strategy).
        journal: records the draws; by default the model's journal.
        race: stops strategies that can no longer be the best.
        ledger: records the cost of every call, and holds that of earlier commands.
        budget: the budget of the run; by default the model's.

    Returns:
        The error that stopped the run early, or None. When the budget runs out, solves in progress
        finish; a strategy that has used up its own budget ends alone.

    Raises:
        UsageError: the request is wrong, noticed before any answer.
    """
    for spec, kind in dict.fromkeys((key.strategy, store.examples[key.problem].problem.kind) for key in keys):
        strategies[spec].check_supports(kind)
    config = config or RunConfig()
    journal = llm.journal if journal is None else journal
    budget = llm.budget if budget is None else budget
    work = _Run(strategies, llm, store, on_result, deque(keys), config, journal, race, ledger, budget)
    return await work.run(config.concurrency or llm.limits.concurrency)


class _Run:
    def __init__(
        self,
        strategies: Mapping[str, Strategy],
        llm: LLM,
        store: ResultsFolder,
        on_result: OnResult,
        queue: deque[ResultKey],
        config: RunConfig,
        journal: Journal,
        race: RaceController | None,
        ledger: Ledger | None,
        budget: Budget,
    ) -> None:
        self.race, self.current = race, dict[ResultKey, Result]()
        if race:
            to_make = set(queue)
            self.current = {key: result for key, result in store.results.items() if key not in to_make}
        self.strategies, self.llm, self.store, self.on_result, self.queue = strategies, llm, store, on_result, queue
        self.journal, self.first_epoch = journal, int(store.metadata.get("first_epoch", 0))
        self.fingerprints = fingerprints_of(strategies, config.fingerprints)
        self.ledger, self.spent = ledger, ledger.before if ledger else Spending()
        self.budgets = {spec: (config.strategy_budget or Budget()).nested_in(budget) for spec in strategies}
        for spec, of_strategy in self.budgets.items():
            of_strategy.spent = self.spent.total(spec)
            of_strategy.carried.update(self.spent.carried(spec))
        self.problem_budget = config.problem_budget or Budget()
        self.exhausted: BudgetExhausted | None = None
        self.exhausted_specs: set[str] = set()
        self.guard = FailureGuard("results")
        self.started: set[str] = set()
        self.deadline = math.inf if config.time_limit is None else time.monotonic() + config.time_limit

    async def run(self, workers: int) -> ReasoningError | None:
        """Work until the queue is empty or a ReasoningError ends the run; raise any other error."""
        tasks = [asyncio.ensure_future(self._worker()) for _ in range(min(workers, len(self.queue)))]
        try:
            await asyncio.gather(*tasks)
        except ReasoningError as error:
            if isinstance(error, UsageError) and not error.ends_run:
                # A results folder that cannot be written: the calls in flight are paid for, and are recorded.
                await _cancel(tasks)
                await self.llm.finish_calls()
                raise
            return error
        finally:
            await _cancel(tasks)
        return self.exhausted

    async def _worker(self) -> None:
        while self.queue:
            async with self.guard.item():
                if not self.queue:
                    return
                if self.queue[0].problem not in self.started and time.monotonic() > self.deadline:
                    return
                await self._make(self.queue.popleft())

    async def _make(self, key: ResultKey) -> None:
        """Make a result and store it, unless its strategy is stopped or its budget is used up."""
        spec = key.strategy
        if spec in self.exhausted_specs or (self.race and spec in self.race.stopped):
            return
        self.started.add(key.problem)
        try:
            result, trace, refused = await self._solve(key)
        except BudgetExhausted as error:
            self.exhausted = error
            if error.budget is not self.budgets[spec]:
                self.queue.clear()
            self.exhausted_specs.add(spec)
            return
        self.store.add(result, trace)
        if not self.queue or self.queue[0].problem != key.problem:
            self.store.examples[key.problem].problem.forget_values()
        if self.race:
            self.current[key] = result
            self.race.update(self.current)
            if self.race.decided:
                self.queue.clear()
        self.on_result(result)
        if result.failed:
            self.guard.record_failure(result.reason, refused=refused)
        else:
            self.guard.record_success()

    async def _solve(self, key: ResultKey) -> tuple[Result, Trace, bool]:
        """Return the result, its trace, and whether the provider refused the problem.

        A failed call and a bug are results, too. Raise errors that end the whole run.
        """
        example, spec = self.store.examples[key.problem], key.strategy
        trace = Trace(spec)
        try:
            budget = self.problem_budget.nested_in(self.budgets[spec])
            if self.ledger is not None:
                scope = spec, self.fingerprints[spec], key.problem, str(key.epoch)
                budget.account = self.ledger.account(*scope)
                budget.spent = self.spent.by_scope.get(scope, budget.spent)
                if self.spent.open_calls:
                    budget.carried.update(self.spent.carried(*scope))
            answer = await self.strategies[spec].arun(
                example.problem,
                self.llm,
                epoch=self.first_epoch + key.epoch,
                budget=budget,
                journal=self.journal,
                trace=trace,
            )
            score = partial(Result.from_answer, answer, example, spec, self.fingerprints[spec], key.epoch)
            is_slow = getattr(example.scorer, "slow", False)
            result = await asyncio.to_thread(score) if is_slow else score()
            return result, trace, isinstance(answer, Failed) and answer.refused
        except ReasoningError as error:
            ends_all = not isinstance(error, CallFailed | UsageError) or error.ends_run
            is_first = isinstance(error, UsageError) and not self.guard.succeeded
            if is_first and type(error) is UsageError:
                raise UsageError(f"{key.problem}: {error}") from error
            if ends_all or is_first:
                raise
            failure: Exception = error
        except Exception as error:
            failure = error
        refused = isinstance(failure, PromptRefused)
        failed = Failed(f"{type(failure).__name__}: {failure}", usage=trace.usage, trace=trace, refused=refused)
        return Result.from_answer(failed, example, spec, self.fingerprints[spec], key.epoch), trace, refused


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
