"""Structured chain of thought: a plan in three structures, then code; tests run in the sandbox."""

from __future__ import annotations

import pytest

from reasoning import Budget, Example, Problem, kinds, strategies
from reasoning.benchmarks.statistics.vote_curves import SamplePool, curve
from reasoning.errors import CallFailed, UsageError
from reasoning.sandbox.execution import ResourceLimits
from reasoning.sandbox.interpreter import Interpreter
from reasoning.strategies.programs.structured_cot import PLAN, WRITE
from reasoning.strategies.programs.unit_tests import unit_test_scorer
from reasoning.testing import ScriptedLLM
from tests import call_counts

TASK = "Write a function double(n) that returns twice a number."
TESTS = "assert double(2) == 4\nassert double(-1) == -2"
DOUBLE = Problem(TASK, kinds.Code())
TESTED = Problem(TASK, kinds.Code(), inputs={"tests": TESTS})
STEPS = "Input: n: int\nOutput: twice: int\n1: twice = n + n\n2: return twice"
GOOD = "```python\ndef double(n):\n    return n + n\n```"
BAD = "```python\ndef double(n):\n    return n * n\n```"


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter(limits=ResourceLimits(seconds=1)) as interpreter:
        yield interpreter


def test_the_plan_goes_into_the_second_prompt_without_fences() -> None:
    llm = ScriptedLLM([f"```\n{STEPS}\n```", GOOD])
    answer = strategies.get("structured_cot").run(DOUBLE, llm)
    assert answer.value == "def double(n):\n    return n + n\n"
    assert answer.confidence is None
    assert STEPS in llm.requests[1].messages[-1].content
    assert "```\nInput" not in llm.prompts[1]
    assert TASK in llm.requests[1].messages[-1].content
    assert not any("def " in turn.content for turn in llm.requests[0].messages)  # no code is shown to the planner


@pytest.mark.parametrize(
    ("samples", "repairs", "replies", "counts", "confidence"),
    [
        (1, 0, [STEPS, GOOD], {"r": 0, "m": 0}, 1.0),
        (3, 0, [STEPS] * 3 + [BAD, GOOD, BAD], {"r": 0, "m": 0}, 1 / 3),
        (1, 2, [STEPS, BAD, BAD, GOOD], {"r": 2, "m": 2}, 1.0),
        (3, 2, [STEPS] * 3 + [GOOD, BAD, GOOD, BAD, GOOD], {"r": 2, "m": 2}, 1.0),
        (2, 1, [STEPS] * 2 + ["no code"] * 2 + [GOOD] * 2, {"r": 2, "m": 1}, 1.0),
    ],
)
def test_calls(samples: int, repairs: int, replies: list[str], counts: dict[str, int], confidence: float) -> None:
    strategy = strategies.get(f"scot(samples={samples}, repairs={repairs})")
    llm = ScriptedLLM(replies, latency=0.01)
    answer = strategy.run(TESTED, llm)
    assert "n + n" in answer.value
    assert answer.confidence == pytest.approx(confidence)
    assert llm.calls == answer.usage.calls == call_counts.calls(strategy, **counts) == 2 * samples + counts["r"]
    assert llm.rounds == call_counts.rounds(strategy, **counts)
    assert strategy.calls_range() == (2 * samples, 2 * samples + samples * repairs)


def test_samples_leave_in_two_waves_and_repairs_show_the_error() -> None:
    llm = ScriptedLLM([STEPS, STEPS, BAD, "no code", "no code", GOOD])
    answer = strategies.get("scot(samples=2, repairs=1)").run(TESTED, llm)
    assert answer.confidence == 0.5
    assert len(llm.requests) == 4  # two plans, two codes, two repairs
    assert all(request.sampling["temperature"] == 0.8 for request in llm.requests)
    assert any("AssertionError" in prompt for prompt in llm.prompts)


