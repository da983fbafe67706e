"""Programs: the forms in which chat models write them, and lists as results."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.testing import ScriptedLLM

PENS = Problem("A box holds 8 pens. Ann buys 3 boxes and loses 4 pens. How many are left?", kinds.Number())
LINES = "boxes = 3\npens = boxes * 8\nans = pens - 4\nanswer = ans"
FUNCTION = "def solution():\n    boxes = 3\n    return boxes * 8 - 4"
SPECS = ["pot(shots=0)", "pal(shots=0)", "faithful_cot", "chain_of_code"]
FORMS = {
    "python": "```python\n{}\n```",
    "py": "```py\n{}\n```",
    "Python 3": "```Python3\n{}\n```",
    "tildes": "~~~\n{}\n~~~",
    "no language": "```\n{}\n```",
    "tool_code": "```tool_code\n{}\n```",
    "bare": "{}",
    "after a heading": "### Solution\n\n**Code:**\n\n```python\n{}\n```",
    "with a remark": "Sure! Here is the code:\n\n```python\n{}\n```\n\nFirst it counts the pens. Hope this helps!",
    "prose inside": "```python\nHere is the code:\n{}\n```",
    "with its output": "```python\n{}\n```\n\nOutput:\n```\n19\n```\nThe answer is 19.",
    "with its output as text": "```python\n{}\n```\n```output\n19\n```\nSo there are \\(\\boxed{{19}}\\) pens.",
    "only the closing fence": "{}\n```\n\nThis gives 19 pens.",
    "indented in a list": "1. Write it:\n\n   ```python\n   {}\n   ```",
    "windows": "```python\r\n{}\r\n```",
    "tools before": "```bash\npip install numpy\n```\n```python\n{}\n```",
}


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_program(spec: str, form: str) -> None:
    lines = LINES.replace("\n", "\n   ") if form == "indented in a list" else LINES
    answer = strategies.get(spec).run(PENS, ScriptedLLM([FORMS[form].format(lines)]))
    assert answer.value == 20


@pytest.mark.parametrize("spec", SPECS[:3])
@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{FUNCTION}\n\nprint(solution())\n```",
        f"```python\n{FUNCTION}\n\nresult = solution()\nprint(result)  # Output: 19\n```",
        f'```python\n{FUNCTION}\n\nif __name__ == "__main__":\n    print(solution())\n```',
        f"```python\n{FUNCTION}\n```\n\nCall it:\n\n```python\nprint(solution())\n```\n```\n19\n```",
        "```python\nboxes = 3\n```\nThen:\n```python\npens = boxes * 8\nans = answer = pens - 4\n```",
        "```python\npens = 3 * 8\nprint(pens - 4)\n```",
    ],
)
def test_where_the_result_is(spec: str, reply: str) -> None:
    assert strategies.get(spec).run(PENS, ScriptedLLM([reply])).value == 20


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't run code. The answer is 20.",
        "The answer is **20**.",
        "```output\n20\n```",
        "```json\n{\"answer\": 20}\n```",
        "```bash\necho 20\n```",
    ],
)  # fmt: skip
def test_what_is_no_program(spec: str, reply: str) -> None:
    answer = strategies.get(spec).run(PENS, ScriptedLLM([reply]))
    assert (answer.state, answer.reason) == ("unparsed", "the reply holds no program")


COLOURS = Problem("Which colours occur twice: red, blue, red, green, blue?", kinds.Items())


@pytest.mark.parametrize(
    ("code", "items"),
    [
        ("return ['red', 'blue']", ("red", "blue")),
        ("return ('red', 'blue')", ("red", "blue")),
        ("return {'red', 'blue', 'amber', 'green'}", ("amber", "blue", "green", "red")),
        ("return frozenset(['red', 'blue'])", ("blue", "red")),
        ("return {3: 'x', 1: 'y'}.keys()", ("3", "1")),
        ("return [3.0, 4.5, True]", ("3", "4.5", "True")),
        ("return ['red; dark', 'blue, light']", ("red; dark", "blue, light")),
        ("return 'red; blue'", ("red", "blue")),
        ('return \'["red", "blue"]\'', ("red", "blue")),
        ("return ['red']", ("red",)),
    ],
)
def test_a_list_answers_items(code: str, items: tuple[str, ...]) -> None:
    llm = ScriptedLLM([f"```python\ndef solution():\n    {code}\n```"])
    assert strategies.get("pal(shots=0)").run(COLOURS, llm).value == items


def test_printed_items() -> None:
    for code in ("for c in ['red', 'blue']:\n    print(c)", "print(['red', 'blue'])", "print('red; blue')"):
        assert strategies.get("pal(shots=0)").run(COLOURS, ScriptedLLM([f"```python\n{code}\n```"])).value == (
            "red",
            "blue",
        )


def test_lists_for_other_kinds() -> None:
    def value(kind: kinds.Kind, code: str, spec: str = "pal(shots=0)") -> object:
        return (
            strategies.get(spec)
            .run(Problem("Which?", kind), ScriptedLLM([f"```python\nanswer = ans = {code}\n```"]))
            .value
        )

    assert value(kinds.Text(), "['red', 'blue']") == "red, blue"  # not cut to "red"
    assert value(kinds.Text(), "['red']") == "red"
    assert value(kinds.Number(), "[7, 8]") == 7
    assert value(kinds.Items(empty="none"), "[]") == ()
    assert value(kinds.Items(), "[]") is None
    assert value(kinds.Items(), "['a', 'b']", "pot(shots=0, second_stage='needed')") == ("a", "b")


def test_a_users_demonstrations_return_items() -> None:
    mine = "[{'question': 'Which are even: 1, 2, 4?', 'answer': '2; 4', 'program': 'ans = [2, 4]'}]"
    llm = ScriptedLLM(["def solution():\n    return ['red', 'blue']"])
    assert strategies.get(f"pal(shots=1, demonstrations={mine})").run(COLOURS, llm).value == ("red", "blue")
    assert "return [2, 4]" in llm.prompts[0]


def test_votes_over_sets_do_not_depend_on_their_order() -> None:
    replies = [
        f"def solution():\n    return {{{', '.join(order)}}}"
        for order in (["'a'", "'b'", "'c'"], ["'c'", "'b'", "'a'"])
    ]
    answer = strategies.get("self_consistency(pal(shots=0), samples=2)").run(COLOURS, ScriptedLLM(replies))
    assert (answer.value, answer.confidence) == (("a", "b", "c"), 1)
