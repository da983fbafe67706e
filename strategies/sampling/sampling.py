"""Independent samples of a strategy, with which every technique of this folder begins."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from reasoning.answer import Answer
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.problem import Problem
from reasoning.session import Session, StartedBranch
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
    """Solve with the base strategy `n` times concurrently, each time with separate draws.

    If the first call of the base strategy depends only on the problem, as in `cot`, one request
    asks for the first draws of all samples.

    Args:
        base: the strategy that makes the samples.
        problem: one problem for all samples, or several, which the samples take in turn.
        session: the session of the technique that samples.
        n: the number of samples.
        name: the name of a sample in the trace.
        after: the number of samples drawn before; numbering continues from it.
        temperature: temperature of calls that set none.
        logprobs: whether to request log-probabilities. They are part of a request, so samples with
            and without them use different draws.
        outcome: returns the partial answer from the samples that are complete when the budget runs
            out; by default their majority.

    Returns:
        The samples, in draw order. If the budget of the problem is used up, those that it covered; a
        note says so.

    Raises:
        BudgetExhausted: the budget of the problem covers no sample, or a budget around it is used up.
            The partial answer is kept.
    """
    problems = [problem] if isinstance(problem, Problem) else problem
    done: dict[int, VoteSample] = {}

    def record(index: int, answer: Answer, branch: Session) -> None:
        done[index] = VoteSample.from_answer(
            answer, [draw for call in branch.trace.calls() for draw in call.completions]
        )

    exhausted: list[BudgetExhausted] = []

    # It takes a function, since the coroutine of a sample that is cancelled before it begins would never be awaited.
    async def unless_exhausted(sample: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        try:
            await sample(*arguments)
        except BudgetExhausted as error:
            # The other samples may be covered.
            if not session.owns(error):
                raise
            exhausted.append(error)

    async def solve_sample(index: int, branch: Session) -> None:
        record(index, await branch.solve(base, problems[index % len(problems)]), branch)

    async def finish_sample(index: int, branch: StartedBranch, strategy: FirstCallStrategy) -> None:
        record(index, await branch.solve(strategy, problems[0]), branch.session)

    settings = {"temperature": temperature, "logprobs": logprobs or None}
    try:
        if isinstance(base, FirstCallStrategy) and base.shares_first_call and len(problems) == 1:
            call = base.first_call(problems[0])
            settled, started = await session.start_branches(call, n, name, start=after, **settings)
            done.update({index: VoteSample.from_answer(answer, [draw]) for index, (answer, draw) in settled.items()})
            await gather([unless_exhausted(finish_sample, index, branch, base) for index, branch in started.items()])
        else:
            branches = session.branches(n, name, start=after, **settings)
            await gather([unless_exhausted(solve_sample, index, branch) for index, branch in enumerate(branches)])
        if exhausted and not done and not after:
            raise exhausted[0]
        if exhausted:
            session.note(f"{after + len(done)} of {after + n} samples: {exhausted[0]}")
    except BudgetExhausted:
        if done or after:
            complete = [done[index] for index in sorted(done)]
            session.keep_partial(outcome(complete) if outcome is not None else majority_answer(complete, problems[0]))
        raise
    return [done[index] for index in sorted(done)]
