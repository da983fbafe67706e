"""The repair of SQL: names of columns and tables, and literals that are nearly cells."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise

from reasoning.strategies.tables.sql_text import SQLToken, tokens
from reasoning.tables_sql import Cell, Table
from reasoning.tables_sql.quoting import quote_name, quote_text
from reasoning.tables_sql.sql import ROW_ID

_KEYWORDS = (
    "select from where group order by having limit offset and or not in is null as on join left inner "
    "outer cross case when then else end like glob between union all distinct exists asc desc with values "
    "except intersect cast collate over partition using natural"
)
_RESERVED = frozenset(_KEYWORDS.split())
_COMPARED = frozenset({"=", "==", "!=", "<>", "in", "is", "not", "(", ","})
_SIMILAR = 0.7
"""The similarity from which a literal stands for a cell."""
_MAX_LITERAL = 100
_MAX_CELLS = 2_000
_MAX_COMPARED = 20
"""The texts of a query that are compared with all cells of a column, about 40 ms each at most."""


def repair(sql: str, tables: Mapping[str, Table]) -> str:
    """Return a query with the mistakes undone that models make in names and literals.

    The title of the table and any unknown name after FROM or JOIN become `w`. Names of columns get
    their quotes and their spelling ("Number of laps", number_of_laps). Text in double quotes that
    names no column is a text. A text that a column is compared with becomes the cell that it nearly
    is (other case, other spelling, a date in the table's form), but never one with other digits.

    Args:
        sql: the query.
        tables: the tables by name; the table of the question is `w`.
    """
    parts = [token for token in tokens(sql) if token.kind != "comment"]
    return "".join(_literals(_columns(_table_names(parts, tables), tables), tables))


def sql_literal(value: Cell) -> str:
    """Return a value as a literal of SQL."""
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return repr(value)
    return quote_text(value.isoformat() if isinstance(value, datetime.date) else value)


def find_column(name: str, table: Table) -> str | None:
    """Return the column that a name in a query stands for, in any case and with _ for spaces; None without one."""
    return name if name in table.header else _columns_by_key(table.header).get(_key(name))


def _find(name: str, tables: Mapping[str, Table]) -> str | None:
    """Return the column of the first table that has one of this name."""
    return next((column for table in tables.values() if (column := find_column(name, table)) is not None), None)


@lru_cache(maxsize=64)
def _columns_by_key(header: tuple[str, ...]) -> dict[str, str]:
    counts = Counter(map(_key, header))
    return {key: name for name in header if (key := _key(name)) and counts[key] == 1}


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", " ", name).strip().casefold()


def _table_names(parts: list[SQLToken], tables: Mapping[str, Table]) -> list[SQLToken]:
    """Replace unknown names after FROM and JOIN by `w`."""
    words = [index for index, token in enumerate(parts) if token.kind != "space"]
    defined = {name.casefold() for name in tables} | {
        parts[one].content.casefold()
        for one, after, third in zip(words, words[1:], words[2:], strict=False)
        if parts[after].source.casefold() == "as" and parts[third].source == "("
    }
    title = [token.source.casefold() for token in tokens(tables["w"].title) if token.kind != "space"]
    result, position = list(parts), 0
    while position < len(words) - 1:
        if parts[words[position]].source.casefold() not in ("from", "join"):
            position += 1
            continue
        first = position + 1
        token = parts[words[first]]
        last = first
        if title and [parts[index].source.casefold() for index in words[first : first + len(title)]] == title:
            last = first + len(title) - 1
        position = last + 1
        is_name = token.kind in ("word", "double", "quoted", "text") and token.source.casefold() not in _RESERVED
        called = position < len(words) and parts[words[position]].source == "("
        if not is_name or called or token.content.casefold() in defined:
            continue
        for index in range(words[first], words[last] + 1):
            result[index] = SQLToken("space", "")
        result[words[first]] = SQLToken("word", "w")
    return result


def _columns(parts: list[SQLToken], tables: Mapping[str, Table]) -> list[SQLToken]:
    """Quote the names of columns, and make texts of double quotes that name none."""
    names = dict.fromkeys(name for table in tables.values() for name in table.header)
    spelled = sorted(
        (([token.source.casefold() for token in tokens(name) if token.kind != "space"], name) for name in names),
        key=lambda one: -len(one[0]),
    )
    parts = [token for token in parts if token.source]
    words = [index for index, token in enumerate(parts) if token.kind != "space"]
    sources = [parts[index].source.casefold() for index in words]
    kept = {
        ROW_ID,
        *(parts[after].content.casefold() for one, after in pairwise(words) if parts[one].source.casefold() == "as"),
    }
    by_first: dict[str, list[tuple[list[str], str]]] = {}
    for spelling, name in spelled:
        by_first.setdefault(spelling[0] if spelling else "", []).append((spelling, name))
    result, position = list(parts), 0
    while position < len(words):
        token, after = parts[words[position]], sources[position + 1 : position + 2]
        longer = [
            one for one in by_first.get(sources[position], ()) if sources[position : position + len(one[0])] == one[0]
        ]
        length, column = 1, None
        if token.kind in ("word", "number", "mark") and longer and len(longer[0][0]) > 1:
            length, column = len(longer[0][0]), longer[0][1]
        elif token.kind in ("double", "quoted"):
            column = _find(token.content, tables)
            is_name = after == ["."] or token.content.casefold() in kept
            if column is None and token.kind == "double" and not is_name:
                result[words[position]] = SQLToken("text", sql_literal(token.content))
        elif token.kind == "word" and after != ["("] and (token.source.casefold() not in _RESERVED or longer):
            is_keyword = token.source.casefold() in _RESERVED and _is_keyword_place(sources, position)
            column = None if is_keyword else _find(token.source, tables)
        if column is not None:
            for index in range(words[position], words[position + length - 1] + 1):
                result[index] = SQLToken("space", "")
            result[words[position]] = SQLToken("quoted", quote_name(column))
        position += length
    return [token for token in result if token.source]


def _is_keyword_place(sources: Sequence[str], position: int) -> bool:
    """Return whether a reserved word is meant as one: it is unless an operator or a comma is next to it."""
    if sources[position] in ("order", "group"):
        return sources[position + 1 : position + 2] == ["by"]
    around = [*sources[max(position - 1, 0) : position], *sources[position + 1 : position + 2]]
    return not any(source in ("=", "<", ">", "<=", ">=", "<>", "!=", ",", ".", "+", "-", "*", "/") for source in around)


def _literals(parts: list[SQLToken], tables: Mapping[str, Table]) -> Iterator[str]:
    """Yield the tokens' sources, with each literal that a column is compared with as the cell that it means."""
    column: str | None = None
    known: dict[str, _ColumnCells] = {}
    for token in parts:
        if token.kind == "quoted":
            column = _find(token.content, tables)
        elif token.kind == "text" and column is not None:
            if column not in known:
                table = next(table for table in tables.values() if column in table.header)
                known[column] = _ColumnCells(table, column)
            yield sql_literal(known[column].nearest(token.content))
            continue
        elif token.kind == "number":
            pass
        elif token.kind != "space" and token.source.casefold() not in _COMPARED:
            column = None
        yield token.source


def nearest_cell(text: str, table: Table, column: str) -> Cell:
    """Return the value of the cell of a column that a text means, or the text itself.

    Equal text comes first, then equal text in another case or as the source wrote it ("June 29,
    2008" for 2008-06-29), then the most similar cell, if its similarity is at least 0.7 and it has
    the same digits.
    """
    return _ColumnCells(table, column).nearest(text)


class _ColumnCells:
    """The cells of a column, read once for all literals of a query: a query may have hundreds."""

    def __init__(self, table: Table, column: str) -> None:
        index = table.index(column)
        cells = {shown[index]: row[index] for shown, row in zip(table.shown, table.rows, strict=True)}
        self._values = set(cells.values())
        self._folded = {_folded(shown): value for shown, value in cells.items()}
        self._found: dict[str, Cell] = {}

    def nearest(self, text: str) -> Cell:
        """Return what `nearest_cell` says; of one query, only the first 20 texts are compared by similarity."""
        if text in self._values or not text.strip():
            return text
        wanted = _folded(text)
        if wanted in self._folded:
            return self._folded[wanted]
        if len(wanted) > _MAX_LITERAL or len(self._folded) > _MAX_CELLS:
            return text
        if wanted not in self._found:
            if len(self._found) == _MAX_COMPARED:
                return text
            self._found[wanted] = self._most_similar(wanted)
        found = self._found[wanted]
        return text if found is None else found

    def _most_similar(self, wanted: str) -> Cell:
        """Return the value of the most similar cell, None if none is similar enough."""
        digits = re.findall(r"\d+", wanted)
        best, value = 0.0, None
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(wanted)
        for shown, cell in self._folded.items():
            if not shown or len(shown) > _MAX_LITERAL or re.findall(r"\d+", shown) != digits:
                continue
            matcher.set_seq1(shown)
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
                best, value = ratio, cell
        return value if best >= _SIMILAR else None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
