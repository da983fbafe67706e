"""The rows of a reply: a table, a list with sub-lists or headings, lines such as "key: value", or JSON.

Chat models answer in these forms whatever form was asked for. A row has the texts on the way from the outermost heading
to the innermost item, so that a chain's `parse` function finds what belongs together without knowing the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from reasoning.chain.text_checks import normalize
from reasoning.kinds.json_repair import find_json
from reasoning.kinds.phrasing import strip_markup

MAX_CHARS = 100_000
"""The characters of a reply that are examined."""
MAX_LINE_CHARS = 2_000
"""The characters of a line that are examined."""
_MAX_SPLITS = 8

_OPENER = re.compile(r"[\[{]")
_BULLET = re.compile(r"(\s{0,40})(?:[-*+•‣–—]|\(?\d{1,3}[.)]|[①-⑳]|[a-zA-Z][.)])\s+(?=\S)")
_HEADING = re.compile(r"\s{0,3}(#{1,6})\s+(?=\S)")
_BOLD = re.compile(r"\s*(?:\*\*|__)[^*_\n]{1,100}(?:\*\*|__)\s*:?\s*")
_TABLE_RULE = re.compile(r"[|\s:+-]*-[|\s:+-]*")
_CELL_END = re.compile(r"(?<!\\)\|")
_BREAK = re.compile(r"<br\s?/?>", re.IGNORECASE)
_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})\w*\s*")
_EMPHASIS = re.compile(r"\*\*|__|`|(?<!\w)\*(?=\w)|(?<=[\w.,!?:;)])\*(?!\w)")
_BOX = re.compile(r"\[[ xX]?\]\s+|[☐☑✅✔❌]\ufe0f?\s*")
_SPLIT = re.compile(r"[:：](?!\d|//)|→|->|=>|\s[–—-]\s|\s=\s|\|")
_FIELD = re.compile(
    r"(?:issue|complaint|problem|category|categories|sentiment|verdict|quote|quotation|evidence|claim|answer|passage"
    r"|recommendation|recommended action|action|solution|priority|reason|rationale|explanation)s?"
)
_NUMBER = re.compile(r"(?:step )?\(?\d{1,3}[.):]\s+", re.IGNORECASE)
_ITEM, _PROSE, _TITLE = 20, 15, 10


class Cell(NamedTuple):
    """A text of a row, and the column's header or the key that names it; "" without one."""

    text: str
    label: str = ""


class Row(NamedTuple):
    """The texts that belong together.

    Attributes:
        cells: the texts, outermost first.
        listed: whether the row is from a list, a table or JSON; otherwise it is a line of prose.
    """

    cells: tuple[Cell, ...]
    listed: bool = True


class _Node(NamedTuple):
    depth: int
    text: str


def read_rows(text: str) -> list[Row]:
    """Return the rows of a reply: those of its JSON, or else of its tables, lists, headings and lines.

    Examples:
        >>> [[cell.text for cell in row.cells] for row in read_rows("**Network**\\n- Check the cell\\n- Call back")]
        [['Network', 'Check the cell'], ['Network', 'Call back']]
        >>> read_rows("| Issue | Category |\\n|---|---|\\n| slow data | network |")[0].cells[1]
        Cell(text='network', label='category')
    """
    text = text[:MAX_CHARS]
    values = [found.value for found in islice(find_json(text, _OPENER), 200) if not found.error and _has_text(found)]
    if values:
        rows = _json_rows(values if len(values) > 1 else values[0], ())
        return [Row(cells) for cells in rows if cells]
    return list(_markdown_rows([line[:MAX_LINE_CHARS] for line in text.expandtabs(4).split("\n")]))


def read_fields(text: str) -> dict[str, str]:
    """Return the values that a reply states by name, as in "**Verdict:** supported", a table or a JSON object.

    The names are in lower case, without punctuation. The first value of a name counts.

    Examples:
        >>> read_fields("**Verdict:** supported\\n**Quote:** “It is so.”")
        {'verdict': 'supported', 'quote': 'It is so.'}
    """
    fields: dict[str, str] = {}
    for row in read_rows(text):
        for cell in row.cells:
            if cell.label:
                fields.setdefault(cell.label, cell.text)
        last = row.cells[-1]
        parts = [row.cells[-2].text, last.text] if len(row.cells) > 1 and not last.label else []
        for left, right in [*islice(split_pairs(last.text), 1), *([parts] if parts else [])]:
            if len(left.split()) <= 3:
                fields.setdefault(normalize(left), _unmarked(right))
    return fields


