"""Expression: a mathematical expression."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_locations import last_boxed
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import Rejected
from reasoning.kinds.math_notation import normalize, strip_latex
from reasoning.kinds.phrasing import answer_instruction, first_sentence, is_refusal, strip_markup

_SPAN = re.compile(r"(?<!\\)\$\$?([^$\n]{1,600})(?<!\\)\$\$?|\\\(([^\n]{1,600}?)\\\)|\\\[([^\n]{1,600}?)\\\]")
_CLAUSE = re.compile(
    r",?\s(?:because|since|where|which|so|therefore|for|when|if|with|after|by|as)\b|;|[.!?](?:\s|$)|,\s(?=[a-z]{3})",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"(?<![\\A-Za-z])(?!(?:or|and|pi|theta|sin|cos|tan|log|ln|exp|sqrt|infty|infinity)\b)[A-Za-z]{2,}+(?!\s?\()"
)
_LEAD = re.compile(
    r"(?:(?:the|value|expression|set|interval|equal|to|of|is|simply|exactly|approximately|about|just|equals|be)\s|[:=]\s?)*",
    re.IGNORECASE,
)
_SIGN = re.compile(r"[\d\\^=+*/<>√π∞½]")


@dataclass(frozen=True)
class Expression(BaseKind):
    """A mathematical expression, in LaTeX or plain: a formula, a fraction, an interval, a set, a word such as "even".
    Its value is the text, tidied.

    Two expressions are one answer if they differ in notation only: spaces, `$`, `\\left` and `\\right`, `\\dfrac` for
    `\\frac`, `\\frac{a}{b}` for a/b, `\\sqrt`, powers, `\\cdot` or no sign for a product, braces, thousands separators,
    zeros at a decimal's end, degree, percent and currency signs, a unit at the end, "x =" in front. Nothing is worked
    out: 1/2 and 0.5, x + 1 and 1 + x are two answers. This process never evaluates what a model wrote; equality of
    value is for a sandboxed program, called by the example's `scorer` with the shown value.
    """

    name: ClassVar[str] = "expression"

    def instruction(self) -> str:
        return answer_instruction(r"one mathematical expression within \boxed{}")

    def direct_instruction(self) -> str:
        return r"Reply with the expression alone, as \boxed{E}: no reasoning, no other words."

    def parse_statement(self, text: str, *, continues: bool = False) -> str | Rejected | None:
        """The mathematics at the head of a statement: between math marks, else up to the end of the clause."""
        if is_refusal(text):
            return Rejected("a refusal")
        found = list(_SPAN.finditer(text))
        if found and _words(text[: found[0].start()]) <= 6 and not _joined(text, found):
            return _usable(_inside(found[0]), 6)
        said = _LEAD.sub("", strip_markup(text if found else first_sentence(text)), count=1)
        clause = _CLAUSE.search(said)
        said = strip_markup(said[: clause.start()] if clause and clause.start() else said)
        return _usable(said, 6 if _SIGN.search(said) else 3) or (Rejected("no expression") if said else None)

    def parse_line(self, line: str, before: str) -> str | Rejected | None:
        """Mathematics and nothing else: between math marks, or a line without words; a word or two if all there is."""
        if whole := _SPAN.fullmatch(line.strip().rstrip(".")):
            return _usable(_inside(whole), 6)
        line = strip_markup(line[:700])
        if _SIGN.search(line):
            return _usable(line, 0)
        return None if before else Rejected("a refusal") if is_refusal(line) else _usable(line, 3)

    def parse_last_candidate(self, text: str) -> str | None:
        """The last mathematics between math marks."""
        found = list(_SPAN.finditer(text))
        return _usable(_inside(found[-1]), 6) if found else None

    def target(self, target: Any) -> str:
        """The expression that a target is, taken as it stands; a number is its text."""
        if isinstance(target, bool) or not isinstance(target, (str, int, float)) or not strip_latex(str(target)):
            raise UsageError(f"the target {target!r:.80} is not an expression")
        return strip_latex(str(target))

    def key(self, value: Any) -> str:
        return normalize(str(value)) or str(value)


def _inside(span: re.Match[str]) -> str:
    return next(part for part in span.groups() if part is not None)


def _usable(text: str, words: int) -> str | None:
    """An expression, tidied; None where it is empty, too long, broken off, or has more than so many words."""
    value = strip_latex(text)
    whole = value and len(value) <= 600 and _words(value) <= words
    return value if whole and last_boxed(rf"\boxed{{{value}}}") == value else None


def _words(text: str) -> int:
    """How many words of prose there are: no macros, no functions, no text in LaTeX."""
    return len(_WORD.findall(re.sub(r"\\(?:text|mathrm)\s?\{[^{}]*+\}", "", text)))


def _joined(text: str, found: list[re.Match[str]]) -> bool:
    """Whether a second piece of mathematics belongs to the first: "$x = 1$ or $x = 2$"."""
    return (
        len(found) > 1
        and re.fullmatch(r"\s?(?:,|or|and|, and|, or)\s?", text[found[0].end() : found[1].start()]) is not None
    )
