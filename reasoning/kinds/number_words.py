"""Numbers in words, up to a million: "twenty-one", "two thousand five hundred", "three quarters", "two and a half"."""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = "one|two|three|four|five|six|seven|eight|nine"
# In ascending order.
_SMALL = f"zero|{_ONES}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_UNITS = {word: number for number, word in enumerate(_SMALL.split("|"))}
_UNITS |= {word: 10 * number for number, word in enumerate(_TENS.split("|"), 2)}
_POWERS = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
_PARTS = {
    "half": 2,
    "halve": 2,
    "third": 3,
    "quarter": 4,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "eighth": 8,
    "tenth": 10,
}

_WORD = rf"(?:{_SMALL}|{_TENS}|{'|'.join(_POWERS)})(?!\w)"
_UNDER_100 = rf"(?:(?:{_TENS})(?: (?:{_ONES}))?|{_SMALL})(?!\w)"
_GROUP = rf"(?:(?:{_UNDER_100} )?hundred(?: {_UNDER_100})?|{_UNDER_100})"
_ORDER = re.compile(rf"(?:(?:{_GROUP} )?million(?: |$))?(?:(?:{_GROUP} )?thousand(?: |$))?(?:{_GROUP})?")
_START = re.compile(
    rf"[\s*_\"'$€£(]{{0,6}}(?:(?:about|approximately|around|exactly|only|just|a total of)\s)?"
    rf"(?P<sign>(?:minus|negative)\s)?"
    rf"(?:(?P<half>(?:a\s)?half(?!\w))|(?:a\s(?=hundred|thousand|million))?"
    rf"(?P<words>{_WORD}(?:(?:[\s-]|,\s)(?:and\s)?{_WORD}){{0,12}}+))",
    re.IGNORECASE,
)
# two thirds, two and a half
_PART = re.compile(rf"(?P<and>\sand\s(?:an?|{_ONES})(?=\s))?[\s-](?P<part>{'|'.join(_PARTS)})s?\b", re.IGNORECASE)
# two point five, two point eighty-seven
_POINT = re.compile(rf"\spoint(?P<digits>(?:[\s-](?:oh|{_SMALL}|{_TENS})(?!\w)){{1,12}}+)", re.IGNORECASE)
_OTHER = re.compile(r"-\w|\s(?:that|which|who|whose|of|where|with|can|is|could|way|day|another|more|should|may|must)\b")
_RANGE = re.compile(rf"\s?(?:[-–—]|\bto\b|\bor\b)\s?(?:{_WORD}|\d)", re.IGNORECASE)


def parse_number_words(text: str) -> tuple[int | float, int] | str | None:
    """Parse the number in words at the beginning of a text.

    Returns:
        The value and the end of the words; None if the text does not begin with a number in words;
        "a range" for two of them ("two or three").

    Examples:
        >>> parse_number_words("two thousand five hundred eggs")
        (2500, 25)
        >>> parse_number_words("two or three")
        'a range'
    """
    match = _START.match(text)
    if match is None:
        return None
    end = match.end()
    value = Fraction(1, 2) if match["half"] else _value(match["words"].lower())
    if value is not None and not match["half"] and (part := _PART.match(text, end)):
        piece, end = Fraction(1, _PARTS[part["part"].lower()]), part.end()
        count = _UNITS.get(part["and"].split()[-1].lower(), 1) if part["and"] else 1
        value = value + count * piece if part["and"] else value * piece
    elif value is not None and (point := _POINT.match(text, end)):
        value, end = value + _decimals(point["digits"].lower()), point.end()
    if _RANGE.match(text, end):
        return "a range"
    if value is None or (_OTHER.match(text, end) and (text[end] == "-" or value == 1)):
        # "a six-pack"; and "one" may be a pronoun.
        return None
    value = -value if match["sign"] else value
    return int(value) if value.denominator == 1 else float(value), end


def _decimals(words: str) -> Fraction:
    """Return the value of the words after "point": "eighty-seven" and "eight seven" are 0.87, "oh five" is 0.05."""
    digits = ""
    for tens, word in re.findall(rf"(?:({_TENS})[\s-](?=(?:{_ONES})(?!\w)))?(\w+)", words):
        digits += str(_UNITS.get(tens, 0) + _UNITS.get(word, 0))
    return Fraction(int(digits), 10 ** len(digits))


def _value(words: str) -> Fraction | None:
    """Return the value of words such as "two thousand five hundred and six"; None if their order is wrong."""
    parts = [word for word in re.split(r"[\s,-]+", words) if word != "and"]
    if not _ORDER.fullmatch(" ".join(parts)):
        return None
    total = part = 0
    for word in parts:
        if word in _UNITS:
            part += _UNITS[word]
        elif word == "hundred":
            part = (part or 1) * 100
        else:
            total, part = total + (part or 1) * _POWERS[word], 0
    return Fraction(total + part)
