"""MathPrompter: the forms in which chat models write the formula and the function."""

from __future__ import annotations

import pytest

from reasoning import Problem, kinds, strategies
from reasoning.messages import Message
from reasoning.sandbox.interpreter import Interpreter
from reasoning.strategies.programs.formula import read_formula
from reasoning.strategies.programs.number_template import NumberTemplate, parse_formula, parse_function
from reasoning.testing import ScriptedLLM

TEMPLATE = NumberTemplate.from_question("8 tickets, 25 children, 3 absent")
SETS = [[8, 25, 3], [2, 9, 4]]
VALUES = [176, 10]
"""v1 * (v2 - v3) for these sets."""


@pytest.fixture(scope="module")
def interpreter():
    with Interpreter() as interpreter:
        yield interpreter


def evaluate(code: str | None, interpreter: Interpreter) -> object:
    assert code is not None
    return interpreter.run(code, inputs={"sets": SETS}, result="results").value


@pytest.mark.parametrize(
    "reply",
    [
        "Answer = v1 * (v2 - v3)",
        "Answer = v1 * (v2 - v3)  # dollars for the class, minus those who are absent",
        "Answer = v1 * (v2 - v3) dollars",
        "Answer = v1 * (v2 - v3) dollars per day.",
        "Answer = v1 * (v2 - v3) (in dollars)",
        "Answer = $v1 * (v2 - v3)",
        "Answer = v1 × (v2 − v3)",
        "Answer = v1·(v2–v3)",
        "Answer = v1 x (v2 - v3)",
        "Answer = v1(v2 - v3)",
        "Answer = V1 * (V2 - V3)",
        "Answer = v₁ × (v₂ − v₃)",
        "Answer ＝ v1 ＊ （v2 － v3）",
        "Answer = v1 * v2 - v1v3",
        "Answer = v1 v2 - v1 v3",
        "Answer = {v1} * ({v2} - {v3})",
        "**Answer = v1 * (v2 - v3)**",
        "**Answer** = **v1 × (v2 − v3)** dollars",
        "Answer = `v1 * (v2 - v3)`",
        'Answer = "v1 * (v2 - v3)"',
        "**Answer:** v1 * (v2 - v3)",
        "### Final Answer\n\nAnswer = v1 * (v2 - v3)",
        "The answer is v1 * (v2 - v3) dollars.",
        "Sure! Step by step:\n1. Present: v2 - v3\n2. Cost: v1 each\n\nAnswer = v1 * (v2 - v3)\n\nI hope this helps!",
        "A = v1 * (v2 - v3)",
        "Ans = v1 * (v2 - v3)",
        "Answer = total = v1 * (v2 - v3) = 8 * 22 = 176",
        "Answer = v1 * (v2 - v3)\nFor the numbers above: Answer = 176",
        "Answer = v1 * v2\nWait, three are absent.\nAnswer = v1 * (v2 - v3)",
        "Answer = v1 * (v2 - v3), where v1 is the price and v3 the number of absent children",
        "```python\nAnswer = v1 * (v2 - v3)\n```",
        "```\nAnswer = v1 * (v2 - v3)  # total\n```",
        "Answer =\n```python\nv1 * (v2 - v3)\n```",
        "Answer =\n\\[\nv_1 \\times (v_2 - v_3)\n\\]",
        "```\nv1 * (v2 - v3)\n```",
        "v1 * (v2 - v3)",
        r"\[ \text{Answer} = v_1 \times (v_2 - v_3) \]",
        r"\( \text{Answer} = v_{1} \cdot \left( v_{2} - v_{3} \right) \)",
        r"$$\text{Answer} = v1 \, \left(v2 - v3\right) \text{ dollars}$$",
        r"Answer = \boxed{v1 \times (v2 - v3)}",
        r"The total is \(\boxed{v1 \cdot (v2 - v3)}\).",
        r"Answer = \$v1 \times (v2 - v3)",
        "\\begin{align*}\n\\text{Answer} &= v1 \\times (v2 - v3) \\\\\n\\end{align*}",
        r"Answer = \frac{2 v1 (v2 - v3)}{2}",
        r"Answer = v1 \div \frac{1}{v2 - v3}",
        "Answer = v1 ÷ (1 / (v2 - v3))",
    ],
)
def test_formulas_that_are_read(reply: str, interpreter: Interpreter) -> None:
    assert evaluate(parse_formula(reply, TEMPLATE), interpreter) == pytest.approx(VALUES)


