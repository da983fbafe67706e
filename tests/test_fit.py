"""Fitting: techniques that learn from examples before they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from reasoning import Answer, Budget, Example, Problem, Session, Strategy, strategies, technique
from reasoning.errors import BudgetExhausted, UsageError
from reasoning.kinds import Number
from reasoning.testing import ScriptedLLM

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
