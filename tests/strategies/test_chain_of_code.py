"""Chain of code: the interpreter runs what it can, the model stands in for the other lines."""

from __future__ import annotations

import pytest

from reasoning import Budget, Problem, kinds, strategies
from reasoning.answer import Answer
from reasoning.errors import CallFailed
from reasoning.messages import Message
from reasoning.strategies.programs.chain_of_code import SIMULATE, WRITE
from reasoning.strategies.programs.delta_state import parse_delta_state
from reasoning.testing import ScriptedLLM
from tests import call_counts

FRUITS = Problem("How many of these are fruits: pear, oak, plum?", kinds.Number())
COUNT = "items = ['pear', 'oak', 'plum']\nn = 0\nfor x in items:\n    n += is_fruit(x)\nanswer = n"


def delta(**state: object) -> str:
    return f"So it is.\ndelta state: {state!r}"


def run(code: str, *lines: str, problem: Problem = FRUITS, spec: str = "chain_of_code") -> tuple[Answer, ScriptedLLM]:
    llm = ScriptedLLM([f"```python\n{code}\n```", *lines])
    return strategies.get(spec).run(problem, llm), llm


def asked(llm: ScriptedLLM, place: int) -> tuple[str, str]:
    """The state and the line that a call shows."""
    before, _, line = llm.requests[place].messages[-1].content.partition("\n\nThe line:\n")
    return before.partition("The variables before the line:\n")[2], line


def test_state_is_kept_between_the_interpreter_and_the_model() -> None:
    answer, llm = run(COUNT, delta(n=1), delta(n=1), delta(n=2))
    assert answer.value == 2
    assert llm.calls == answer.usage.calls == call_counts.calls(answer.strategy, l=3, o=0) == 4
    assert llm.rounds == call_counts.rounds(answer.strategy, l=3, o=0)
    assert [asked(llm, place) for place in (1, 2, 3)] == [
        (f"items = ['pear', 'oak', 'plum']\nn = {n}\nx = '{x}'", "n += is_fruit(x)")
        for n, x in ((0, "pear"), (1, "oak"), (1, "plum"))
    ]
    assert all(COUNT in prompt and FRUITS.question in prompt for prompt in llm.prompts[1:])
    assert "is_fruit" not in llm.prompts[0].rpartition("user:")[2]


@pytest.mark.parametrize(
    ("parameters", "replies", "l", "r"),
    [
        ("", [COUNT, delta(n=1), delta(n=1), delta(n=2)], 3, 0),
        ("max_lines=0", ["answer = 2"], 0, 0),
        ("max_lines=1, repairs=1", [COUNT, delta(n=1), "answer = f()", delta(answer=2)], 2, 1),
        ("repairs=2", ["answer = (", "answer = )", "answer = 2"], 0, 2),
    ],
)
def test_calls(parameters: str, replies: list[str], l: int, r: int) -> None:  # noqa: E741
    strategy = strategies.get(f"chain_of_code({parameters})" if parameters else "coc")
    llm = ScriptedLLM([reply if "delta" in reply else f"```python\n{reply}\n```" for reply in replies])
    assert strategy.run(FRUITS, llm).value == 2
    assert llm.calls == call_counts.calls(strategy, l=l, r=r, o=0) == len(replies)
    assert llm.rounds == call_counts.rounds(strategy, l=l, r=r, o=0)
    least, most = strategy.calls_range()
    assert least == 1
    assert llm.calls <= most


@pytest.mark.parametrize(
    ("code", "lines", "value"),
    [
        ("answer = 3 * 4", [], 12),
        ("if is_big('ant'):\n    answer = 1\nelse:\n    answer = 2", [delta(condition_1=False)], 2),
        ("n = 0\nwhile is_low(n):\n    n += 1\nelse:\n    n *= 10\nanswer = n",
         [delta(condition_2=True), delta(condition_2=True), delta(condition_2=False)], 20),
        ("for x in animals():\n    if is_tame(x):\n        break\nelse:\n    x = 'none'\nanswer = len(x)",
         [delta(values_1=["wolf", "cow"]), delta(condition_2=False), delta(condition_2=True)], 3),
        ("t = 0\nfor a, b in [(1, 2), (3, 4)]:\n    if odd_word(a):\n        continue\n    t += b\nanswer = t",
         [delta(condition_3=True), delta(condition_3=False)], 4),
        ("for i in 0, 1:\n  for j in 0, 1:\n    v = look(i, j)\n    if j == 0:\n      break\nanswer = v",
         [delta(v=1), delta(v=5)], 5),
        ("s = {1, 2}\ns.add(number_of('legs', 'dog'))\nt = (1, 2)\nanswer = len(s) + len(t)", [delta(s=[1, 2, 4])], 5),
        ("from datetime import date\nd = date(2024, 1, 1)\nk = known()\nanswer = (date(2024, 1, k) - d).days",
         [delta(k=9)], 8),
        ("def f(x):\n    return g(x)\nanswer = f(2) + 1", [delta(answer=7)], 7),
        ("import nonsense\nanswer = nonsense.f(1)", [delta(answer=7)], 7),
        ("print(secret(1))\nanswer = 3", [], 3),
        ("xs = [1]\nxs.append(2); xs.append(odd(3))\nanswer = sum(xs)", [delta(xs=[1, 2, 5])], 8),
        ("answer = 1 / 0", ['delta state: {"answer": 4, "for": 1, "a b": 2}'], 4),
        ("x = f()", [delta(x=3), delta(answer=9)], 9),
    ],
)  # fmt: skip
def test_control_flow_and_types(code: str, lines: list[str], value: float) -> None:
    answer, llm = run(code, *lines)
    assert (answer.state, answer.value) == ("answered", value)
    assert llm.calls == 1 + len(lines)


