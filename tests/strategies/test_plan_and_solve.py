"""Plan-and-solve: plan and execution in one completion, the answer stage where none is stated."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import CallFailed
from reasoning.kinds.code import Code
from reasoning.kinds.label import Label
from reasoning.messages import Completion
from reasoning.strategies.thought.plan_and_solve import PLAN, PLAN_FACTS, PLAN_PLUS
from reasoning.testing import ScriptedLLM
from tests import call_counts

TANK = Problem("A tank of 90 litres loses 4 litres an hour. How much is in it after 5 hours?", kinds.Number())
PLANNED = "Plan: find the loss, subtract it. The loss is 5 * 4 = 20 litres, and 90 - 20 = 70."


@pytest.mark.parametrize(
    ("spec", "replies", "e"),
    [
        ("plan_and_solve", [f"{PLANNED} The answer is 70."], 0),
        ("plan_and_solve(plus=False)", [PLANNED, "70"], 1),
        ("ps", [rf"{PLANNED} So \boxed{{70}}."], 0),
        ("plan_and_solve_plus", [PLANNED, " 70 litres."], 1),
    ],
)
def test_the_answer_stage_is_asked_where_nothing_is_stated(spec: str, replies: list[str], e: int) -> None:
    llm = ScriptedLLM(replies)
    strategy = strategies.get(spec)
    answer = strategy.run(TANK, llm)
    assert answer.value == 70
    assert llm.calls == call_counts.calls(strategy, e=e) == 1 + e
    assert llm.rounds == call_counts.rounds(strategy, e=e)
    assert strategy.calls_range() == (1, 2)


def test_the_answer_stage_sees_the_plan_word_for_word() -> None:
    llm = ScriptedLLM([PLANNED, "70"])
    strategies.get("plan_and_solve").run(TANK, llm)
    first, second = (request.messages for request in llm.requests)
    assert second[: len(first)] == first
    assert second[len(first)] == ("assistant", PLANNED)
    assert second[-1].content == kinds.Number().trigger()
    assert llm.requests[1].sampling["max_tokens"] == 64


@pytest.mark.parametrize(
    ("kind", "plus", "recap"),
    [
        (kinds.Number(), True, PLAN_PLUS.recap),
        (kinds.Choice(["10 km", "12 km"]), True, PLAN_PLUS.recap),
        (kinds.Choice(["12", "15", "None of these"]), True, PLAN_PLUS.recap),
        (kinds.Choice(["In 1945", "In 1939"]), True, PLAN_FACTS.recap),
        (kinds.Choice(["a cat", "a dog"]), True, PLAN_FACTS.recap),
        (kinds.Choice(labels="AB"), True, PLAN_FACTS.recap),
        (Label(("positive", "negative")), True, PLAN_FACTS.recap),
        (kinds.YesNo(), True, PLAN_FACTS.recap),
        (kinds.Text(), True, PLAN.recap),
        (kinds.Number(), False, PLAN.recap),
        (kinds.YesNo(), False, PLAN.recap),
    ],
)
def test_the_trigger_depends_on_the_kind(kind: kinds.Kind, plus: bool, recap: str) -> None:
    llm = ScriptedLLM(lambda messages: "The answer is 1.")
    strategies.get(f"plan_and_solve(plus={plus})").run(Problem("What?", kind), llm)
    assert llm.requests[0].messages[-1].content.endswith(recap)
    assert "right away" in recap


def test_a_long_answer_gets_its_tokens_and_code_is_stated_by_its_fence() -> None:
    items = Problem("Which primes are below 8?", kinds.Items())
    llm = ScriptedLLM(["They are the odd ones and 2.", "2; 3; 5; 7"])
    assert strategies.get("plan_and_solve").run(items, llm).value == ("2", "3", "5", "7")
    assert llm.requests[1].sampling["max_tokens"] == 1024
    llm = ScriptedLLM(["Plan: add.\n```python\ndef add(a, b):\n    return a + b\n```\nThat is all."])
    assert "return a + b" in strategies.get("plan_and_solve").run(Problem("Add.", Code()), llm).value
    assert llm.calls == 1


def test_a_plan_that_was_cut_off_is_no_answer() -> None:
    cut = Completion("Plan: find the loss of 5 * 4 = 20 li", finish_reason="length")
    answer = strategies.get("plan_and_solve").run(TANK, ScriptedLLM([cut, "I cannot say."]))
    assert (answer.state, answer.value) == ("unparsed", None)


def test_an_answer_stage_that_says_nothing_is_no_answer_of_any_kind() -> None:
    for kind in (kinds.Text(), kinds.Number(), kinds.YesNo(), kinds.Choice(["a", "b"])):
        answer = strategies.get("plan_and_solve").run(Problem("What?", kind), ScriptedLLM(["", " "]))
        assert (answer.state, answer.value) == ("unparsed", None)


@pytest.mark.parametrize("replies", [["", ""], ["I do not know.", "It cannot be determined."]])
def test_malformed_replies_and_refusals_are_no_answers(replies: list[str]) -> None:
    answer = strategies.get("plan_and_solve").run(TANK, ScriptedLLM(replies))
    assert (answer.state, answer.value) == ("unparsed", None)
    assert answer.usage.calls == 2


def test_a_budget_that_ends_between_the_stages_keeps_what_was_planned_in_the_trace() -> None:
    answer = strategies.get("plan_and_solve").run(TANK, ScriptedLLM([PLANNED, "70"]), budget=Budget(calls=1))
    assert (answer.state, answer.value) == ("unparsed", None)
    assert "budget" in answer.reason
    assert answer.trace is not None
    assert answer.usage.calls == 1
    assert PLANNED in str(answer.trace.to_json())


def test_a_failed_call_is_no_wrong_answer() -> None:
    assert strategies.get("plan_and_solve").run(TANK, ScriptedLLM([PLANNED, CallFailed("gone")])).state == "failed"


def test_every_prompt_can_be_replaced() -> None:
    strategy = strategies.get("plan_and_solve")
    llm = ScriptedLLM(["The answer is 70."])
    strategy.replace(plan_plus=strategy.plan_plus.replace(recap="Plan it, do it.")).run(TANK, llm)
    assert llm.prompts[0].endswith("Plan it, do it.")
