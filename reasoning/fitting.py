"""The first phase of techniques with two: what they learn from examples, before they answer anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from reasoning import telemetry
from reasoning.draw_stream import DrawStream
from reasoning.engine.budget import Budget, nest
from reasoning.errors import UsageError
from reasoning.problem import Example
from reasoning.session import Session
from reasoning.trace import Trace

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.strategy import Strategy

S = TypeVar("S", bound="Strategy")


async def fitted(strategy: S, pool: Sequence[Example], llm: LLM | str, epoch: int, budget: Budget | None) -> S:
    """What `Strategy.fitted` gives: the copy that the strategy's `fit` makes, with its draws in the model's journal."""
    from reasoning.engine.connect import connect
    from reasoning.engine.single_flight import CallContext

    fit = getattr(strategy, "fit", None)
    if fit is None:
        raise UsageError(f"{strategy!r} has no fit: it learns nothing from examples{_inner(strategy)}")
    pool = tuple(pool)
    if wrong := next((one for one in pool if not isinstance(one, Example)), None):
        raise UsageError(f"fitted(pool=…): examples with their targets, Example(problem, target), not {wrong!r:.80}")
    if not pool:
        raise UsageError("fitted(pool=…): there is no example to learn from")
    for one in pool:
        strategy.check_supports(one.problem.kind)
    model = connect(llm) if isinstance(llm, str) else llm
    own = nest(budget, model.budget)
    trace = Trace(f"fit {strategy!r}")
    session = Session(model, trace, lane=DrawStream(epoch=epoch), account=CallContext(own, model.journal, trace.name))
    with telemetry.solve(trace.name):
        made: S = await fit(pool, session)
    return made


def _inner(strategy: Strategy) -> str:
    """Where one of its parameters can be fitted, how to do that."""
    name = next((name for name, value in strategy.parameters() if hasattr(value, "fit")), None)
    return f"; its {name} does: strategy.replace({name}=strategy.{name}.fitted(pool, llm))" if name else ""
