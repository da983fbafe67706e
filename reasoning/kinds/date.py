"""Date: a day of the calendar."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from reasoning.errors import UsageError
from reasoning.kinds.base import BaseKind
from reasoning.kinds.kind import Rejected, abbreviate
from reasoning.kinds.phrasing import answer_instruction, first_sentence, is_refusal, strip_markup
from reasoning.kinds.reply_format import pattern_of

_MONTHS = ["January", "February", "March", "April", "May", "June"]
_MONTHS += ["July", "August", "September", "October", "November", "December"]
_DIRECTIVES = {"%Y": r"\d{4}", "%y": r"\d\d", "%m": r"\d\d?", "%d": r"\d\d?", "%B": r"[^\W\d_]{3,9}", "%%": "%"}
_DIRECTIVES["%b"] = _DIRECTIVES["%B"]
# The same in the dialect of JSON schemas.
_SCHEMA = {"%Y": "[0-9]{4}", "%y": "[0-9]{2}", "%m": "[0-9]{1,2}", "%d": "[0-9]{1,2}", "%%": "%"}
_SCHEMA["%B"] = _SCHEMA["%b"] = "[A-Z][a-z]{2,8}"
# Years of two digits from 69 on belong to the twentieth century, as in POSIX.
_CENTURY = 69

_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)(?![^\W\d_])\.?"
)
_SUFFIX = r"(?:st|nd|rd|th)?"
_SPACE = r"(?:\s{1,2}|[-/.,]\s?|,\s)"
_FREE, _ENDED = r"(?<![\w/])(?<!\d[.-])", r"(?![\w/]|[-.,]\d)"
_WRITTEN = re.compile(
    rf"""
      {_FREE} (?P<year>\d{{4}})(?P<s1>[-/.]|\ ?[-/]\ ?)(?P<month>\d\d?)(?P=s1)(?P<day>\d\d?)(?=[T ]\d\d:|{_ENDED})
    | {_FREE} (?P<first>\d\d?)(?P<s2>[-/.]|\ ?[-/.]\ ?)(?P<second>\d\d?)(?P=s2)(?P<last>\d{{4}}|\d\d){_ENDED}
    | {_FREE} (?P<day2>\d\d?){_SUFFIX}(?:{_SPACE}|\s(?:day\s)?of\s)(?P<month2>{_MONTH}){_SPACE}(?P<year2>\d{{4}})
      {_ENDED}
    | (?<![\w/]) (?P<month3>{_MONTH})(?:{_SPACE}|\sthe\s)(?P<day3>\d\d?){_SUFFIX}{_SPACE}(?P<year3>\d{{4}}){_ENDED}
    | {_FREE} (?P<year4>\d{{4}}){_SPACE}(?P<month4>{_MONTH}){_SPACE}(?P<day4>\d\d?){_SUFFIX}{_ENDED}
    | (?<!\d) (?P<year5>\d{{4}})\s?[年년]\s?(?P<month5>\d\d?)\s?[月월]\s?(?P<day5>\d\d?)\s?[日일]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CHARACTERS = str.maketrans(
    {"−": "-", "‐": "-", "‑": "-", "–": "-", "\u00a0": " ", "\u202f": " ", "／": "/", "．": "."}
)
_LEAD = re.compile(
    r"(?:on|the|it|is|was|a|in|therefore|so|exactly|day|date"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun|[^\w]|_)*+",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?:[-*•]\s)?[*_]{0,3}(?:(?:\w[\w ]{0,30}[*_\s]{0,3}[:=]|=)[*_\s]*)?(?:\w{3,9}day,?\s)?", re.IGNORECASE
)
_JOINED = re.compile(
    r"[*_`$\"]{0,4}\s?(?:-|/|\bto\b|\bor\b|\band\b|\buntil\b|\bthrough\b)\s?[*_`$\"]{0,4}", re.IGNORECASE
)
_IS = re.compile(
    r"(?<!which )(?<!that )\b(?:is|was|will be|would be|falls on|fell on|equals)"
    r"\s(?:(?:on|the|\w{3,9}day,?)\s){0,2}[\s*_`$\"(]*$",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(
    r"\s?\(?\w{3,9}day\)?|(?:T| )\d\d:\d\d(?::\d\d)?(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


class _Found(NamedTuple):
    value: datetime.date | Rejected
    start: int
    end: int


@dataclass(frozen=True)
class Date(BaseKind):
    """A date. Its value is a `datetime.date`.

    The parser accepts the format itself, 2002-02-27, 27 February 2002, Feb 27th, 2002, 2002年2月27日
    and 02/27/2002. If the order of the digits is ambiguous, as in 02/03/2002, the order of day and
    month in the format decides; with a format that begins with the year, such a date is rejected. A
    date with only one possible order, 27/02/2002, is always accepted. Impossible dates, dates
    without a year and time spans are not answers. Months have their English names. A year of two
    digits is accepted only if the format has one.

    Attributes:
        format: the format in which dates are shown, in the directives of `strftime`: %d, one of %m,
            %B and %b, and one of %Y and %y.

    Raises:
        UsageError: the format does not have day, month and year, each once.

    Examples:
        >>> Date().parse("It was on Feb. 27th, 2002.")
        datetime.date(2002, 2, 27)
        >>> Date("%d.%m.%Y").parse("The answer is 02/03/2002.")
        datetime.date(2002, 3, 2)
        >>> Date().parse_reply("The answer is 02/03/2002.")
        ParseResult(value=None, rule='an ambiguous date')
    """

    name: ClassVar[str] = "date"
    format: str = "%Y-%m-%d"

    def __post_init__(self) -> None:
        found = re.findall(r"%.?", self.format, re.DOTALL) if isinstance(self.format, str) else []
        parts = sorted(
            directive[-1].replace("B", "m").replace("b", "m").lower() for directive in found if directive != "%%"
        )
        if parts != ["d", "m", "y"] or not set(found) <= set(_DIRECTIVES):
            raise UsageError(
                f"Date(format={self.format!r}): the format must have %d, one of %m, %B, %b and one of %Y, %y, "
                "each once, such as '%m/%d/%Y'"
            )

    def instruction(self) -> str:
        return answer_instruction(f"a date written like {self._example}")

    def direct_instruction(self) -> str:
        return f"Reply with the date alone, written like {self._example}: no reasoning, no other words."

    def answer_schema(self) -> Mapping[str, Any] | None:
        pieces = re.split("(%.)", self.format)
        return {
            "type": "string",
            "pattern": f"^{''.join(_SCHEMA.get(piece) or pattern_of(piece) for piece in pieces)}$",
        }

    def trigger(self) -> str:
        return f"Therefore, the answer (a date like {self._example}) is"

    def parse_statement(self, text: str, *, continues: bool = False) -> datetime.date | Rejected | None:
        """Return the date at the beginning of a sentence, or else the only one in it."""
        text = text.translate(_CHARACTERS)
        sentence = first_sentence(text)
        found = list(self._dates(sentence)) or list(self._dates(text))[:1]
        if not found:
            return Rejected("a refusal") if is_refusal(text) else Rejected("no full date") if _hints(sentence) else None
        several = len({date.value for date in found}) > 1 and not _LEAD.fullmatch(text[: found[0].start])
        # "The day after 02/27/2002 is 02/28/2002."
        said = [date for date in found if _IS.search(text[max(0, date.start - 40) : date.start])] if several else []
        if len(said) == 1 and not isinstance(said[0].value, Rejected):
            return said[0].value
        return Rejected("several dates") if several or _joined(text, found[:2]) else found[0].value

    def parse_line(self, line: str, before: str) -> datetime.date | Rejected | None:
        """Return the date of a line that contains only it, its weekday and a name before it."""
        line = strip_markup(line[:200].translate(_CHARACTERS))
        date = next(self._dates(line), None)
        if date is None or not _NAMED.fullmatch(line[: date.start]):
            return None
        rest = line[date.end :].strip(" .*_")
        if rest and not _WEEKDAY.fullmatch(rest):
            return None
        return date.value

    def parse_first_line(self, line: str) -> datetime.date | Rejected | None:
        """Return the date of a line that contains only it, as in a final line."""
        return self.parse_line(line, "")

    def parse_last_candidate(self, text: str) -> datetime.date | Rejected | None:
        """Return the last date."""
        text = text.translate(_CHARACTERS)
        found = list(self._dates(text))[-2:]
        several = _joined(text, found) or _either(text, found)
        return Rejected("several dates") if several else found[-1].value if found else None

    def target(self, target: Any) -> datetime.date:
        """Return the date of a target: a date, or its text."""
        if isinstance(target, datetime.datetime):
            return target.date()
        value = self.parse_line(target.strip(), "") if isinstance(target, str) else target
        if not isinstance(value, datetime.date):
            raise UsageError(f"the target {abbreviate(target)} is not a date; it must be written like {self._example}")
        return value

    def is_value(self, value: Any) -> bool:
        return isinstance(value, datetime.date)

    def key(self, value: Any) -> str:
        return str(value.isoformat())

    def show(self, value: Any) -> str:
        parts = {"%Y": f"{value.year:04}", "%y": f"{value.year % 100:02}", "%m": f"{value.month:02}", "%%": "%"}
        parts |= {"%d": f"{value.day:02}", "%B": _MONTHS[value.month - 1], "%b": _MONTHS[value.month - 1][:3]}
        return re.sub("%.", lambda match: parts[match[0]], self.format)

    @property
    def _example(self) -> str:
        return self.show(datetime.date(2002, 2, 27))

    @cached_property
    def _format_pattern(self) -> re.Pattern[str]:
        """Return the format as a pattern."""
        pieces = re.split("(%.)", self.format)
        pattern = "".join(
            f"(?P<{piece[1]}>{_DIRECTIVES[piece]})" if piece in _DIRECTIVES and piece != "%%" else re.escape(piece)
            for piece in ("%" if piece == "%%" else piece for piece in pieces)
        )
        return re.compile(rf"{_FREE}{pattern.translate(_CHARACTERS)}{_ENDED}", re.IGNORECASE)

    def _dates(self, text: str) -> Iterator[_Found]:
        """Yield the dates in a text, in order, and the texts that look like a date but are not one."""
        formatted = [
            match for match in self._format_pattern.finditer(text) if isinstance(self._value(match), datetime.date)
        ]
        reach = 0
        for match in sorted(
            [*formatted, *_WRITTEN.finditer(text)], key=lambda match: (match.start(), match.re is _WRITTEN)
        ):
            if match.start() < reach:
                continue
            reach = match.end()
            yield _Found(self._value(match), match.start(), match.end())

    def _value(self, match: re.Match[str]) -> datetime.date | Rejected:
        parts = {name.rstrip("2345"): part for name, part in match.groupdict().items() if part}
        if match.re is self._format_pattern:
            year = int(parts["Y"]) if "Y" in parts else _century(int(parts["y"]))
            month = parts.get("m") or parts.get("B") or parts.get("b") or ""
            return _date(year, _month(month), int(parts["d"]))
        if "first" not in parts:
            return _date(int(parts["year"]), _month(parts["month"]), int(parts["day"]))
        if len(parts["last"]) == 2 and "%y" not in self.format:
            return Rejected("a year of two digits")
        year = int(parts["last"]) if len(parts["last"]) == 4 else _century(int(parts["last"]))
        first, second = int(parts["first"]), int(parts["second"])
        day_first, month_first = _date(year, second, first), _date(year, first, second)
        if isinstance(day_first, Rejected) or day_first == month_first:
            return month_first
        if isinstance(month_first, Rejected):
            return day_first
        if re.search("%[Yy].*%[mBb].*%d", self.format, re.DOTALL):
            return Rejected("an ambiguous date")
        return day_first if re.search("%d.*%[mBb]", self.format, re.DOTALL) else month_first


def _month(written: str) -> int:
    """Return 1 to 12 for the number or name of a month, otherwise 0."""
    if written.isdigit():
        return int(written)
    names = [month[:3].casefold() for month in _MONTHS]
    head = written[:3].casefold()
    return names.index(head) + 1 if head in names else 0


def _century(year: int) -> int:
    return year + (1900 if year >= _CENTURY else 2000)


def _date(year: int, month: int, day: int) -> datetime.date | Rejected:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return Rejected("no such date")


def _joined(text: str, found: list[_Found]) -> bool:
    """Return whether two dates are joined, as a time span or as two answers."""
    if len(found) < 2 or found[0].value == found[1].value:
        return False
    return _JOINED.fullmatch(text[found[0].end : found[1].start]) is not None


def _either(text: str, found: list[_Found]) -> bool:
    """Return whether the last dates are alternatives in one sentence: "… in the US, or … in the UK"."""
    between = text[found[0].end : found[1].start] if len(found) == 2 else ""
    return len(between) < 80 and re.search(r"\bor\b", between) is not None and first_sentence(between) == between


def _hints(text: str) -> bool:
    """Return whether a sentence names a part of a date: a number or a month."""
    return re.search(rf"\d|(?<![\w]){_MONTH}", text) is not None
