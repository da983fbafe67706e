"""Number: one number, whole or not."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.kind import Unusable
from reasoning.kinds.quantities import EXACT, plain, tokens
from reasoning.kinds.stated import Stated
from reasoning.kinds.wording import meant, refused, sentence, unmarked

_CLAUSE = re.compile(
    r",\s|;|(?<![-+*×÷/=(])\s\(|[.!?](?:\s|$)"
    r"|\s(?:because|since|as|so|which|where|if|when|for|with|and|but|after|from|that)\b",
    re.IGNORECASE,
)
_EQUALS = re.compile(r"==?|≈|→|⇒|->|=>")
_MARKER = re.compile(r"^[ \t]{0,20}\(?\d{1,3}[.)](?=[ \t]+\S)", re.MULTILINE)  # of a list: no number of the text's
_HEAD = re.compile(r"(?:A|Answer|Result|Total)\s?[:=]\s?", re.IGNORECASE)
_NAME = re.compile(r"(?:[^\W\d_]\w{0,20}|[^A-Za-z=]{1,80})\s?[=≈]\s?(?=[^=]*$)")  # x = …, 5 + 3 = …
_UNIT = re.compile(r"[\s-]?(?:[^\s\d.,;:!?=+*/()]{1,20}[\s/-]?){0,3}")
_WORDED = re.compile(
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|(?:a )?(?:hundred|thousand|million))(?:[ -]|\W*$)",
    re.IGNORECASE,
)
_WHY = {
    "number": "an expression",
    "expression": "an expression",
    "date": "a date",
    "time": "a time",
    "range": "a range",
}
_NO_UNIT = re.compile(r"\b(?:is|are|was|were|or|to|not|and)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Number(Stated):
    """One number. Its value is an int where it is whole, else a float; never infinite, never NaN.

    A percentage is read as it is written ("50%" is 50). Ranges, dates, times and expressions that are not worked out
    are no numbers.

    Attributes:
        decimals: the precision of `key` and so of votes: digits after the point (below 1: significant digits).
    """

    name: ClassVar[str] = "number"
    decimals: int = 6

    def __post_init__(self) -> None:
        if not isinstance(self.decimals, int) or not 0 <= self.decimals <= 15:
            raise UsageError(f"Number(decimals={self.decimals!r}): decimals is a whole number from 0 to 15")

    def instruction(self) -> str:
        return "End with one line: The answer is N, where N is one number in digits."

    def direct(self) -> str:
        return "Reply with the number alone, in digits: no reasoning, no other words."

    def trigger(self) -> str:
        return "Therefore, the answer (arabic numerals) is"

    def statement(self, text: str, *, heads: bool = False) -> Any | Unusable | None:
        """The first number of a sentence; of an equation in it, the side that is worked out: 8 in "5 + 3 = 8 eggs"."""
        text = plain(text)
        if refused(text):
            return Unusable("a refusal")
        said = meant(text)
        if isinstance(said, Unusable):
            return said
        text = sentence(said)
        found = [token for token in tokens(text) if token.what != "label"]
        if text.rstrip().endswith("?"):
            return None
        if not found:
            return Unusable("no number") if re.search(r"\d", text) or _WORDED.match(text) else None
        first = found[0]
        heads = heads or re.search(r"\d", said[len(text) :]) is not None
        if heads and re.search(r"[^\W\d_]{2,}\s+[^\W\d_]+", text[: first.start]):
            return None  # "Answer: She has 16 eggs. …" begins the reasoning, it does not state 16
        end = _CLAUSE.search(text, first.end)
        sides = _EQUALS.split(text[: end.start()] if end else text)
        worked = [value for side in sides if (value := _side(side)) is not None]
        return worked[-1] if worked else Unusable(_WHY[first.what])

    def only(self, line: str, before: str) -> Any | None:
        """A number with its unit, or the end of an equation, and nothing else."""
        if len(line) > 200:
            return None
        text = unmarked(plain(line))
        for pattern in (_HEAD, _NAME):
            text = pattern.sub("", text, count=1) if pattern.match(text) else text
        token = next(tokens(text), None)
        if token is None or token.start > 0 or token.value is None:
            return None
        unit = text[token.end :].lstrip(" %°").rstrip(" .")
        return token.value if _UNIT.fullmatch(unit) and not _NO_UNIT.search(unit) else None

    def last(self, text: str) -> Any | None:
        """The last number that is no part of an expression."""
        found = [token.value for token in tokens(_MARKER.sub("", plain(text))) if token.value is not None]
        return found[-1] if found else None

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

        Whole targets exactly, save what floats lose; "0.33" to two digits; "1/3" to the digits of the value, if three.
        """
        wanted = self.target(target)
        if value is None or (isinstance(value, int) and isinstance(wanted, int)):
            return bool(value == wanted)
        if self.same(value, wanted) or math.isclose(value, wanted, rel_tol=1e-9):
            return True
        fraction = "/" in str(target) or "frac" in str(target)
        digits = _decimals(value) if fraction else _decimals(target)
        if digits < (3 if fraction else 1):
            return False
        with localcontext(EXACT):
            return abs(_exact(value) - _exact(wanted)) <= Decimal(5).scaleb(-digits - 1)


def _side(side: str) -> int | float | None:
    """The number that one side of an equation begins with, if it is not part of an expression."""
    token = next((token for token in tokens(side) if token.what != "label"), None)
    if token is None or token.value is None:
        return None
    return -token.value if re.fullmatch(r"\s*-\s", side[: token.start]) else token.value  # "= - 5"


def _exact(value: int | float) -> Decimal:
    return Decimal(repr(value))


def _decimals(written: Any) -> int:
    """How many digits after the point a number shows."""
    if isinstance(written, str) and (point := re.search(r"\.(\d+)(?!\s?(?:[eE×]|\\times|\d))", written)):
        return len(point[1])
    value = Number().target(written)
    return max(0, -int(_exact(value).as_tuple().exponent))
