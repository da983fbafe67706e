"""Dater: part of the table, and sub-questions that SQL answers (Ye et al. 2023, arXiv 2301.13808)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from reasoning.answer import Answer, Unparsed
from reasoning.branches import gather
from reasoning.messages import Conversation
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import drop_truncated_tail, format_numbered
from reasoning.strategies.tables import table_text as text
from reasoning.strategies.tables.cloze import choose_cloze, compute_values, fill, parse_cloze, parse_queries
from reasoning.strategies.tables.dater_prompts import ANSWER, CLOZE, COLUMNS, QUERIES, ROWS
from reasoning.strategies.tables.evidence import choose_columns, choose_rows
from reasoning.strategies.tables.reply_samples import Sampling, sample_replies, vote_on_replies
from reasoning.strategy import Strategy, technique
from reasoning.tables_sql import Table
from reasoning.voting.weights import WeightName


@technique(
    title="Dater",
    authors="Ye et al.",
    year=2023,
    arxiv="2301.13808",
    calls="(4 + s) * samples",
    rounds="2 + s",
    counts="s: 1 if the question has sub-questions with numbers, else 0",
    requires=("table", "SQL", "sampling if samples > 1", "logprobs if weigh is a probability"),
    use_when="the table has much that the question does not need, or the answer compares numbers that must be counted "
    "(WikiTableQuestions and TabFact, PaLM 2: 60.6 → 61.5 and 77.9 → 84.6; GPT-3.5: 51.8 → 52.8 and 70.5 → 78.0)",
    avoid_when="calls are dear: 100 samples a question; or the table is long (PaLM 2, WikiTableQuestions: 62.5 for "
    "small, 42.3 for medium, 34.6 for large tables; with `chain_of_table` 68.1, 52.3 and 44.9; arXiv 2401.04398)",
)
class Dater(Strategy):
    """Cut the table down to the columns and rows that a question needs, compute its numbers, then answer.

    Three prompts are sampled together. The columns and the rows are each the union of the likeliest
    lists; if no list can be read, all are kept. The sub-questions are statements with a gap, used
    only for numeric questions (see `cloze.choose_cloze`). Then a query for each gap runs on the whole
    table; the majority's values fill the gaps, 0 counts a third, and statements without a value are
    dropped. The answer is the vote of samples that read the part of the table and the statements.

    Rows are shown 100 at a time: a longer table is shared out among the samples, and rows that no
    sample sees are kept. Lists, queries and answers weigh by the exponent of their mean
    log-probability where the model gives it, else all alike. In a tie a yes-or-no question is
    answered yes, as in the paper's code.

    The paper draws 20 samples a stage (its scripts 10 for the queries), and the union of 4 lists of
    columns and 2 of rows for WikiTableQuestions, 2 and 2 for TabFact. Its 14 demonstrations a stage
    are not published; the 2 or 3 here are our own. The last prompt has none: a chat model is asked to
    think step by step, and ends with the form of its kind of answer.

    Args:
        samples: number of samples of each stage.
        column_lists: number of lists of columns of which the union is taken.
        row_lists: number of lists of rows of which the union is taken.
        max_rows: maximum number of rows that a prompt for rows shows.
        evidence_temperature: temperature of the samples of columns and rows.
        question_temperature: temperature of the sub-questions and their queries.
        answer_temperature: temperature of the answers.
        weigh: weight of a sample: "mean_probability", the paper's; "probability"; or "equal", which
            requests no log-probabilities.

    Source:
        Ye et al. (2023), "Large Language Models are Versatile Decomposers: Decompose Evidence and
        Questions for Table-based Reasoning", arXiv 2301.13808.
    """

    samples: int = 20
    column_lists: int = 4
    row_lists: int = 2
    max_rows: int = 100
    evidence_temperature: float = 0.5
    question_temperature: float = 0.4
    answer_temperature: float = 0.7
    weigh: WeightName = "mean_probability"
    choose_columns: Prompt = COLUMNS
    choose_rows: Prompt = ROWS
    decompose: Prompt = CLOZE
    write_queries: Prompt = QUERIES
    reason: Prompt = ANSWER

    def __post_init__(self) -> None:
        names = ("samples", "column_lists", "row_lists", "max_rows")
        temperatures = ("evidence_temperature", "question_temperature", "answer_temperature")
        self.check_parameters(**dict.fromkeys(names, 1), **dict.fromkeys(temperatures, 0))

    def calls_range(self) -> tuple[int, int]:
        return 4 * self.samples, 5 * self.samples

    def rounds_range(self) -> tuple[int, int]:
        return 2, 3

    async def solve(self, problem: Problem, session: Session) -> Answer:
        table = text.table_of(problem, self.card.name)
        stages = {"columns": self._columns, "rows": self._rows, "sub-questions": self._cloze}
        branches = session.fork(list(stages), list(stages))
        found = await gather([step(table, problem, one) for step, one in zip(stages.values(), branches, strict=True)])
        columns, rows, cloze = found
        steps = {"columns": columns, "rows": [row + 1 for row in rows], "sub-questions": cloze}
        session.keep_partial(Unparsed("the question itself is not answered", steps=steps))
        facts = await self._compute(cloze, problem, session) if cloze else ()
        steps = {**steps, "facts": facts}
        session.keep_partial(Unparsed("the question itself is not answered", steps=steps))
        shown = text.with_title(table, text.numbered_rows(table.select_columns(columns), rows))
        told = "\n".join(["In the whole table:", *facts, "", ""]) if facts else ""
        turns = self.reason.render(problem, table=shown, facts=told, asked=text.question_of(problem))
        sampling = Sampling(self.samples, self.answer_temperature, self.weigh)
        with session.stage("answer"):
            draws = await sample_replies(session, turns, problem, sampling, problem.parse)
        return replace(vote_on_replies(draws, problem, sampling), steps=steps)

    async def _columns(self, table: Table, problem: Problem, session: Session) -> Sequence[Any]:
        turns = self.choose_columns.render(problem, table=text.column_values(table), asked=text.question_of(problem))
        sampling = Sampling(self.samples, self.evidence_temperature, self.weigh)
        chosen = await choose_columns(session, turns, table, problem, sampling, top=self.column_lists)
        return chosen or table.header

    async def _rows(self, table: Table, problem: Problem, session: Session) -> Sequence[Any]:
        def to_prompt(rows: Sequence[int]) -> Conversation:
            shown = text.with_title(table, text.numbered_rows(table, rows))
            return self.choose_rows.render(problem, table=shown, asked=text.question_of(problem))

        sampling = Sampling(self.samples, self.evidence_temperature, self.weigh)
        count, top, max_rows = len(table.rows), self.row_lists, self.max_rows
        chosen = await choose_rows(session, to_prompt, count, problem, sampling, top=top, max_rows=max_rows)
        return chosen or range(count)

    async def _cloze(self, table: Table, problem: Problem, session: Session) -> Sequence[Any]:
        columns = ", ".join(map(text.show_cell, table.header))
        turns = self.decompose.render(problem, columns=columns, asked=text.question_of(problem))
        sampling = Sampling(self.samples, self.question_temperature, self.weigh)
        draws = await sample_replies(
            session, turns, problem, sampling, lambda reply: parse_cloze(drop_truncated_tail(reply))
        )
        lines = choose_cloze(draws, self.weigh)
        session.note(f"sub-questions: {' · '.join(lines) or 'none, since the question is not numeric'}")
        return lines

    async def _compute(self, cloze: Sequence[str], problem: Problem, session: Session) -> Sequence[str]:
        """Return the statements with the values of their queries, which run on the whole table."""
        tables = text.tables_of(problem, self.card.name)
        shown = text.create_statements(tables, 5)
        turns = self.write_queries.render(problem, table=shown, statements=format_numbered(cloze))
        sampling = Sampling(self.samples, self.question_temperature, self.weigh)
        with session.stage("queries"):
            draws = await sample_replies(
                session, turns, problem, sampling, lambda reply: parse_queries(drop_truncated_tail(reply), len(cloze))
            )
            facts = fill(cloze, await compute_values(draws, tables, session, self.weigh))
            session.note(f"computed: {' · '.join(facts) or 'nothing'}")
        return facts
