"""Programs within reasoning, and the output that a text states without a run."""

from __future__ import annotations

import pytest

from reasoning.sandbox.program_in_text import claims_output, find_program

CODE = "```python\npens = 3 * 8\nprint(pens - 4)\n```"


@pytest.mark.parametrize(
    "text",
    [
        f"Let's use Python.\n{CODE}\n```output\n19\n```\nThe answer is \\(\\boxed{{19}}\\).",
        f"{CODE}\n\nOutput:\n```\n19\n```",
        f"{CODE}\n```text\n19\n```",
        f"{CODE}\n\n**Output:** 19",
        f"{CODE}\nOutput: 19",
        f"{CODE}\nThe output of this code is 19.",
        f"{CODE}\nThe output will be `19`.",
        f"{CODE}\nThis program prints 19.",
        f"{CODE}\nSo: running this code gives 19 pens.",
        f"{CODE}\nWhen we run it, we get 19.",
        f"{CODE}\nExpected output:\n19",
        "```py\nprint(3 * 8 - 4)  # Output: 19\n```",
        "```tool_code\nprint(20)\n```\n```tool_output\n19\n```",
        "~~~python\nprint(20)\n~~~\n~~~output\n19\n~~~",
    ],
)
def test_an_output_that_was_made_up(text: str) -> None:
    assert claims_output(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The answer is 20.",
        "Output: 20",
        "```output\n20\n```",
        CODE,
        f"{CODE}\nThe answer is 20.",
        f"{CODE}\nRun it to see the result.",
        f"{CODE}\nThis program prints the number of pens.",
        f"{CODE}\nThe output will be the number of pens.",
        f"{CODE}\n```python\nprint(1)\n```",
        f"{CODE}\n```bash\npython pens.py\n```",
        f"{CODE}\n```\nans = 3\n```",
        "```json\n{\"output\": 3}\n```\nOutput: 3",
        "```python\nthe pens are lost\n```\nOutput: 3",
        "```python\n# Output the total\nprint(20)\n```",
    ],
)  # fmt: skip
def test_what_claims_nothing(text: str) -> None:
    assert not claims_output(text)


def test_the_first_complete_program() -> None:
    program = find_program(f"First:\n{CODE}\nThen\n```python\nx = 2\n```")
    assert program is not None
    assert program.source == "pens = 3 * 8\nprint(pens - 4)\n"
    assert f"First:\n{CODE}\nThen"[: program.end] == f"First:\n{CODE}"
    for text in ("", "x = 1", "```python\nx = 3\n", "```json\n{}\n```", "```\nx = 1\n```", "```python\n```"):
        assert find_program(text) is None


@pytest.mark.parametrize(
    "mark", ["```python\nx = 1\n```\n", "output of ", "running this code ", "# output ", "```\n", "`"]
)
def test_long_texts_end(mark: str) -> None:
    claims_output("```python\nx = 1\n```\n" + mark * (100_000 // len(mark)))
    find_program(mark * (100_000 // len(mark)))
