"""The operations of Chain-of-Table: what may follow what, when an operation is refused, and its effect on a table.

Source: Wang et al. 2024, arXiv 2401.04398, section 3, and its code.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reasoning.errors import ReasoningError
from reasoning.strategies.tables.table_text import numbered_rows, show_cell, with_title
from reasoning.tables_sql import Table
from reasoning.tables_sql.operations import add_column as add_to_table
from reasoning.tables_sql.operations import group_by as group_rows
from reasoning.tables_sql.operations import sort_by as sort_rows

END = "END"
START = ""
ADD_COLUMN, SELECT_ROW, SELECT_COLUMN, GROUP_BY, SORT_BY = (
    "add_column",
    "select_row",
    "select_column",
    "group_by",
    "sort_by",
)
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    START: (ADD_COLUMN, SELECT_ROW, SELECT_COLUMN, GROUP_BY, SORT_BY),
    ADD_COLUMN: (SELECT_ROW, SELECT_COLUMN, GROUP_BY, SORT_BY, END),
    SELECT_ROW: (SELECT_COLUMN, GROUP_BY, SORT_BY, END),
    SELECT_COLUMN: (GROUP_BY, SORT_BY, END),
    GROUP_BY: (SORT_BY, END),
    SORT_BY: (END,),
}
"""The operations that may follow each operation; the chain may also end before the first."""

_NAME = re.compile(r"<?\bEND\b>?|\bf?_?(add_column|select_row|select_column|group_by|sort_by)s?\b")
_SPELLED = re.compile(r"^[\W\d_]{0,8}(add|select|group|sort)[ _]{1,2}(column|row|by)s?\b", re.IGNORECASE | re.MULTILINE)
_ECHO = re.compile(r"^.*\bmust be one of\b.*$", re.MULTILINE)
_MAX_DISTINCT = 0.8
"""The share of different values from which grouping joins nothing."""
_MAX_GROUPS = 50
_MAX_NAMED = 50
"""The selected rows that the chain names."""


class OperationSkipped(ReasoningError):
    """An operation that is not applied; the message says why."""


@dataclass(frozen=True)
class TableState:
    """A table that evolves.

    Attributes:
        table: the table as it is now.
        groups: the values of a column with their numbers, if the rows were grouped.
        chain: the operations that were applied, with their arguments, such as "f_sort_by(Year)".
        last: the name of the last one; empty before the first.
        skipped: the names of operations that were tried and not applied.
    """

    table: Table
    groups: Table | None = None
    chain: tuple[str, ...] = ()
    last: str = START
    skipped: frozenset[str] = frozenset()

    @property
    def allowed(self) -> tuple[str, ...]:
        """The operations that may come next, without those that were skipped."""
        return tuple(name for name in TRANSITIONS[self.last] if name not in self.skipped)

    def then(self, name: str, arguments: str, table: Table, groups: Table | None = None) -> TableState:
        """Return the state after an operation."""
        chain = (*self.chain, f"f_{name}({arguments})")
        return replace(self, table=table, groups=groups or self.groups, chain=chain, last=name)

    def skip(self, name: str) -> TableState:
        """Return the state after an operation that was not applied."""
        return replace(self, skipped=self.skipped | {name})

    def to_text(self, max_rows: int | None = None) -> str:
        """Return the table, and the groups below it, as text for a prompt."""
        rows = range(len(self.table.rows))[:max_rows]
        text = with_title(self.table, numbered_rows(self.table, rows))
        if self.groups is None:
            return text
        lines = [" | ".join(map(show_cell, cells)) for cells in (self.groups.header, *self.groups.shown)]
        return "\n".join([text, "", f"The rows grouped by {show_cell(self.groups.header[0])}:", *lines])


def parse_operation(reply: str, allowed: Sequence[str]) -> str:
    """Return the first allowed operation that a reply names, or END if it names none or ends the chain first.

    Its arguments are not read: they are asked for in a prompt of their own.

    Examples:
        >>> parse_operation("f_add_column(Country) -> f_select_row(row 1)", ("select_row", "group_by", END))
        'select_row'
    """
    text = _ECHO.sub("", reply).replace("\\_", "_")
    for pattern in (_NAME, _SPELLED):
        names = ("_".join(filter(None, match.groups())).lower() or END for match in pattern.finditer(text))
        if found := next((name for name in names if name in allowed or name == END), None):
            return found
    return END


def check_name(table: Table, name: str) -> None:
    """Raise OperationSkipped if a new column may not have this name: it exists, or counts something."""
    if name.casefold() in map(str.casefold, table.header):
        raise OperationSkipped(f"there is a column {name:.80} already")
    if name.casefold().startswith("number of"):
        raise OperationSkipped(f"{name:.80}: a count is not part of any cell")


def add_column(state: TableState, name: str, values: Sequence[str]) -> TableState:
    """Add a column whose values are taken from the cells of another.

    Raises:
        OperationSkipped: the column exists, counts something, is constant, has an empty value, or its
            values are not all parts of the cells of one column.
    """
    check_name(state.table, name)
    table, folded = state.table, [value.strip().casefold() for value in values]
    if not all(folded):
        raise OperationSkipped(f"{name:.80} has no value for row {folded.index('') + 1}")
    if len(set(folded)) < 2:
        raise OperationSkipped(f"{name:.80} has the same value in every row")
    columns = [[row[index].strip().casefold() for row in table.shown] for index in range(len(table.header))]
    if folded in columns:
        raise OperationSkipped(f"{name:.80} repeats the column {table.header[columns.index(folded)]:.80}")
    if not any(all(value in cell for value, cell in zip(folded, column, strict=True)) for column in columns):
        raise OperationSkipped(f"the values of {name:.80} are not parts of the cells of one column")
    return state.then(ADD_COLUMN, name, add_to_table(table, name, [value.strip() for value in values]))


def select_rows(state: TableState, rows: Sequence[int] | None) -> TableState:
    """Keep some rows, by their indexes in the table as it is now; an empty selection empties the table.

    Raises:
        OperationSkipped: no rows are given.
    """
    if rows is None:
        raise OperationSkipped("no reply has a list of rows")
    is_all = len(rows) == len(state.table.rows)
    named = [f"row {row + 1}" for row in rows[:_MAX_NAMED]] + ["…"] * (len(rows) > _MAX_NAMED)
    arguments = "*" if is_all else ", ".join(named)
    return state.then(SELECT_ROW, arguments, state.table.select_rows(rows))


def select_columns(state: TableState, names: Sequence[str] | None) -> TableState:
    """Keep some columns.

    Raises:
        OperationSkipped: no columns are given.
    """
    if not names:
        raise OperationSkipped("no reply has a list of columns")
    return state.then(SELECT_COLUMN, ", ".join(names), state.table.select_columns(names))


def group_by(state: TableState, name: str) -> TableState:
    """Count the values of a column. The rows stay as they are.

    Raises:
        OperationSkipped: the column has hardly two equal values.
    """
    values = [row[state.table.index(name)].strip() for row in state.table.shown]
    counts = Counter(value for value in values if value)
    if not counts or len(counts) / counts.total() > _MAX_DISTINCT:
        raise OperationSkipped(f"{name:.80} has {len(counts)} different values in {counts.total()} rows")
    groups = group_rows(state.table, name)
    return state.then(GROUP_BY, name, state.table, groups.select_rows(range(min(len(groups.rows), _MAX_GROUPS))))


def sort_by(state: TableState, name: str, *, descending: bool) -> TableState:
    """Sort the rows by a column of numbers; empty cells come last.

    Raises:
        OperationSkipped: the column is not numeric, or the rows are in this order already.
    """
    if state.table.types[state.table.index(name)] not in ("integer", "number"):
        raise OperationSkipped(f"{name:.80} is not a column of numbers")
    ordered = sort_rows(state.table, name, descending=descending)
    if ordered == state.table:
        raise OperationSkipped(f"the rows are sorted by {name:.80} already")
    order = "large to small" if descending else "small to large"
    return state.then(SORT_BY, f'{name}, "{order}"', ordered)
