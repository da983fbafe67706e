"""Expression: a mathematical expression in LaTeX or plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.base import BaseKind
from reasoning.kinds.boxes import last_boxed
from reasoning.kinds.kind import Rejected, abbreviate, to_text
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
    r"""A mathematical expression: a formula, a fraction, an interval, a set, or a word such as "even".

    Its value is the text without math delimiters. Two expressions are the same answer if they
    differ only in notation: spaces, `$`, `\left` and `\right`, `\dfrac` for `\frac`, `\frac{a}{b}`
    for a/b, `\sqrt`, powers, `\cdot` or no sign for a product, braces, thousands separators, zeros
    at a decimal's end, degree, percent and currency signs, a unit at the end, "x =" in front.
    Nothing is evaluated: 1/2 and 0.5, x + 1 and 1 + x are two answers. This process never evaluates
    text from a model; a sandboxed program compares values, called by the example's `scorer` with
    the shown value.

    Examples:
        >>> print(Expression().parse(r"The answer is $\dfrac12$."))
        \dfrac12
        >>> Expression().same(r"\dfrac12", "1/2")
        True
    """

    name: ClassVar[str] = "expression"

    def instruction(self) -> str:
        return answer_instruction(r"one mathematical expression within \boxed{}")

    def direct_instruction(self) -> str:
        return r"Reply with the expression alone, as \boxed{E}: no reasoning, no other words."

    def answer_schema(self) -> Mapping[str, Any] | None:
        return {"type": "string"}

    @property
    def answer_words(self) -> str:
        """The description of an answer; a text in JSON needs no box."""
        return "one mathematical expression"

    def parse_statement(self, text: str, *, continues: bool = False) -> str | Rejected | None:
        """Return the expression at the beginning of a statement.

        It ends with its math delimiter, or without one at the end of the clause.
        """
        if is_refusal(text):
            return Rejected("a refusal")
        found = list(_SPAN.finditer(text))
        if found and _words(text[: found[0].start()]) <= 6 and not _joined(text, found):
            return _usable(_inside(found[0]), 6)
        rest = _LEAD.sub("", strip_markup(text if found else first_sentence(text)), count=1)
        clause = _CLAUSE.search(rest)
        rest = strip_markup(rest[: clause.start()] if clause and clause.start() else rest)
        return _usable(rest, 6 if _SIGN.search(rest) else 3) or (Rejected("no expression") if rest else None)

    def parse_line(self, line: str, before: str) -> str | Rejected | None:
        """Return the expression of a line that contains only it.

        It is between math delimiters, or has no words; a word or two are accepted if they are the
        whole reply.
        """
        if whole := _SPAN.fullmatch(line.strip().rstrip(".")):
            return _usable(_inside(whole), 6)
        line = strip_markup(line[:700])
        if _SIGN.search(line):
            return _usable(line, 0)
        return None if before else Rejected("a refusal") if is_refusal(line) else _usable(line, 3)

    def parse_last_candidate(self, text: str) -> str | None:
        """Return the last expression between math delimiters."""
        found = list(_SPAN.finditer(text))
        return _usable(_inside(found[-1]), 6) if found else None

    def target(self, target: Any) -> str:
        """Return the expression of a target: the text itself; for a number, its text."""
        known = isinstance(target, (str, int, float)) and not isinstance(target, bool)
        if not known or not (text := strip_latex(to_text(target))):
            raise UsageError(f"the target {abbreviate(target)} is not an expression")
        return text

    def is_value(self, value: Any) -> bool:
        return isinstance(value, str)

    def key(self, value: Any) -> str:
        return normalize(str(value)) or str(value)


def _inside(span: re.Match[str]) -> str:
    return next(part for part in span.groups() if part is not None)


def _usable(text: str, words: int) -> str | None:
    """Return an expression without delimiters.

    None if it is empty, too long, incomplete, or has more than `words` words.
    """
    value = strip_latex(text)
    whole = value and len(value) <= 600 and _words(value) <= words
    return value if whole and last_boxed(rf"\boxed{{{value}}}") == value else None


def _words(text: str) -> int:
    """Count the words of prose, without macros, functions and text in LaTeX."""
    return len(_WORD.findall(re.sub(r"\\(?:text|mathrm)\s?\{[^{}]*+\}", "", text)))


def _joined(text: str, found: list[re.Match[str]]) -> bool:
    """Return whether a second expression belongs to the first: "$x = 1$ or $x = 2$"."""
    return (
        len(found) > 1
        and re.fullmatch(r"\s?(?:,|or|and|, and|, or)\s?", text[found[0].end() : found[1].start()]) is not None
    )
