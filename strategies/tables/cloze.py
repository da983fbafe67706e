"""Sub-questions with gaps: statements whose numbers a query computes, which fills them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from reasoning.session import Session
from reasoning.strategies.reply_parsing import match_item_mark, parse_numbered
from reasoning.strategies.tables.sql_repair import repair
from reasoning.strategies.tables.sql_text import sql_statements
from reasoning.strategies.tables.table_text import MAX_CELL_CHARS
from reasoning.tables_sql import Cell, SQLError, Table
from reasoning.tables_sql.cell_types import show_cell
from reasoning.text_safety import to_line
from reasoning.voting import VoteSample
from reasoning.voting.weights import WeightName, weights

_GAP = re.compile(r"\{[^{}\n]{1,300}\}")
_HOW_MANY = re.compile(r"\bhow many\b", re.IGNORECASE)
_MAX_LINES = 8
_MAX_CHARS = 400
_ZERO_WEIGHT = 1 / 3
"""The weight of a query's result of 0, since a condition that matches nothing is often misspelled."""


def parse_cloze(reply: str) -> tuple[str, ...] | None:
    """Return the lines of a reply with a gap, such as "In May there were {how many wins in May?} wins".

    A reply that says none gives an empty list.

    Examples:
        >>> parse_cloze("1. There are {how many wins in May?} wins in May\\n2. Nothing else")
        ('There are {how many wins in May?} wins in May',)
    """
    lines = []
    for line in reply.splitlines():
        if len(line) <= _MAX_CHARS and _GAP.search(line := to_line(line)):
            mark = match_item_mark(line)
            lines.append(line[mark.end() if mark else 0 :].strip(' *`"'))
    said_none = re.search(r"\bnone\b|\bno sub-?(?:question|statement)s?\b", reply[:_MAX_CHARS], re.IGNORECASE)
    return tuple(lines[:_MAX_LINES]) if lines or said_none else None


def choose_cloze(samples: Sequence[VoteSample], weigh: WeightName) -> tuple[str, ...]:
    """Return the sub-questions of the likeliest sample if the question is numeric, else none.

    It is numeric if each line of that sample asks "how many" exactly once, and if the samples ask so
    as many times as there are samples, or more.

    Source: Ye et al. 2023, arXiv 2301.13808, and its code.
    """
    counted = [sample for sample in samples if sample.counts]
    totals: dict[tuple[str, ...], float] = {}
    for sample, weight in zip(samples, weights(samples, weigh)[0], strict=True):
        if sample.counts:
            totals[sample.value] = totals.get(sample.value, 0.0) + weight
    best = max(totals, key=lambda lines: totals[lines], default=())
    asked = sum(len(_HOW_MANY.findall(line)) for sample in counted for line in sample.value)
    is_numeric = bool(best) and all(len(_HOW_MANY.findall(line)) == 1 for line in best) and asked >= len(samples)
    return best if is_numeric else ()


def parse_queries(reply: str, count: int) -> tuple[str, ...] | None:
    """Return one query for each of `count` sub-questions, "" where it lacks; None if they cannot be assigned.

    Numbers assign them. Without numbers, there must be as many queries as sub-questions.
    """
    found = sql_statements(reply)
    numbered: dict[int, str] = {}
    for number, text in parse_numbered(reply):
        if (queries := sql_statements(text)) and number not in numbered:
            numbered[number] = queries[0]
    if numbered and set(numbered) <= set(range(1, count + 1)) and len(numbered) >= min(count, len(found)):
        return tuple(numbered.get(number, "") for number in range(1, count + 1))
    return tuple(found) if len(found) == count else None


async def compute_values(
    samples: Sequence[VoteSample], tables: Mapping[str, Table], session: Session, weigh: WeightName
) -> tuple[str, ...]:
    """Run the queries of all samples on the whole tables and return the majority's value for each sub-question.

    A value that no query computes is empty. If all values are 0, or all are 1, none is believed.
    """
    queries = dict.fromkeys(query for sample in samples if sample.counts for query in sample.value if query)
    repaired = {query: repair(query, tables) for query in queries}
    values_of = {query: await _value(query, tables, session) for query in dict.fromkeys(repaired.values())}
    results = {query: values_of[repaired[query]] for query in queries}
    totals: list[dict[str, float]] = []
    for sample, weight in zip(samples, weights(samples, weigh)[0], strict=True):
        for index, query in enumerate(sample.value if sample.counts else ()):
            totals += [{} for _ in range(index + 1 - len(totals))]
            value = results.get(query)
            if value is not None:
                # A long text, or one of several lines, would pass for a part of the prompt.
                shown = to_line(show_cell(int(value) if isinstance(value, float) and value.is_integer() else value))
                shown = shown[:MAX_CELL_CHARS]
                totals[index][shown] = totals[index].get(shown, 0.0) + (
                    weight * _ZERO_WEIGHT if shown == "0" else weight
                )
    values = tuple(max(counts, key=lambda value: counts[value], default="") for counts in totals)
    if values and set(values) in ({"0"}, {"1"}):
        session.note(f"all values are {values[0]}: none is used")
        return ()
    return values


def fill(lines: Sequence[str], values: Sequence[str]) -> tuple[str, ...]:
    """Return the lines with their gaps filled; those without a value are dropped."""
    return tuple(
        _GAP.sub(lambda _: value, line, count=1)  # noqa: B023  # called at once
        for line, value in zip(lines, values, strict=False)
        if value
    )


async def _value(query: str, tables: Mapping[str, Table], session: Session) -> Cell:
    """Return the one value that a query computes; None if it fails or computes several."""
    try:
        result = await session.tools.query(tables, query)
    except SQLError:
        return None
    return result.rows[0][0] if len(result.rows) == 1 and len(result.header) == 1 else None
