"""What all program techniques share: finding, running, repairing and reading a program."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.answer import Answer
from reasoning.errors import CallFailed
from reasoning.messages import Completion
from reasoning.sandbox.interpreter import Interpreter
from reasoning.strategies.implicit_imports import add_imports, defined_functions
from reasoning.testing import ScriptedLLM
from tests import call_counts

SIX = Problem("What is 2 x 3?", kinds.Number())
SPECS = ["pot(shots=0{})", "pal(shots=1{})", "faithful_cot({})", "chain_of_code({})"]
FAILING = "```python\nanswer = 6 / 0\n```"
FINE = "```python\nans = answer = 6\n```"


def spec(pattern: str, parameters: str = "") -> str:
    return pattern.format(parameters).replace("(, ", "(").replace("()", "")


def run(pattern: str, *replies: str | Completion | Exception, more: str = "") -> tuple[Answer, ScriptedLLM]:
    llm = ScriptedLLM(list(replies))
    return strategies.get(spec(pattern, more)).run(SIX, llm), llm


NOT_STEPPED = SPECS[:3]


@pytest.mark.parametrize("pattern", SPECS)
def test_what_holds_no_program_is_unparsed(pattern: str) -> None:
    for reply in ("I would say 6.", "", "```python\n```", "6", "```text\nsix\n```"):
        answer, llm = run(pattern, reply)
        assert (answer.state, answer.reason) == ("unparsed", "the reply holds no program")
        assert llm.calls == 1


@pytest.mark.parametrize("pattern", NOT_STEPPED)
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("answer = 6 / 0", "ZeroDivisionError"),
        ("answer = (", "SyntaxError"),
        ("import subprocess\nanswer = 1", "may not import subprocess"),
        ("answer = open('x').read()", "the program failed"),
        ("answer = 'many'", "not an answer of kind"),
        ("def solution():\n    return None", "does not set"),
        ("ans = answer = None", "sets no result"),
        ("answer = 10 ** 400 * 1.0", "OverflowError"),
    ],
)
def test_what_fails_is_unparsed_with_the_reason(pattern: str, code: str, why: str) -> None:
    answer, llm = run(pattern, f"```python\n{code}\n```")
    assert answer.state == "unparsed"
    assert why in answer.reason
    assert llm.calls == 1


@pytest.mark.parametrize("pattern", NOT_STEPPED)
@pytest.mark.parametrize("repairs", [1, 2, 3])
def test_a_failing_program_is_written_again_and_the_cost_counts(pattern: str, repairs: int) -> None:
    more = f", repairs={repairs}"
    answer, llm = run(pattern, *[FAILING] * repairs, FINE, more=more)
    assert answer.value == 6
    strategy = strategies.get(spec(pattern, more))
    assert llm.calls == answer.usage.calls == call_counts.calls(strategy, r=repairs, o=0) == 1 + repairs
    assert llm.rounds == call_counts.rounds(strategy, r=repairs, o=0)
    shown = llm.requests[1].messages
    assert "answer = 6 / 0" in shown[-2].content
    assert "ZeroDivisionError" in shown[-1].content
    assert "line 1" in shown[-1].content
    assert shown[:-2] == llm.requests[0].messages


@pytest.mark.parametrize("pattern", SPECS)
def test_without_repairs_nothing_is_asked_again(pattern: str) -> None:
    answer, llm = run(pattern, "```python\nanswer = (\n```")
    assert llm.calls == 1
    assert answer.state == "unparsed"


@pytest.mark.parametrize("pattern", SPECS)
def test_repairs_end(pattern: str) -> None:
    answer, llm = run(pattern, "no program", "```python\nanswer = (\n```", "no", FINE, more=", repairs=2")
    assert llm.calls == 3
    assert answer.reason == "the reply holds no program"
    assert llm.requests[1].messages[-2].content == "no program"


@pytest.mark.parametrize("pattern", SPECS)
def test_a_failed_call_is_no_answer(pattern: str) -> None:
    answer, _ = run(pattern, CallFailed("gone"))
    assert answer.state == "failed"
    answer, _ = run(pattern, "```python\nanswer = (\n```", CallFailed("gone"), more=", repairs=1")
    assert answer.state == "failed"


@pytest.mark.parametrize("pattern", SPECS)
def test_a_used_up_budget_ends_it(pattern: str) -> None:
    llm = ScriptedLLM(["```python\nanswer = (\n```", FINE])
    answer = strategies.get(spec(pattern, ", repairs=1")).run(SIX, llm, budget=Budget(calls=1))
    assert answer.state == "unparsed"
    assert "budget" in answer.reason
    assert llm.calls == 1


@pytest.mark.parametrize("pattern", NOT_STEPPED)
def test_a_program_that_was_cut_off_does_not_give_what_it_had_half_way(pattern: str) -> None:
    answer, _ = run(pattern, Completion("```python\neggs = 5\ntotal = 5 * 3\nleft = total - 1", finish_reason="length"))
    assert answer.state == "unparsed"
    answer, _ = run(pattern, Completion("```python\neggs = 5\nanswer = ans = 12", finish_reason="length"))
    assert answer.state == "unparsed"  # 120, perhaps
    answer, _ = run(pattern, Completion(f"{FINE}\nThe answer is what", finish_reason="length"))
    assert answer.value == 6


def test_several_values_fractions_and_texts() -> None:
    for code, value in (
        ("ans = [7, 8]", 7),
        ("ans = {'eggs': 3.0}", 3),
        ("ans = '1,200'", 1200),
        ("ans = 0", 0),
        ("from fractions import Fraction\nans = Fraction(1, 4)", 0.25),
        ("from sympy import Rational\nans = Rational(1, 4)", 0.25),
        ("import numpy as np\nans = np.float64(2.5)", 2.5),
    ):
        answer, _ = run("pot(shots=0{})", f"```python\n{code}\n```")
        assert answer.value == value


def test_other_kinds_of_answer() -> None:
    day = Problem("Which day?", kinds.Date("%m/%d/%Y"))
    code = "from datetime import date, timedelta\nans = date(2024, 2, 28) + timedelta(days=2)"
    assert day.kind.show(strategies.get("pot(shots=0)").run(day, ScriptedLLM([code])).value) == "03/01/2024"
    code = "x = Symbol('x')\nans = simplify((x ** 2 - 1) / (x - 1))"
    formula = Problem("Simplify.", kinds.Expression())
    assert strategies.get("pot(shots=0)").run(formula, ScriptedLLM([code])).value == "x + 1"
    feeling = Problem("Which?", kinds.Label(("good", "bad")))
    assert strategies.get("pal(shots=0)").run(feeling, ScriptedLLM(["answer = 'Bad'"])).value == "bad"


@pytest.mark.parametrize("base", ["pot(shots=0)", "pal(shots=0)", "faithful_cot"])
def test_self_consistency_votes_over_executed_values(base: str) -> None:
    programs = ["answer = ans = 0.1 + 0.2", "answer = ans = 3 / 10", "answer = ans = 5", "answer = ans = 1 / 0", "none"]
    llm = ScriptedLLM([f"```python\n{code}\n```" for code in programs])
    answer = strategies.get(f"self_consistency({base}, samples=5)").run(SIX, llm)
    assert answer.value == pytest.approx(0.3)
    assert answer.votes is not None
    assert [count for _, count in answer.votes.counts] == [2, 1]
    assert answer.votes.unparsed == 2


# What programs take for granted.


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("ans = math.ceil(2.5) + sqrt(4)", 5),
        ("ans = np.mean([1, 2, 3])", 2),
        ("x = Symbol('x')\nans = solve_it(Eq(2 * x, 8), x)[x]", 4),
        ("ans = str(datetime.date(2024, 1, 31) + relativedelta(months=1))", "2024-02-29"),
        ("def f(sqrt):\n    return sqrt\nans = f(2)", 2),
        ("from math import *\nans = factorial(4)", 24),
        ("ans = float(Fraction(1, 2))", 0.5),
    ],
)
def test_forgotten_imports_are_added(code: str, value: object) -> None:
    with Interpreter() as interpreter:
        ran = interpreter.run(add_imports(code), result="ans")
    assert (ran.value, ran.error) == (value, None)


def test_what_a_program_has_itself_is_left_alone() -> None:
    for code in (
        "import math\nans = math.pi",
        "def solve(x):\n    return x\nans = solve(2)",
        "e = 3\nans = e",
        "x = (",
        "ans = e",
    ):
        assert add_imports(code) == code
    assert defined_functions("def f(): pass\nclass A:\n    def g(self): pass\nx = lambda: 1") == {"f"}
