"""Calculation: arithmetic that is itself the answer, such as "(10 - 6) * 5 + 4"."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.kinds.arithmetic import MAX_EXPRESSION_CHARS, evaluate, normalize_signs
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import Rejected
from reasoning.kinds.phrasing import answer_instruction, is_refusal

_RUN = re.compile(r"[\d(.+\-][\d\s.+\-*/()]*+")
_MARKER = re.compile(r"\s*+(?:\(?\d{1,2}[.)]|[-*•])\s+")  # of a list: no number of the expression's
_EQUATION = re.compile(r"\s*(?:=\s*-?\d++(?:\.\d++)?+\s*)?")


@dataclass(frozen=True)
class Calculation(BaseKind):
    """Arithmetic with `+ - * /` and parentheses. Its value is the expression's text.

    Two of them are one answer if they use the same numbers and come to the same value, exactly; so the target of
    a puzzle such as the game of 24 is any one of its solutions.
    """

    name: ClassVar[str] = "calculation"

    def instruction(self) -> str:
        return answer_instruction("one expression such as (2 + 3) * 4, with nothing after it")

    def direct_instruction(self) -> str:
        return "Reply with the expression alone, such as (2 + 3) * 4: no reasoning, no other words."

    def parse_statement(self, text: str, *, continues: bool = False) -> str | Rejected | None:
        """The first expression in a statement: the left side of an equation."""
        return Rejected("a refusal") if is_refusal(text) else next(_expressions(text), None)

    def parse_line(self, line: str, before: str) -> str | None:
        """An expression, with `= 24` after it or without, and nothing else."""
        text = normalize_signs(line).replace("**", " ").strip("`$ ").removesuffix(".")
        found = next(_expressions(text), None)
        return found if found and _EQUATION.fullmatch(text.removeprefix(found)) else None

    def parse_last_candidate(self, text: str) -> str | None:
        """The last expression."""
        for line in reversed(text.split("\n")):
            if found := list(_expressions(line)):
                return found[-1]
        return None

    def key(self, value: Any) -> Hashable:
        worked = evaluate(normalize_signs(str(value)))
        return (worked.value, tuple(sorted(worked.numbers))) if worked else str(value)


def _expressions(text: str) -> Iterator[str]:
    """The expressions of two numbers and more in a line, as they are written."""
    text = normalize_signs(text).replace("**", " ")
    for run in _RUN.finditer(_MARKER.sub("", text, count=1) if _MARKER.match(text) else text):
        found = run[0].strip().rstrip(".+-*/ ")
        if len(found) <= MAX_EXPRESSION_CHARS and (worked := evaluate(found)) and len(worked.numbers) > 1:
            yield found
