"""Number: one integer or decimal number."""

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
from reasoning.kinds.kind import Rejected, abbreviate
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
# The marker of a list item is not a number of the text.
_MARKER = re.compile(r"^[ \t]{0,20}\(?\d{1,3}[.)](?=[ \t]+\S)", re.MULTILINE)
_HEAD = re.compile(r"(?:A|Answer|Result|Total)\s?[:=]\s?", re.IGNORECASE)
# "x = …", "5 + 3 = …"
_NAME = re.compile(r"(?:[^\W\d_]\w{0,20}|[^A-Za-z=]{1,80})\s?[=≈]\s?(?=[^=]*$)")
_UNIT = re.compile(r"[\s-]?(?:[^\s\d.,;:!?=+*/()]{1,20}[\s/-]?){0,3}")
_REASONS = {
    "number": "an expression",
    "expression": "an expression",
    "date": "a date",
    "time": "a time",
    "range": "a range",
}
_QUESTION = re.compile(r"(?:(?<=[.!?]\s)|^)[^.!?\n]*+\?(?=\s|$)", re.MULTILINE)
_PERCENT = re.compile(r"\s?(?:%|percent\b|per cent\b)", re.IGNORECASE)
# The text between and around several numbers.
_SEPARATORS = re.compile(r"[\s,;&()\[\]{}$\\]*(?:and\b|or\b)?[\s(\[$]*(?:[a-z]\s?=)?[\s$]*")
_ARRAY = re.compile(r"\\begin\{(?:\w{0,2}matrix|cases|array)")
_BOLD = re.compile(r"\*\*(?!\d{1,3}[.)]\s)([^*\n]{1,200}+)\*\*(?<!:\*\*)(?!\s?:)")
_GOES_ON = re.compile(r"=[^=\n]{1,200}[,;]\s(?:so|then|thus|hence|therefore)\b[^\n]*\d")
# The distance, as a fraction of the target, that the rounding of floats may cause.
_ROUNDING = Fraction(1, 10**9)
_NO_UNIT = re.compile(r"\b(?:is|are|was|were|or|to|not|and)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Number(BaseKind):
    r"""One number. Its value is an int if it is whole, otherwise a float; never infinite or NaN.

    Ranges, dates, times, inequalities, several numbers in a row and expressions without a result
    are not numbers.

    Attributes:
        decimals: the precision of `key`, and thus of votes, in digits after the decimal point, 0 to
            15; for values below 1, in significant digits.
        percent: whether "50%" is 0.5, for tasks whose targets are fractions; otherwise it is 50.
        tolerance: the accepted distance from the target as a fraction of the target, from 0 to
            below 1 (0.01 is 1 %).

    Raises:
        UsageError: a parameter is out of its range.

    Examples:
        >>> Number().parse("The answer is 1,234.")
        1234
        >>> Number().parse("So 5 + 3 = 8 eggs are left, and she sells them for $2 each.\n\nAnswer: $16 per day")
        16
        >>> Number().parse_reply("The answer is 3-5.")
        ParseResult(value=None, rule='a range')
        >>> Number(percent=True).parse("The answer is 50%.")
        0.5
    """

    name: ClassVar[str] = "number"
    decimals: int = 6
    percent: bool = False
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.decimals, int) or not 0 <= self.decimals <= 15:
            raise UsageError(f"Number(decimals={self.decimals!r}): decimals must be an integer from 0 to 15")
        if not 0 <= self.tolerance < 1:
            raise UsageError(
                f"Number(tolerance={self.tolerance!r}): tolerance must be a fraction of the target, from 0 to below 1"
            )

    def instruction(self) -> str:
        return answer_instruction("one number in digits")

    def direct_instruction(self) -> str:
        return "Reply with the number alone, in digits: no reasoning, no other words."

    def trigger(self) -> str:
        return "Therefore, the answer (arabic numerals) is"

    def parse_statement(self, text: str, *, continues: bool = False) -> Any | Rejected | None:
        """Return the first number of a sentence; of an equation, its result: 8 in "5 + 3 = 8 eggs"."""
        # A shortcut for most statements; the code below would give the same result.
        if bare := _BARE.fullmatch(text):
            return int(bare[1])
        text = to_plain_text(text)
        if is_refusal(text):
            return Rejected("a refusal")
        affirmed = resolve_negation(text)
        if isinstance(affirmed, Rejected):
            return affirmed
        # "Answer: 16 - 7 = 9, so …" begins the reasoning.
        if continues and _GOES_ON.search(affirmed):
            return None
        text = first_sentence(affirmed)
        if text.rstrip().endswith("?"):
            return None
        if "=" not in text and (words := parse_number_words(text)):
            return Rejected(words) if isinstance(words, str) else self._to_unit(words[0], text, words[1])
        found = [token for token in lex_numbers(text) if token.category != "label"]
        if not found:
            return Rejected("no number") if re.search(r"\d", text) else None
        first = found[0]
        continues = continues or re.search(r"\d", affirmed[len(text) :]) is not None
        if continues and re.search(r"[^\W\d_]{2,}\s+[^\W\d_]+", text[: first.start]):
            # "Answer: She has 16 eggs. …" begins the reasoning and does not state 16.
            return None
        if len(found) > 1 and (_only_numbers(text, found) or _ARRAY.search(text)):
            return Rejected("several numbers")
        end = _CLAUSE.search(text, first.end)
        sides = _EQUALS.split(text[: end.start()] if end else text)
        results = [value for side in sides if (value := self._side(side)) is not None]
        return results[-1] if results else Rejected(_REASONS[first.category])

    def parse_line(self, line: str, before: str) -> Any | None:
        """Return the number of a line that contains only it and its unit, or an equation's result."""
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
        return self._to_unit(token.value, text, token.end)

    def parse_first_line(self, line: str) -> Any | None:
        """Return the number of a line that contains only it.

        An equation is not accepted, because it is more likely the first step of reasoning.
        """
        return None if "=" in line else self.parse_line(line, "")

    def parse_last_candidate(self, text: str) -> Any | None:
        """Return the last number.

        It is the only bold number of the last line, else the last number outside of expressions and
        questions.
        """
        bold = [self.parse_statement(part) for part in _BOLD.findall(text.rstrip().rpartition("\n")[2])]
        if len(values := {value for value in bold if isinstance(value, (int, float))}) == 1:
            return values.pop()
        text = _MARKER.sub("", to_plain_text(text))
        text = _QUESTION.sub("?", text)
        found = deque((token for token in lex_numbers(text) if token.value is not None), maxlen=1)
        return self._to_unit(found[0].value, text, found[0].end) if found else None

    def _side(self, side: str) -> int | float | None:
        """Return the number at the beginning of one side of an equation, if it is not part of an expression."""
        token = next((token for token in lex_numbers(side) if token.category != "label"), None)
        if token is None or token.value is None:
            return None
        # "= - 5"
        minus = re.fullmatch(r"\s*-\s", side[: token.start])
        return self._to_unit(-token.value if minus else token.value, side, token.end)

    def _to_unit(self, value: int | float | None, text: str, end: int) -> int | float | None:
        """Return a value in this kind's unit: with `percent`, a value before a percent sign is divided by 100."""
        if not self.percent or value is None or not _PERCENT.match(text, end):
            return value
        with localcontext(DECIMAL_CONTEXT):
            return to_number(Decimal(repr(value)).scaleb(-2))

    def target(self, target: Any) -> Any:
        """Return the number of a target: a number, or its text. Raises UsageError for anything else."""
        if isinstance(target, bool) or not isinstance(target, (int, float, str, Decimal, Fraction)):
            raise UsageError(f"the target {abbreviate(target)} is not a number")
        if isinstance(target, int):
            return target
        return super().target(target if isinstance(target, str) else str(target))

    def is_value(self, value: Any) -> bool:
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and (isinstance(value, int) or math.isfinite(value))
        )

    def key(self, value: Any) -> int | float:
        """Return whole numbers unchanged and others rounded to `decimals`.

        Floats are thus never compared exactly.
        """
        if isinstance(value, int) or float(value).is_integer():
            return int(value)
        leading = math.floor(math.log10(abs(value)))
        rounded = round(value, self.decimals + max(0, -leading - 1))
        return int(rounded) if rounded.is_integer() else rounded

    def score(self, value: Any, target: Any) -> bool:
        """Return whether a value is right to the precision that the target shows.

        Whole targets must match exactly, except for rounding of floats; "0.33" to two digits; "1/3"
        to the digits of the value, which must be at least three. A value within the kind's
        tolerance is also right.
        """
        expected = self.target(target)
        if not self.is_value(value):
            return False
        if isinstance(value, int) and isinstance(expected, int) and not self.tolerance:
            return bool(value == expected)
        distance = abs(_exact(value) - _exact(expected))
        if self.same(value, expected) or distance <= max(_exact(self.tolerance), _ROUNDING) * abs(_exact(expected)):
            return True
        if isinstance(target, int):
            return False
        fraction = "/" in str(target) or "frac" in str(target)
        digits = _decimals(value) if fraction else _decimals(target)
        digits += 2 if self.percent and _PERCENT.search(str(target)) else 0
        if digits < (3 if fraction else 1):
            return False
        return distance <= Fraction(5, 10 ** (digits + 1))


def _only_numbers(text: str, found: Sequence[Token]) -> bool:
    """Return whether a statement contains only several numbers: "27 and 18", "(3, 4)"."""
    edges = [0, *(edge for token in found for edge in (token.start, token.end)), len(text.rstrip(" .*_$"))]
    return all(
        _SEPARATORS.fullmatch(text, edges[index], edges[index + 1])
        for index in range(0, len(edges), 2)
        if edges[index] < edges[index + 1]
    )


def _exact(value: int | float) -> Fraction:
    """Return the number that is written: 0.1 is 1/10. Unlike floats, fractions have no bounds."""
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _decimals(written: Any) -> int:
    """Return the number of digits after the decimal point."""
    if isinstance(written, str) and (point := re.search(r"\.(\d+)(?!\s?(?:[eE×]|\\times|\d))", written)):
        return len(point[1])
    value = Number().target(written)
    return 0 if isinstance(value, int) else max(0, -int(Decimal(repr(value)).as_tuple().exponent))
