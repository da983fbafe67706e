"""Plain arithmetic, worked out exactly: numbers, `+ - * /` and parentheses. Nothing is evaluated as a program."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

MAX_EXPRESSION_CHARS = 200
"""Characters that an expression may have."""

_TOKEN = re.compile(r"\s*+(?:(?P<number>\d++(?:\.\d++)?+)|(?P<sign>[-+*/()]))")
_APPLY: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_BINDS = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "minus": 3}
_SIGNS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "−": "-", "–": "-", "[": "(", "]": ")"})
_LATEX = [
    (re.compile(r"\\(?:left|right|[()\[\],;! ]|displaystyle)"), ""),
    (re.compile(r"\\(?:times|cdot)(?![a-z])"), "*"),
    (re.compile(r"\\div(?![a-z])"), "/"),
    (re.compile(r"(?<=[\d)\s])x(?=[\d(\s])"), "*"),
    (re.compile(r"\\[dt]?frac ?\{([^{}\n]{1,80})\} ?\{([^{}\n]{1,80})\}"), r"((\1)/(\2))"),
]


class Arithmetic(NamedTuple):
    """An expression's value and the numbers in it, in their order."""

    value: Fraction
    numbers: tuple[Fraction, ...]


def evaluate(text: str) -> Arithmetic | None:
    """What an expression comes to; None where the text is none, is too long, or divides by zero.

    Operator precedence with two stacks (Dijkstra 1961), so that no nesting is too deep.
    """
    if len(text) > MAX_EXPRESSION_CHARS:
        return None
    values: list[Fraction] = []
    waiting: list[str] = []
    numbers: list[Fraction] = []
    at, operand = 0, True  # whether a number or an opening parenthesis must come next
    text = text.rstrip()
    try:
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                return None
            at, sign = token.end(), token["sign"]
            if operand:
                if sign is None:
                    numbers.append(Fraction(token["number"]))
                    values.append(numbers[-1])
                    operand = False
                elif sign in "(-+":
                    waiting += {"(": ["("], "-": ["minus"], "+": []}[sign]
                else:
                    return None
            elif sign is None or sign == "(":
                return None
            elif sign == ")":
                _apply(values, waiting, 1)
                if not waiting:
                    return None
                waiting.pop()
            else:
                _apply(values, waiting, _BINDS[sign])
                waiting.append(sign)
                operand = True
        if operand:
            return None
        _apply(values, waiting, 1)
    except ZeroDivisionError:
        return None
    return None if waiting else Arithmetic(values[0], tuple(numbers))


def _apply(values: list[Fraction], waiting: list[str], binds: int) -> None:
    """Carry out what binds at least so much, back to an opening parenthesis."""
    while waiting and _BINDS[waiting[-1]] >= binds:
        sign, right = waiting.pop(), values.pop()
        values.append(-right if sign == "minus" else _APPLY[sign](values.pop(), right))


def normalize_signs(text: str) -> str:
    """A text with the signs of arithmetic as a keyboard has them: of print, of LaTeX, and brackets as parentheses."""
    for pattern, replacement in (
        (*_LATEX, _LATEX[-1]) if "\\" in text or "x" in text else ()
    ):  # a fraction in a fraction
        text = pattern.sub(replacement, text)
    return text.translate(_SIGNS)
