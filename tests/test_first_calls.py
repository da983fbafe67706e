"""Branches that make the same first call: one request for their first draws, and sessions for those that continue."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from reasoning import Answer, Budget, Problem, Strategy, strategies
from reasoning.answer import Answered
from reasoning.branches import FirstCall
from reasoning.dry_run import record_requests
from reasoning.errors import BudgetExhausted, CallFailed
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.kinds import Number
from reasoning.messages import Completion, Conversation, Message
from reasoning.session import Session
from reasoning.strategies.direct.vanilla import Vanilla
from reasoning.strategies.sampling.sampling import draw_samples as draw_branches
from reasoning.strategies.sampling.self_consistency import SelfConsistency
from reasoning.strategy import technique
from reasoning.testing import ScriptedLLM
from reasoning.trace import Call, Trace

QUESTION = Problem("How many are two and two?", kind=Number())


@technique(title="Twice", calls="2", use_when="", avoid_when="")
class Twice(Strategy):
    """Asks "first", then "second", whatever comes."""

    async def solve(self, problem: Problem, session: Session) -> Answer:
        await session.ask("first")
        return problem.parse(await session.ask("second"))


@technique(title="Again", calls=(1, 2), use_when="", avoid_when="")
class Again(FirstCallStrategy):
    """Asks again, with what was said, unless the first reply states an even number."""

    def first_call(self, problem: Problem) -> FirstCall:
        def even(reply: Completion) -> Answer | None:
            answer = problem.parse(reply)
            return answer if isinstance(answer.value, int) and answer.value % 2 == 0 else None

        return FirstCall(Conversation((Message("user", problem.question),)), even, {"max_tokens": 32}, "first")

    async def continue_from(self, call: FirstCall, reply: Completion, problem: Problem, session: Session) -> Answer:
        with session.stage("second"):
            return problem.parse(await session.ask(call.messages.then(reply.text, "Again, please.")))


@technique(title="Alone", calls=(1, 2), use_when="", avoid_when="")
class Alone(Again):
    """The same with a `solve` of its own, from which no first call follows."""

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return await super().solve(problem, session)


def numbered(**settings: object) -> ScriptedLLM:
    counter = itertools.count(1)
    return ScriptedLLM(lambda messages: f"The answer is {next(counter)}.", **settings)  # type: ignore[arg-type]


def drawn(answer: Answer) -> list[Completion]:
    assert answer.trace is not None
    return [draw for call in answer.trace.calls() for draw in call.completions]


def voted(answer: Answer) -> list[object]:
    """The value of each draw, in draw order."""
    assert answer.votes is not None
    by_place = {place: one.value for one in answer.votes.candidates for place in one.draws}
    return [by_place.get(place) for place in range(answer.votes.total)]


def test_the_first_draws_leave_as_one_request_and_what_they_settle_needs_no_branch() -> None:
    llm = numbered()
    answer = SelfConsistency(strategies.get("vanilla"), samples=5).run(QUESTION, llm)
    assert len(llm.requests) == 1
    assert voted(answer) == [1, 2, 3, 4, 5]
    assert answer.trace is not None
    call, *others = answer.trace.events
    assert isinstance(call, Call)
    assert not any(isinstance(one, Trace) for one in others)
    assert [draw.draw for draw in call.completions] == [0, 1, 2, 3, 4]
    assert answer.usage.calls == 5


def test_more_samples_buy_what_is_new_and_the_branches_keep_theirs() -> None:
    llm = numbered()
    few = SelfConsistency(strategies.get("vanilla"), samples=3).run(QUESTION, llm)
    many = SelfConsistency(strategies.get("vanilla"), samples=7).run(QUESTION, llm)
    assert (llm.calls, voted(many)[:3]) == (7, voted(few))


def test_a_draw_that_settles_nothing_is_the_first_of_a_branch_that_goes_on() -> None:
    replies = ["The answer is 4.", "Let me see.", "The answer is 5.", "Who knows?"]
    counter = itertools.count()

    def reply(turns: tuple[Message, ...]) -> str:
        return f"{turns[-2].content} 4" if len(turns) > 2 else replies[next(counter)]

    llm = ScriptedLLM(reply)
    answer = SelfConsistency(strategies.get("cot"), samples=4).run(QUESTION, llm)
    assert voted(answer) == [4, 4, 5, 4]
    assert (llm.calls, answer.usage.calls) == (6, 6)  # no draw twice, in none of both
    assert answer.trace is not None
    call, *branches = answer.trace.events
    assert isinstance(call, Call)
    assert [draw.text for draw in call.completions] == ["The answer is 4.", "The answer is 5."]
    assert [branch.name for branch in branches if isinstance(branch, Trace)] == ["sample 2", "sample 4"]
    again = SelfConsistency(strategies.get("cot"), samples=4).run(QUESTION, llm)
    assert (voted(again), llm.calls) == (voted(answer), 6)


def shape(trace: Trace) -> list[object]:
    """Every stage, note and call of a trace, with the key, draw index and text of each completion."""
    return [
        (one.name, shape(one))
        if isinstance(one, Trace)
        else [(draw.key, draw.draw, draw.text) for draw in one.completions]
        if isinstance(one, Call)
        else one.text
        for one in trace.events
    ]


@pytest.mark.parametrize("samples", [1, 2, 5, 9])
def test_each_has_the_draw_that_it_would_have_got_by_itself(samples: int) -> None:
    assert (Vanilla().shares_first_call, Again().shares_first_call, Alone().shares_first_call) == (True, True, False)
    llm = numbered()
    alone = SelfConsistency(Alone(), samples=samples).run(QUESTION, llm)
    calls = llm.calls
    shared = SelfConsistency(Again(), samples=samples).run(QUESTION, llm)
    assert (voted(alone), calls) == (voted(shared), llm.calls)
    by_request = sorted((draw.key, draw.draw, draw.text) for draw in drawn(alone))
    assert by_request == sorted((draw.key, draw.draw, draw.text) for draw in drawn(shared))
    assert alone.trace is not None
    assert shared.trace is not None
    branches = dict(one for one in shape(alone.trace) if isinstance(one, tuple))
    continued = dict(one for one in shape(shared.trace) if isinstance(one, tuple))
    assert continued == {name: branches[name] for name in continued}  # to the last draw, in the same stages
    assert len(continued) == (samples + 1) // 2


def test_what_follows_the_branches_is_drawn_behind_all_of_them() -> None:
    @technique(title="Twice over", calls="8", use_when="", avoid_when="")
    class TwiceOver(Strategy):
        """Votes twice with the same branches, and asks what they ask."""

        base: Strategy = Again()

        async def solve(self, problem: Problem, session: Session) -> Answer:
            await draw_branches(self.base, problem, session, 3)
            await session.ask(problem.question, max_tokens=32)
            await draw_branches(self.base, problem, session, 3)
            return problem.parse("The answer is 1.")

    llm = numbered()
    alone, shared = TwiceOver(Alone()).run(QUESTION, llm), TwiceOver(Again()).run(QUESTION, llm)
    by_request = sorted((draw.key, draw.draw) for draw in drawn(alone))
    assert by_request == sorted((draw.key, draw.draw) for draw in drawn(shared))
    assert len(set(by_request)) == len(by_request)


def test_waves_go_on_behind_each_other() -> None:
    llm = numbered()
    answer = SelfConsistency(strategies.get("vanilla"), samples=6, stop="beta", wave=2).run(QUESTION, llm)
    assert [draw.draw for draw in drawn(answer)] == list(range(6))
    assert voted(answer) == [1, 2, 3, 4, 5, 6]


def test_without_n_they_are_side_by_side() -> None:
    llm = numbered(max_n=1, latency=0.01)
    SelfConsistency(strategies.get("vanilla"), samples=5).run(QUESTION, llm)
    assert (len(llm.requests), llm.peak_concurrency, llm.rounds) == (5, 5, 1)


def test_second_calls_that_are_equal_leave_together_too() -> None:
    llm = numbered()
    SelfConsistency(Twice(), samples=4).run(QUESTION, llm)
    assert (len(llm.requests), llm.calls, llm.rounds) == (2, 8, 2)


def test_a_first_reply_that_settles_nothing_needs_a_way_to_continue() -> None:
    @technique(title="Stuck", calls="1", use_when="", avoid_when="")
    class Stuck(FirstCallStrategy):
        """Settles nothing, and does not continue."""

        def first_call(self, problem: Problem) -> FirstCall:
            return FirstCall(Conversation((Message("user", "?"),)), lambda reply: None)

    for strategy in (Stuck(), SelfConsistency(Stuck(), samples=2)):
        with pytest.raises(NotImplementedError, match=r"Stuck\.continue_from"):
            strategy.run(QUESTION, numbered())


def test_a_call_that_fails_fails_every_branch_that_waits_for_it() -> None:
    llm = ScriptedLLM(lambda messages: CallFailed("no"))
    answer = SelfConsistency(strategies.get("vanilla"), samples=3).run(QUESTION, llm)
    assert (answer.state, answer.reason, len(llm.requests)) == ("failed", "no", 1)


def test_what_a_budget_pays_for_votes() -> None:
    llm = numbered(max_n=2)
    answer = SelfConsistency(strategies.get("vanilla"), samples=6).run(QUESTION, llm, budget=Budget(calls=4))
    assert isinstance(answer, Answered)
    assert answer.votes is not None
    assert (answer.votes.total, llm.calls) == (4, 4)
    assert answer.usage.calls == 4
    with pytest.raises(BudgetExhausted):
        SelfConsistency(strategies.get("vanilla"), samples=6).run(QUESTION, numbered(max_n=2, budget=Budget(calls=4)))


def test_a_solve_that_is_cancelled_leaves_no_task_behind() -> None:
    async def scene() -> None:
        llm = numbered(latency=30)
        work = SelfConsistency(strategies.get("vanilla"), samples=3)
        solving = asyncio.create_task(work.solve(QUESTION, Session(llm, Trace("solve"))))
        await asyncio.sleep(0.01)
        solving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await solving
        await llm.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scene())


@pytest.mark.parametrize(
    "spec", ["vanilla", "vanilla(shots=2)", "cot", "cot(stages=1)", "cot(shots=2)", "vanilla(max_tokens=9)"]
)
def test_solve_makes_the_first_call(spec: str) -> None:
    strategy = strategies.get(spec)
    assert isinstance(strategy, FirstCallStrategy)
    llm = numbered()
    alone = strategy.run(QUESTION, llm)
    call = strategy.first_call(QUESTION)
    assert llm.requests[0].messages == call.messages.messages
    assert {name: llm.requests[0].sampling[name] for name in call.params} == call.params
    settled = call.resolve(drawn(alone)[0])
    assert settled is not None
    assert settled.value == alone.value
    [(request, draws)] = asyncio.run(record_requests(strategy, QUESTION, llm))
    assert (request, draws) == (llm.requests[0], [0])
    [(request, draws)] = asyncio.run(record_requests(SelfConsistency(strategy, samples=3), QUESTION, llm))
    assert (request.messages, draws) == (llm.requests[0].messages, [0, 1, 2])
    assert llm.calls == 1
