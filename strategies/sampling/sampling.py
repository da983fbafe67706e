"""Independent draws from a strategy: what every technique of this folder begins with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reasoning.answer import Answer
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted
from reasoning.problem import Problem
from reasoning.session import Session, StartedBranch
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategy import FirstCallStrategy, Strategy
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
        logprobs: whether to ask for log-probabilities. They are part of a request, so these draws
            are other draws.
        outcome: what draws come to, for those that there are where the budget ends the others;
            without it they vote.
    """
    posed = [problem] if isinstance(problem, Problem) else problem
    done: dict[int, VoteSample] = {}

    def finish(place: int, answer: Answer, branch: Session) -> None:
        done[place] = VoteSample.from_answer(
            answer, [draw for call in branch.trace.calls() for draw in call.completions]
        )

    async def whole(place: int, branch: Session) -> None:
        finish(place, await branch.solve(base, posed[place % len(posed)]), branch)

    async def rest(place: int, branch: StartedBranch, strategy: FirstCallStrategy) -> None:
        finish(place, await branch.solve(strategy, posed[0]), branch.session)

    settings = {"temperature": temperature, "logprobs": logprobs or None}
    try:
        if isinstance(base, FirstCallStrategy) and base.shares_first_call and len(posed) == 1:
            call = base.first_call(posed[0])
            settled, started = await session.start_branches(call, n, name, start=after, **settings)
            done.update({place: VoteSample.from_answer(answer, [draw]) for place, (answer, draw) in settled.items()})
            await gather([rest(place, branch, base) for place, branch in started.items()])
        else:
            branches = session.branches(n, name, start=after, **settings)
            await gather([whole(place, branch) for place, branch in enumerate(branches)])
    except BudgetExhausted:
        if there := [done[place] for place in sorted(done)]:
            session.keep_partial(outcome(there) if outcome is not None else majority_answer(there, posed[0]))
        raise
    return [done[place] for place in range(n)]
