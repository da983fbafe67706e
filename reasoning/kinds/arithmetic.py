"""Exact evaluation of plain arithmetic: numbers, `+ - * /` and parentheses. Nothing is evaluated as a program."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

MAX_EXPRESSION_CHARS = 200
"""The maximum length of an expression, in characters."""

_TOKEN = re.compile(r"\s*+(?:(?P<number>\d++(?:\.\d++)?+)|(?P<sign>[-+*/()]))")
_OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_PRECEDENCE = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "minus": 3}
_SIGNS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")"})
_LATEX = [
    (re.compile(r"\\(?:left|right|[()\[\],;! ]|displaystyle)"), ""),
    (re.compile(r"\\(?:times|cdot)(?![a-z])"), "*"),
    (re.compile(r"\\div(?![a-z])"), "/"),
    (re.compile(r"(?<=[\d)\s])x(?=[\d(\s])"), "*"),
    (re.compile(r"\\[dt]?frac ?\{([^{}\n]{1,80})\} ?\{([^{}\n]{1,80})\}"), r"((\1)/(\2))"),
]


class Arithmetic(NamedTuple):
    """An evaluated expression.

    Attributes:
        value: its exact value.
        numbers: the numbers in it, in their order.
    """

    value: Fraction
    numbers: tuple[Fraction, ...]


def evaluate(text: str) -> Arithmetic | None:
    """Evaluate an expression with exact fractions.

    The parser uses two stacks for operator precedence (Dijkstra 1961) and does not recurse, so no
    nesting is too deep.

    Returns:
        The value and the numbers; None if the text is not an expression, is too long, or divides by
        zero.

    Examples:
        >>> evaluate("(10 - 6) * 5 + 4").value
        Fraction(24, 1)
        >>> print(evaluate("1 / 0"))
        None
    """
    if len(text) > MAX_EXPRESSION_CHARS:
        return None
    values: list[Fraction] = []
    operators: list[str] = []
    numbers: list[Fraction] = []
    # `operand`: whether a number or an opening parenthesis must come next.
    position, operand = 0, True
    text = text.rstrip()
    try:
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                return None
            position, sign = token.end(), token["sign"]
            if operand:
                if sign is None:
                    numbers.append(Fraction(token["number"]))
                    values.append(numbers[-1])
                    operand = False
                elif sign in "(-+":
                    operators += {"(": ["("], "-": ["minus"], "+": []}[sign]
                else:
                    return None
            elif sign is None or sign == "(":
                return None
            elif sign == ")":
                _apply(values, operators, 1)
                if not operators:
                    return None
                operators.pop()
            else:
                _apply(values, operators, _PRECEDENCE[sign])
                operators.append(sign)
                operand = True
        if operand:
            return None
        _apply(values, operators, 1)
    except ZeroDivisionError:
        return None
    return None if operators else Arithmetic(values[0], tuple(numbers))


def _apply(values: list[Fraction], operators: list[str], precedence: int) -> None:
    """Apply the operators of at least this precedence, back to an opening parenthesis."""
    while operators and _PRECEDENCE[operators[-1]] >= precedence:
        sign, right = operators.pop(), values.pop()
        values.append(-right if sign == "minus" else _OPERATIONS[sign](values.pop(), right))


def normalize_signs(text: str) -> str:
    """Return the text with typographic and LaTeX operators as ASCII, and square brackets as parentheses."""
    # The last pattern is applied twice, for a fraction in a fraction.
    for pattern, replacement in (*_LATEX, _LATEX[-1]) if "\\" in text or "x" in text else ():
        text = pattern.sub(replacement, text)
    return text.translate(_SIGNS)
