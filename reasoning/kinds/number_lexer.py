"""The numbers in a text, as people, Markdown and LaTeX write them, and the things that only look like numbers.

Every pattern is possessive or bounded: the time is linear in the text's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Context, Decimal, localcontext
from typing import Any, NamedTuple

MAX_DIGITS = 300
"""The most digits that a number may have, and its largest power of ten."""

DECIMAL_CONTEXT = Context(prec=28)
"""The precision of what is computed: Python's default."""

# One grammar serves plain text, Markdown and LaTeX because these are rewritten first.
_CHARACTERS = str.maketrans({"−": "-", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "⁄": "/"})
_VULGAR = {"½": " 1/2", "⅓": " 1/3", "⅔": " 2/3", "¼": " 1/4", "¾": " 3/4", "⅕": " 1/5", "⅛": " 1/8"}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_REWRITES: list[tuple[re.Pattern[str], Any]] = [
    (re.compile(r"<<[^<>\n]{0,200}>>"), ""),  # GSM8K's calculator marks
    (re.compile(r"</?[A-Za-z]\w{0,20} ?/?>"), " "),  # tags
    (re.compile(r"<([$€£]?-?\d[\d.,]{0,40})>"), r"\1"),  # a placeholder, filled in
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf) ?\{([^{}\n]{0,80})\}"), r"\1"),
    (re.compile(r"(?<=\d)(?=\\[dt]?frac)"), " "),  # a mixed number
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
    (re.compile(r"(?<!\d)\*\*|\*\*(?!\d)|`"), ""),  # bold and code, but not Python's power
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,80})(?<=\S)\*(?![\w*])"), r"\1"),  # emphasis, but not a product
]
_REWRITTEN = re.compile(r"[\\*`<>{½⅓⅔¼¾⅕⅛⁰¹²³⁴⁵⁶⁷⁸⁹]")  # a text without any of these is plain already

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?+"
_YEAR = r"(?:,?\s\d{4}(?!\d))"
_CURRENCY = r"(?:(?:US)?[$€£¥₹]\ ?)"
_DIGITS = r"\d++(?:[.,]\d++)*+"
_FREE = r"(?<![\w^{])(?<!\d[.,])"  # not inside a word, an exponent, a macro's braces or a longer number
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
_GROUPED = re.compile(
    r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|[1-9]\d?(?:,\d\d)*,\d{3}(?:\.\d+)?"
)  # 1,234,567 and 12,34,567
_POINTED = re.compile(r"[1-9]\d{0,2}(?:(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})")  # 1.234,56 and 1.234.567
_UNGROUPED = re.compile(r"\d*(?:\.\d+)?")
_SCALES = {"k": 3, "m": 6, "b": 9, "bn": 9, "hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}

# What makes a number a part of an expression that is not worked out.
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
        what: "number", "expression" (digits that are a part of one), "label", "date", "time" or "range".
        value: of a number, else None.
        start, end: where it stands.
    """

    category: str
    value: int | float | None
    start: int
    end: int


def to_plain_text(text: str) -> str:
    """The text with Markdown and LaTeX rewritten to what `tokens` reads. For a few kilobytes at a time."""
    text = text.translate(_CHARACTERS)
    if not _REWRITTEN.search(text):
        return text
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    return re.sub("[½⅓⅔¼¾⅕⅛]", lambda match: _VULGAR[match[0]], text)


def lex_numbers(text: str) -> Iterator[Token]:
    """Everything in a plain text that has digits and is not part of a word, in order."""
    for match in _LEXER.finditer(text):
        what = match.lastgroup or ""  # the outermost group closes last
        value = _value(match) if what == "number" else None
        if what == "number" and (
            value is None
            or _OPEN_AFTER.match(text, match.end())
            or _OPEN_BEFORE.search(text[max(0, match.start() - 6) : match.start()])
        ):
            what, value = "expression", None
        yield Token(what, value, match.start(), match.end())


def to_number(value: Decimal) -> int | float | None:
    """An int where the value is whole, else a float; None where it is out of bounds."""
    if value == 0:
        return 0
    if not value.is_finite() or not -MAX_DIGITS < value.adjusted() < MAX_DIGITS:
        return None
    nearest = float(value)
    return int(value if value == value.to_integral_value() else nearest) if nearest.is_integer() else nearest


def _value(match: re.Match[str]) -> int | float | None:
    """The value of a number as the lexer matched it; None where it is none, such as 1,23 or 1/0."""
    digits = match["digits"]
    if digits and len(digits) < 16 and digits.isdigit() and match.end("digits") == match.end():
        return -int(digits) if (match["sign"] or "+") != "+" or (match["currency"] or "").endswith("-") else int(digits)
    with localcontext(DECIMAL_CONTEXT):  # whatever precision somebody else in this process has set
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
    except (ArithmeticError, ValueError):  # a division by zero, an exponent beyond all bounds
        return None
    negative = (match["sign"] or "+") != "+" or (match["currency"] or "").endswith("-")
    return to_number(value.copy_negate() if negative else value)
