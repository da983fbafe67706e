"""Chain-of-Table: change the table step by step until it shows the answer (Wang et al. 2024, arXiv 2401.04398)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.errors import CallFailed
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import ask_or_skip
from reasoning.strategies.tables import table_operations as operations
from reasoning.strategies.tables.chain_prompts import ADD, COLUMNS, DESCRIPTIONS, FILL, GROUP, PLAN, QUERY, ROWS, SORT
from reasoning.strategies.tables.chain_steps import ChainSteps
from reasoning.strategies.tables.reply_samples import Sampling
from reasoning.strategies.tables.table_operations import END, OperationSkipped, TableState, parse_operation
from reasoning.strategies.tables.table_text import question_of, table_of
from reasoning.strategy import Strategy, technique
from reasoning.voting.weights import WeightName


@technique(
    title="Chain-of-Table",
    authors="Wang et al.",
    year=2024,
    arxiv="2401.04398",
    calls="p + a + 1",
    rounds="p + d + 1",
    counts="p: plans, one before each operation and one that ends the chain, none where only one operation is left; "
    "a: calls for the arguments (rows and columns `samples` each, grouping and sorting 1, a new column 1 and 1 or 2 "
    "for up to `rows_per_call` further rows); d: their rounds",
    requires=("table", "sampling if samples > 1", "logprobs if weigh is a probability"),
    use_when="an answer takes several operations on the table, or the table is long (WikiTableQuestions, PaLM 2: 67.3; "
    "60.6 read end to end, 52.4 with SQL alone, 61.5 with `dater`; GPT-3.5: 59.9; 51.8 read end to end, 52.8 with "
    "`dater`), at fewer than 25 samples",
    avoid_when="the answer is a sum, a mean or a difference, for which there is no operation: the model calculates it "
    "in its head, where `binder` and `program_of_thoughts` compute it",
    aliases=("cotable",),
)
class ChainOfTable(Strategy):
    """Let the model plan one operation after the other, apply each to the table, and answer from the last table.

    The operations are those of the paper: add a column with parts of cells, select rows, select
    columns, group and count, sort. `table_operations.TRANSITIONS` says what may follow what, so that
    each comes once at most. A plan names the rest of the chain, of which only the first allowed
    operation counts; its arguments come from a prompt of their own. An operation that cannot be
    applied is skipped, with the reason in the trace, and not tried again: for the guards see the
    functions of `table_operations`. If the chain empties the table, the answer comes from the
    original one.

    Rows and columns are the union of the two likeliest of 8 lists, all other replies are the most
    likely ones, as in the paper. A long table is shown as in `dater`. Where the paper asks for each
    value of a new column in a call of its own, up to `rows_per_call` rows share one, and the reply
    repeats their numbers. A call that fails, for example since the table is longer than the context,
    skips its operation or ends the chain; it never becomes a reply. The instructions and the
    demonstrations are our own, and the prompt of the answer has none.

    Args:
        samples: number of lists of rows, and of columns.
        lists: number of lists of which the union is taken.
        temperature: temperature of these lists.
        max_rows: maximum number of rows that a prompt shows, besides that of the answer.
        rows_per_call: number of rows of a call for the values of a new column; 1 in the paper.
        max_fill_calls: maximum number of such calls; a longer table gets no new column.
        weigh: weight of a list: "mean_probability", the paper's; "probability"; or "equal", which
            requests no log-probabilities.

    Source:
        Wang et al. (2024), "Chain-of-Table: Evolving Tables in the Reasoning Chain for Table
        Understanding", arXiv 2401.04398.
    """

    samples: int = 8
    lists: int = 2
    temperature: float = 0.5
    max_rows: int = 100
    rows_per_call: int = 20
    max_fill_calls: int = 5
    weigh: WeightName = "mean_probability"
    plan: Prompt = PLAN
    add_column: Prompt = ADD
    fill_column: Prompt = FILL
    select_rows: Prompt = ROWS
    select_columns: Prompt = COLUMNS
    group: Prompt = GROUP
    sort: Prompt = SORT
    query: Prompt = QUERY

    def __post_init__(self) -> None:
        names = ("samples", "lists", "max_rows", "rows_per_call", "max_fill_calls")
        self.check_parameters(**dict.fromkeys(names, 1), temperature=0)

    def calls_range(self) -> tuple[int, int]:
        return 2, 5 + (1 + 2 * self.max_fill_calls) + 2 * self.samples + 2 + 1

    def rounds_range(self) -> tuple[int, int]:
        return 2, 5 + 3 + 4 + 1

    async def solve(self, problem: Problem, session: Session) -> Answer:
        table = table_of(problem, self.card.name)
        state = TableState(table)
        while state.table.rows and (operation := await self._plan(state, problem, session)) != END:
            with session.stage(f"f_{operation}"):
                state = await self._apply(operation, state, problem, session)
            steps = {"operations": state.chain}
            session.keep_partial(Unparsed("the question itself is not answered", steps=steps))
        steps = {"operations": state.chain}
        if table.rows and not state.table.rows:
            session.note("the chain has emptied the table: the question is asked about the original one")
            state = TableState(table)
        with session.stage("query"):
            turns = self.query.render(problem, table=state.to_text(), asked=question_of(problem))
            return replace(problem.parse(await session.ask(turns)), steps=steps)

    async def _plan(self, state: TableState, problem: Problem, session: Session) -> str:
        """Return the next operation; a single one that is allowed is taken without a call."""
        if len(state.allowed) <= 1:
            return next(iter(state.allowed), END)
        turns = self.plan.render(
            problem,
            operations="\n".join(DESCRIPTIONS[name] for name in state.allowed if name != END),
            allowed=", ".join("<END>" if name == END else f"f_{name}" for name in state.allowed),
            table=state.to_text(self.max_rows),
            chain="".join(f" {step} ->" for step in state.chain),
            asked=question_of(problem),
        )
        with session.stage("plan"):
            reply = await ask_or_skip(session, turns, "the chain ends here")
        return END if isinstance(reply, Failed) else parse_operation(reply.text, state.allowed)

    async def _apply(self, operation: str, state: TableState, problem: Problem, session: Session) -> TableState:
        """Return the state after an operation; one that cannot be applied is skipped."""
        sampling = Sampling(self.samples, self.temperature, self.weigh)
        limits = (self.lists, self.max_rows, self.rows_per_call, self.max_fill_calls)
        steps = ChainSteps(problem, session, sampling, *limits)
        prompts: dict[str, tuple[Prompt, ...]] = {
            operations.ADD_COLUMN: (self.add_column, self.fill_column),
            operations.SELECT_ROW: (self.select_rows,),
            operations.SELECT_COLUMN: (self.select_columns,),
            operations.GROUP_BY: (self.group,),
            operations.SORT_BY: (self.sort,),
        }
        try:
            state = await getattr(steps, operation)(state, *prompts[operation])
        except (OperationSkipped, CallFailed) as error:
            if error.ends_run:
                raise
            session.note(f"skipped: {error}")
            return state.skip(operation)
        session.note(state.to_text(10))
        return state
