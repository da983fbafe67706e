"""Faithful chain of thought: sub-questions in words, each answered in code."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.strategies.programs.faithful_cot import EXAMPLES, FaithfulCoT
from reasoning.testing import ScriptedLLM
from tests import call_counts

TICKETS = Problem("A ticket costs $8. A class of 25 has 3 absent. What do the tickets cost?", kinds.Number())
CHAIN = """```python
# 1. How many come? (from the text: "a class of 25 has 3 absent")
present = 25 - 3
# 2. What do the tickets cost? (from 1)
answer = present * 8
```"""


def test_the_chain_is_run_and_its_steps_are_kept() -> None:
    llm = ScriptedLLM([CHAIN])
    answer = FaithfulCoT().run(TICKETS, llm)
    assert answer.value == 176
    assert list(answer.steps.values()) == [22, 176]
    assert next(iter(answer.steps)).startswith("How many come? (from the text")
    assert llm.prompts[0].count("# Sub-questions, and behind each") == len(EXAMPLES) + 1


@pytest.mark.parametrize(("example", "value"), list(zip(EXAMPLES, ("11", "31", "True", "milk"), strict=True)))
def test_the_demonstrations_run_to_their_answers(example, value) -> None:
    answer = FaithfulCoT().run(Problem("?"), ScriptedLLM([example.output]))
    assert str(answer.value) == value
    assert len(answer.steps) == example.output.count("\n# ") >= 3
    assert all(f"\n# {number}. " in example.output for number in range(1, len(answer.steps) + 1))


@pytest.mark.parametrize(("repairs", "failing", "options"), [(0, 0, ()), (1, 1, ("175.5", "180")), (3, 2, ())])
def test_calls(repairs: int, failing: int, options: tuple[str, ...]) -> None:
    problem = Problem(TICKETS.question, options=options) if options else TICKETS
    llm = ScriptedLLM([*["answer = 1 / 0"] * failing, CHAIN, *["(A)"] * bool(options)])
    strategy = FaithfulCoT(repairs=repairs)
    assert strategy.run(problem, llm).value == ("A" if options else 176)
    assert llm.calls == call_counts.calls(strategy, r=failing, o=len(options) // 2)
    assert llm.rounds == call_counts.rounds(strategy, r=failing, o=len(options) // 2)
    assert strategy.calls_range() == (1, 2 + repairs)


@pytest.mark.parametrize(
    ("reply", "steps"),
    [
        ("answer = 3", {}),
        ("# 1. What?\nanswer = 3", {"What?": 3}),
        ("# 1. What?\n# 2. And what?\nanswer = 3", {"And what?": 3}),
        ("# 1) Who?\na, b = 1, 2\n# 2) What?\nanswer = a + b", {"What?": 3}),
        ("def f():\n    # 1. Inside?\n    x = 3\n    return x\nanswer = f()", {}),
        ("# 1. A function?\nf = lambda: 3\n# 2. What?\nanswer = f()", {}),
        ("answer = 1 / 0\n# 1. What?\nanswer = 3", {}),
    ],
)
def test_steps_of_chains_in_other_forms(reply: str, steps: dict[str, object]) -> None:
    assert FaithfulCoT().run(TICKETS, ScriptedLLM([f"```python\n{reply}\n```"])).steps == steps


def test_the_model_never_sees_a_result() -> None:
    llm = ScriptedLLM(["answer = 1 / 0", CHAIN])
    strategies.get("faithful_cot(repairs=1)").run(TICKETS, llm)
    assert "176" not in "".join(llm.prompts)
