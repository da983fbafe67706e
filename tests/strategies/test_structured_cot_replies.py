"""Structured and faithful chains of thought: the forms in which chat models write plans, code and sub-questions."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.testing import ScriptedLLM

DOUBLE = Problem(
    "Write a function double(n) that returns twice a number.",
    kinds.Code(),
    inputs={"tests": "assert double(2) == 4\nassert double(-1) == -2"},
)
STEPS = "Input: n: int\nOutput: twice: int\n1: twice = n + n\n2: return twice"
CODE = "def double(n):\n    return n + n"


@pytest.mark.parametrize(
    "plan",
    [
        STEPS,
        f"```\n{STEPS}\n```",
        f"~~~text\n{STEPS}\n~~~",
        f"Sure! Here is the solving process:\n\n```plaintext\n{STEPS}\n```\n\nLet me know if you want the code.",
    ],
)
def test_plans_keep_their_steps_and_lose_their_fences(plan: str) -> None:
    llm = ScriptedLLM([plan, f"```python\n{CODE}\n```"])
    assert strategies.get("scot").run(DOUBLE, llm).confidence == 1
    shown = llm.requests[1].messages[-1].content
    assert STEPS in shown
    assert "```\nInput" not in shown
    assert "~~~" not in shown


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{CODE}\n```",
        f"```py\n{CODE}\n```",
        f"~~~python\n{CODE}\n~~~",
        f"```\n{CODE}\n```",
        CODE,
        f"The process is right.\n\n### Code\n\n```python\n{CODE}\n```\n\nThis function adds the number to itself.",
        f"```python\n{CODE}\n```\n\nExample usage:\n\n```python\nprint(double(2))  # 4\n```",
        f"```python\n{CODE}\n```\n\n```python\nassert double(2) == 4\n```\n\nOutput:\n```\n4\n```",
        f"```python\n{CODE}\n\nif __name__ == '__main__':\n    print(double(2))\n```\n```output\n4\n```",
        f"A first try:\n```python\ndef double(n):\n    return n * n\n```\nCorrected:\n```python\n{CODE}\n```",
    ],
)
def test_code(reply: str) -> None:
    answer = strategies.get("scot").run(DOUBLE, ScriptedLLM([STEPS, reply]))
    assert (answer.state, answer.confidence) == ("answered", 1)
    assert answer.value.startswith(CODE)


@pytest.mark.parametrize("reply", ["I'm sorry, I can't write that.", "It returns n + n.", "```output\n4\n```", ""])
def test_what_is_no_code(reply: str) -> None:
    assert strategies.get("scot").run(DOUBLE, ScriptedLLM([STEPS, reply])).state == "unparsed"


def test_a_later_program_is_no_example_of_use() -> None:
    code = kinds.Code()
    assert code.parse("```python\ndef f(x):\n    return x\n```\nor\n```python\ny = 3\n```") == "y = 3\n"
    assert code.parse("```python\nprint(f(1))\n```") == "print(f(1))\n"
    both = "```python\ndef f(x):\n    return x\n```\n```python\ndef g(x):\n    return f(x)\n```"
    assert code.parse(both) == "def g(x):\n    return f(x)\n"


BUNS = Problem("5 trays hold 12 buns each, and 38 buns are sold. How many are left?", kinds.Number())


@pytest.mark.parametrize(
    "mark",
    [
        *("# {}. ", "# {}) ", "#{}. ", "# {}: ", "## {}. ", "# **{}.** ", "# ({}) "),
        *("# Sub-question {}: ", "# Question {}. ", "# Q{}: ", "# Step {}: ", "# STEP {}: "),
    ],
)
def test_sub_questions(mark: str) -> None:
    first, second = mark.format(1), mark.format(2)
    code = f"{first}How many buns are there?\nbuns = 5 * 12\n{second}How many are left?\nanswer = buns - 38"
    answer = strategies.get("faithful_cot").run(BUNS, ScriptedLLM([f"Sure!\n```python\n{code}\n```"]))
    assert answer.value == 22
    assert answer.steps == {"How many buns are there?": 60, "How many are left?": 22}


@pytest.mark.parametrize("comment", ["# 12 buns each", "# 5 trays", "# see above", "# 38 of 60"])
def test_what_is_no_sub_question(comment: str) -> None:
    reply = f"```python\n{comment}\nbuns = 60\nanswer = buns - 38\n```"
    answer = strategies.get("faithful_cot").run(BUNS, ScriptedLLM([reply]))
    assert (answer.value, answer.steps) == (22, {})
