"""The program in a model's reply."""

import warnings

import pytest

from reasoning.sandbox.code_extraction import bind_last_expression, extract_code, last_assigned

CODE = "apples = 3\nans = apples * 2\n"


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{CODE}```",
        f"Here is the program:\n\n```python\n{CODE}```\n\nIt prints:\n```\n6\n```",
        f"```py\n{CODE}```",
        f"```Python3\n{CODE}```\n```python\nans = 5\n```",
        f"```\n{CODE}```",
        f"The output would be\n```\n6\n```\nfrom\n```\n{CODE}```",
        f"```bash\npip install x\n```\n```python\n{CODE}```",
        f"~~~python\n{CODE}~~~",
        f"````python\n{CODE}````",
        f"Sure!\n```python\n{CODE}",  # cut off before the fence is closed
        f"{CODE}```",  # the prompt had opened the fence
        f"{CODE}```\n",
        f"{CODE}```\n\nThis program doubles the number of apples.",
        f"```tool_code\n{CODE}```",
        f"```python\nHere is the program:\n{CODE}```",
        "First:\n```python\napples = 3\n```\nThen:\n```python\nans = apples * 2\n```\n```output\n6\n```",
        f"```python\n{CODE}```\nOr, in another way:\n```python\ntotal = 3\nans = total + 3\n```",
        CODE,
        f"\n{CODE}",
        f"Let us write it in Python.\n\n{CODE}\nSo the answer is 6.",
        "1. Code:\n   ```python\n   apples = 3\n   ans = apples * 2\n   ```",
        "```python\r\napples = 3\r\nans = apples * 2\r\n```",
    ],
)
def test_the_program_is_found(reply):
    assert extract_code(reply).strip() == CODE.strip()


def test_a_block_that_does_not_continue_the_first_is_left_out():
    later = ["```python\nprint(f(2))\n```", "```python\nif apples:\n```", "```text\napples\n```"]
    for block in later:
        assert extract_code(f"```python\n{CODE}```\n{block}") == CODE
    doubled = "```python\napples = apples * 2\n```"
    assert extract_code(f"```python\n{CODE}```\n{doubled}") == f"{CODE}apples = apples * 2\n"


def test_a_fence_that_opens_a_block_without_a_program_closes_nothing():
    assert extract_code("I would count the apples.\n```\n6 apples\n") is None


def test_unfenced_blocks_and_brackets_are_kept_whole():
    code = "def solver():\n    x = 2\n\n    return x\nans = max(\n    solver(),\n    3,\n)\n"
    assert extract_code(f"I would do this:\n{code}\nDone. Good luck!") == code


def test_unfenced_code_that_is_cut_off_is_not_repaired():
    assert extract_code("Code:\napples = 3\nans = (apples *") == "apples = 3\nans = (apples *\n"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   \n",
        "42",
        "yes",
        "There are 3 apples and each costs $2, so the answer is 6.",
        "For each apple, pay 2. If it rains, stay in.",
        "# Solution\n\nThe answer is 6.",
        '```json\n{"ans": 6}\n```',
        "```\n6\n```",
        "- one\n- two",
    ],
)
def test_prose_holds_no_program(reply):
    assert extract_code(reply) is None


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("a = 1\nb = 2", "b"),
        ("a = b = 2", "b"),
        ("a = 1\nfor i in range(3):\n    a += i", "a"),
        ("a = 1\nif a:\n    b = 2\nelse:\n    c = 3", "c"),
        ("a: int = 1", "a"),
        ("a = 1\nb: int", "a"),
        ("a = 1\ndef f():\n    b = 2\n    return b\nprint(f())", "a"),
        ("a = 1\nx, y = 1, 2", None),
        ("a = 1\nd['k'] = 2", "a"),
        ("print(1)", None),
        ("a = = 1", None),
        ("-" * 50_000 + "1", None),
        ("a = '\\$'", "a"),
    ],
)
def test_the_variable_assigned_last(code, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert last_assigned(code) == name


@pytest.mark.parametrize(
    ("code", "bound"),
    [
        ("a = 1\na + 1  # two", "a = 1\nv = (a + 1)  # two"),
        ("a=1; (a +\n1);", "a=1; v = ((a +\n1));"),
        ("é=1; é", "é=1; v = (é)"),
        ("'''a\nb'''", "v = ('''a\nb''')"),
        ("a = 1", None),
        ("for x in y:\n    x", None),
        ("", None),
        ("a b", None),
    ],
)
def test_the_last_expression_is_bound(code, bound):
    assert bind_last_expression(code, "v") == bound
