"""A lexer for numbers in prose, Markdown and LaTeX, and for the texts that only look like numbers.

Every pattern is possessive or bounded, so the time is linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from typing import Any, NamedTuple

MAX_DIGITS = 300
"""The maximum number of digits of a number, and its largest power of ten."""

DECIMAL_CONTEXT = Context(prec=28)
"""The precision of computations, which is Python's default."""

# Markdown and LaTeX are rewritten first, so that one grammar is enough.
_CHARACTERS = str.maketrans({"−": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "⁄": "/"})
_VULGAR = {"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "⅕": " 1/5", "⅛": " 1/8"}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_REWRITES: list[tuple[re.Pattern[str], Any]] = [
    # GSM8K's calculator annotations.
    (re.compile(r"<<[^<>\n]{0,200}>>"), ""),
    # Tags.
    (re.compile(r"</?[A-Za-z]\w{0,20} ?/?>"), " "),
    # A placeholder that was filled in.
    (re.compile(r"<([$€£]?-?\d[\d.,]{0,40})>"), r"\1"),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf) ?\{([^{}\n]{0,80})\}"), r"\1"),
    # A mixed number.
    (re.compile(r"(?<=\d)(?=\\[dt]?frac)"), " "),
    (re.compile(r"\\[dt]?frac(\d)(\d)"), r"\1/\2"),
    (re.compile(r"\\[dt]?frac ?\{ ?(-?\d{1,30}) ?\} ?\{ ?(\d{1,30}) ?\}"), r"\1/\2"),
    (re.compile(r"\{,\}|(?<=\d),\\!"), ","),
    (re.compile(r"\\[,;:! ]|\\q?quad(?![a-z])"), " "),
    (re.compile(r"\\([$%#&])"), r"\1"),
    (re.compile(r"\^ ?(?:\\circ|\{\\circ\})"), "°"),
    (re.compile(r"\\(?:times|cdot)(?![a-z])"), "×"),
    (re.compile(r"\\div(?![a-z])"), "÷"),
    (re.compile(r"\\approx(?![a-z])"), "≈"),
    (re.compile(r"\\(?:leq?|geq?|lt|gt)(?:slant)?(?![a-z])|[<>]=(?!\w)"), "≤"),
    (re.compile(r"\\pm(?![a-z])"), "±"),
    (re.compile(r"(?<=10)[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3}"), lambda power: "^" + power[0].translate(_RAISED)),
    # Bold and code, but not Python's power.
    (re.compile(r"(?<!\d)\*\*|\*\*(?!\d)|`"), ""),
    # Emphasis, but not a product.
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,80})(?<=\S)\*(?![\w*])"), r"\1"),
]
# A text without any of these is plain text already.
_REWRITTEN = re.compile(r"[\\*`<>{½⅓⅔¼¾⅕⅛⁰¹²³⁴⁵⁶⁷⁸⁹]")

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?+"
_YEAR = r"(?:,?\s\d{4}(?!\d))"
_CURRENCY = r"(?:(?:US)?[$€£¥₹]\ ?)"
_DIGITS = r"\d++(?:[.,]\d++)*+"
# Not inside a word, an exponent, a macro's braces or a longer number.
_FREE = r"(?<![\w^{])(?<!\d[.,])"
_LEXER = re.compile(
    rf"""
      (?P<label> \b(?i:step|part|question|equation|figure|table|case|section|option|problem|line)s?\.?\ \(?\d++\)?
               | \#\d++ )
    | (?P<date> \b{_MONTH}\s(?:{_DAY}(?!\d){_YEAR}?+|\d{{4}}(?!\d)) | {_FREE}{_DAY}\s(?:of\s)?{_MONTH}{_YEAR}?+
              | {_FREE}(?:\d{{4}}(?P<s1>[/-])\d\d?(?P=s1)\d\d?
                    |\d\d?(?P<s2>[/-])\d\d?(?P=s2)\d{{4}}|\d\d?/\d\d?/\d\d)(?![\w/-]|\s*=) )
    | (?P<time> {_FREE}(?:\d++(?::\d++)++(?:\ ?[aApP]\.?[mM]\b)?|\d\d?\ ?[aApP]\.?[mM]\b) )
    | (?P<range> {_FREE}(?<!\d[-+*/×÷]){_CURRENCY}?+{_DIGITS}%?+(?:\ ?[–—]\ ?|-|\ (?:to|through|or)\ )
                 {_CURRENCY}?+{_DIGITS}(?!\s*[=/])
              | \b[bB]etween\ {_CURRENCY}?+{_DIGITS}\ and\ {_CURRENCY}?+{_DIGITS} )
    | (?P<number>
        (?P<sign> (?<![\w)\]}}%.])[-–+] | \b(?i:minus|negative)\  )?+
        (?P<currency> {_CURRENCY}-? )?+
        {_FREE}
        (?: (?P<spaced> [1-9]\d{{0,2}}(?:(?:\ \d{{3}})++|(?:['’]\d{{3}})++)(?:\.\d++|,\d{{1,2}}(?!\d))?+(?![\d,/]) )
          | (?:(?P<whole>\d{{1,3}}(?:,\d{{3}})++|\d++)\ )?(?P<top>\d++)\ ?/\ ?(?P<bottom>\d++)(?!\ ?/|[.,]?\d)
          | (?P<digits> {_DIGITS} | \.\d++ )
        )
        (?P<power> [eE][+-]?\d++(?!\w) | \ ?[*×x]\ ?10\ ?(?:\^|\*\*)\ ?(?:\{{[+-]?\d++\}}|[+-]?\d++) )?+
        (?P<scale> [\ -]?(?i:hundred|thousand|million|billion|trillion)\b | (?(currency)(?:[kKmM]|[bB]n?)\b|(?!)) )?+
      )
    """,
    re.VERBOSE,
)
# 1,234,567 and 12,34,567
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|[1-9]\d?(?:,\d\d)*,\d{3}(?:\.\d+)?")
# 1.234,56 and 1.234.567
_POINTED = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")
_UNGROUPED = re.compile(r"\d*(?:\.\d+)?")
_SCALES = {"k": 3, "m": 6, "b": 9, "bn": 9, "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}

# The texts around a number that make it part of an expression without a result.
_OPEN_AFTER = re.compile(
    r"[xyz]\b|[²³⁴⁵⁶⁷⁸⁹]|\((?=\d|[a-z]\b)|\s?(?:\^|\*\*|\\sqrt|\\pi|√|π)"  # 2x, 2², 2(3 + 4), 2^10, 3√2
    r"|\.?\\(?:overline|bar|dot)"
    r"|\s?%?\s?(?:[-–/]\s?[\d(\\$?]|x\s?\(?[\d$])"  # 9 - 3, 9 / (…, 9 x 3
    r"|\s?%?(?:\s?[A-Za-z]{1,20}){0,3}+(?:\s?[×÷±]|\s\+|\+(?![.,;!?)]?(?:\s|$))|\s\*\s|\*(?:\s?[\d(\\$]|[a-z]\b))"
    # 9 + …, 20 minutes + …, not 9* and 9+
    r"|\s?(?:[<>≤≥]|±)(?!/)"  # 5 < x
)
_OPEN_BEFORE = re.compile(
    r"(?:(?:\b\w|\d|[)}%?])\s?[-–]|[\w)}%?]\s?(?:[+×÷/]|\*\*?)|\^|√|±|\d\s?x)\s?\(?$|\w-$|(?:^|[^\n=-])[<>≤≥]\s?$"
)


class Token(NamedTuple):
    """A piece of text with digits in it.

    Attributes:
        category: "number", "expression" (digits that are part of one), "label", "date", "time" or
            "range".
        value: the value of a number, otherwise None.
        start: the position of the first character.
        end: the position after the last character.
    """

    category: str
    value: int | float | None
    start: int
    end: int


def to_plain_text(text: str) -> str:
    """Rewrite Markdown and LaTeX to the plain text that `lex_numbers` expects; for a few kilobytes at a time."""
    text = text.translate(_CHARACTERS)
    if not _REWRITTEN.search(text):
        return text
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return re.sub("[½⅓⅔¼¾⅕⅛]", lambda match: _VULGAR[match[0]], text)


def lex_numbers(text: str) -> Iterator[Token]:
    """Yield everything in a plain text that has digits and is not part of a word, in order."""
    for match in _LEXER.finditer(text):
        # The outermost group closes last.
        category = match.lastgroup or ""
        value = _value(match) if category == "number" else None
        if category == "number" and (
            value is None
            or _OPEN_AFTER.match(text, match.end())
            or _OPEN_BEFORE.search(text[max(0, match.start() - 6) : match.start()])
        ):
            category, value = "expression", None
        yield Token(category, value, match.start(), match.end())


def to_number(value: Decimal) -> int | float | None:
    """Return an int if the value is whole, otherwise a float; None if it is out of bounds."""
    if value == 0:
        return 0
    if not value.is_finite() or not -MAX_DIGITS < value.adjusted() < MAX_DIGITS:
        return None
    nearest = float(value)
    return int(value if value == value.to_integral_value() else nearest) if nearest.is_integer() else nearest


def _value(match: re.Match[str]) -> int | float | None:
    """Return the value of a number that the lexer matched; None for an invalid one, such as 1,23 or 1/0."""
    digits = match["digits"]
    if digits and len(digits) < 16 and digits.isdigit() and match.end("digits") == match.end():
        return -int(digits) if (match["sign"] or "+") != "+" or (match["currency"] or "").endswith("-") else int(digits)
    # Independent of the precision that other code in this process has set.
    with localcontext(DECIMAL_CONTEXT):
        return _computed(match)


def _computed(match: re.Match[str]) -> int | float | None:
    try:
        if match["top"]:
            top, bottom = Decimal(match["top"][: MAX_DIGITS + 1]), Decimal(match["bottom"][: MAX_DIGITS + 1])
            if match["whole"] and top >= bottom:
                return None
            value = Decimal((match["whole"] or "0").replace(",", "")[: MAX_DIGITS + 1]) + top / bottom
        else:
            digits = re.sub("[ '’]", "", match["spaced"] or match["digits"])
            if len(digits) > 2 * MAX_DIGITS:
                return None
            if (match["spaced"] and "," in digits) or _POINTED.fullmatch(digits):
                digits = digits.replace(".", "").replace(",", ".")
            if not (_GROUPED.fullmatch(digits) or _UNGROUPED.fullmatch(digits)):
                return None
            value = Decimal(digits.replace(",", ""))
        if match["power"]:
            value = value.scaleb(int(re.split(r"[eE^]|\*\*", match["power"])[-1].strip(" {}")))
        if match["scale"]:
            value = value.scaleb(_SCALES[match["scale"].strip(" -").lower()])
    # A division by zero, or an exponent out of bounds.
    except (ArithmeticError, ValueError):
        return None
    negative = (match["sign"] or "+") != "+" or (match["currency"] or "").endswith("-")
    return to_number(value.copy_negate() if negative else value)
