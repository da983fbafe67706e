"""Chain of code: the forms in which chat models say what a line does and whether a header holds."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.answer import Answer
from reasoning.strategies.programs.chain_of_code import SIMULATE
from reasoning.strategies.programs.delta_state import parse_condition, parse_delta_state, parse_iterable
from reasoning.testing import ScriptedLLM
from tests import call_counts

FRUITS = Problem("How many of these are fruits: a pear, an oak, a plum?", kinds.Number())
COUNT = """items = ["a pear", "an oak", "a plum"]
n = 0
for x in items:
    if is_fruit(x):
        n += 1
answer = n"""
KIND = """x = "a pear"
if is_tree(x):
    answer = 1
elif is_fruit(x):
    answer = 2
else:
    answer = 3"""


def run(code: str, *replies: str, spec: str = "chain_of_code") -> tuple[Answer, ScriptedLLM]:
    llm = ScriptedLLM([f"```python\n{code}\n```", *replies])
    return strategies.get(spec).run(FRUITS, llm), llm


YES = [
    "delta state: {'is_fruit(x)': True}",
    'delta state: {"is_fruit(x)": true}',
    "A pear is a fruit.\ndelta state: {'is_fruit': True}",
    "delta state: {'condition': True}",
    "delta state: {'result': 'yes'}",
    "delta state: {'x is a fruit': 1}",
    "**delta state:** `{'is_fruit(x)': True}`",
    "```python\ndelta state: {'is_fruit(x)': True}\n```",
    "```json\n{\"is_fruit(x)\": true}\n```",
    "Sure! A pear is a fruit.\n\nDelta State: {'is_fruit(x)': True}\n\nLet me know if {you} need more.",
    "delta state: {'n': 4, 'is_fruit( x )': True}",
    "delta state: {'is_fruit(x)': [True]}",
    "delta state: True",
    "True",
    "**Yes.**",
]  # fmt: skip
UNREADABLE = [
    "",
    "I'm sorry, but I can't say whether a pear is a fruit.",
    "delta state: {}",
    "delta state: {'n': 1, 'm': True}",
    "delta state: {'is_fruit(x)': None}",
    "delta state: {'is_fruit(x)': 'perhaps'}",
    "delta state: {'is_fruit(x)': ['a pear', 'a plum']}",
    "It is true that a pear grows on a tree.",
    "True or False",
    "delta state: is_fruit(x)",
]


@pytest.mark.parametrize("reply", YES)
def test_a_header_that_holds(reply: str) -> None:
    assert parse_condition(reply, "is_fruit(x)") is True
    answer, llm = run("x = 'a pear'\nif is_fruit(x):\n    answer = 1\nelse:\n    answer = 0", reply)
    assert (answer.value, llm.calls) == (1, 2)


@pytest.mark.parametrize("reply", YES)
def test_a_header_that_does_not_hold(reply: str) -> None:
    no = {"True": "False", "true": "false", "'yes'": "'no'", "Yes": "No", "fruit': 1}": "fruit': 0}"}
    for yes, other in no.items():
        reply = reply.replace(yes, other)
    assert parse_condition(reply, "is_fruit(x)") is False


@pytest.mark.parametrize("reply", UNREADABLE)
def test_a_header_is_asked_for_once_more_and_never_silently_false(reply: str) -> None:
    assert parse_condition(reply, "is_fruit(x)") is None
    code = "x = 'a pear'\nif is_fruit(x):\n    answer = 1\nelse:\n    answer = 0"
    answer, llm = run(code, reply, YES[0])
    assert (answer.value, llm.calls) == (1, 3)
    assert "what is_fruit(x) is" in llm.requests[2].messages[-1].content
    assert "True or False" in llm.requests[2].messages[-1].content
    answer, llm = run(code, reply, reply)
    assert (answer.state, llm.calls) == ("unparsed", 3)
    assert "the model does not say what is_fruit(x) is, in: if is_fruit(x):" in answer.reason


def test_every_header_is_shown_as_it_is_written() -> None:
    answer, llm = run(COUNT, YES[0], YES[0].replace("True", "False"), YES[0])
    assert answer.value == 2
    lines = [request.messages[-1].content.rpartition("The line:\n")[2] for request in llm.requests[1:]]
    assert lines == ["if is_fruit(x):"] * 3
    assert "x = 'an oak'" in llm.requests[2].messages[-1].content
    assert not any("condition_" in prompt for prompt in llm.prompts)
    answer, llm = run(KIND, "delta state: {'is_tree(x)': False}", "delta state: {'is_fruit(x)': True}")
    assert answer.value == 2
    assert llm.requests[2].messages[-1].content.endswith("elif is_fruit(x):")
    answer, llm = run(
        "n = 0\nwhile is_small(n):\n    n += 1\nanswer = n", YES[0], "delta state: {'is_small(n)': False}"
    )
    assert answer.value == 1
    assert llm.requests[1].messages[-1].content.endswith("while is_small(n):")


@pytest.mark.parametrize(
    ("reply", "values"),
    [
        ("delta state: {'animals()': ['wolf', 'cow']}", ["wolf", "cow"]),
        ("delta state: {'animals': ('wolf', 'cow')}", ["wolf", "cow"]),
        ("Two come to mind.\n**delta state:** {\"x\": [\"wolf\", \"cow\"]}", ["wolf", "cow"]),
        ("delta state: {'animals()': []}", []),
        ("delta state: {'animals()': 'wolf'}", None),
        ("delta state: {'n': 1, 'm': [2]}", None),
        ("wolf and cow", None),
    ],
)  # fmt: skip
def test_what_a_loop_goes_through(reply: str, values: list[str] | None) -> None:
    assert parse_iterable(reply, "animals()") == values
    answer, llm = run("n = 0\nfor x in animals():\n    n += len(x)\nanswer = n", reply, reply)
    assert llm.requests[1].messages[-1].content.endswith("for x in animals():")
    if values is None:
        assert (answer.state, llm.calls) == ("unparsed", 3)
        assert "a list as the value" in llm.requests[2].messages[-1].content
    else:
        assert (answer.value, llm.calls) == (sum(map(len, values)), 2)


@pytest.mark.parametrize(
    ("line", "reply", "value"),
    [
        ("n += is_fruit(x)", "delta state: {'is_fruit(x)': True}", 2),
        ("n = n + legs_of(x)", 'delta state: {"legs_of(x)": 4}', 5),
        ("n = legs_of(x)", "delta state: {'legs_of( x )': 4}", 4),
        ("n = len([y for y in ['a', 'b'] if is_fruit(y)])", "delta state: {'n': 1}", 1),
        ("n += is_fruit(x)", "The set {1} is no dict.\ndelta state: {'n': 2} (one more)", 2),
        ("n += is_fruit(x)", "delta state: {'n': 2}\nSo {n} is 2 now.", 2),
    ],
)
def test_lines(line: str, reply: str, value: int) -> None:
    answer, llm = run(f"x = 'a pear'\nn = 1\n{line}\nanswer = n", reply)
    assert (answer.value, llm.calls) == (value, 2)


def test_a_line_that_is_left_out_is_noted() -> None:
    answer, llm = run("n = 1\nn += is_fruit('a pear')\nanswer = n", "It is.", "Yes.")
    assert (answer.value, llm.calls) == (1, 3)
    assert "neither reply says what n += is_fruit('a pear') does" in str(answer.trace.to_json())
    assert llm.calls == call_counts.calls(answer.strategy, l=2, o=0)


def test_a_demonstration_shows_a_header() -> None:
    [header] = [example for example in SIMULATE.examples if example.input.endswith(":")]
    expression = header.input.rpartition("\n")[2].removeprefix("if ").removesuffix(":")
    assert parse_condition(header.reply, expression) is False


@pytest.mark.parametrize(
    "mark", ["{", "}", "{}", "delta state: ", "delta state: {'a': 1", "{'a': 1}", "_", "true ", "\n"]
)
def test_long_replies_end(mark: str) -> None:
    text = mark * (100_000 // len(mark))
    parse_delta_state(text)
    parse_condition(text, "is_fruit(x)")
    parse_iterable(text, "is_fruit(x)")
