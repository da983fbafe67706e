"""Branches that begin alike: one request for their first draws, and everything as if each had asked for its own."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import pytest

import strategies
from reasoning import Answer, Budget, Problem, Strategy
from reasoning.answer import Unparsed
from reasoning.branches import Opening
from reasoning.errors import BudgetExhausted, CallFailed
from reasoning.kinds import Number
from reasoning.session import Session
from reasoning.strategy import technique
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace
from strategies.sampling.self_consistency import SelfConsistency

QUESTION = Problem("How many are two and two?", kind=Number())


@pytest.fixture(autouse=True)
def _nobody_began_otherwise() -> Iterator[None]:
    yield
    Opening.otherwise.clear()


@technique(title="Scene", calls="1", use_when="", avoid_when="")
class Scene(Strategy):
    """Whatever a test wants a branch to do."""

    play: Callable[[Session], object] = id

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return await self.play(session)  # type: ignore[no-any-return, misc]


def numbered(**settings: object) -> ScriptedLLM:
    counter = itertools.count(1)
    return ScriptedLLM(lambda messages: f"The answer is {next(counter)}.", **settings)  # type: ignore[arg-type]


def answered(text: str) -> Answer:
    return QUESTION.read(text)


def said(answer: Answer) -> list[list[str]]:
    """What each branch was told, call by call."""
    assert answer.trace is not None
    branches = [event for event in answer.trace.events if isinstance(event, Trace)]
    return [[one.text for call in branch.calls() for one in call.completions] for branch in branches]


def test_the_first_draws_leave_as_one_request_and_each_branch_has_its_own() -> None:
    llm = numbered()
    answer = SelfConsistency(strategies.get("vanilla"), samples=5).run(QUESTION, llm)
    assert len(llm.requests) == 1
    assert said(answer) == [[f"The answer is {number}."] for number in range(1, 6)]


def test_more_samples_buy_what_is_new_and_the_branches_keep_theirs() -> None:
    llm = numbered()
    few = SelfConsistency(strategies.get("vanilla"), samples=3).run(QUESTION, llm)
    many = SelfConsistency(strategies.get("vanilla"), samples=7).run(QUESTION, llm)
    assert (llm.calls, said(many)[:3]) == (7, said(few))


def test_second_calls_that_are_equal_leave_together_too() -> None:
    async def twice(session: Session) -> Answer:
        await session.ask("first")
        return answered((await session.ask("second")).text)

    llm = numbered()
    answer = SelfConsistency(Scene(twice), samples=4).run(QUESTION, llm)
    assert (len(llm.requests), llm.calls, llm.waves) == (2, 8, 2)
    assert [len(set(texts)) for texts in said(answer)] == [2] * 4


def test_without_n_nothing_waits_for_the_first_branch() -> None:
    llm = numbered(max_choices=1, latency=0.01)
    SelfConsistency(strategies.get("vanilla"), samples=5).run(QUESTION, llm)
    assert (len(llm.requests), llm.peak, llm.waves) == (5, 5, 1)


def test_a_branch_that_asks_something_else_asks_for_itself_and_the_next_problem_begins_in_no_such_way() -> None:
    topics = itertools.count()

    async def own_topic(session: Session) -> Answer:
        return answered((await session.ask(f"topic {next(topics)}")).text)

    llm = numbered()
    answer = SelfConsistency(Scene(own_topic), samples=3).run(QUESTION, llm)
    assert [one.messages[-1].content for one in llm.requests] == ["topic 0", "topic 1", "topic 2"]
    assert llm.calls == 3 + 2  # two for nothing, and it is said
    assert str(answer.trace and answer.trace.to_json()).count("for nothing") == 2
    SelfConsistency(Scene(own_topic), samples=3).run(QUESTION, llm)
    assert llm.calls == 5 + 3


def test_several_draws_at_once_at_the_beginning_are_asked_for_by_each() -> None:
    async def three(session: Session) -> Answer:
        return answered((await session.sample("a", 3))[0].text)

    llm = numbered(latency=0.01)
    answer = SelfConsistency(Scene(three), samples=2).run(QUESTION, llm)
    assert (llm.calls, llm.waves) == (6, 1)
    assert len({text for texts in said(answer) for text in texts}) == 6


@pytest.mark.parametrize("way", ["lanes", "forks", "set"])
def test_branches_that_branch_or_go_through_another_door_are_side_by_side(way: str) -> None:
    async def within(session: Session) -> Answer:
        if way == "set":
            return answered((await session.set({"temperature": 0.3}).ask("a")).text)
        doors = session.lanes(2) if way == "lanes" else session.forks(["x", "y"], ["a", "b"])
        replies = [await door.ask(f"part {place}") for place, door in enumerate(doors)]
        return answered(replies[0].text)

    llm = numbered(latency=0.01)
    SelfConsistency(Scene(within), samples=4).run(QUESTION, llm)
    assert llm.waves == (1 if way == "set" else 2)
    assert len(llm.requests) == (1 if way == "set" else 2)


def test_what_the_first_branch_sets_around_its_call_is_not_around_the_others() -> None:
    span, seen = ContextVar("span", default="solve"), []

    async def within(session: Session) -> Answer:
        seen.append(span.get())
        span.set("stage")
        return answered((await session.ask("a")).text)

    SelfConsistency(Scene(within), samples=3).run(QUESTION, numbered())
    assert seen == ["solve"] * 3


def test_branches_without_a_call_end() -> None:
    async def silent(session: Session) -> Answer:
        return answered("The answer is 4.")

    llm = numbered()
    assert SelfConsistency(Scene(silent), samples=3).run(QUESTION, llm).value == 4
    assert llm.calls == 0


def test_a_first_branch_that_breaks_ends_the_others() -> None:
    begun = []

    async def breaks(session: Session) -> Answer:
        begun.append(session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        SelfConsistency(Scene(breaks), samples=3).run(QUESTION, numbered())
    assert len(begun) <= 3


def test_a_call_that_fails_fails_every_branch_that_waits_for_it() -> None:
    llm = ScriptedLLM(lambda messages: CallFailed("no"))
    answer = SelfConsistency(strategies.get("vanilla"), samples=3).run(QUESTION, llm)
    assert (answer.state, answer.why, len(llm.requests)) == ("failed", "no", 1)


def test_what_a_budget_pays_for_votes() -> None:
    llm = numbered(max_choices=2)
    answer = SelfConsistency(strategies.get("vanilla"), samples=6).run(QUESTION, llm, budget=Budget(calls=4))
    assert isinstance(answer, Unparsed)
    assert answer.votes is not None
    assert (answer.votes.total, llm.calls) == (4, 4)
    with pytest.raises(BudgetExhausted):
        SelfConsistency(strategies.get("vanilla"), samples=6).run(
            QUESTION, numbered(max_choices=2, budget=Budget(calls=4))
        )


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
