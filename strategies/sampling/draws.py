"""Independent draws from a strategy: what every technique of this folder begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reasoning.branches import alike, together
from reasoning.errors import BudgetExhausted
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategy import Strategy
from reasoning.voting import Draw


async def drawn(
    base: Strategy,
    problem: Problem | Sequence[Problem],
    session: Session,
    n: int,
    *,
    name: str = "sample",
    after: int = 0,
    temperature: float | None = None,
    logprobs: bool = False,
    finished: Callable[[list[Draw]], None] | None = None,
) -> list[Draw]:
    """Solve with the base strategy `n` times, side by side, each with draws of its own; in draw order.

    Args:
        problem: one for all draws, or one for each.
        name: what the trace calls a draw.
        after: so many draws of this kind were made before; these are the next.
        temperature: of calls that do not give their own.
        logprobs: whether to ask for log-probabilities. They are part of a request, so these draws are other draws.
        finished: told the draws that there are, where the budget ends the others.
    """
    done: dict[int, Draw] = {}

    async def one(place: int, lane: Session) -> None:
        asked = problem if isinstance(problem, Problem) else problem[place]
        done[place] = Draw.of(await lane.solve(base, asked), lane.trace)

    settings = {"temperature": temperature, "logprobs": logprobs or None}
    lanes = session.lanes(n, name, after=after, **settings)
    try:
        if isinstance(problem, Problem):
            await alike(lanes, one, type(base))
        else:
            await together([one(place, lane) for place, lane in enumerate(lanes)])
    except BudgetExhausted:
        if finished is not None and done:
            finished([done[place] for place in sorted(done)])
        raise
    return [done[place] for place in range(n)]
