"""MathPrompter: formula and function must agree on random numbers; without a consensus it abstains."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.errors import CallFailed
from reasoning.messages import Message
from reasoning.strategies.programs.number_template import NumberTemplate, parse_formula, parse_function, same_result
from reasoning.testing import ScriptedLLM
from tests import call_counts

TRIP = Problem("Each ticket costs $8. A class of 25 has 3 absent. What do the tickets cost?", kinds.Number())
RIGHT = ("Answer = v1 * (v2 - v3)", "def solution(v1, v2, v3):\n    return v1 * (v2 - v3)")
WRONG = ("Answer = v1 * v2", "def solution(v1, v2, v3):\n    return v2 * v1")
APART = ("Answer = v1 * (v2 - v3)", "def solution(v1, v2, v3):\n    return v1 * v2 - v3")


def scripted(pairs: Iterable[tuple[str, str]], *rest: str) -> Callable[[tuple[Message, ...]], str]:
    """Formulas and functions in the order of the pairs, whichever is asked for first; then the rest."""
    listed = list(pairs)
    queues = iter([pair[0] for pair in listed]), iter([pair[1] for pair in listed])
    others = iter(rest)

    def reply(messages: tuple[Message, ...]) -> str:
        asked = messages[-1].content
        return next(queues[0] if "Answer =" in asked else queues[1] if "solution(" in asked else others)

    return reply


def solve(pairs: Iterable[tuple[str, str]], problem: Problem = TRIP, spec: str = "math_prompter", rest: str = ""):
    llm = ScriptedLLM(scripted(pairs, rest), latency=0.01)
    return strategies.get(spec).run(problem, llm), llm


@pytest.mark.parametrize(
    ("repeats", "rounds", "pairs", "w", "share"),
    [
        (5, 2, [RIGHT, WRONG, RIGHT, APART, RIGHT], 1, 3 / 5),
        (1, 1, [RIGHT], 1, 1),
        (2, 3, [APART, RIGHT, WRONG, RIGHT], 2, 2 / 4),
    ],
)
def test_calls_and_consensus(repeats: int, rounds: int, pairs: list[tuple[str, str]], w: int, share: float) -> None:
    answer, llm = solve(pairs, spec=f"math_prompter(repeats={repeats}, rounds={rounds})")
    assert answer.value == 176
    assert answer.confidence == share
    assert llm.calls == answer.usage.calls == call_counts.calls(answer.strategy, w=w, o=0) == 2 * repeats * w
    assert llm.rounds == call_counts.rounds(answer.strategy, w=w, o=0)
    assert answer.strategy.calls_range() == (0, 2 * repeats * rounds + 1)
    assert "v1 * (v2 - v3)" in answer.text


def test_the_model_sees_variables_and_no_numbers() -> None:
    _, llm = solve([RIGHT] * 5)
    for request in llm.requests:
        asked = request.messages[-1].content
        assert "Each ticket costs $v1. A class of v2 has v3 absent." in asked
        assert not re.search(r"\b(8|25|3)\b", asked)
    assert len(llm.requests) == 2  # one wave: five draws of each
    assert all(request.sampling["temperature"] == 0.7 for request in llm.requests)


def test_the_papers_plurality_takes_one_vote() -> None:
    pairs = [APART, RIGHT, APART, APART, APART]
    strict, _ = solve(pairs * 2, spec="math_prompter(rounds=1)")
    assert strict.state == "unparsed"
    answer, llm = solve(pairs, spec="math_prompter(min_votes=1)")
    assert (answer.value, answer.confidence, llm.calls) == (176, 1 / 5, 10)
    tied, _ = solve([RIGHT, WRONG, APART, APART, APART], spec="math_prompter(min_votes=1, rounds=1)")
    assert tied.state == "unparsed"


@pytest.mark.parametrize(
    "pairs",
    [
        [APART] * 4,
        [RIGHT, WRONG, APART, APART],  # one vote each
        [("I do not know.", RIGHT[1])] * 4,
        [(RIGHT[0], "no function")] * 4,
        [("Answer = v1 *", RIGHT[1])] * 4,
        [("Answer = v9", "def solution():\n    return v9")] * 4,
        [("Answer = v1 / (v2 - v2)", "def solution(v1, v2, v3):\n    return v1 / 0")] * 4,
        [("Answer = nobody(v1)", "def solution(v1):\n    return nobody(v1)")] * 4,
        [(RIGHT[0], "def solution(v1, v2, v3):\n    results.append(3)\n    return v1 * (v2 - v3)")] * 4,
    ],
)
def test_without_a_consensus_it_abstains(pairs: list[tuple[str, str]]) -> None:
    answer, llm = solve(pairs, spec="math_prompter(repeats=2, rounds=2)")
    assert answer.state == "unparsed"
    assert "no consensus among" in answer.reason
    assert answer.votes is not None
    assert llm.calls == call_counts.calls(answer.strategy, w=2, o=0)
    assert llm.rounds == call_counts.rounds(answer.strategy, w=2, o=0)


def test_a_question_without_numbers_costs_nothing() -> None:
    answer, llm = solve([], Problem("How many legs have two spiders?", kinds.Number()))
    assert (answer.state, llm.calls) == ("unparsed", 0)
    assert "no numbers" in answer.reason
    assert call_counts.calls(answer.strategy, w=0, o=0) == 0
    assert llm.rounds == call_counts.rounds(answer.strategy, w=0, o=0)


def test_options_and_comparisons() -> None:
    options = Problem(TRIP.question, options=("170", "176", "180"))
    answer, llm = solve([RIGHT] * 5, options)
    assert (answer.value, llm.calls) == ("B", 10)
    assert "170" not in llm.prompts[0]
    near = Problem(TRIP.question, options=("170", "175", "180"))
    answer, llm = solve([RIGHT] * 5, near, rest="(B)")
    assert (answer.value, llm.calls) == ("B", call_counts.calls(answer.strategy, w=1, o=1))
    assert llm.rounds == call_counts.rounds(answer.strategy, w=1, o=1)
    enough = Problem("Ann has 30 eggs and 3 cartons that hold 12 each. Do they fit?", kinds.YesNo())
    pair = ("Answer = v1 <= v2 * v3", "def solution(v1, v2, v3):\n    return not v1 > v3 * v2")
    answer, llm = solve([pair] * 5, enough)
    assert answer.value is True
    assert all("a comparison" in prompt for prompt in llm.prompts)


def test_a_failed_call_and_a_used_up_budget() -> None:
    assert strategies.get("math_prompter").run(TRIP, ScriptedLLM([CallFailed("gone")])).state == "failed"
    llm = ScriptedLLM(scripted([APART] * 10), max_n=1)
    answer = strategies.get("math_prompter").run(TRIP, llm, budget=Budget(calls=12))
    assert answer.state == "unparsed"
    assert "budget" in answer.reason
    assert llm.calls <= 12


@pytest.mark.parametrize(
    ("question", "text", "values"),
    [
        ("8 of 1,200.50", "v1 of v2", [8, 1200.5]),
        ("3 and 3", "v1 and v2", [3, 3]),
        ("1/2 of 20%", "v1/v2 of v3%", [1, 2, 20]),
        ("the 1st and 22nd of 5-7 x2", "the 1st and 22nd of v1-v2 x2", [5, 7]),
        ("on 3/4/2020 at 7:05 she has -5", "on 3/4/2020 at 7:05 she has -v1", [5]),
        ("Question 3: a 2-hour film, twice.", "Question 3: a v1-hour film, twice.", [2]),
        ("version 1.2.3 costs $4.", "version 1.2.3 costs $v1.", [4]),
        ("30.166666666666668 hours", "v1 hours", [30.166666666666668]),
        ("5kg or 2 1/2 l", "v1 kg or v2 v3/v4 l", [5, 2, 1, 2]),
    ],
)
def test_templates(question: str, text: str, values: list[float]) -> None:
    template = NumberTemplate.from_question(question)
    assert template.text == text
    assert list(template.values.values()) == values
    drawn = template.sample_values(20)
    assert drawn == template.sample_values(20)
    assert all(type(one) is type(value) and one > 0 for row in drawn for one, value in zip(row, values, strict=True))


@pytest.mark.parametrize(
    ("reply", "formula"),
    [
        ("**Answer = 2v1(v2 + 3)(v3)**", "2*v1*(v2+3)*(v3)"),
        ("First…\nAnswer = v1\nNo:\nAnswer: = `v1 ^ 2` = 5", "v1 ** 2"),
        ("Answer = v1 >= v2.", "v1 >= v2"),
        ("Answer = v1 == v2", "v1 == v2"),
        ("answer = max(v1, v2) ÷ 2", "max(v1, v2) / 2"),
        ("Answer = ", None),
        ("Answer = v1 *", None),
    ],
)
def test_formulas(reply: str, formula: str | None) -> None:
    made = parse_formula(reply, NumberTemplate.from_question("1 2 3"))
    assert made is None if formula is None else f"results.append({formula})" in (made or "")


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("def solution(v3, v1): return v1", "solution(v3=v3, v1=v1)"),
        ("def cost(a, b, c): return a", "cost(v1, v2, v3)"),
        ("def solution(): return 1", "solution()"),
        ("def cost(a, b, c): return a\ndef check(): assert cost(1, 2, 3) == 1", "cost(v1, v2, v3)"),
        ("def one(): return 1\ndef two(x): return x", "one()"),
        ("def solution(v1): return half(v1)\ndef half(x): return x / 2", "solution(v1=v1)"),
    ],
)
def test_functions_are_called_by_name_or_in_order(code: str, call: str) -> None:
    made = parse_function(f"```python\n{code}\n```", NumberTemplate.from_question("1 2 3"))
    assert made is not None
    assert f"results.append({call})" in made


def test_floats_are_equal_but_for_what_they_lose() -> None:
    assert same_result(0.1 + 0.2, 0.3)
    assert same_result(True, True)
    assert not same_result(True, 1.5)
    assert not same_result(100, 100.1)
    assert same_result([1], [1])


def test_two_that_both_fail_on_the_numbers_of_the_question_agree_on_nothing() -> None:
    problem = Problem("A class of 25 shares 25 pens. How many are left?", kinds.Number())
    formula = "v1 // (v1 - v2)"  # of the question's own numbers it is undefined

    def script(turns: tuple[Message, ...]) -> str:
        python = "solution(" in turns[-1].content
        return f"```python\ndef solution(v1, v2):\n    return {formula}\n```" if python else f"Answer = {formula}"

    answer = strategies.get("math_prompter(repeats=1, rounds=1)").run(problem, ScriptedLLM(script))
    assert answer.state == "unparsed"
    assert "None by the formula, None by the function: not accepted" in str(answer.trace.to_json())
