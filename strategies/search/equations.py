"""Equations between two of several numbers, as `4 * 5 = 20`, read exactly: nothing is rounded and nothing evaluated."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from reasoning.kinds.arithmetic import evaluate, normalize_signs

_APPLY: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_MARKER = re.compile(r"\s*+(?:\d{1,2}[.)]|[-*•])\s+")
_RESULT = re.compile(r"\s*+\(?(-?\s?\d++(?:\.\d++)?+(?:/\d++)?+)")
_LONGEST = 60
"""Characters in front of the equals sign."""


class Equation(NamedTuple):
    """An equation in one form, `4 + 5 = 9` also where the text has `5 + 4 = 9`, and the numbers that it leaves."""

    text: str
    left: tuple[Fraction, ...]


def parse_equation(line: str, numbers: Sequence[Fraction]) -> Equation | None:
    """The equation that a line begins with; None where it does not take two of the numbers, or is wrong.

    Numbers may be rounded to two digits and more (1.67 for 5/3), and the result may be that of the rounded ones; what
    is left is exact.
    """
    sides = normalize_signs(line).replace("≈", "=").replace("**", "").strip("`$ ").partition("=")
    stated = _RESULT.match(sides[2])
    formula = sides[0].rpartition(":")[2]
    formula = _MARKER.sub("", formula, count=1) if _MARKER.match(formula) else formula
    if stated is None or len(formula) > _LONGEST:
        return None
    for at, sign in enumerate(formula):
        if sign not in _APPLY or (taken := _taken((formula[:at], formula[at + 1 :]), numbers)) is None:
            continue
        (first, second), others = taken
        if sign == "/" and second == 0:
            return None
        result = _APPLY[sign](first, second)
        as_written = evaluate(f"({formula[:at]}) {sign} ({formula[at + 1 :]})")
        if not _is(stated[1], result) and not (as_written and _is(stated[1], as_written.value)):
            return None
        if sign in "+*":
            first, second = sorted((first, second))
        left = tuple(sorted([*others, result]))
        return Equation(
            f"{_operand(first)} {sign} {_operand(second)} = {format_numbers([result])} (left: {format_numbers(left)})",
            left,
        )
    return None


def format_numbers(numbers: Iterable[Fraction]) -> str:
    """The numbers with spaces between them: as decimals where three digits are exact, else as fractions."""
    return " ".join(str(float(one) if one * 1000 % 1 == 0 and one % 1 else one) for one in numbers)


def _taken(
    texts: tuple[str, str], numbers: Sequence[Fraction]
) -> tuple[tuple[Fraction, Fraction], list[Fraction]] | None:
    """The two numbers that the texts stand for, and the others; None where one of them is not there."""
    others, found = list(numbers), []
    for text in texts:
        number = next((one for one in others if _is(text, one)), None)
        if number is None:
            return None
        others.remove(number)
        found.append(number)
    return (found[0], found[1]), others


def _is(text: str, number: Fraction) -> bool:
    """Whether a text stands for a number, exactly or as a decimal of two digits and more."""
    worked = evaluate(text)
    if worked is None:
        return False
    digits = len(text.strip(" ()").partition(".")[2])
    return worked.value == number or (digits > 1 and abs(worked.value - number) < Fraction(1, 10**digits))


def _operand(number: Fraction) -> str:
    text = format_numbers([number])
    return text if text.replace(".", "").isdigit() else f"({text})"
