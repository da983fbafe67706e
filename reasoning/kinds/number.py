"""Number: one number, whole or not."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import Rejected
from reasoning.kinds.number_lexer import DECIMAL_CONTEXT, Token, lex_numbers, to_number, to_plain_text
from reasoning.kinds.number_words import parse_number_words
from reasoning.kinds.phrasing import answer_instruction, first_sentence, is_refusal, resolve_negation, strip_markup

_CLAUSE = re.compile(
    r",\s|;|(?<![-+*×÷/=(])\s\(|[.!?](?:\s|$)"
    r"|\s(?:because|since|as|so|which|where|if|when|for|with|and|but|after|from|that)\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"(\d{1,15})\.?", re.ASCII)
_EQUALS = re.compile(r"==?|≈|→|⇒|->|=>")
_MARKER = re.compile(r"^[ \t]{0,20}\(?\d{1,3}[.)](?=[ \t]+\S)", re.MULTILINE)  # of a list: no number of the text's
_HEAD = re.compile(r"(?:A|Answer|Result|Total)\s?[:=]\s?", re.IGNORECASE)
_NAME = re.compile(r"(?:[^\W\d_]\w{0,20}|[^A-Za-z=]{1,80})\s?[=≈]\s?(?=[^=]*$)")  # x = …, 5 + 3 = …
_UNIT = re.compile(r"[\s-]?(?:[^\s\d.,;:!?=+*/()]{1,20}[\s/-]?){0,3}")
_WHY = {
    "number": "an expression",
    "expression": "an expression",
    "date": "a date",
    "time": "a time",
    "range": "a range",
}
_QUESTION = re.compile(r"(?:(?<=[.!?]\s)|^)[^.!?\n]*+\?(?=\s|$)", re.MULTILINE)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per cent\b)", re.IGNORECASE)
_APART = re.compile(
    r"[\s,;&()\[\]{}$\\]*(?:and\b|or\b)?[\s(\[$]*(?:[a-z]\s?=)?[\s$]*"
)  # between and around several numbers
_ARRAY = re.compile(r"\\begin\{(?:\w{0,2}matrix|cases|array)")
_BOLD = re.compile(r"\*\*(?!\d{1,3}[.)]\s)([^*\n]{1,200}+)\*\*(?<!:\*\*)(?!\s?:)")
_GOES_ON = re.compile(r"=[^=\n]{1,200}[,;]\s(?:so|then|thus|hence|therefore)\b[^\n]*\d")
_NO_UNIT = re.compile(r"\b(?:is|are|was|were|or|to|not|and)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Number(BaseKind):
    """One number. Its value is an int where it is whole, else a float; never infinite, never NaN.

    Ranges, dates, times, inequalities, several numbers in a row and expressions that are not worked out are no numbers.

    Attributes:
        decimals: the precision of `key` and so of votes: digits after the point (below 1: significant digits).
        percent: whether "50%" is 0.5, for tasks whose targets are fractions; else it is read as it is written, 50.
        tolerance: how far from the target a value may be and be right, as a part of the target (0.01 is 1 %).
    """

    name: ClassVar[str] = "number"
    decimals: int = 6
    percent: bool = False
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.decimals, int) or not 0 <= self.decimals <= 15:
            raise UsageError(f"Number(decimals={self.decimals!r}): decimals is a whole number from 0 to 15")
        if not 0 <= self.tolerance < 1:
            raise UsageError(
                f"Number(tolerance={self.tolerance!r}): tolerance is a part of the target, from 0 to below 1"
            )

    def instruction(self) -> str:
        return answer_instruction("one number in digits")

    def direct_instruction(self) -> str:
        return "Reply with the number alone, in digits: no reasoning, no other words."

    def trigger(self) -> str:
        return "Therefore, the answer (arabic numerals) is"

    def parse_statement(self, text: str, *, continues: bool = False) -> Any | Rejected | None:
        """The first number of a sentence; of an equation in it, the side that is worked out: 8 in "5 + 3 = 8 eggs"."""
        if bare := _BARE.fullmatch(text):  # most statements; the way through everything below comes to the same
            return int(bare[1])
        text = to_plain_text(text)
        if is_refusal(text):
            return Rejected("a refusal")
        said = resolve_negation(text)
        if isinstance(said, Rejected):
            return said
        if continues and _GOES_ON.search(said):
            return None  # "Answer: 16 - 7 = 9, so …" begins the reasoning
        text = first_sentence(said)
        if text.rstrip().endswith("?"):
            return None
        if "=" not in text and (words := parse_number_words(text)):
            return Rejected(words) if isinstance(words, str) else self._of(words[0], text, words[1])
        found = [token for token in lex_numbers(text) if token.category != "label"]
        if not found:
            return Rejected("no number") if re.search(r"\d", text) else None
        first = found[0]
        continues = continues or re.search(r"\d", said[len(text) :]) is not None
        if continues and re.search(r"[^\W\d_]{2,}\s+[^\W\d_]+", text[: first.start]):
            return None  # "Answer: She has 16 eggs. …" begins the reasoning, it does not state 16
        if len(found) > 1 and (_only_numbers(text, found) or _ARRAY.search(text)):
            return Rejected("several numbers")
        end = _CLAUSE.search(text, first.end)
        sides = _EQUALS.split(text[: end.start()] if end else text)
        worked = [value for side in sides if (value := self._side(side)) is not None]
        return worked[-1] if worked else Rejected(_WHY[first.category])

    def parse_line(self, line: str, before: str) -> Any | None:
        """A number with its unit, or the end of an equation, and nothing else."""
        if len(line) > 200:
            return None
        text = strip_markup(to_plain_text(line))
        for pattern in (_HEAD, _NAME):
            text = pattern.sub("", text, count=1) if pattern.match(text) else text
        token = next(lex_numbers(text), None)
        if token is None and isinstance(words := parse_number_words(text), tuple) and not text[words[1] :].strip(" .!"):
            return words[0]
        if token is None or token.start > 0 or token.value is None:
            return None
        unit = text[token.end :].lstrip(" %°").rstrip(" .!")
        if not _UNIT.fullmatch(unit) or _NO_UNIT.search(unit):
            return None
        return self._of(token.value, text, token.end)

    def parse_first_line(self, line: str) -> Any | None:
        """A number alone; an equation is rather the first step of reasoning."""
        return None if "=" in line else self.parse_line(line, "")

    def parse_last_candidate(self, text: str) -> Any | None:
        """The one bold number of the last line, else the last number that is no part of an expression or a question."""
        bold = [self.parse_statement(part) for part in _BOLD.findall(text.rstrip().rpartition("\n")[2])]
        if len(values := {value for value in bold if isinstance(value, (int, float))}) == 1:
            return values.pop()
        text = _MARKER.sub("", to_plain_text(text))
        text = _QUESTION.sub("?", text)
        found = deque((token for token in lex_numbers(text) if token.value is not None), maxlen=1)
        return self._of(found[0].value, text, found[0].end) if found else None

    def _side(self, side: str) -> int | float | None:
        """The number that one side of an equation begins with, if it is not part of an expression."""
        token = next((token for token in lex_numbers(side) if token.category != "label"), None)
        if token is None or token.value is None:
            return None
        minus = re.fullmatch(r"\s*-\s", side[: token.start])  # "= - 5"
        return self._of(-token.value if minus else token.value, side, token.end)

    def _of(self, value: int | float | None, text: str, end: int) -> int | float | None:
        """A value as this kind reads it, given what follows it in the text: a percentage may be a fraction."""
        if not self.percent or value is None or not _PERCENT.match(text, end):
            return value
        with localcontext(DECIMAL_CONTEXT):
            return to_number(_exact(value).scaleb(-2))

    def target(self, target: Any) -> Any:
        """The number that a target stands for. Raises UsageError where it is none."""
        if isinstance(target, bool) or not isinstance(target, (int, float, str, Decimal, Fraction)):
            raise UsageError(f"the target {target!r:.80} is not a number")
        if isinstance(target, int):
            return target
        return super().target(target if isinstance(target, str) else str(target))

    def key(self, value: Any) -> int | float:
        """Whole numbers as they are, others rounded to `decimals`: never by the identity of floats."""
        if isinstance(value, int) or float(value).is_integer():
            return int(value)
        leading = math.floor(math.log10(abs(value)))
        rounded = round(value, self.decimals + max(0, -leading - 1))
        return int(rounded) if rounded.is_integer() else rounded

    def score(self, value: Any, target: Any) -> bool:
        """Whether a value is right to the precision that the target shows.

        Whole targets exactly, save what floats lose; "0.33" to two digits; "1/3" to the digits of the value, if three;
        beyond that, within the kind's tolerance.
        """
        wanted = self.target(target)
        if value is None or (isinstance(value, int) and isinstance(wanted, int) and not self.tolerance):
            return bool(value == wanted)
        if self.same(value, wanted) or abs(value - wanted) <= max(self.tolerance, 1e-9) * abs(wanted):
            return True
        fraction = "/" in str(target) or "frac" in str(target)
        digits = _decimals(value) if fraction else _decimals(target)
        digits += 2 if self.percent and _PERCENT.search(str(target)) else 0
        if digits < (3 if fraction else 1):
            return False
        with localcontext(DECIMAL_CONTEXT):
            return abs(_exact(value) - _exact(wanted)) <= Decimal(5).scaleb(-digits - 1)


def _only_numbers(text: str, found: Sequence[Token]) -> bool:
    """Whether a statement is a row of numbers and nothing else: "27 and 18", "(3, 4)"."""
    edges = [0, *(edge for token in found for edge in (token.start, token.end)), len(text.rstrip(" .*_$"))]
    return all(
        _APART.fullmatch(text, edges[at], edges[at + 1]) for at in range(0, len(edges), 2) if edges[at] < edges[at + 1]
    )


def _exact(value: int | float) -> Decimal:
    return Decimal(repr(value))


def _decimals(written: Any) -> int:
    """How many digits after the point a number shows."""
    if isinstance(written, str) and (point := re.search(r"\.(\d+)(?!\s?(?:[eE×]|\\times|\d))", written)):
        return len(point[1])
    value = Number().target(written)
    return max(0, -int(_exact(value).as_tuple().exponent))