def split_pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield both sides of each separator in a text, such as a colon, an arrow or a dash; the first separators only.

    Examples:
        >>> list(split_pairs("slow data: 4G → network"))
        [('slow data', '4G → network'), ('slow data: 4G', 'network')]
    """
    for match in islice(_SPLIT.finditer(text[:MAX_LINE_CHARS]), _MAX_SPLITS):
        left, right = text[: match.start()].strip(), text[match.end() :].strip()
        if left and right:
            yield left, right


def _has_text(found: Any) -> bool:
    """Return whether a JSON value holds a text: "[1]" in a sentence is a reference."""
    values = found.value.values() if isinstance(found.value, dict) else found.value
    return bool(found.value) and (isinstance(found.value, dict) or any(not _is_number(value) for value in values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _json_rows(value: Any, before: tuple[Cell, ...]) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of a JSON value: one for each text, and one for each record with named texts."""
    if isinstance(value, dict) and len(value) > 1 and _is_record(value):
        yield (*before, *(cell for key, item in value.items() for cell in _named(key, item)))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _json_rows(item, (*before, Cell(key.strip())))
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and len(item) > 1 and not any(isinstance(v, list | dict) for v in item.values()):
                yield (*before, *(cell for key, inner in item.items() for cell in _named(key, inner)))
            else:
                yield from _json_rows(item, before)
    elif value is not None:
        yield (*before, Cell(str(value).strip()))


def _is_record(value: dict[str, Any]) -> bool:
    """Return whether an object has named texts: {"issue": …, "category": …}."""
    flat = not any(isinstance(item, dict) for item in value.values())
    return flat and all(_FIELD.fullmatch(normalize(key.replace("_", " "))) for key in value)


def _named(key: str, value: Any) -> Iterator[Cell]:
    for item in value if isinstance(value, list) else [value]:
        for cells in _json_rows(item, ()) if isinstance(item, dict) else [(Cell(str(item).strip()),)]:
            yield from (Cell(cell.text, cell.label or normalize(key.replace("_", " "))) for cell in cells)


def _markdown_rows(lines: Sequence[str]) -> Iterator[Row]:
    parents: list[_Node] = []
    header: list[str] = []
    nodes = list(_nodes(lines))
    for index, (node, follows) in enumerate(zip(nodes, [*nodes[1:], _Node(0, "")], strict=True)):
        if node.depth < 0:  # a row of a table, or the end of one
            cells = [_clean(cell) for cell in _CELL_END.split(node.text.strip().strip("|"))] if node.text else []
            if not node.text or _TABLE_RULE.fullmatch(node.text):
                header = [] if not node.text else header
            elif _TABLE_RULE.fullmatch(follows.text) and follows.depth < 0:
                header = [normalize(cell) for cell in cells]
            else:
                labels = header if len(header) == len(cells) else [""] * len(cells)
                pieces = [
                    Cell(part.strip(), label)
                    for cell, label in zip(cells, labels, strict=True)
                    for part in _BREAK.split(cell)
                    if part.strip()
                ]
                titles = [Cell(parent.text) for parent in parents if parent.depth <= _TITLE]
                if pieces:
                    yield Row((*titles, *pieces))
            continue
        while parents and parents[-1].depth >= node.depth:
            parents.pop()
        attached = node.depth != _PROSE or (index > 0 and nodes[index - 1].depth in range(1, _PROSE))
        is_parent = node.depth < follows.depth or (node.depth <= _TITLE and follows.depth < 0)
        if node.depth != _PROSE and (is_parent or node.depth <= _TITLE):
            parents.append(node)
        elif node.text:
            above = [Cell(parent.text) for parent in parents] if attached else []
            yield Row((*above, Cell(node.text)), node.depth >= _ITEM)


def _nodes(lines: Sequence[str]) -> Iterator[_Node]:
    """Yield the lines with their depths: headings 1 to 10, prose 15, items from 20 on, rows of a table -1."""
    in_table = False
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        begins = "|" in below and _TABLE_RULE.fullmatch(below) is not None
        is_row = line.count("|") > 1 or ("|" in line and (in_table or begins))
        if in_table and not is_row:
            yield _Node(-1, "")
        in_table = is_row
        if is_row:
            yield _Node(-1, line)
        elif not line.strip(" -*_=") or _FENCE.fullmatch(line):
            # A blank line: prose below it does not belong to the heading above.
            yield _Node(_PROSE, "")
        elif heading := _HEADING.match(line):
            yield _Node(len(heading[1]), _title(line[heading.end() :]))
        elif bullet := _BULLET.match(line):
            yield _Node(_ITEM + len(bullet[1]), _clean(_BOX.sub("", line[bullet.end() :], count=1)).rstrip(":"))
        elif _BOLD.fullmatch(line) or (line.rstrip("* ").endswith(":") and len(line) < 100 and not line[:1].isspace()):
            yield _Node(_TITLE, _title(line))
        else:
            indent = len(line) - len(line.lstrip())
            yield _Node(_ITEM + indent if indent > 1 else _PROSE, _clean(line))


def _title(text: str) -> str:
    """Return a heading without its number and its colon."""
    return _NUMBER.sub("", _clean(text).rstrip(": "), count=1)


def _clean(text: str) -> str:
    """Return a text without the emphasis in it and the markup around it."""
    return _unmarked(_EMPHASIS.sub("", text.replace("\\|", "|")))


def _unmarked(text: str) -> str:
    """Return a text without the markup around it; its full stop stays."""
    bare = strip_markup(text.strip().lstrip("„«»")).rstrip("«»").strip()
    return f"{bare}." if bare and text.rstrip("\"'”’“*_` ").endswith(".") else bare
