"""The arguments of Chain-of-Table's operations in replies."""

from __future__ import annotations

import re

from reasoning.strategies.tables.evidence import listed, parse_columns
from reasoning.strategies.tables.row_answers import parse_row_answers
from reasoning.strategies.tables.table_operations import OperationSkipped
from reasoning.tables_sql import Table
from reasoning.text_safety import to_line

_VALUES = re.compile(r"\bvalues?\b[^:\n|]{0,40}:[ \t*_`]{0,4}([^\n]{1,5000})", re.IGNORECASE)
_DESCENDING = re.compile(r"large to small|largest to smallest|high(?:est)? to low|descending|\bdesc\b|decreasing", re.I)
_ASCENDING = re.compile(r"small to large|smallest to largest|low(?:est)? to high|ascending|\basc\b|increasing", re.I)
_DIGITS = re.compile(r"\d+")
_MAX_NAME = 80


def mask_digits(question: str) -> str:
    """Return a question with a # for each number, which would otherwise be taken for a value of the new column.

    Source: the code of Wang et al. 2024, arXiv 2401.04398.
    """
    return _DIGITS.sub("#", question)


def parse_new_column(reply: str, count: int) -> tuple[str, list[str]]:
    """Return the name of a new column and its values for the first `count` rows.

    Examples:
        >>> parse_new_column("f_add_column(Country). The values: POR | GER", 2)
        ('Country', ['POR', 'GER'])

    Raises:
        OperationSkipped: the reply has no name, or another number of values.
    """
    name = to_line(listed(reply, "f_add_column") or listed(reply, "add_column") or "").strip(" '\"`*[]")
    if not name or len(name) > _MAX_NAME:
        raise OperationSkipped("the reply names no new column")
    match = _VALUES.search(reply)
    values = [value.strip(" \t*_`\"'") for value in match[1].strip("| ").split("|")] if match else []
    if len(values) == 1 and count > 1:
        values = [value.strip(" \t*_`\"'.[]") for value in values[0].split(",")]
    if len(values) != count:
        answers = parse_row_answers(reply, range(1, count + 1))
        values = [answers[number] for number in range(1, count + 1) if number in answers]
    if len(values) != count:
        raise OperationSkipped(f"the reply has {len(values)} values for the first {count} rows")
    return name, values


def parse_group(reply: str, table: Table) -> str:
    """Return the column that a reply groups by.

    Raises:
        OperationSkipped: the reply names no column or several.
    """
    return _single(parse_columns(reply, table, "group_by"))


def parse_sort(reply: str, table: Table) -> tuple[str, bool]:
    """Return the column that a reply sorts by, and whether the largest value comes first.

    Raises:
        OperationSkipped: the reply names no column or several, or no order.
    """
    # The order may stand within the parentheses, or as another argument.
    argument = listed(reply, "sort_by") or ""
    text = _ASCENDING.sub("", _DESCENDING.sub("", argument)).strip("\"' ,:")
    name = _single(parse_columns(f"sort_by({text})" if argument else reply, table, "sort_by"))
    orders = [
        (match.start(), descending)
        for pattern, descending in ((_DESCENDING, True), (_ASCENDING, False))
        if (match := pattern.search(reply))
    ]
    if not orders:
        raise OperationSkipped("the reply names no order")
    return name, min(orders)[1]


def _single(names: tuple[str, ...] | None) -> str:
    if not names or len(names) > 1:
        raise OperationSkipped(f"the reply names {'several columns' if names else 'no column of the table'}")
    return names[0]
