"""Parts of a table that a question needs: lists of columns and rows in replies, and the union of the likeliest ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from reasoning.branches import gather
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.reply_parsing import drop_truncated_tail
from reasoning.strategies.tables.reply_samples import Sampling, sample_replies
from reasoning.strategies.tables.sql_repair import find_column
from reasoning.tables_sql import Table
from reasoning.voting import VoteSample
from reasoning.voting.weights import WeightName, weights

ALL = "*"
_ROW = re.compile(r"(?:rows?\W{0,3})?#?(\d{1,7})(?:\s?(?:-|–|—|to|through)\s?(?:row\s?)?(\d{1,7}))?", re.IGNORECASE)
_ROWS_IN_WORDS = re.compile(
    r"\brows?(?: are| is)?[:*\s]{0,4}(\d{1,7}(?:\s?(?:,|and|&|-|–|to|,\sand)\s?(?:rows?\s)?\d{1,7})*+)(?!\.?\d)",
    re.IGNORECASE,
)
_CONTINUED = re.compile(r"\w|\s(?!(?:and|or)\b)\w")
"""The characters behind a name that belong to a longer word or name."""
_JOINED = re.compile(r"(?:and|or|&)\s")
_MAX_LIST = 5_000
"""The characters of a list that are read."""
_MAX_LINES = 50
"""The last lines of a reply, in which a list without its function is looked for."""


def listed(reply: str, function: str) -> str | None:
    """Return the argument of the last call of a function in a reply, without its brackets; None without a call.

    Examples:
        >>> listed("The answer is: f_col([Length (m), Ship])", "f_col")
        'Length (m), Ship'
    """
    name = re.escape(function).replace("_", r"[_\\ ]{0,3}")
    found = [match.end() for match in re.finditer(rf"{name}[`*]{{0,3}}\s?\(", reply, re.IGNORECASE)]
    if not found:
        return None
    line = reply[found[-1] : found[-1] + _MAX_LIST].partition("\n")[0].strip()
    if line.startswith("[") and "]" in line:
        end = line.find("])")
        return line[1 : end if end >= 0 else line.rfind("]")].strip()
    depth = 1
    for at, letter in enumerate(line):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return line[:at].strip("[] ")
    return line.strip("[]) ")


def parse_columns(reply: str, table: Table, function: str = "f_col") -> tuple[str, ...] | None:
    """Return the columns that a reply lists in `f_col([…])`, or in its last line that names one; None without any.

    A name counts with its commas: the longest name of the table that stands at a place is taken, in
    any case.
    """
    text = listed(reply, function)
    if text is not None:
        return table.header if text.strip("'\" ") == ALL else _names(text, table) or None
    for line in reversed(reply.splitlines()[-_MAX_LINES:]):
        if names := _names(line[:_MAX_LIST].rpartition(":")[2], table):
            return names
    return None


def parse_rows(reply: str, first: int, last: int, function: str = "f_row") -> tuple[int, ...] | None:
    """Return the numbers of the rows that a reply lists in `f_row([…])`, or in its last line about rows.

    `*` stands for all. Numbers outside the range are left out. An empty list is empty; a list of
    nothing but wrong numbers, and a reply without a list, are None.

    Args:
        reply: the reply.
        first: the number of the first row that was shown.
        last: the number of the last one.
        function: the name of the function.
    """
    text = listed(reply, function)
    if text is None:
        found = (_ROWS_IN_WORDS.search(line[:_MAX_LIST]) for line in reversed(reply.splitlines()[-_MAX_LINES:]))
        if (match := next(filter(None, found), None)) is None:
            return None
        text = match[1]
    if text.strip("'\" ") == ALL or text.strip("'\" ").casefold() in ("all", "all rows"):
        return tuple(range(first, last + 1))
    numbers = set[int]()
    for match in _ROW.finditer(text):
        start, end = int(match[1]), int(match[2] or match[1])
        numbers.update(range(max(start, first), min(end, last) + 1))
    return tuple(sorted(numbers)) if numbers or not re.search(r"\w", text) else None


async def choose_columns(
    session: Session,
    turns: Conversation,
    table: Table,
    problem: Problem,
    sampling: Sampling,
    *,
    top: int,
    function: str = "f_col",
) -> tuple[str, ...] | None:
    """Return the columns that are needed: the union of the `top` likeliest lists; None if no reply has one."""
    draws = await sample_replies(
        *(session, turns, problem, sampling),
        lambda reply: parse_columns(drop_truncated_tail(reply), table, function),
        name="list",
        missing="no list of columns",
    )
    chosen = union_of_top(draws, top, sampling.weigh)
    names = tuple(name for name in table.header if name in chosen)
    session.note(f"columns: {', '.join(names) or 'no list'}")
    return names or None


async def choose_rows(
    session: Session,
    to_prompt: Callable[[Sequence[int]], Conversation],
    count: int,
    problem: Problem,
    sampling: Sampling,
    *,
    top: int,
    max_rows: int,
    function: str = "f_row",
) -> tuple[int, ...] | None:
    """Return the indexes of the rows that are needed: the union of the likeliest lists.

    Not more than `max_rows` rows are shown at once. A longer table is shared out among the samples,
    so that evidence at its end is found without further calls; rows that are not shown, and those
    shown in prompts whose replies have no list, are kept.

    Args:
        session: the session to ask with.
        to_prompt: makes the prompt that shows the rows with these indexes.
        count: the number of rows of the table.
        problem: the problem.
        sampling: the replies.
        top: the number of lists of which the union is taken.
        max_rows: the maximum number of rows that one prompt shows.
        function: the name of the function around a list.

    Returns:
        The indexes in order; None if no reply has a list.
    """
    chunks = [range(start, min(start + max_rows, count)) for start in range(0, max(count, 1), max_rows)]
    seen = chunks[: sampling.n]
    names = [f"rows {chunk.start + 1} to {chunk.stop}" for chunk in seen]
    branches = session.fork(names, names) if len(seen) > 1 else [session]

    async def choose(chunk: range, branch: Session, n: int) -> frozenset[Any] | None:
        draws = await sample_replies(
            *(branch, to_prompt(chunk), problem, replace(sampling, n=n)),
            lambda reply: parse_rows(drop_truncated_tail(reply), chunk.start + 1, chunk.stop, function),
            name="list",
            missing="no list of rows",
        )
        chosen = union_of_top(draws, top, sampling.weigh) if any(draw.counts for draw in draws) else None
        branch.note(f"rows: {'no list' if chosen is None else ', '.join(map(str, sorted(chosen))) or 'none'}")
        return chosen

    shares = [sampling.n // len(seen) + (index < sampling.n % len(seen)) for index in range(len(seen))]
    lists = await gather([choose(*one) for one in zip(seen, branches, shares, strict=True)])
    if all(chosen is None for chosen in lists):
        return None
    if len(seen) < len(chunks):
        session.note(f"rows {seen[-1].stop + 1} to {count} are not looked at, and kept: there are fewer samples")
    kept = [
        index
        for chunk, chosen in zip(seen, lists, strict=True)
        for index in chunk
        if chosen is None or index + 1 in chosen
    ]
    return (*kept, *range(seen[-1].stop, count))


def union_of_top(samples: Sequence[VoteSample], top: int, weigh: WeightName) -> frozenset[Any]:
    """Return the union of the `top` lists with the most weight; equal lists count together.

    A list weighs as the vote weighs its samples: by the exponent of the mean log-probability, or all
    alike. Of equal weights, the list that was drawn first is taken.

    Source: Ye et al. 2023, arXiv 2301.13808, section 3.1; Wang et al. 2024, arXiv 2401.04398.
    """
    totals: dict[tuple[Any, ...], float] = {}
    for sample, weight in zip(samples, weights(samples, weigh)[0], strict=True):
        if sample.counts:
            totals[sample.value] = totals.get(sample.value, 0.0) + weight
    best = sorted(totals, key=lambda value: -totals[value])[:top]
    return frozenset(item for value in best for item in value)


def _names(text: str, table: Table) -> tuple[str, ...]:
    """Return the names of columns in a list, the longest at each place, in the order of the table."""
    text, found, at = text.casefold(), set[str](), 0
    names: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(table.header, key=len, reverse=True):
        names.setdefault(name.casefold()[:1], []).append((name.casefold(), name))
    while at < len(text):
        near = [one for one in names.get(text[at], ()) if text.startswith(one[0], at)]
        name = next((name for folded, name in near if _ends(text, at + len(folded))), "")
        if name:
            found.add(name)
            at += len(name.casefold())
            continue
        if text[at].isspace() or text[at] in "\"'`[]*,;|“”":
            at += 1
            continue
        if joined := _JOINED.match(text, at):
            at = joined.end()
            continue
        end = min((place for mark in ",;|" if (place := text.find(mark, at)) >= 0), default=len(text))
        if name := find_column(text[at:end].strip(" \"'`*.[]“”()"), table) or "":
            found.add(name)
        at = end + 1
    return tuple(name for name in table.header if name in found)


def _ends(text: str, at: int) -> bool:
    """Return whether a name may end at a place: no word continues there."""
    return _CONTINUED.match(text, at) is None
