"""The steps of Chain-of-Table: each asks for the arguments of one operation and applies it to the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import drop_truncated_tail
from reasoning.strategies.tables import table_operations as operations
from reasoning.strategies.tables.evidence import choose_columns, choose_rows
from reasoning.strategies.tables.operation_arguments import mask_digits, parse_group, parse_new_column, parse_sort
from reasoning.strategies.tables.reply_samples import Sampling
from reasoning.strategies.tables.row_answers import ask_rows
from reasoning.strategies.tables.table_operations import OperationSkipped, TableState
from reasoning.strategies.tables.table_text import column_values, numbered_rows, question_of, show_cell, with_title

_FEW_ROWS = 3
"""The rows that prompts for a new column and for sorting show."""
_GROUPED_ROWS = 5


@dataclass(frozen=True)
class ChainSteps:
    """The steps for one problem.

    Each method returns the state after its operation, and raises `OperationSkipped` if the operation
    cannot be applied.

    Attributes:
        problem: the problem.
        session: the session.
        sampling: the samples of lists of rows and of columns.
        lists: the number of lists of which the union is taken.
        max_rows: the maximum number of rows that a prompt shows.
        rows_per_call: the number of rows of a call for the values of a new column.
        max_fill_calls: the maximum number of such calls.
    """

    problem: Problem
    session: Session
    sampling: Sampling
    lists: int
    max_rows: int
    rows_per_call: int
    max_fill_calls: int

    async def add_column(self, state: TableState, name_prompt: Prompt, fill_prompt: Prompt) -> TableState:
        """Ask for a name and the first three values, then for the values of the other rows."""
        table = state.table
        count = min(_FEW_ROWS, len(table.rows))
        rest = range(count + 1, len(table.rows) + 1)
        if ceil(len(rest) / self.rows_per_call) > self.max_fill_calls:
            raise OperationSkipped(
                f"{len(rest)} further rows need more than {self.max_fill_calls} calls (max_fill_calls)"
            )
        # A number in the question would be taken for a value.
        asked = mask_digits(question_of(self.problem))
        reply = await self._ask(name_prompt, _shown(state, count), asked)
        name, values = parse_new_column(reply, count)
        # Before further rows are asked about.
        operations.check_name(table, name)

        def to_prompt(rows: Sequence[int]) -> Conversation:
            lines = [" | ".join(["row_id", *map(show_cell, table.header)]), *(_row(state, row) for row in rows)]
            known = [f"{_row(state, row)} => {show_cell(value)}" for row, value in enumerate(values, 1)]
            return fill_prompt.render(self.problem, column=name, known="\n".join(known), rows="\n".join(lines))

        answers = await ask_rows(self.session, to_prompt, rest, self.rows_per_call) if rest else {}
        return operations.add_column(state, name, [*values, *(answers.get(row, "") for row in rest)])

    async def select_row(self, state: TableState, prompt: Prompt) -> TableState:
        """Ask for lists of rows, by their numbers in the table as it is now."""
        table, asked = state.table, question_of(self.problem)

        def to_prompt(rows: Sequence[int]) -> Conversation:
            return prompt.render(self.problem, table=with_title(table, numbered_rows(table, rows)), asked=asked)

        rows = await choose_rows(
            *(self.session, to_prompt, len(table.rows), self.problem, self.sampling),
            top=self.lists,
            max_rows=self.max_rows,
            function="f_select_row",
        )
        return operations.select_rows(state, rows)

    async def select_column(self, state: TableState, prompt: Prompt) -> TableState:
        """Ask for lists of columns."""
        turns = prompt.render(self.problem, table=column_values(state.table), asked=question_of(self.problem))
        names = await choose_columns(
            *(self.session, turns, state.table, self.problem, self.sampling), top=self.lists, function="f_select_column"
        )
        return operations.select_columns(state, names)

    async def group_by(self, state: TableState, prompt: Prompt) -> TableState:
        """Ask for the column to group by."""
        reply = await self._ask(prompt, _shown(state, _GROUPED_ROWS), question_of(self.problem))
        return operations.group_by(state, parse_group(reply, state.table))

    async def sort_by(self, state: TableState, prompt: Prompt) -> TableState:
        """Ask for the column to sort by, and the order."""
        reply = await self._ask(prompt, _shown(state, _FEW_ROWS), question_of(self.problem))
        name, descending = parse_sort(reply, state.table)
        return operations.sort_by(state, name, descending=descending)

    async def _ask(self, prompt: Prompt, table: str, asked: str) -> str:
        return drop_truncated_tail(await self.session.ask(prompt.render(self.problem, table=table, asked=asked)))


def _row(state: TableState, row: int) -> str:
    return " | ".join([str(row), *map(show_cell, state.table.shown[row - 1])])


def _shown(state: TableState, rows: int) -> str:
    return with_title(state.table, numbered_rows(state.table, range(len(state.table.rows))[:rows]))
