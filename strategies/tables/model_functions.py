"""The functions `map` and `ans` of Binder programs: a model's answers about rows, each asked for once in a solve."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from math import ceil
from typing import TypeVar

from reasoning.kinds import Text
from reasoning.kinds.items import has_bullet, strip_bullet
from reasoning.messages import Completion, Conversation
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.tables.binder_calls import ProgramError
from reasoning.strategies.tables.row_answers import ask_rows, to_cells
from reasoning.strategies.tables.table_text import show_cell
from reasoning.tables_sql import Cell, Table
from reasoning.tables_sql.cell_types import infer_column

T = TypeVar("T")

MAX_ROWS = 50
"""The maximum number of rows that one call is asked about."""
_MAX_ANSWER_ROWS = 200
"""The maximum number of rows that a question about all rows shows."""
_MAX_ANSWERS = 100


class ModelFunctions:
    """The functions over a model that the programs of one solve share.

    A question about the same cells is asked once, for equal rows and for all programs: its answers
    are those of every program, in whatever order the programs run.

    Args:
        session: the session to ask with, whose stage must stay open.
        map_prompt: asks a question about each of some `rows`.
        answer_prompt: asks a question about `rows` together.
    """

    def __init__(self, session: Session, map_prompt: Prompt, answer_prompt: Prompt) -> None:
        self._session, self._map_prompt, self._answer_prompt = session, map_prompt, answer_prompt
        self._asked: dict[Hashable, asyncio.Task[object]] = {}

    @staticmethod
    def count_calls(rows: Sequence[Sequence[str]]) -> int:
        """Return the number of calls that a question about each of these rows takes."""
        return ceil(len(set(map(tuple, rows))) / MAX_ROWS)

    async def map(self, question: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Cell, ...]:
        """Return the values of a new column: the answers to a question about each row.

        Args:
            question: the question.
            names: the names of the columns.
            rows: their cells, as text.

        Raises:
            ProgramError: no row has an answer.
        """
        distinct = list(dict.fromkeys(map(tuple, rows)))
        numbers = {row: number for number, row in enumerate(distinct, 1)}

        def to_prompt(chunk: Sequence[int]) -> Conversation:
            lines = [_line(["row_id", *names]), *(_line([str(number), *distinct[number - 1]]) for number in chunk)]
            return self._map_prompt.fill(rows="\n".join(lines), question=question)

        async def ask() -> dict[int, str]:
            [branch] = self._session.fork([f"map: {question:.80}"], [question])
            return await ask_rows(branch, to_prompt, list(numbers.values()), MAX_ROWS)

        if not distinct:
            return ()
        answers = await self._once(("map", question, tuple(names), tuple(distinct)), ask)
        if not answers:
            raise ProgramError(f"the model's replies have no answer for any row: {question:.200}")
        return to_cells(answers, [numbers[tuple(row)] for row in rows])

    async def answer(self, question: str, table: Table) -> tuple[Cell, ...]:
        """Return the value or the values that answer a question about the rows of a table.

        Raises:
            ProgramError: the table has no rows, or the reply says nothing.
        """
        if not table.rows:
            raise ProgramError(f"there are no rows to ask about: {question:.200}")
        lines = [_line(table.header), *map(_line, table.shown[:_MAX_ANSWER_ROWS])]
        if left_out := len(table.rows) - len(table.shown[:_MAX_ANSWER_ROWS]):
            lines.append(f"… {left_out} more rows")
        prompt = self._answer_prompt.fill(rows="\n".join(lines), question=question)

        async def ask() -> Completion:
            [branch] = self._session.fork([f"ans: {question:.80}"], [question])
            return await branch.ask(prompt, temperature=0)

        reply = await self._once(("ans", question, table.header, table.shown), ask)
        values = [] if reply.truncated else _values(reply.text)
        if not values:
            raise ProgramError(f"the model's reply has no answer: {question:.200}")
        return infer_column(values[:_MAX_ANSWERS])[1]

    async def _once(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the result for a key: that of the first call, for which later ones wait."""
        if key not in self._asked:
            self._asked[key] = asyncio.ensure_future(ask())
        return await self._asked[key]  # type: ignore[return-value]


def _values(reply: str) -> list[str]:
    """Return the values that a reply states: the items of a list, or those with bars between them."""
    items = [strip_bullet(line) for line in reply.splitlines() if has_bullet(line)]
    parts = items if len(items) > 1 else (Text().parse(reply) or "").split("|")
    return [value for part in parts if (value := part.strip(" *_`\t"))]


def _line(cells: Sequence[str]) -> str:
    return " | ".join(map(show_cell, cells))
