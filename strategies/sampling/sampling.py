"""Independent draws from a strategy: what every technique of this folder begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reasoning.answer import Answer
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategy import Strategy
from reasoning.voting import VoteSample


async def draw_samples(
    base: Strategy,
    problem: Problem | Sequence[Problem],
    session: Session,
    n: int,
    *,
    name: str = "sample",
    after: int = 0,
    temperature: float | None = None,
    logprobs: bool = False,
    outcome: Callable[[list[VoteSample]], Answer] | None = None,
) -> list[VoteSample]:
    """Solve with the base strategy `n` times, side by side, each with draws of its own; in draw order.

    Args:
        problem: one for all draws, or several, which they take in turn.
        name: what the trace calls a draw.
        after: so many draws of this kind were made before; these are the next.
        temperature: of calls that do not give their own.
        logprobs: whether to ask for log-probabilities. They are part of a request, so these draws are other draws.
        outcome: what draws come to, for those that there are where the budget ends the others; without it they vote.
    """
    posed = [problem] if isinstance(problem, Problem) else problem
    done: dict[int, VoteSample] = {}

    async def one(place: int, lane: Session) -> None:
        asked = posed[place % len(posed)]
        answer = await lane.solve(base, asked)
        done[place] = VoteSample.from_answer(answer, [draw for call in lane.trace.calls() for draw in call.completions])

    settings = {"temperature": temperature, "logprobs": logprobs or None}
    opening = base.first_call(posed[0]) if base.opens and len(posed) == 1 else None
    try:
        if opening is None:
            lanes = dict(enumerate(session.branches(n, name, start=after, **settings)))
        else:
            settled, lanes = await session.start_branches(opening, n, name, start=after, **settings)
            done = {place: VoteSample.from_answer(answer, [draw]) for place, (answer, draw) in settled.items()}
        await gather([one(place, lane) for place, lane in lanes.items()])
    except BudgetExhausted:
        if there := [done[place] for place in sorted(done)]:
            session.keep_partial(outcome(there) if outcome is not None else majority_answer(there, posed[0]))
        raise
    return [done[place] for place in range(n)]