def test_what_had_happened_by_half_is_undone() -> None:
    answer, llm = run("xs = []\ny = (xs.append(1), f())\nanswer = len(xs)", delta(y=0))
    assert answer.value == 0
    assert asked(llm, 1)[0] == "xs = []"


def test_a_reply_that_cannot_be_read_is_asked_for_again_and_then_left_out() -> None:
    answer, llm = run("x = 1\nx = f(x)\nanswer = x", "It is four.", delta(x=4))
    assert answer.value == 4
    assert llm.calls == call_counts.calls(answer.strategy, l=2, o=0)
    assert llm.rounds == call_counts.rounds(answer.strategy, l=2, o=0)
    assert llm.requests[2].messages[-2].content == "It is four."
    answer, llm = run("x = 1\nx = f(x)\nanswer = x", "It is four.", "Four!")
    assert answer.value == 1


def test_no_answer_even_when_asked_for_is_unparsed() -> None:
    answer, llm = run("x = 3", "none", "none")
    assert answer.state == "unparsed"
    assert "answer" in answer.reason
    assert llm.calls == 3


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("for i in range(100):\n    y = f(i)\nanswer = y", "more than 3 lines"),
        ("answer = (", "no Python program"),
        ("while True:\n    x = 1\n    print(f(x))\nanswer = 1", "goes on for too long"),
        ("break", "break or continue outside a loop"),
        ("x = f()\nanswer = x" + "+1" * 700, "nested too deeply"),
    ],
)
def test_what_cannot_come_to_its_end_is_unparsed(code: str, why: str) -> None:
    answer, _ = run(code, *[delta(y=1)] * 5, spec="chain_of_code(max_lines=3)")
    assert answer.state == "unparsed"
    assert why in answer.reason


def test_a_program_that_never_ends_ends() -> None:
    answer, llm = run("n = 0\nwhile True:\n    n += 1\nanswer = n", *[delta(n=1)] * 3)
    assert answer.state == "unparsed"
    assert "too long" in answer.reason
    assert llm.calls == 1


def test_a_failed_call_and_a_used_up_budget() -> None:
    answer, _ = run(COUNT, delta(n=1), CallFailed("gone"))  # type: ignore[arg-type]
    assert answer.state == "failed"
    llm = ScriptedLLM([f"```python\n{COUNT}\n```", delta(n=1), delta(n=1), delta(n=2)])
    answer = strategies.get("chain_of_code").run(FRUITS, llm, budget=Budget(calls=3))
    assert answer.state == "unparsed"
    assert "budget" in answer.reason
    assert llm.calls == 3


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ("delta state: {'n': 1}", {"n": 1}),
        ('Delta state: {"done": true, "x": null}', {"done": True, "x": None}),
        ("{'a': 0}\ndelta state: {'a': {'b': [1, (2, 3)]}}.", {"a": {"b": [1, [2, 3]]}}),
        ("```python\ndelta state: {}\n```", {}),
        ("delta state: n = 1", None),
        ("delta state: {'n': open('x')}", None),
        ("delta state: {1, 2}", None),
        ("}{", None),
        ("{" * 5000, None),
        ("{" * 2000 + "}" * 2000, None),
        ("", None),
    ],
)
def test_delta_states(reply: str, state: dict[str, object] | None) -> None:
    assert parse_delta_state(reply) == state


def test_the_demonstrations_run_with_a_model_that_knows() -> None:
    raw = iter([1, 1, 2, 2, 3])

    def knows(messages: tuple[Message, ...]) -> str:
        line = messages[-1].content.rpartition("The line:\n")[2]
        if "can_be_eaten_raw" in line:
            return delta(count=next(raw))
        return delta(praise=False) if "is_meant_as_praise" in line else delta(spring=True)

    values = []
    for example in WRITE.examples:

        def reply(messages: tuple[Message, ...], code: str = example.output) -> str:
            return knows(messages) if "The line:" in messages[-1].content else code

        values.append(strategies.get("chain_of_code").run(Problem("?"), ScriptedLLM(reply)).value)
    assert values == ["3", "162", "False"]
    assert [parse_delta_state(example.reply) for example in SIMULATE.examples] == [
        {"count": 1},
        {"can_cut(tool)": False},
        {"city": "Nairobi"},
    ]
