"""Program of thoughts: the interpreter is the real one."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.testing import ScriptedLLM
from tests import call_counts

ODD = Problem("What is the sum of the first 30 odd numbers divided by 9?", kinds.Number())


def run(reply: str, problem: Problem = ODD, spec: str = "pot") -> object:
    return strategies.get(spec).run(problem, ScriptedLLM([reply]))


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("```python\ns = sum(range(1, 60, 2))\nans = s / 9\n```", 100),
        ("s = sum(range(1, 60, 2))\nans = s / 9", 100),
        ("```python\nprint(900 / 9)\n```", 100),
        ("```python\ntotal = 900 / 9\n```", 100),  # the name was forgotten
        ("```python\nans = 0\n```", 0),  # an answer, not a failure
        ("```python\nans = [7, 8]\n```", 7),
        ("Here it is:\n```\nans = 2 ** 0.5\n```\nIt gives 99.", 2**0.5),
    ],
)
def test_programs_and_their_results(reply: str, value: float) -> None:
    answer = run(reply)
    assert answer.state == "answered"  # type: ignore[attr-defined]
    assert answer.value == pytest.approx(value)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("I would say 100.", "no program"),
        ("```python\nans = 1 / 0\n```", "ZeroDivisionError"),
        ("```python\nimport socket\nans = socket.gethostname()\n```", "may not import socket"),
        ("```python\nans = open('/etc/passwd').read()\n```", "failed"),
        ("```python\nans = 'many'\n```", "not an answer of kind"),
    ],
)
def test_what_cannot_be_run_or_read_is_unparsed_with_the_reason(reply: str, why: str) -> None:
    answer = run(reply)
    assert answer.state == "unparsed"  # type: ignore[attr-defined]
    assert why in answer.reason  # type: ignore[attr-defined]


def test_few_shot_shows_programs_and_makes_one_call() -> None:
    llm = ScriptedLLM(["ans = 1"])
    strategy = strategies.get("program_of_thoughts(shots=3)")
    strategy.run(ODD, llm)
    assert llm.calls == call_counts.calls(strategy, o=0) == 1
    assert llm.rounds == call_counts.rounds(strategy, o=0)
    replies = [turn.content for turn in llm.requests[0].messages if turn.role == "assistant"]
    assert len(replies) == 3
    assert all("ans = " in reply for reply in replies)
    assert llm.prompts[0].endswith("assigns it to the variable ans")


def test_zero_shot_reads_the_return_value_of_the_solver() -> None:
    answer = run(
        "```python\ndef solver():\n    odd = sum(range(1, 60, 2))\n    return odd / 9\n```", spec="pot(shots=0)"
    )
    assert answer.value == 100  # type: ignore[attr-defined]


def test_a_truth_value_is_a_yes_or_a_no() -> None:
    problem = Problem("Is 91 a prime number?", kinds.YesNo())
    answer = run("```python\nans = all(91 % k for k in range(2, 91))\n```", problem, "pot(shots=0)")
    assert answer.value is kinds.YesNo().parse("no")  # type: ignore[attr-defined]


def test_a_result_is_found_among_the_options_or_asked_for() -> None:
    problem = Problem("What is 4 x 25?", options=("99", "100", "101"))
    assert run("ans = 4 * 25.0", problem, "pot(shots=0)").value == "B"  # type: ignore[attr-defined]
    llm = ScriptedLLM(["ans = 100.4", "(B)"])
    strategy = strategies.get("pot(shots=0)")
    assert strategy.run(problem, llm).value == "B"
    assert llm.calls == call_counts.calls(strategy, o=1) == 2
    assert llm.rounds == call_counts.rounds(strategy, o=1)
    assert "100.4" in llm.prompts[1]


def test_a_kind_that_it_does_not_serve_is_refused_before_any_call() -> None:
    with pytest.raises(UsageError, match=r"program_of_thoughts gives answers of the kinds Number"):
        strategies.get("pot").run(Problem("List three.", kinds.Code()), ScriptedLLM([]))


@pytest.mark.parametrize(
    ("parameters", "replies", "counts"),
    [
        ("shots=0", ["ans = 100"], {"o": 0}),
        ("shots=0, repairs=2", ["ans = 1 / 0", "no code", "ans = 100"], {"o": 0, "r": 2}),
        ("shots=0, second_stage='always', repairs=1", ["1 / 0", "ans = 10", "The answer is 100."], {"o": 1, "r": 1}),
    ],
)
def test_calls_are_those_of_the_card(parameters: str, replies: list[str], counts: dict[str, int]) -> None:
    strategy, llm = strategies.get(f"pot({parameters})"), ScriptedLLM(replies)
    assert strategy.run(ODD, llm).value == 100
    assert llm.calls == call_counts.calls(strategy, **counts) == len(replies)
    assert llm.rounds == call_counts.rounds(strategy, **counts)
    least, most = strategy.calls_range()
    assert least == 1
    assert llm.calls <= most


@pytest.mark.parametrize(
    ("code", "shown"),
    [("ans = 'very many'", "very many"), ("ans = [900, 9]", "[900, 9]"), ("ans = {'sum': 900, 'by': 9}", "'by': 9")],
)
def test_an_intermediate_result_goes_into_a_chain_of_thought(code: str, shown: str) -> None:
    llm = ScriptedLLM([code, "900 / 9 is 100. The answer is 100."])
    answer = strategies.get("pot(shots=0, second_stage='needed')").run(ODD, llm)
    assert answer.value == 100
    assert ODD.question in llm.prompts[1]
    assert shown in llm.prompts[1]
    assert answer.text == f"{code}\n\n900 / 9 is 100. The answer is 100."


def test_the_second_stage_is_asked_only_where_it_is_needed() -> None:
    llm = ScriptedLLM(["ans = 100"])
    assert strategies.get("pot(shots=0, second_stage='needed')").run(ODD, llm).value == 100
    options = Problem("When is it?", options=("before noon", "after noon"))
    llm = ScriptedLLM(["ans = 14", "14 hours is after noon. The answer is (B)."])
    assert strategies.get("pot(shots=0, second_stage='needed')").run(options, llm).value == "B"
    llm = ScriptedLLM(["ans = 1 / 0"])
    assert strategies.get("pot(shots=0, second_stage='always')").run(ODD, llm).state == "unparsed"
    llm = ScriptedLLM(["ans = 10", "I cannot say."])
    assert strategies.get("pot(shots=0, second_stage='always')").run(ODD, llm).state == "unparsed"


def test_demonstrations_of_a_user() -> None:
    llm = ScriptedLLM(["ans = 100"])
    given = "[{'question': '1 + 1?', 'answer': '2', 'program': 'ans = 1 + 1'}, {'question': 'x?', 'answer': '3'}]"
    strategies.get(f"pot(shots=1, demonstrations={given})").run(ODD, llm)
    assert "1 + 1?" in llm.prompts[0]
    with pytest.raises(UsageError, match="only 1 worked example"):
        strategies.get(f"pot(shots=2, demonstrations={given})").run(ODD, llm)
