"""The types of columns: numbers and dates as people write them, inferred from all cells of a column."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from typing import Any, Literal

Cell = str | int | float | datetime.date | None
"""The value of a cell; None if it is empty."""
ColumnType = Literal["text", "integer", "number", "date"]

MAX_DIGITS = 18
"""The longest number of a column of integers. Longer digit strings are identifiers, and do not fit SQLite."""
_LONGEST = 40
"""The length in characters above which a text is neither a number nor a date."""
_MISSING = frozenset({"-", "--", "‐", "‑", "‒", "–", "—", "―", "n/a", "na", "nan", "none", "null"})
"""Texts that mean an empty cell in a column of numbers or dates."""

_CURRENCY = r"(?:(?:US|CA|AU|NZ|HK|A|C|R)?\$|[€£¥₹])"
_NUMBER = re.compile(
    rf"(?P<outer>{_CURRENCY})?\s*(?P<open>\()?\s*(?P<sign>[+\-−])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>[-−])?\s*"
    r"(?P<whole>[0-9]{1,3}(?P<separator>[,\u00a0\u2009\u202f '’])[0-9]{3}(?:(?P=separator)[0-9]{3})*|[0-9]+)?"
    r"(?P<fraction>\.[0-9]+)?"
    rf"(?P<exponent>[eE][+\-][0-9]{{1,3}})?\s*(?P<after>%|{_CURRENCY})?\s*(?P<close>\))?"
)
_RESTATED = re.compile(r"([^()]*?[0-9][^()]*?) ?\( ?([^()]+?) ?\)")
"""A number that follows once more in parentheses, as in FinQA: "-23 ( 23 )"."""
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {name: number for number, month in enumerate(_MONTH_NAMES, 1) for name in (month, month[:3], month[:4])}
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?"
_DATES = (
    re.compile(r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"),
    re.compile(r"(?P<year>[0-9]{4})/(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})"),
    re.compile(r"(?P<day>[0-9]{1,2})\.\s?(?P<month>[0-9]{1,2})\.\s?(?P<year>[0-9]{4})"),
    re.compile(rf"{_WEEKDAY}{_DAY}[ \-]{_MONTH},?[ \-](?P<year>[0-9]{{4}})", re.IGNORECASE),
    re.compile(rf"{_WEEKDAY}{_MONTH} {_DAY},? (?P<year>[0-9]{{4}})", re.IGNORECASE),
)
"""Forms of dates that have one reading."""
_SLASHED = (
    re.compile(r"(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4})"),
    re.compile(r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})"),
)
"""The two readings of 3/4/2024. A column is of dates if exactly one of them fits all of its cells."""


def parse_number(text: str) -> int | float | None:
    """Return the number that a cell states, or None.

    Thousands separators (a comma, an apostrophe or a space), a currency sign and a percent sign may be
    there: "$1,200" is 1200, and "5 %" is 5. Parentheses mean a negative number, as in accounting.
    """
    return None if (found := _read_number(text)) is None else found[0]


def parse_date(text: str) -> datetime.date | None:
    """Return the date that a cell states in a form that has one reading, or None."""
    return _read_date(text, _DATES)


def infer_column(cells: Sequence[Any], *, long_as_text: bool = True) -> tuple[ColumnType, tuple[Cell, ...]]:
    """Return the type of a column and its values.

    A column is of numbers or dates only if all of its cells are, besides empty ones and those such as
    "n/a". Numbers with leading zeros, with more than 18 digits, in two currencies, or with and without
    a percent sign stay texts.

    Args:
        cells: texts to interpret, or values that are numbers, dates or None already.
        long_as_text: whether a column with an integer of more than 18 digits stays text; the column of a
            query's result becomes one of numbers.
    """
    cells = [as_cell(cell) for cell in cells]
    present = [cell for cell in cells if cell is not None and cell != ""]
    if not any(isinstance(cell, str) for cell in present):
        # As a number, a longer identifier would lose its last digits.
        is_long = long_as_text and any(isinstance(cell, int) and abs(cell) >= 10**MAX_DIGITS for cell in present)
        column_type = "text" if is_long else _type_of(present)
        return column_type, _convert(cells, column_type)
    texts = [show_cell(cell).strip() for cell in cells]
    stated = [text for text in texts if text and text.casefold() not in _MISSING]
    for read in (_read_numbers, _read_dates):
        if stated and (parsed := read(stated)) is not None:
            values = iter(parsed)
            column: list[Cell] = [next(values) if text and text.casefold() not in _MISSING else None for text in texts]
            return _type_of(parsed), tuple(column)
    return "text", _convert(cells, "text")


def show_cell(value: Cell) -> str:
    """Return a value as text: dates in ISO form, numbers with at most 15 significant digits."""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return "" if value is None else str(value)


def as_cell(value: Any) -> Cell:
    """Return a value of a data frame or of JSON as a cell."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, datetime.datetime):
        if value != value:  # pandas.NaT
            return None
        return value.isoformat(" ") if value.time() != datetime.time() or value.tzinfo else value.date()
    if isinstance(value, datetime.date):
        return value
    if type(value).__name__ == "NAType":  # pandas.NA
        return None
    if callable(item := getattr(value, "item", None)) and getattr(value, "shape", None) == ():  # a number of numpy
        return as_cell(item())
    return str(value)