@pytest.mark.parametrize(
    ("reply", "formula"),
    [
        ("Answer = v1^2 + v2", "v1**2 + v2"),
        ("Answer = v1² + v2", "v1**2 + v2"),
        (r"Answer = v1^{2} + v2", "v1**(2) + v2"),
        ("Answer = .5 * v1", ".5 * v1"),
        ("Answer = 1,000 * v1", "1000 * v1"),
        ("Answer = max(v1,100)", "max(v1,100)"),
        ("Answer = v1 * (1 - v2%)", "v1 * (1 - v2/100)"),
        ("Answer = v1 % v2", "v1 % v2"),
        ("Answer = math.ceil(v1 / v2)", "math.ceil(v1 / v2)"),
        (r"Answer = \lceil v1 / v2 \rceil", "ceil( v1 / v2 )"),
        (r"Answer = \sqrt{v1}", "sqrt(v1)"),
        (r"Answer = v1 \geq v2", "v1 >= v2"),
        ("Answer = v1 ≤ v2", "v1 <= v2"),
        ("Answer = v1 if v1 > v2 else v2", "v1 if v1 > v2 else v2"),
        ("Answer = not v1 > v2", "not v1 > v2"),
        ("Answer = 12", "12"),
    ],
)
def test_other_expressions(reply: str, formula: str) -> None:
    assert read_formula(reply, TEMPLATE.values) == formula


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Answer =",
        "I'm sorry, but I can't determine the answer from the information given.",
        "The answer is the product of v1 and v2.",
        "v1 is the price and v2 the number of children.",
        "Answer = v1 minus v2",
        "Answer = v1 * v2 minus v3",
        "Answer = v1 * v2, rounded up to the next whole number",
        "Answer = v1 / v2 rounded up",
        "Answer = v1 / v2 (rounded up)",
        "Answer = v1 dozen",
        "Answer = v1 over v2",
        "Answer = v1 squared",
        "Answer = v1 % of v2",
        "Answer = v1 * v2 + tax",
        "Answer = v1 *",
        "Answer = v1 2",
        "Answer = v1 to v2",
        "Answer = (v1, v2)",
        "Answer = {v1, v2}",
        "Answer = v9 * v1",
        "Answer = cost(v1)",
        "Answer = v1.real",
        "Answer = 'v1' * 9",
        "Answer = __import__('os').system('true')",
        "Answer = [v for v in (v1, v2)]",
        "Answer = lambda: v1",
    ],
)
def test_what_is_no_formula(reply: str) -> None:
    assert read_formula(reply, TEMPLATE.values) is None


@pytest.mark.parametrize(
    "mark", ["Answer =", "answer ", "\\frac{", "{", "**", "(", "v1 ", "$", "\\text{a}", "v1*(", "\n", "1,", "%"]
)
def test_long_replies_end(mark: str) -> None:
    read_formula(mark * (100_000 // len(mark)), TEMPLATE.values)
    read_formula("Answer = " + mark * (100_000 // len(mark)), TEMPLATE.values)
    read_formula("Answer = " + mark * (490 // len(mark)), TEMPLATE.values)


FUNCTION = "def solution(v1, v2, v3):\n    return v1 * (v2 - v3)"


@pytest.mark.parametrize(
    "reply",
    [
        FUNCTION,
        f"```python\n{FUNCTION}\n```",
        f"```py\n{FUNCTION}\n```",
        f"~~~\n{FUNCTION}\n~~~",
        f"Here is the code:\n\n{FUNCTION}\n\nThis function multiplies the price by the number of children.",
        f"{FUNCTION}\n```\n\nThis function takes three parameters and returns the cost.",
        f"```python\n{FUNCTION}\n\n# Example usage\nprint(solution(8, 25, 3))  # Output: 176\n```\n\n```\n176\n```",
        f"```python\n{FUNCTION}\n\nv1 = int(input())\nprint(solution(v1, 25, 3))\n```",
        f"```python\n{FUNCTION}\n\nassert solution(1, 2, 3) == 7\n```",
        f'```python\n{FUNCTION}\n\nif __name__ == "__main__":\n    print(solution(8, 25))\n```',
        "```python\nimport math\n\nHOURS = 24\n\ndef cost(price: float, children: int, absent: int = 0) -> float:\n"
        '    """Return the cost."""\n    present = children - absent\n    return math.floor(price) * present\n```',
        "```python\ndef solution(v1, v2, v3):\n    print(v1 * (v2 - v3))\n```",
        "```python\ndef present(v2, v3):\n    return v2 - v3\n```\n\nand\n\n```python\n"
        "def solution(v1, v2, v3):\n    return v1 * present(v2, v3)\n```",
        "def solution(v3, v1, v2):\n    return v1 * (v2 - v3)",
    ],
)
def test_functions_that_are_read(reply: str, interpreter: Interpreter) -> None:
    assert evaluate(parse_function(reply, TEMPLATE), interpreter) == VALUES


@pytest.mark.parametrize(
    "reply",
    [
        "I cannot solve this.",
        "v1 * (v2 - v3)",
        "```python\ndef v1 - v2:\n    return v1 - v2\n```",
        "```text\nnone\n```",
        "",
    ],
)
def test_what_is_no_function(reply: str) -> None:
    assert parse_function(reply, TEMPLATE) is None


def test_a_chat_models_pair_is_accepted() -> None:
    def reply(turns: tuple[Message, ...]) -> str:
        if "solution(" in turns[-1].content:
            return f"Sure!\n\n{FUNCTION}\n```\n\nExplanation: v3 of the class are absent."
        return r"\[ \text{Answer} = v_1 \times \left( v_2 - v_3 \right) \text{ dollars} \]"

    problem = Problem("Each ticket costs $8. A class of 25 has 3 absent. What do the tickets cost?", kinds.Number())
    answer = strategies.get("math_prompter").run(problem, ScriptedLLM(reply))
    assert (answer.value, answer.confidence) == (176, 1)
