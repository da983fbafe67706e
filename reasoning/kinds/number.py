"""Number: one integer or decimal number."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.base import TAIL_CHARS, BaseKind
from reasoning.kinds.boxes import Box
from reasoning.kinds.equations import find_unknown
from reasoning.kinds.kind import ParseResult, Region, Rejected, abbreviate
from reasoning.kinds.main_number import find_concluded, find_main_number, find_new_number, is_object
from reasoning.kinds.number_lexer import DECIMAL_CONTEXT, Token, lex_numbers, to_number, to_plain_text
from reasoning.kinds.number_words import parse_number_words
from reasoning.kinds.phrasing import (
    DESCRIPTION,
    answer_instruction,
    first_sentence,
    is_refusal,
    resolve_negation,
    strip_markup,
)
from reasoning.kinds.statements import Statement

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
_OR = re.compile(r"\b(?:or|i\.e\.|that is|equivalently)(?:\s|,|$)|[=≈]", re.IGNORECASE)
# "… + 150, which equals 320"
_WHICH = re.compile(
    r",?\s(?:which|that)\s(?:equals|is(?: equal to)?|gives(?: us)?|makes|comes to|results in|totals)\s(?=[^\n]*\d)"
)
# "the sum of 949 and 775"
_DESCRIBES = re.compile(
    r"(?:(?:just|simply|exactly|also)\s)?(?:the\s)?(?:\w+\s)?(?:sum|difference|product|quotient|result|remainder)"
    r"\s(?:of|between|from|when)\b",
    re.IGNORECASE,
)
# "$40 (visitation charge) + …"
_COMMENT = re.compile(r"\s\([^()\d=\n]{1,60}\)(?=\s?[-+*/×÷=≈])")
# "Not washed = 66 shirts"
_NOT_NAME = re.compile(r"not\s[^\W\d_]{1,20}\s?[=:]", re.IGNORECASE)
# "84", "ans = 84"
_ALONE = re.compile(r"(?:[^\W\d_]\w{0,30}\s?=\s?)?-?[$€£]?-?\d[\d,.]*+")
# The next step of a derivation, which begins with the result of the one before.
_STEP = re.compile(
    r"[.,;]?\s+(?:(?:and|so|then|thus|therefore|hence),?\s)*(?P<number>[$€£]?\d[\d,.]*+)(?=[^=\n]{1,200}=)",
    re.IGNORECASE,
)
_WORD_START = re.compile(r"\b[^\W\d_]")
_MAX_STEPS = 20
_MAX_NOTATIONS = 4
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

    def answer_schema(self) -> Mapping[str, Any] | None:
        return {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?%?$"} if self.percent else {"type": "number"}

    def trigger(self) -> str:
        return "Therefore, the answer (arabic numerals) is"

    def parse_statement(self, text: str, *, continues: bool = False) -> Any | Rejected | None:
        """Return the number that a sentence states; see `find_main_number`.

        Of an equation it is the result (8 in "5 + 3 = 8 eggs"), of an equation with an unknown the
        value of the unknown, and of a derivation the end.
        """
        # A shortcut for most statements; the code below would give the same result.
        if bare := _BARE.fullmatch(text):
            return int(bare[1])
        text = to_plain_text(text)
        if is_refusal(text):
            return Rejected("a refusal")
        if "=" in text:
            text = _COMMENT.sub("", text)
        affirmed = text if _NOT_NAME.match(text) else resolve_negation(text)
        if isinstance(affirmed, Rejected):
            return affirmed
        # "Answer: 16 - 7 = 9, so …" begins the reasoning.
        if continues and _GOES_ON.search(affirmed):
            return None
        text = first_sentence(affirmed)
        if text.rstrip().endswith("?"):
            return None
        found = [token for token in lex_numbers(text) if token.category != "label"]
        main = find_main_number(text, found) if found else 0
        if "=" not in text and not main and (words := parse_number_words(text)):
            if isinstance(words, str):
                return Rejected(words)
            # "Half the number of spots is 2450"
            if not found or _CLAUSE.search(text, words[1], found[0].start) or not is_object(text, found[0]):
                return self._to_unit(words[0], text, words[1])
        if not found:
            return Rejected("no number") if re.search(r"\d", text) else None
        continues = continues or re.search(r"\d", affirmed[len(text) :]) is not None
        if continues and re.search(r"[^\W\d_]{2,}\s+[^\W\d_]+", text[: found[0].start]):
            # "Answer: She has 16 eggs. …" begins the reasoning and does not state 16.
            return None
        several = len(found) > 1 or found[0].category == "range"
        if several and "=" not in text and _DESCRIBES.match(text) and not is_object(text, found[main]):
            which = _WHICH.search(text)
            return self.parse_statement(text[which.end() :]) if which else DESCRIPTION
        if len(found) > 1 and not find_unknown(text) and (_only_numbers(text, found) or _ARRAY.search(text)):
            value = self._only_value(text, found)
            return Rejected("several numbers") if value is None else value
        return self._result(affirmed, found[main], found[main - 1].end if main else 0, continues)

    def _result(self, text: str, first: Token, start: int, continues: bool) -> Any | Rejected | None:
        """Return the result of the equation that begins with a number, or of the derivation that it begins.

        Args:
            text: the statement.
            first: the number at which the equation begins.
            start: the end of the number before it.
            continues: whether more text follows the statement.
        """
        results: list[int | float] = []
        for _ in range(_MAX_STEPS):
            clause = _CLAUSE.search(text, first.end)
            end = clause.start() if clause else len(text)
            results = [side for part in _EQUALS.split(text[start:end]) if (side := self._side(part)) is not None]
            if unknown := find_unknown(text[start:end]):
                # Also in the same clause: "2x + 5 = 9 ⇒ x = 2".
                solved = re.compile(rf"(?<![\w\\]){unknown}\s?=\s?").search(text, text.index("=", start) + 1)
                text, start = text[solved.end() :] if solved else "", 0
                behind = [token for token in lex_numbers(text) if token.category != "label"]
                if not behind:
                    return None if continues else Rejected("an equation")
                first = behind[0]
                continue
            if not results and (same := self._same_either(text[first.start : first.end])) is not None:
                return same
            if not results:
                which = _WHICH.match(text, end)
                return self.parse_statement(text[which.end() :]) if which else Rejected(_REASONS[first.category])
            # "200 / 1 = 200 tiles. 200 tiles * $12 = $2400"
            step = _STEP.match(text, end) if "=" in text[start:end] else None
            if step is None or self.parse_line(step["number"], "") != results[-1]:
                break
            start = step.start("number")
            first = Token("expression", None, start, step.end("number"))
        return results[-1] if results else Rejected("an equation")

    def _same_either(self, text: str) -> int | float | None:
        """Return the value of "18 or 18.00"; None for two values."""
        values = [token.value for part in text.split(" or ") for token in lex_numbers(part)]
        return values[0] if " or " in text and len(set(values)) == 1 else None

    def _only_value(self, text: str, found: Sequence[Token]) -> int | float | None:
        """Return the value of several numbers if it is one in several notations: "3/8 or 0.375"."""
        between = [text[one.end : other.start] for one, other in pairwise(found)]
        if len(found) > _MAX_NOTATIONS or not all(_OR.search(words) for words in between):
            return None
        values = [(self._to_unit(token.value, text, token.end), text[token.start : token.end]) for token in found]
        return next((exact for exact, _ in values if all(self._is_rounded(exact, *other) for other in values)), None)

    def _is_rounded(self, exact: int | float | None, value: int | float | None, written: str) -> bool:
        """Return whether a value is an exact one, or that rounded to the digits that are written."""
        if exact is None or value is None:
            return False
        digits = len(written.rpartition(".")[2]) if "." in written and "/" not in written else 0
        return self.same(exact, value) or (digits > 0 and abs(exact - value) <= 0.5 * 10.0**-digits)

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

    def parse_closing_line(self, line: str, statement: str) -> Any | None:
        """Return the number of a last line that contains only it or assigns it: 84 in `ans = 84`.

        A statement that is itself only a number stands.
        """
        alone = line != statement and _ALONE.fullmatch(strip_markup(line)) is not None
        return self.parse_line(line, "") if alone and self.parse_line(statement, "") is None else None

    def _parse_located(self, statement: Statement) -> Any | Rejected | None:
        """Find the answer in a statement; the first of several equations begins a derivation, whose end counts."""
        return None if statement.derives else super()._parse_located(statement)

    def _parse_box(self, box: Box) -> Any | Rejected | None:
        """Find the number in a box; in several that are joined it must be the same: not "72 glasses", "38 plates"."""
        values = [self.parse_statement(part) for part in box.parts]
        numbers = {self.key(value) for value in values if self.is_value(value)}
        return Rejected("several numbers") if len(numbers) > 1 else super()._parse_box(box)

    def parse_first_line(self, line: str) -> Any | None:
        """Return the number of a line that contains only it.

        An equation is not accepted, because it is more likely the first step of reasoning.
        """
        return None if "=" in line else self.parse_line(line, "")

    def parse_last_candidate(self, text: str) -> Any | None:
        """Return the last number.

        It is the only bold number of the last line, else the last number outside of expressions and
        questions. If its sentence draws a conclusion, a phrase at the end is skipped: 9 in "So we
        need 9 vases for 7 carnations".
        """
        if (bold := self._bold_number(text)) is not None:
            return bold
        text = _plain_candidates(text)
        found = deque((token for token in lex_numbers(text) if token.value is not None), maxlen=1)
        if not found:
            return None
        last = find_concluded(text, found[0])
        return self._to_unit(last.value, text, last.end)

    def prefer_new_number(
        self, result: ParseResult, text: str, question: str, region: Region | None = None
    ) -> ParseResult:
        """Replace a last candidate that only repeats a number of the question, if its sentence has another number.

        "They take Olivia 16 minutes to peel 720 shrimps" is 16 if the question has 720. A stated
        answer, the result of an equation and the object of a verb stay.

        Args:
            result: the result of `parse_reply` for the text.
            text: the reply.
            question: the question that it answers.
            region: the part of the reply that was parsed.
        """
        if result.rule != "last candidate":
            return result
        text = self._answer_text(text, region)[-TAIL_CHARS:]
        if self._bold_number(text) is not None:
            return result
        text = _plain_candidates(text)
        found = find_new_number(text, _numbers(question[-TAIL_CHARS:]))
        value = self._to_unit(found.value, text, found.end) if found else None
        return result if value is None else ParseResult(value, result.rule)

    def _bold_number(self, text: str) -> int | float | None:
        """Return the only bold number of the last line, or None."""
        bold = [self.parse_statement(part) for part in _BOLD.findall(text.rstrip().rpartition("\n")[2])]
        values = {value for value in bold if isinstance(value, (int, float))}
        return values.pop() if len(values) == 1 else None

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


def _plain_candidates(text: str) -> str:
    """Return a text without the markers of list items and without questions."""
    return _QUESTION.sub("?", _MARKER.sub("", to_plain_text(text)))


def _numbers(question: str) -> set[int | float]:
    """Return the numbers of a question, in digits and in words."""
    text = to_plain_text(question)
    words = (parse_number_words(text[word.start() : word.start() + 80]) for word in _WORD_START.finditer(text))
    return {
        *(token.value for token in lex_numbers(text) if token.value is not None),
        *(found[0] for found in words if isinstance(found, tuple)),
    }


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