def _type_of(values: Sequence[Cell]) -> ColumnType:
    if not values:
        return "text"
    if all(isinstance(value, int) and abs(value) < 10**MAX_DIGITS for value in values):
        return "integer"
    if all(isinstance(value, int | float) for value in values):
        return "number"
    return "date" if all(isinstance(value, datetime.date) for value in values) else "text"


def _convert(cells: Sequence[Cell], column_type: ColumnType) -> tuple[Cell, ...]:
    if column_type == "text":
        return tuple([show_cell(cell) or None for cell in cells])
    if column_type == "number":
        return tuple([float(cell) if isinstance(cell, int | float) else None for cell in cells])
    return tuple([None if cell == "" else cell for cell in cells])


def _read_number(text: str) -> tuple[int | float, str] | None:
    """Return the number of a cell and its unit: "$", "%", "(" for parentheses, …; None for any other text."""
    if len(text) > _LONGEST:
        return None
    if (restated := _RESTATED.fullmatch(text)) is not None:
        first, second = (_read_number(part) for part in restated.groups())
        return first if first is not None and second is not None and abs(first[0]) == abs(second[0]) else None
    match = _NUMBER.fullmatch(text)
    if match is None or not (match["whole"] or match["fraction"]):
        return None
    units = [unit for unit in (match["outer"], match["before"], match["after"]) if unit]
    signs = bool(match["open"]) + bool(match["sign"]) + bool(match["inner"])
    if signs > 1 or bool(match["open"]) != bool(match["close"]) or len(units) > 1:
        return None
    whole = re.sub(r"[^0-9]", "", match["whole"] or "0")
    if len(whole) > MAX_DIGITS or (len(whole) > 1 and whole[0] == "0"):
        return None
    negative = bool(match["open"]) or (match["sign"] or match["inner"]) in ("-", "−")
    written = f"{'-' if negative else ''}{whole}{match['fraction'] or ''}{match['exponent'] or ''}"
    value = float(written) if match["fraction"] or match["exponent"] else int(written)
    if not math.isfinite(value):
        return None
    return value, "".join(units) + ("(" if match["open"] else "")


def _read_numbers(texts: Sequence[str]) -> list[Cell] | None:
    values = list[Cell]()
    units = set[str]()
    for text in texts:
        if (found := _read_number(text)) is None:
            return None
        values.append(found[0])
        units.add(found[1])
    # A column of "(1)" and "(2)" numbers its notes.
    if all("(" in unit for unit in units):
        return None
    currencies = {unit.rstrip("(") for unit in units}
    if len(currencies - {""}) > 1 or ("%" in currencies and len(currencies) > 1):
        return None
    return values if _type_of(values) == "integer" else [float(value) for value in values]  # type: ignore[arg-type]


def _read_dates(texts: Sequence[str]) -> list[Cell] | None:
    readings: list[list[Cell]] = []
    for forms in (_DATES, *((form,) for form in _SLASHED)):
        dates: list[Cell] = []
        for text in texts:
            if (date := _read_date(text, forms)) is None:
                break
            dates.append(date)
        else:
            readings.append(dates)
    if len(readings) == 2 and readings[0] == readings[1]:  # all are such as 5/5/2024
        return readings[0]
    return readings[0] if len(readings) == 1 else None


def _read_date(text: str, forms: Sequence[re.Pattern[str]]) -> datetime.date | None:
    if len(text) > _LONGEST:
        return None
    for form in forms:
        if match := form.fullmatch(text):
            month = match["month"]
            number = int(month) if month.isdecimal() else _MONTHS.get(month.casefold(), 0)
            try:
                return datetime.date(int(match["year"]), number, int(match["day"]))
            except ValueError:
                return None
    return None
