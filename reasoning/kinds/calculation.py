"""Calculation: arithmetic that is itself the answer, such as "(10 - 6) * 5 + 4"."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.kinds.arithmetic import MAX_EXPRESSION_CHARS, evaluate, normalize_signs
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import Rejected
from reasoning.kinds.phrasing import answer_instruction, is_refusal

_RUN = re.compile(r"[\d(.+\-][\d\s.+\-*/()]*+")
# The marker of a list item is not a number of the expression.
_MARKER = re.compile(r"\s*+(?:\(?\d{1,2}[.)]|[-*•])\s+")
_EQUATION = re.compile(r"\s*(?:=\s*-?\d++(?:\.\d++)?+\s*)?")


@dataclass(frozen=True)
class Calculation(BaseKind):
    """Arithmetic with `+ - * /` and parentheses. Its value is the expression's text.

    Two calculations are the same answer if they use the same numbers and have exactly the same
    value. The target of a puzzle such as the game of 24 is therefore any one of its solutions.

    Examples:
        >>> Calculation().parse("The answer is (10 - 6) * 5 + 4 = 24.")
        '(10 - 6) * 5 + 4'
        >>> Calculation().same("(10 - 6) * 5 + 4", "4 + 5 * (10 - 6)")
        True
    """

    name: ClassVar[str] = "calculation"

    def instruction(self) -> str:
        return answer_instruction("one expression such as (2 + 3) * 4, with nothing after it")

    def direct_instruction(self) -> str:
        return "Reply with the expression alone, such as (2 + 3) * 4: no reasoning, no other words."

    def answer_schema(self) -> Mapping[str, Any] | None:
        return {"type": "string"}

    def parse_statement(self, text: str, *, continues: bool = False) -> str | Rejected | None:
        """Return the first expression of a statement, which is the left side of an equation."""
        return Rejected("a refusal") if is_refusal(text) else next(_expressions(text), None)

    def parse_line(self, line: str, before: str) -> str | None:
        """Return the expression of a line that contains only it, with or without `= 24` after it."""
        text = normalize_signs(line).replace("**", " ").strip("`$ ").removesuffix(".")
        expression = next(_expressions(text), None)
        return expression if expression and _EQUATION.fullmatch(text.removeprefix(expression)) else None

    def parse_last_candidate(self, text: str) -> str | None:
        """Return the last expression."""
        for line in reversed(text.split("\n")):
            if found := list(_expressions(line)):
                return found[-1]
        return None

    def is_value(self, value: Any) -> bool:
        return isinstance(value, str)

    def key(self, value: Any) -> Hashable:
        arithmetic = evaluate(normalize_signs(str(value)))
        return (arithmetic.value, tuple(sorted(arithmetic.numbers))) if arithmetic else str(value)


def _expressions(text: str) -> Iterator[str]:
    """Yield the expressions of two or more numbers in a line, as they are written."""
    text = normalize_signs(text).replace("**", " ")
    for run in _RUN.finditer(_MARKER.sub("", text, count=1) if _MARKER.match(text) else text):
        expression = run[0].strip().rstrip(".+-*/ ")
        if (
            len(expression) <= MAX_EXPRESSION_CHARS
            and (arithmetic := evaluate(expression))
            and len(arithmetic.numbers) > 1
        ):
            yield expression
