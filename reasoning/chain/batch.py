"""Batch runs: one chain over many inputs, concurrently. Each input gives one row, in the order of the inputs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reasoning import event_loop
from reasoning.answer import Answer, Answered, Failed
from reasoning.chain.events import CallLost, FallbackUsed, Rejected, steps_with
from reasoning.chain.inputs import ChainInput
from reasoning.engine.budget import Budget
from reasoning.engine.failure_guard import FAILURES_BEFORE_ABORT, FailureGuard
from reasoning.errors import BudgetExhausted, CallFailed, JournalError, ReasoningError, UsageError
from reasoning.messages import Usage

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain
    from reasoning.engine.llm import LLM
    from reasoning.problem import Problem
    from reasoning.trace import Note


__all__ = ["FAILURES_BEFORE_ABORT", "BatchRow", "BatchSummary", "run_batch"]


@dataclass(frozen=True)
class BatchRow:
    """The result of one input.

    Attributes:
        input: the input.
        answer: the chain's answer; None for an invalid input.
    """

    input: ChainInput
    answer: Answer | None = None

    @property
    def state(self) -> str:
        """The state of the answer ("answered", "unparsed", "failed"), or "invalid" for an invalid input."""
        return "invalid" if self.answer is None else self.answer.state

    @property
    def spent(self) -> Usage:
        """The usage that this run paid for, on all models."""
        return Usage() if self.answer is None or self.answer.trace is None else self.answer.trace.spent

    @property
    def rejections(self) -> int:
        """The number of rejected replies."""
        return len(self._steps_with(Rejected))

    @property
    def fallbacks(self) -> list[str]:
        """The steps whose value was replaced by a fallback."""
        return list(dict.fromkeys(self._steps_with(FallbackUsed)))

    @property
    def lost_call(self) -> Failed | None:
        """The answer of a chain that failed because a model call failed; None otherwise."""
        return self.answer if isinstance(self.answer, Failed) and self._steps_with(CallLost) else None

    def _steps_with(self, event_type: type[Note]) -> list[str]:
        trace = None if self.answer is None else self.answer.trace
        return [] if trace is None else list(steps_with(trace, event_type))

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data for one line of JSON."""
        row: dict[str, Any] = {"id": self.input.id, "state": self.state}
        if self.answer is None:
            return {**row, "reason": self.input.error}
        usage = self.answer.usage
        row |= {"value": self.answer.value} if isinstance(self.answer, Answered) else {"reason": self.answer.reason}
        counts: dict[str, Any] = {"calls": usage.calls, "prompt_tokens": usage.prompt_tokens}
        counts |= {"completion_tokens": usage.completion_tokens, "usd": usage.usd, "rejections": self.rejections}
        return {**row, "steps": dict(self.answer.steps), "fallbacks": self.fallbacks, **counts}


@dataclass
class BatchSummary:
    """The totals of a batch run.

    Attributes:
        counts: the number of rows by state.
        usage: the usage of all answers, including draws from the journal.
        spent: the part of `usage` that this run paid for.
        rejections: the number of rejected replies.
        fallbacks: the number of rows in which a fallback replaced a value.
        stopped_by: the error that stopped the run early; None for a complete run.
        last_failure: the reason of the last failed row.
    """

    counts: dict[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    spent: Usage = field(default_factory=Usage)
    rejections: int = 0
    fallbacks: int = 0
    stopped_by: ReasoningError | None = None
    last_failure: str = ""

    @property
    def done(self) -> int:
        """The number of rows."""
        return sum(self.counts.values())

    def add(self, row: BatchRow) -> None:
        """Count a row."""
        self.counts[row.state] = self.counts.get(row.state, 0) + 1
        self.rejections += row.rejections
        self.fallbacks += bool(row.fallbacks)
        self.spent = self.spent + row.spent
        if row.answer is not None:
            self.usage = self.usage + row.answer.usage
            self.last_failure = row.answer.reason if isinstance(row.answer, Failed) else self.last_failure


def run_batch(
    chain: Chain,
    inputs: Iterable[ChainInput],
    llm: LLM,
    on_row: Callable[[BatchRow], None],
    *,
    epoch: int = 0,
    concurrency: int | None = None,
    budget: Budget | None = None,
) -> BatchSummary:
    """Run a chain on many inputs.

    Args:
        chain: the chain.
        inputs: the inputs; they are read lazily.
        llm: the model. A stopped run resumes from its journal.
        on_row: called with each row, in the order of the inputs.
        epoch: the number of the independent repetition.
        concurrency: the most inputs that are processed at once; by default the model's concurrency.
        budget: the budget of the run; by default the model's.

    Returns:
        The totals of the run. A failed input does not stop the others.
    """
    batch = _Batch(chain, llm, on_row, epoch, llm.budget if budget is None else budget)
    return event_loop.run_sync(batch.run(inputs, concurrency or llm.limits.concurrency))


class _Batch:
    def __init__(self, chain: Chain, llm: LLM, on_row: Callable[[BatchRow], None], epoch: int, budget: Budget) -> None:
        self.chain, self.llm, self.on_row, self.epoch, self.budget = chain, llm, on_row, epoch, budget
        self.summary = BatchSummary()
        self.guard = FailureGuard("inputs")
        self.pending: dict[int, BatchRow] = {}
        """Finished rows that wait for earlier ones, by the index of their input."""
        self.reported = 0

    async def run(self, inputs: Iterable[ChainInput], workers: int) -> BatchSummary:
        """Process the inputs until all are done or an error stops the run, and report all finished rows."""
        queue = iter(enumerate(inputs))
        tasks = [asyncio.ensure_future(self._worker(queue)) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        except (BudgetExhausted, CallFailed, JournalError) as error:
            self.summary.stopped_by = error
        except Exception:
            # Rows that cannot be written: the calls in flight are paid for, and are recorded.
            await _cancel(tasks)
            await self.llm.finish_calls()
            raise
        finally:
            await _cancel(tasks)
            # Rows after an input that did not finish.
            for index in sorted(self.pending):
                self.on_row(self.pending[index])
        return self.summary

    async def _worker(self, queue: Iterable[tuple[int, ChainInput]]) -> None:
        for index, item in queue:
            async with self.guard.item():
                self._finish(index, BatchRow(item, None if item.problem is None else await self._answer(item.problem)))

    async def _answer(self, problem: Problem) -> Answer:
        """Answer one input. An error that concerns only this input becomes a failed answer."""
        try:
            # A budget within that of the run, since an input that uses up its own budget is only unanswered.
            return await self.chain.arun(problem, self.llm, epoch=self.epoch, budget=Budget(within=self.budget))
        except ReasoningError as error:
            if not isinstance(error, UsageError) or error.ends_run:
                raise
            return Failed(str(error))
        except Exception as error:
            return Failed(f"{type(error).__name__}: {error}")

    def _finish(self, index: int, row: BatchRow) -> None:
        self.summary.add(row)
        self.pending[index] = row
        while self.reported in self.pending:
            self.on_row(self.pending.pop(self.reported))
            self.reported += 1
        if row.state in ("answered", "unparsed"):
            self.guard.record_success()
        elif (lost := row.lost_call) is not None:
            # An invalid input and an error of a user's function do not count: the next input may be fine.
            self.guard.record_failure(lost.reason, refused=lost.refused)


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
