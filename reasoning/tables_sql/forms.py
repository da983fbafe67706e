"""Tables in the forms that data sets have: rows, records, columns, a header with rows, and text."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any

from reasoning.data_files import SEPARATOR_LINE, detect_separator
from reasoning.errors import InputError, UsageError
from reasoning.tables_sql.table import Table

_NAMED = re.compile(r"Table ([^\W\d]\w{0,59}):")
_TITLES = ("title", "caption", "name")


def to_table(value: Any, title: str = "") -> Table:
    r"""Return the table that a value of a data set holds.

    Args:
        value: a `Table`; rows of cells with the header first; records (`[{"town": "Oslo"}, …]`); columns
            (`{"town": ["Oslo", …]}`); an object with `header` and `rows`, as in WikiTableQuestions; a
            pandas data frame, with its index if that has names or labels other than integers; or a text
            with one row in each line, as CSV, TSV, Markdown, or with the separators `#` (TabFact) and
            ` | ` (TabMWP), or any of the others as JSON.
        title: the subject of the table; by default the one that the value states.

    Raises:
        UsageError: the value has none of these forms.

    Examples:
        >>> print(to_table("town#people\nOslo#709,037").to_text())
        town | people
        Oslo | 709,037
    """
    if isinstance(value, str):
        return _from_text(value, title)
    if isinstance(value, Mapping):
        return _from_object(value, title)
    if hasattr(value, "itertuples") and hasattr(value, "reset_index"):
        return _from_frame(value, title)
    if not isinstance(value, Table) and isinstance(value, Iterable):
        rows = list(value)
        if rows and all(isinstance(row, Mapping) for row in rows):
            header = list(dict.fromkeys(name for row in rows for name in row))
            return Table.of([header, *[[row.get(name) for name in header] for row in rows]], title)
        return Table.of(rows, title)
    return Table.of(value, title)


def write_named_table(name: str, table: Table) -> str:
    """Return a table as a paragraph of text that states its name, for `read_named_tables`."""
    return f"Table {name}:\n{table.to_text()}"


def read_named_tables(text: str) -> dict[str, Table]:
    r"""Return the tables that a text holds, by name; see `write_named_table`.

    A table is a paragraph that begins with a line such as "Table regions:" and continues with rows of cells.

    Examples:
        >>> read_named_tables("Some words.\n\nTable regions:\nregion | climate\nSaltcoast | wet")
        {'regions': Table('regions', 1 rows, region: text, climate: text)}
    """
    tables = {}
    for paragraph in text.split("\n\n"):
        first, _, rest = paragraph.strip("\n").partition("\n")
        if (match := _NAMED.fullmatch(first)) and "|" in rest:
            # A paragraph of another kind may begin with such a line.
            with suppress(UsageError):
                tables[match[1]] = _from_text(rest, match[1])
    return tables


def _from_object(value: Mapping[str, Any], title: str) -> Table:
    if "header" in value and "rows" in value:
        stated = next((value[name] for name in _TITLES[:2] if isinstance(value.get(name), str)), "")
        rows = value["rows"]
        if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
            raise UsageError(f"the rows of a table with a header must be a list of rows, got {rows!r:.80}")
        return Table.of([value["header"], *rows], title or stated)
    columns = {str(name): cells for name, cells in value.items()}
    if columns and all(isinstance(cells, Sequence) and not isinstance(cells, str) for cells in columns.values()):
        lengths = {name: len(cells) for name, cells in columns.items()}
        if len(set(lengths.values())) > 1:
            raise UsageError(f"the columns of a table must be of equal length, got {str(lengths)[:200]}")
        return Table.of([list(columns), *map(list, zip(*columns.values(), strict=True))], title)
    raise UsageError(
        f"a table must be an object of columns or one with header and rows, got {', '.join(columns)[:80] or 'nothing'}"
    )


def _from_frame(frame: Any, title: str) -> Table:
    if any(name is not None for name in frame.index.names) or frame.index.inferred_type not in ("integer", "empty"):
        frame = frame.reset_index(allow_duplicates=True)
    header = [" ".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    return Table.of([header, *frame.itertuples(index=False, name=None)], title)


def _from_text(text: str, title: str) -> Table:
    stripped = text.strip()
    if stripped[:1] in ("[", "{"):
        try:
            value = json.loads(stripped)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, list | dict):
            return to_table(value, title)
    lines = [line for line in stripped.splitlines() if line.strip()]
    if not lines:
        raise UsageError("a table must have a header, got an empty text")
    if "\t" in lines[0]:
        return Table.of(parse_delimited(stripped.splitlines(keepends=True), "the table", separator="\t"), title)
    if len({line.count("#") for line in lines}) == 1 and "#" in lines[0]:
        return Table.of([line.split("#") for line in lines], title)
    if "|" in lines[0]:
        if len(lines) > 1 and "--" in lines[1] and not set(lines[1]) - set("|:- "):
            # The line below the header in Markdown.
            del lines[1]
        return Table.of([_split_pipes(line) for line in lines], title)
    return Table.of(parse_delimited(stripped.splitlines(keepends=True), "the table"), title)


def parse_delimited(
    lines: Iterable[str], name: object, *, separator: str = "", escaped: bool = False
) -> list[list[str]]:
    """Return the cells of lines of CSV or TSV; blank lines are left out.

    A line such as "sep=;" before the header states the separator, as Excel writes it.

    Args:
        lines: the lines.
        name: the name of the source, for errors.
        separator: the separator if the header has one; by default, and in a header without it, a comma, or
            if the header has none, a semicolon, a tab or a bar.
        escaped: whether a backslash, instead of a second quote, stands before a quote within a cell.

    Raises:
        InputError: a quote is not closed or a cell is too long; names the line.
    """
    lines, header, stated, start = iter(lines), "", "", 1
    for header in lines:
        if match := SEPARATOR_LINE.fullmatch(header):
            stated, header = match[1], ""
        elif header.strip():
            break
        start += 1
    before = start - 1
    separator = stated or (separator if separator and separator in header else detect_separator(header))
    reader = csv.reader(
        chain([header] if header else [], lines),
        delimiter=separator,
        strict=True,
        doublequote=not escaped,
        escapechar="\\" if escaped else None,
    )
    rows = list[list[str]]()
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
            start = before + reader.line_num + 1
    except csv.Error as error:
        words = str(error)
        if "unexpected end" in words:
            words = "a quoted cell has no end"
        elif "field limit" in words:
            words = f"a cell must have at most {csv.field_size_limit():,} characters"
        raise InputError(f"{name}:{start}: not a table of cells with {separator!r} between them: {words}") from None
    return rows


def _split_pipes(line: str) -> list[str]:
    cells = line.replace("\\|", "\0").split("|")
    if line.strip().startswith("|"):
        cells = cells[1:]
    if line.rstrip().endswith("|") and len(cells) > 1:
        cells = cells[:-1]
    return [cell.strip().replace("\0", "|") for cell in cells]
