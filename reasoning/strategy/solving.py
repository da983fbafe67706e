"""Solving one problem or many with a strategy: the checks before, the budget and session, and the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reasoning import telemetry
from reasoning.answer import Answer, Unparsed
from reasoning.branches import gather
from reasoning.draw_stream import DrawStream
from reasoning.engine.budget import Budget, check_budget, nest
from reasoning.engine.single_flight import CallContext
from reasoning.errors import BudgetExhausted, UsageError
from reasoning.problem import Problem
from reasoning.sampling_params import validate_params
from reasoning.session import Session
from reasoning.trace import Trace
from reasoning.truncation import name_truncation
from reasoning.watching import Listener, Watch

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.journal import Journal
    from reasoning.strategy.base import Strategy


async def solve_one(
    strategy: Strategy,
    problem: Problem,
    llm: LLM | str,
    *,
    epoch: int = 0,
    budget: Budget | None = None,
    journal: Journal | None = None,
    trace: Trace | None = None,
    sampling: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    series: str | None = None,
) -> Answer:
    """Return a strategy's answer to a problem; the arguments are those of `Strategy.arun`."""
    model = connected(llm)
    strategy.check_fitted()
    strategy.check_supports(problem.kind)
    strategy._check_structured_prompts()
    if sampling:
        validate_params(sampling, "of run")
    if series is not None and (not isinstance(series, str) or not series):
        raise UsageError(f"series must be a name, or None for the series that all solves share, got {series!r}")
    listener = None if watch is None else Listener(watch, strategy._spec)
    model.check_price(budget)
    nested = nest(budget, model.budget)
    trace = trace or Trace(strategy._spec)
    trace.name = strategy._spec
    session = Session(
        model,
        trace,
        stream=DrawStream(epoch=epoch),
        context=CallContext(
            nested,
            model.journal if journal is None else journal,
            trace.name,
            None if budget is None else nested,
        ),
        sampling=sampling,
        images=problem.images,
        before=problem.before,
        series=series or "",
        listener=listener,
    )
    started = time.monotonic()
    try:
        with telemetry.solve(trace.name, model.client.model, model.client.endpoint), session.watched_branch():
            answer = await session.solve(strategy, problem)
    except BudgetExhausted as error:
        if not session.owns(error):
            raise
        answer = session.stopped_answer(error)
    finally:
        trace.seconds = time.monotonic() - started
    if listener is not None:
        listener.check()
    if isinstance(answer, Unparsed):
        answer = replace(answer, reason=name_truncation(answer.reason, trace))
    return replace(answer, usage=trace.usage, trace=trace, strategy=strategy)


async def solve_many(
    strategy: Strategy,
    problems: Sequence[Problem],
    llm: LLM | str,
    *,
    epoch: int = 0,
    budget: Budget | None = None,
    concurrency: int | None = None,
    on_answer: Callable[[], None] = lambda: None,
) -> list[Answer]:
    """Return a strategy's answers to many problems, which are solved concurrently.

    Args:
        strategy: the strategy.
        problems: the problems.
        llm: as in `Strategy.map`.
        epoch: as in `Strategy.map`.
        budget: as in `Strategy.map`.
        concurrency: as in `Strategy.map`.
        on_answer: called after each answer.
    """
    model = connected(llm)
    if concurrency is not None and concurrency < 1:
        raise UsageError(f"concurrency must be at least 1, got {concurrency}")
    model.check_price(budget)
    answers: dict[int, Answer] = {}
    queue = iter(enumerate(problems))

    async def work() -> None:
        for index, problem in queue:
            # Each problem has a budget of its own, also if the given one is nested already.
            nested = None if budget is None else check_budget(budget).nested_in(model.budget)
            answers[index] = await solve_one(strategy, problem, model, epoch=epoch, budget=nested)
            on_answer()

    workers = min(concurrency or model.limits.concurrency, len(problems))
    await gather([work() for _ in range(workers)])
    return [answers[index] for index in range(len(problems))]


def connected(llm: LLM | str) -> LLM:
    """Return a model, which is connected first if it is a name."""
    # Imported here, so that `import reasoning` does not load the providers.
    from reasoning.engine.connect import connected

    return connected(llm)
