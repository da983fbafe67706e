"""Equations between two of several numbers, such as `4 * 5 = 20`, parsed exactly: no rounding, no eval."""

from __future__ import annotations

import operator
import re
import unicodedata
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
_LIST_NUMBER = re.compile(r"(?:\(\d{1,2}\)|[①-⑳])\s++(?=\d)")
_RESULT = re.compile(r"\s*+\(?(-?\s?\d++(?:\.\d++)?+(?:/\d++)?+)")
_MAX_FORMULA_CHARS = 60
"""Maximum length of the part before the equals sign."""


class Equation(NamedTuple):
    """An equation in normal form, and the numbers that remain after it.

    `4 + 5 = 9` stands also for `5 + 4 = 9`.
    """

    text: str
    left: tuple[Fraction, ...]


def parse_equation(line: str, numbers: Sequence[Fraction]) -> Equation | None:
    """Parse the equation at the beginning of a line.

    Numbers may be rounded to at least two digits (1.67 for 5/3), and the result may be that of the
    rounded numbers. The remaining numbers are exact.

    Args:
        line: a line of a reply.
        numbers: the numbers that are available.

    Returns:
        The equation, or None if it does not use two of the numbers or is wrong.
    """
    # The first cell of a table's row; "(1)" and "①" are numbers of a list, and full-width signs are signs.
    line = line.strip("> \t").strip("| \t").partition("|")[0]
    line = unicodedata.normalize("NFKC", _LIST_NUMBER.sub("", line, count=1))
    sides = normalize_signs(line).replace("≈", "=").replace("**", "").replace("`", "").strip("$ ").partition("=")
    stated = _RESULT.match(sides[2])
    formula = sides[0].rpartition(":")[2]
    formula = _MARKER.sub("", formula, count=1) if _MARKER.match(formula) else formula
    if stated is None or len(formula) > _MAX_FORMULA_CHARS:
        return None
    for index, sign in enumerate(formula):
        if sign not in _APPLY or (operands := _operands((formula[:index], formula[index + 1 :]), numbers)) is None:
            continue
        (first, second), rest = operands
        if sign == "/" and second == 0:
            return None
        result = _APPLY[sign](first, second)
        as_written = evaluate(f"({formula[:index]}) {sign} ({formula[index + 1 :]})")
        if not _denotes(stated[1], result) and not (as_written and _denotes(stated[1], as_written.value)):
            return None
        if sign in "+*":
            first, second = sorted((first, second))
        remaining = tuple(sorted([*rest, result]))
        normal = f"{_operand(first)} {sign} {_operand(second)} = {format_numbers([result])}"
        return Equation(f"{normal} (left: {format_numbers(remaining)})", remaining)
    return None


def format_numbers(numbers: Iterable[Fraction]) -> str:
    """Join numbers by spaces: as decimals if three digits are exact, else as fractions."""
    return " ".join(str(float(number) if number * 1000 % 1 == 0 and number % 1 else number) for number in numbers)


def _operands(
    texts: tuple[str, str], numbers: Sequence[Fraction]
) -> tuple[tuple[Fraction, Fraction], list[Fraction]] | None:
    """Return the two numbers that the texts denote, and the other numbers; None if one is not available."""
    rest, operands = list(numbers), []
    for text in texts:
        number = next((candidate for candidate in rest if _denotes(text, candidate)), None)
        if number is None:
            return None
        rest.remove(number)
        operands.append(number)
    return (operands[0], operands[1]), rest


def _denotes(text: str, number: Fraction) -> bool:
    """Return whether a text denotes a number, exactly or rounded to at least two digits."""
    evaluated = evaluate(text)
    if evaluated is None:
        return False
    digits = len(text.strip(" ()").partition(".")[2])
    return evaluated.value == number or (digits > 1 and abs(evaluated.value - number) < Fraction(1, 10**digits))


def _operand(number: Fraction) -> str:
    text = format_numbers([number])
    return text if text.replace(".", "").isdigit() else f"({text})"
