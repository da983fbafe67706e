"""Fitting a strategy and those inside it: the checks of the examples, the session of each, the innermost first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from reasoning import telemetry
from reasoning.draw_stream import DrawStream
from reasoning.engine.budget import Budget, nest
from reasoning.engine.single_flight import CallContext
from reasoning.errors import UsageError
from reasoning.problem import Example, Problem
from reasoning.session import Session
from reasoning.short_repr import shorten
from reasoning.strategy.solving import connected
from reasoning.trace import Trace

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.journal import Journal
    from reasoning.strategy.base import Strategy

S = TypeVar("S", bound="Strategy")

Fit = Callable[["Strategy"], Awaitable["Strategy"]]
"""Returns the fitted copy of a strategy."""


async def fit_strategy(
    strategy: S,
    pool: Iterable[Example | Problem | str],
    llm: LLM | str,
    *,
    epoch: int = 0,
    budget: Budget | None = None,
    journal: Journal | None = None,
    trace: Trace | None = None,
) -> S:
    """Return a copy of a strategy that has learned from examples; the arguments are those of `Strategy.afit`."""
    if not strategy._learns and not strategy.needs_fit:
        inner = next((name for name, value in strategy.parameters() if getattr(value, "_learns", False)), None)
        hint = f"; its {inner} does: strategy.replace({inner}=strategy.{inner}.fit(pool, llm))" if inner else ""
        raise UsageError(f"{strategy!r} has no fit: it learns nothing from examples{hint}")
    examples = _to_examples(strategy, pool)
    model = connected(llm)
    model.check_price(budget)
    trace = trace or Trace(f"fit {strategy!r}")
    context = CallContext(nest(budget, model.budget), model.journal if journal is None else journal, trace.name)

    def start(part: Trace) -> Session:
        # Each strategy learns from the draws that it would have alone.
        return Session(model, part, stream=DrawStream(epoch=epoch), context=context)

    async def fit(inner: Strategy) -> Strategy:
        part = Trace(f"fit {inner!r}")
        trace.events.append(part)
        return await inner._fit(examples, start(part))

    with telemetry.solve(trace.name, model.client.model, model.client.endpoint):
        if not strategy._learns:
            return await fit_needed(strategy, fit)
        return await (await strategy.fit_inner(fit))._fit(examples, start(trace))


async def fit_needed(strategy: S, fit: Fit) -> S:
    """Return a copy in which the strategy and all strategies inside it that need fitting are fitted.

    Args:
        strategy: the strategy.
        fit: as in `Strategy.fit_inner`.
    """
    ready = await strategy.fit_inner(fit)
    # A strategy learns a copy of itself.
    return await fit(ready) if ready.needs_fit else ready  # type: ignore[return-value]


def _to_examples(strategy: Strategy, pool: Iterable[Example | Problem | str]) -> list[Example]:
    """Return the examples that `fit` was called with; questions get no target."""
    if isinstance(pool, str | Problem | Example):
        raise UsageError(f"fit(pool=…) takes a list, got {shorten(pool)}; write fit([…], llm)")
    examples = []
    for one in pool:
        if not isinstance(one, Example):
            if _needs_targets(strategy):
                raise UsageError(f"fit(pool=…) takes examples with targets, Example(problem, target), got {one!r:.80}")
            one = Example(Problem.of(one), None)
        strategy.check_supports(one.problem.kind)
        if one.problem.images:
            raise UsageError(
                f"fit(pool=…) takes problems without images, since demonstrations are texts; {strategy!r} would learn "
                f"from {one.problem.question!r:.60} without seeing its image"
            )
        examples.append(one)
    if not examples:
        raise UsageError("fit(pool=…) needs at least one example, got none")
    return examples


def _needs_targets(strategy: Strategy) -> bool:
    """Return False if a strategy, and those that `fit` reaches inside it, learn from questions alone."""
    return (strategy._learns and strategy.fit_reads_targets) or any(map(_needs_targets, strategy._inner_to_fit()))
