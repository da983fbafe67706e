"""Branches that begin with the same call: one request for their first draws, and sessions for those that go on."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from reasoning import Answer, Budget, Problem, Strategy, strategies
from reasoning.answer import Unparsed
from reasoning.branches import FirstCall
from reasoning.errors import BudgetExhausted, CallFailed
from reasoning.kinds import Number
from reasoning.messages import Completion, Conversation, Message
from reasoning.session import Session
from reasoning.strategies.direct.vanilla import Vanilla
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


@technique(title="Dice", calls="1", use_when="", avoid_when="")
class Dice(Strategy):
    """Says that it begins with one thing, and begins with another."""

    def first_call(self, problem: Problem) -> FirstCall:
        return FirstCall(Conversation((Message("user", "what it says"),)), lambda reply: None)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return problem.parse(await session.ask("what it does"))


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


def test_each_has_the_draw_that_it_would_have_got_by_itself() -> None:
    @technique(title="Plain", calls="1", use_when="", avoid_when="")
    class Plain(Vanilla):
        """Vanilla with a solve of its own, of which nothing is said."""

        async def solve(self, problem: Problem, session: Session) -> Answer:
            return await super().solve(problem, session)

    assert (Vanilla.opens, Plain.opens, Twice.opens) == (True, False, False)
    llm = numbered()
    alone = SelfConsistency(Plain(), samples=4).run(QUESTION, llm)
    begun = SelfConsistency(strategies.get("vanilla"), samples=4).run(QUESTION, llm)
    assert (voted(alone), llm.calls) == (voted(begun), 4)
    assert sorted(draw.draw for draw in drawn(alone)) == sorted(draw.draw for draw in drawn(begun))


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


def test_one_that_begins_otherwise_than_it_says_asks_for_itself() -> None:
    llm = numbered()
    answer = SelfConsistency(Dice(), samples=3).run(QUESTION, llm)
    assert [one.messages[-1].content for one in llm.requests] == ["what it says", "what it does"]
    assert voted(answer) == [4, 5, 6]


def test_a_call_that_fails_fails_every_branch_that_waits_for_it() -> None:
    llm = ScriptedLLM(lambda messages: CallFailed("no"))
    answer = SelfConsistency(strategies.get("vanilla"), samples=3).run(QUESTION, llm)
    assert (answer.state, answer.why, len(llm.requests)) == ("failed", "no", 1)


def test_what_a_budget_pays_for_votes() -> None:
    llm = numbered(max_n=2)
    answer = SelfConsistency(strategies.get("vanilla"), samples=6).run(QUESTION, llm, budget=Budget(calls=4))
    assert isinstance(answer, Unparsed)
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
def test_what_is_said_of_the_beginning_is_what_is_asked(spec: str) -> None:
    strategy = strategies.get(spec)
    llm = numbered()
    alone = strategy.run(QUESTION, llm)
    opening = strategy.first_call(QUESTION)
    assert opening is not None
    assert llm.requests[0].messages == opening.messages.messages
    assert {name: llm.requests[0].sampling[name] for name in opening.params} == opening.params
    settled = opening.resolve(drawn(alone)[0])
    assert settled is not None
    assert settled.value == alone.value
