"""Program-aided language models: the value of solution() is the answer."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.errors import UsageError
from reasoning.kinds import Choice
from reasoning.problem import Problem as P
from reasoning.sandbox.code_extraction import extract_code
from reasoning.sandbox.interpreter import Interpreter
from reasoning.strategies.demonstrations import WorkedExample, shipped_examples
from reasoning.strategies.programs.pal import as_function
from reasoning.testing import ScriptedLLM
from tests import call_counts

JAR = Problem("A jar holds 36 sweets. A third are red, and 5 red ones are eaten. How many are left?", kinds.Number())
KINDS = {"number": kinds.Number(), "yesno": kinds.YesNo(), "text": kinds.Text(), "items": kinds.Items()}


@pytest.mark.parametrize(
    "reply",
    [
        "```python\ndef solution():\n    red = 36 / 3\n    return red - 5\n```",
        "Sure!\n```python\ndef solution():\n    red = 36 / 3\n    return red - 5\n\nprint(solution())\n```",
        "def solution():\n    return 36 / 3 - 5",
        "```python\ndef answer():\n    return 36 / 3 - 5\n```",
        "```python\nanswer = 36 / 3 - 5\n```",
        "```python\nred = 36 / 3\nprint(red - 5)\n```",
        "```python\nclass Jar(dict):\n    pass\ndef solution():\n    return Jar(red=36 / 3 - 5)['red']\n```",
    ],
)
def test_the_value_is_found_where_models_leave_it(reply: str) -> None:
    answer = strategies.get("pal(shots=0)").run(JAR, ScriptedLLM([reply]))
    assert answer.value == 7
    assert answer.text == reply


@pytest.mark.parametrize(("shots", "repairs", "replies"), [(0, 0, 1), (4, 1, 2), (8, 2, 3)])
def test_calls_and_demonstrations(shots: int, repairs: int, replies: int) -> None:
    llm = ScriptedLLM([*["def solution():\n    return 1 / 0"] * (replies - 1), "def solution():\n    return 7"])
    strategy = strategies.get(f"pal(shots={shots}, repairs={repairs})")
    assert strategy.run(JAR, llm).value == 7
    assert llm.calls == call_counts.calls(strategy, o=0, r=replies - 1) == replies
    assert llm.rounds == call_counts.rounds(strategy, o=0, r=replies - 1)
    assert strategy.calls_range() == (1, 2 + repairs)
    shown = [turn.content for turn in llm.requests[0].messages if turn.role == "assistant"]
    assert len(shown) == shots
    assert all("def solution():" in one and "return " in one for one in shown)
    assert llm.prompts[0].endswith("# solution in Python:")


@pytest.mark.parametrize(
    ("name", "worked"),
    [(name, one) for name in ("number", "choice", "yesno", "text", "items") for one in shipped_examples(name)],
)
def test_every_demonstration_runs_to_its_answer(name: str, worked: WorkedExample) -> None:
    shown = as_function(worked)
    assert shown is not None
    code = extract_code(shown.output)
    assert code is not None
    kind = KINDS.get(name) or Choice(worked.options)
    answer = strategies.get("pal(shots=0)").run(P(worked.question, kind), ScriptedLLM([shown.output]))
    assert kind.score(answer.value, worked.items or worked.answer)


def test_demonstrations_of_a_user_in_any_form() -> None:
    mine = WorkedExample('Say "hi"\\n', "2", program="x = 1\nans = x + 1\nans = ans * 1.0\nif x:\n    ans += 0")
    shown = as_function(mine)
    assert shown is not None
    with Interpreter() as interpreter:
        assert interpreter.run(extract_code(shown.output) or "", result="solution()").value == 2
    assert as_function(WorkedExample("x?", "1")) is None
    with pytest.raises(UsageError, match="no worked example is given"):
        strategies.get("pal(shots=1, demonstrations=[{'question': 'x?', 'answer': '1'}])").run(JAR, ScriptedLLM([]))


def test_an_option_is_computed_or_asked_for() -> None:
    problem = Problem("What is 4 x 25?", options=("99", "100", "101"))
    strategy = strategies.get("pal(shots=0)")
    assert strategy.run(problem, ScriptedLLM(["def solution():\n    return 4 * 25"])).value == "B"
    llm = ScriptedLLM(["def solution():\n    return 100.4", "(B)"])
    assert strategy.run(problem, llm).value == "B"
    assert llm.calls == call_counts.calls(strategy, o=1) == 2
    assert llm.rounds == call_counts.rounds(strategy, o=1)
    assert strategy.run(problem, ScriptedLLM(["def solution():\n    return 100.4", "Who knows."])).state == "unparsed"


def test_a_truth_value_is_a_yes_or_a_no() -> None:
    problem = Problem("Is 91 a prime number?", kinds.YesNo())
    reply = "def solution():\n    return all(91 % k for k in range(2, 91))"
    assert strategies.get("program_aided").run(problem, ScriptedLLM([reply])).value is False