@pytest.mark.parametrize(
    ("reply", "why"),
    [("I would rather not.", "nothing found"), ("```python\ndef f(:\n```", "does not compile"), ("", "nothing found")],
)
def test_what_is_no_code_is_unparsed(reply: str, why: str) -> None:
    answer = strategies.get("structured_cot").run(TESTED, ScriptedLLM([STEPS, reply]))
    assert answer.state == "unparsed"
    assert why in answer.reason


def test_code_that_fails_its_tests_is_still_the_best_there_is() -> None:
    answer = strategies.get("structured_cot").run(TESTED, ScriptedLLM([STEPS, BAD]))
    assert (answer.state, answer.confidence) == ("answered", 0.0)
    llm = ScriptedLLM([STEPS] * 3 + ["none", BAD, GOOD])
    assert "n * n" in strategies.get("scot(samples=3)").run(DOUBLE, llm).value  # the first that compiles


def test_other_languages_are_not_run() -> None:
    problem = Problem(TASK, kinds.Code("cpp"), inputs={"tests": "nonsense"})
    answer = strategies.get("scot").run(problem, ScriptedLLM([STEPS, "```cpp\nint d(int n) { return 2 * n; }\n```"]))
    assert answer.state == "answered"


def test_other_kinds_failed_calls_and_a_used_up_budget() -> None:
    with pytest.raises(UsageError, match="structured_cot gives answers of the kind Code"):
        strategies.get("scot").run("What?", ScriptedLLM([]))
    assert strategies.get("scot").run(DOUBLE, ScriptedLLM([STEPS, CallFailed("gone")])).state == "failed"
    answer = strategies.get("scot(samples=2)").run(DOUBLE, ScriptedLLM([STEPS, STEPS, CallFailed("gone"), GOOD]))
    assert answer.state in ("answered", "failed")
    answer = strategies.get("scot").run(DOUBLE, ScriptedLLM([STEPS, GOOD]), budget=Budget(calls=1))
    assert (answer.state, "budget" in answer.reason) == ("unparsed", True)


@pytest.mark.parametrize(
    ("code", "passes"),
    [
        ("def double(n):\n    return 2 * n", True),
        ("def double(n):\n    return n", False),
        ("def double(n):\n    return 2 * n\nraise SystemExit(0)", False),
        ("exit()", False),
        ("every_test_has_passed = True\nimport nothing", False),
        ("def double(n):\n    while True: pass", False),
        ('def double(n):\n    return 2 * n\n"""', False),
        ("", False),
    ],
)
def test_a_scorer_runs_tests_that_no_strategy_sees(code: str, passes: bool, interpreter: Interpreter) -> None:
    example = Example(DOUBLE, "any that passes", unit_test_scorer(TESTS, interpreter))
    assert example.score(code) is passes
    assert not example.score(None)


def test_pass_at_k(interpreter: Interpreter) -> None:
    llm = ScriptedLLM([STEPS] * 4 + [BAD, GOOD, BAD, "none"])
    answer = strategies.get("self_consistency(structured_cot, samples=4, temperature=0.8)").run(DOUBLE, llm)
    example = Example(DOUBLE, "any that passes", unit_test_scorer(TESTS, interpreter))
    assert answer.votes is not None
    points = curve([SamplePool.from_vote(answer.votes, example.score)], [1, 2, 4], measure="any")
    assert [point.mean for point in points] == pytest.approx([1 / 4, 1 / 2, 1])


@pytest.mark.parametrize(
    ("place", "tests"),
    [
        (0, "assert longest_run([1, 1, 2, 2, 2, 1]) == 3\nassert longest_run([]) == 0\nassert longest_run('a') == 1"),
        (1, "assert change(6, [1, 3, 4]) == 2\nassert change(3, [2]) == -1\nassert change(0, [5]) == 0"),
    ],
)
def test_the_demonstrations_do_what_they_say(place: int, tests: str, interpreter: Interpreter) -> None:
    code = kinds.Code().parse(WRITE.examples[place].output)
    assert unit_test_scorer(tests, interpreter)(code)
    assert PLAN.examples[place].output in WRITE.examples[place].input
