"""Fitting: techniques that learn from examples before they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from reasoning import Answer, Budget, Example, Problem, Session, Strategy, strategies, technique
from reasoning.errors import BudgetExhausted, UsageError
from reasoning.kinds import Number
from reasoning.strategies.decomposition.decomposed_prompting import DecomposedPrompting
from reasoning.strategies.decomposition.handlers import Handler
from reasoning.testing import ScriptedLLM
from reasoning.trace import Trace

POOL = [Example(Problem(f"What is {k} + 1?", Number()), k + 1) for k in range(3)]


@technique(title="Learner", calls="1")
class Learner(Strategy):
    """Asks for advice about each example, and then follows it."""

    advice: tuple[str, ...] = ()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return problem.parse(await session.ask(f"{'; '.join(self.advice)} {problem.question}"))

    async def _fit(self, pool: Sequence[Example], session: Session) -> Learner:
        return self.replace(advice=tuple([(await session.ask(f"Advice on {one.target}?")).text for one in pool]))


def test_a_fit_is_a_copy_and_is_paid_for_once() -> None:
    llm = ScriptedLLM(lambda messages: f"Add: {messages[-1].content}")
    fitted = Learner().fit(POOL, llm)
    assert fitted.advice == tuple(f"Add: Advice on {k}?" for k in (1, 2, 3))
    assert Learner().fit(iter(POOL), llm) == fitted
    assert llm.calls == 3
    assert asyncio.run(Learner().afit(POOL, llm)) == fitted
    assert llm.calls == 3
    Learner().fit(POOL, llm, epoch=1)
    assert llm.calls == 6


def test_a_fit_within_a_running_loop() -> None:
    async def blocking() -> Learner:
        return Learner().fit(POOL, ScriptedLLM(lambda messages: "Add."))

    with pytest.warns(RuntimeWarning, match="blocks the running event loop"):
        assert asyncio.run(blocking()).advice == ("Add.",) * 3


def test_a_fit_stays_in_its_budget() -> None:
    llm = ScriptedLLM(lambda messages: "Add.")
    with pytest.raises(BudgetExhausted):
        Learner().fit(POOL, llm, budget=Budget(calls=2))
    assert llm.calls == 2


def test_what_cannot_be_fitted_is_said() -> None:
    llm = ScriptedLLM([])
    with pytest.raises(UsageError, match=r"cot has no fit: it learns nothing from examples$"):
        strategies.get("cot").fit(POOL, llm)
    wrapper = strategies.get("self_consistency").replace(base=Learner())
    with pytest.raises(UsageError, match=r"its base does: strategy.replace\(base=strategy\.base\.fit\(pool, llm\)\)"):
        wrapper.fit(POOL, llm)
    with pytest.raises(UsageError, match="at least one example"):
        Learner().fit([], llm)
    with pytest.raises(UsageError, match=r"Example\(problem, target\), got Problem"):
        Learner().fit([Problem("?")], llm)  # type: ignore[list-item]


@technique(title="Pupil", calls="1")
class Pupil(Strategy):
    """Answers with what it has learned from examples, and cannot answer before."""

    lesson: str = ""
    number: int = 1

    @property
    def needs_fit(self) -> bool:
        return not self.lesson

    async def solve(self, problem: Problem, session: Session) -> Answer:
        self.check_fitted()
        return problem.parse(await session.ask(f"{self.lesson} {problem.question}"))

    async def _fit(self, pool: Sequence[Example], session: Session) -> Pupil:
        lesson = await session.ask(f"Lesson {self.number} of {len(pool)}?")
        session.note(f"learned lesson {self.number}")
        return self.replace(lesson=lesson.text)


@technique(title="Teacher", calls="1")
class Teacher(Strategy):
    """Learns from the examples on top of what its own strategy has learned."""

    base: Strategy = Pupil()
    rules: int = 0

    async def solve(self, problem: Problem, session: Session) -> Answer:
        return await self.base.solve(problem, session)

    async def _fit(self, pool: Sequence[Example], session: Session) -> Teacher:
        assert not self.base.needs_fit
        return self.replace(rules=len(pool))


def test_only_a_strategy_that_must_learn_first_needs_fit() -> None:
    assert Pupil().needs_fit
    assert not Pupil("Add.").needs_fit
    assert not Learner().needs_fit
    assert not strategies.get("self_consistency(cot)").needs_fit
    vote = strategies.get("self_consistency")
    assert vote.replace(base=vote.replace(base=Pupil())).needs_fit
    assert not vote.replace(base=Pupil("Add.")).needs_fit


def test_an_unfitted_strategy_says_how_to_fit_it_and_makes_no_call() -> None:
    llm = ScriptedLLM([])
    for strategy in (Pupil(), strategies.get("self_consistency").replace(base=Pupil(), samples=3)):
        with pytest.raises(UsageError, match=r"pupil.* must learn from examples before it answers: strategy\.fit"):
            strategy.run(POOL[0].problem, llm)
    assert llm.calls == 0


def test_a_wrapper_is_fitted_inside() -> None:
    llm = ScriptedLLM(lambda messages: "Add.")
    vote = strategies.get("self_consistency(samples=2)").replace(base=Pupil())
    fitted = vote.fit(POOL, llm)
    assert fitted == vote.replace(base=Pupil("Add."))
    assert llm.calls == 1
    assert Pupil().fit(POOL, llm) == Pupil("Add."), "the draws are those of the inner strategy alone"
    assert llm.calls == 1
    nested = vote.replace(base=vote)
    assert nested.fit(POOL, llm) == nested.replace(base=fitted)
    assert llm.calls == 1


def test_a_wrapper_that_learns_does_so_after_its_inner_strategy() -> None:
    llm = ScriptedLLM(lambda messages: "Add.")
    assert Teacher().needs_fit
    assert Teacher().fit(POOL, llm) == Teacher(Pupil("Add."), rules=3)


def test_each_distinct_inner_strategy_learns_once() -> None:
    llm = ScriptedLLM(lambda messages: f"{messages[-1].content}!")
    first, second = Pupil(), Pupil(number=2)
    handlers = (Handler("ask", "sums", first), Handler("again", "the same", first), Handler("other", "others", second))
    program = DecomposedPrompting(handlers=handlers)
    fitted = program.fit(POOL, llm)
    assert [repr(inner) for inner in fitted.inner_strategies()] == [
        "pupil(lesson='Lesson 1 of 3?!')",
        "pupil(lesson='Lesson 1 of 3?!')",
        "pupil(lesson='Lesson 2 of 3?!', number=2)",
    ]
    assert llm.calls == 2


def test_the_calls_of_a_fit_are_in_the_trace_that_is_given() -> None:
    trace, llm = Trace("mine"), ScriptedLLM(lambda messages: "Add.")
    vote = strategies.get("self_consistency").replace(base=Pupil())
    asyncio.run(vote.afit(POOL, llm, trace=trace))
    assert trace.usage.calls == 1
    assert trace.has_stage("fit pupil")
