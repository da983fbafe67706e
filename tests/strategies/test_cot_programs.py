"""Chain of thought: programs that the model writes into its reasoning."""

from __future__ import annotations

from pathlib import Path

import pytest

import reasoning as r
from reasoning import Problem, kinds, strategies
from reasoning.benchmarks.results.result import Result
from reasoning.display import trace_html
from reasoning.messages import Completion
from reasoning.problem import Example
from reasoning.testing import ScriptedLLM
from tests import call_counts

PENS = Problem("A box holds 8 pens. Ann buys 3 boxes and loses 4 pens. How many are left?", kinds.Number(), id="pens")
PROGRAM = "Let's use Python.\n```python\npens = 3 * 8\nprint(pens - 4)\n```"
MADE_UP = f"{PROGRAM}\n```output\n19\n```\nThere are \\(\\boxed{{19}}\\) pens left."
END = "So 20 pens are left.\nThe answer is 20."


def test_by_default_nothing_runs_and_the_requests_are_as_before() -> None:
    llm = ScriptedLLM([MADE_UP])
    assert strategies.get("cot").run(PENS, llm).value == 19
    assert (llm.calls, "stop" in llm.requests[0].sampling) == (1, False)


@pytest.mark.parametrize("spec", ["cot({})", "cot(stages=1, {})", "cot(shots=2, {})"])
def test_the_model_goes_on_from_the_real_output(spec: str) -> None:
    llm = ScriptedLLM([MADE_UP, END])
    strategy = strategies.get(spec.format("run_programs=True"))
    answer = strategy.run(PENS, llm)
    assert answer.value == 20
    assert llm.calls == call_counts.calls(strategy, e=0, g=1) == 2
    assert llm.rounds == call_counts.rounds(strategy, e=0, g=1)
    assert strategy.calls_range()[1] >= 4
    assert llm.requests[0].sampling["stop"] == ["```output"]
    said = llm.requests[1].messages[-2:]
    assert said[0].content == PROGRAM
    assert "Its output is:\n20" in said[1].content
    assert "19" not in answer.text
    assert "20" in answer.text
    assert "pens - 4" in str(answer.trace.to_json())


@pytest.mark.parametrize(
    ("replies", "value", "calls"),
    [
        (["3 * 8 - 4 = 20.\nThe answer is 20."], 20, 1),  # no program
        (["3 * 8 - 4 = 20.", "20"], 20, 2),
        ([PROGRAM, "That leaves 20.", "20"], 20, 3),
        (["```python\npens = 24\n```", "Then:\n```python\nprint(pens - 4)\n```", END], 20, 3),
        (["```python\nprint(1 / 0)\n```", "Again:\n```python\nprint(20)\n```", END], 20, 3),
        ([PROGRAM] * 4, 20, 5),  # the fourth does not run
        ([Completion("```python\nprint(20", finish_reason="length"), "20"], 20, 2),
        (["```json\n{\"pens\": 20}\n```\nThe answer is 20."], 20, 1),
    ],
)  # fmt: skip
def test_programs_and_calls(replies: list[str], value: int, calls: int) -> None:
    llm = ScriptedLLM([*replies, "20"])
    answer = strategies.get("cot(run_programs=True)").run(PENS, llm)
    assert (answer.value, llm.calls) == (value, calls)


def test_outputs_and_errors_are_told() -> None:
    llm = ScriptedLLM(["```python\nprint(24)\nx = 1 / 0\n```", "```python\nx = 20\n```", "```python\nx - 1\n```", END])
    strategies.get("cot(run_programs=True)").run(PENS, llm)
    told = [request.messages[-1].content.split("Its output is:\n")[1].split("\n\n")[0] for request in llm.requests[1:]]
    assert "the program stopped with an error: ZeroDivisionError" in told[0]
    assert told[1:] == ["20", "19"]


def test_a_second_program_tells_only_its_own_output() -> None:
    llm = ScriptedLLM(["```python\npens = 24\nprint('all', pens)\n```", "```python\nprint('left', pens - 4)\n```", END])
    strategies.get("cot(run_programs=True)").run(PENS, llm)
    assert "Its output is:\nall 24\n" in llm.requests[1].messages[-1].content
    assert "Its output is:\nleft 20\n" in llm.requests[2].messages[-1].content


def test_a_vote_runs_the_programs_of_its_samples() -> None:
    replies = {"Ann": [MADE_UP, "The answer is 20.", MADE_UP]}
    llm = ScriptedLLM(lambda turns: END if "has run" in turns[-1].content else replies["Ann"].pop())
    answer = strategies.get("self_consistency(cot(run_programs=True), samples=3)").run(PENS, llm)
    assert (answer.value, answer.confidence, llm.calls) == (20, 1, 5)


def result_of(spec: str, *replies: str, problem: Problem = PENS) -> Result:
    answer = strategies.get(spec).run(problem, ScriptedLLM(list(replies)))
    return Result.from_answer(answer, Example(problem, "20"), spec, "")


def test_the_trace_and_the_result_say_that_no_program_ran() -> None:
    answer = strategies.get("cot").run(PENS, ScriptedLLM([MADE_UP]))
    assert "states the output of a program that had not run" in trace_html(answer.trace)
    assert result_of("cot", MADE_UP).claimed_outputs == 1
    assert result_of("self_consistency(cot, samples=3)", MADE_UP, END, MADE_UP).claimed_outputs == 2
    for spec, replies in (
        ("cot", [END]),
        ("cot", [PROGRAM, "20"]),
        ("cot(run_programs=True)", [MADE_UP, END]),
        ("pot(shots=0)", [MADE_UP]),
        ("self_consistency(pot(shots=0), samples=2)", [MADE_UP, MADE_UP]),
    ):
        assert result_of(spec, *replies).claimed_outputs == 0
    code = Problem("Write a program.", kinds.Code())
    assert strategies.get("cot").run(code, ScriptedLLM([MADE_UP])).state == "answered"
    answer = strategies.get("cot").run(code, ScriptedLLM([MADE_UP]))
    assert Result.from_answer(answer, Example(code, "x = 1"), "cot", "").claimed_outputs == 0
    stored = result_of("cot", MADE_UP).to_json()
    assert Result.from_json(stored).claimed_outputs == 1
    assert Result.from_json({name: stored[name] for name in stored if name != "claimed_outputs"}).claimed_outputs == 0


def test_a_run_counts_the_answers_that_rest_on_such_an_output(tmp_path: Path) -> None:
    examples = [Example(Problem(f"{n} and {n}?", kinds.Number(), id=str(n)), str(2 * n)) for n in range(4)]
    llm = ScriptedLLM(lambda turns: MADE_UP if turns[0].content[0] in "01" else "The answer is 4.")
    table = r.benchmarks.compare(["cot", "vanilla"], examples, llm, progress=False)
    assert "states the output of a program which did not run: cot 2 of 4, vanilla 2 of 4." in str(table)
    assert "cot(run_programs=True) runs such programs." in str(table)
