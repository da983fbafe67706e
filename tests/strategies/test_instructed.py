"""Instructed prompting: one sentence in front of every prompt of any strategy."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import SpecError, UsageError
from reasoning.strategies.knowledge.instructed import IGNORE, InstructedPrompting, with_instruction
from reasoning.testing import ScriptedLLM
from tests import call_counts

PENS = Problem("Mia has 4 pens and buys 3. Her aunt is 50. How many pens has she?", kinds.Number())


def systems(llm: ScriptedLLM) -> Iterable[str]:
    return [request.messages[0].content for request in llm.requests]


@pytest.mark.parametrize(
    ("spec", "replies", "counts"),
    [
        ("instructed", ["4 + 3 is what she has.", "7"], {"e": 1}),
        ("instructed(vanilla)", ["7"], {}),
        ("instructed(least_to_most)", ["1. How many does she buy?", "3", "The answer is 7."], {"m": 2}),
        ("instructed(sc(cot(shots=2), samples=3))", ["The answer is 7."] * 3, {}),
    ],
)
def test_the_calls_are_those_of_the_base_and_each_has_the_sentence(
    spec: str, replies: list[str], counts: dict[str, int]
) -> None:
    llm = ScriptedLLM(replies)
    strategy = strategies.get(spec)
    assert strategy.run(PENS, llm).value == 7
    assert (
        llm.calls == call_counts.calls(strategy, **counts) == call_counts.calls(strategy.base, **counts) == len(replies)
    )
    assert llm.rounds == call_counts.rounds(strategy, **counts)
    assert all(one.startswith(IGNORE) for one in systems(llm))


def test_it_stands_before_the_examples_once() -> None:
    llm = ScriptedLLM(["The answer is 7."])
    strategies.get("instructed(cot(shots=2))").run(PENS, llm)
    assert [turn.role for turn in llm.requests[0].messages] == ["system", *["user", "assistant"] * 2, "user"]
    assert llm.prompts[0].count(IGNORE) == 1
    assert llm.requests[0].static_prefix == 5


def test_the_prompts_own_objective_stays() -> None:
    llm = ScriptedLLM(["ans = 7"])
    strategies.get("instructed(pot)").run(PENS, llm)
    assert systems(llm)[0].startswith(f"{IGNORE} Answer the question with a short Python program.")


def test_any_sentence_is_taken_as_it_stands() -> None:
    llm = ScriptedLLM(["7"])
    strategies.get("instructed(vanilla, instruction='Ignore {problem} and {{this}}.')").run(PENS, llm)
    assert systems(llm)[0] == "Ignore {problem} and {{this}}."
    with pytest.raises(UsageError, match="must not be empty"):
        strategies.get("instructed(vanilla, instruction=' ')")


def test_a_chain_gets_it_in_every_step() -> None:
    llm = ScriptedLLM(["none"])
    InstructedPrompting(strategies.get("telecom_feedback")).run("All is well.", llm)
    assert systems(llm)[0].startswith(IGNORE)
    told = with_instruction(strategies.get("telecom_feedback"), "Be fair.")
    assert all(step.prompt.objective.startswith("Be fair.") for step in told.steps)  # type: ignore[attr-defined]


def test_a_strategy_without_prompts_is_refused() -> None:
    from reasoning import Answer, Session, Strategy, technique

    @technique(title="Bare", calls="1")
    class Bare(Strategy):
        """Ask."""

        async def solve(self, problem: Problem, session: Session) -> Answer:
            return problem.parse(await session.ask(problem.question))

    with pytest.raises(UsageError, match="bare has no prompt"):
        InstructedPrompting(Bare())
    with pytest.raises(SpecError, match="instruction must be str"):
        strategies.get("instructed(vanilla, instruction=3)")


def test_what_the_base_gives_is_given_back() -> None:
    assert strategies.get("instructed(vanilla)").run(PENS, ScriptedLLM(["I cannot say."])).state == "unparsed"
    answer = strategies.get("instructed").run(PENS, ScriptedLLM(["Hmm."]), budget=Budget(calls=1))
    assert (answer.state, answer.usage.calls) == ("unparsed", 1)
    assert "budget" in answer.reason
