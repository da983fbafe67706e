"""Independent draws from a strategy: what every technique of this folder begins with."""

from __future__ import annotations

from reasoning.problem import Problem
from reasoning.session import Session, together
from reasoning.strategy import Strategy
from reasoning.voting import Draw


async def drawn(
    base: Strategy,
    problem: Problem,
    session: Session,
    n: int,
    *,
    after: int = 0,
    temperature: float | None = None,
    logprobs: bool = False,
) -> list[Draw]:
    """Solve with the base strategy `n` times, side by side, each with draws of its own; in draw order.

    Args:
        after: so many draws of this kind were made before; these are the next.
        temperature: of calls that do not give their own.
        logprobs: whether to ask for log-probabilities. They are part of a request, so these draws are other draws.
    """
    settings = {"temperature": temperature, "logprobs": logprobs or None}
    lanes = session.lanes(n, "sample", after=after, **settings)
    answers = await together([lane.solve(base, problem) for lane in lanes])
    return [Draw.of(answer, lane.trace) for answer, lane in zip(answers, lanes, strict=True)]
