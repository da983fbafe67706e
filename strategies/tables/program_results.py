"""Programs over a table: each different one is run once, and the results vote."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.branches import gather
from reasoning.errors import BudgetExhausted, CallFailed, ReasoningError
from reasoning.kinds import YesNo
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.session import Session
from reasoning.strategies.sampling.majority import budget_note
from reasoning.strategies.tables.binder_calls import ProgramError
from reasoning.strategies.tables.denotation import read_denotation
from reasoning.strategies.tables.reply_samples import joined_reasons
from reasoning.tables_sql import SQLError, Table
from reasoning.voting import VoteSample, vote

_SHOWN_ROWS = 10
_FENCES = 2


@dataclass(frozen=True)
class ProgramResult:
    """The result of a program: its rows, or the error that ended it."""

    rows: Table | None = None
    error: ReasoningError | None = None

    @property
    def is_empty(self) -> bool:
        """True if the program ran and its result has no value."""
        return self.rows is not None and all(cell is None for row in self.rows.rows for cell in row)

    def __str__(self) -> str:
        if self.rows is None:
            return f"error: {self.error}"
        text = self.rows.to_text(_SHOWN_ROWS)
        # The name of a single column is the program itself.
        return "(empty)" if self.is_empty else text.partition("\n")[2] if len(self.rows.header) == 1 else text


def find_whole(find: Callable[[str], str | None], reply: Completion) -> str | None:
    """Return the program of a reply; None if the reply was cut off within it, before the fence behind it."""
    return None if reply.truncated and reply.text.count("```") < _FENCES else find(reply.text)


async def run_programs(
    programs: Sequence[str], session: Session, run: Callable[[str, Session], Awaitable[Table]]
) -> dict[str, ProgramResult]:
    """Run each different program once, concurrently, and note its result in the trace.

    A program whose call of the model fails, or is not covered by the budget, ends with that error;
    the others continue.

    Args:
        programs: the programs; equal ones are run once.
        session: the session.
        run: runs a program in a session of its own.

    Raises:
        CallFailed: every further call would fail.
        BudgetExhausted: a budget around that of this solve is used up.
    """

    async def result_of(program: str, branch: Session) -> ProgramResult:
        try:
            result = ProgramResult(await run(program, branch))
        except (ProgramError, SQLError, CallFailed, BudgetExhausted) as error:
            if error.ends_run or (isinstance(error, BudgetExhausted) and not session.owns(error)):
                raise
            result = ProgramResult(error=error)
        count = f" (drawn {programs.count(program)} times)" if programs.count(program) > 1 else ""
        branch.note(f"{program.strip()}{count}\n→ {result}")
        return result

    distinct = list(dict.fromkeys(programs))
    branches = session.fork("program", distinct)
    results = await gather([result_of(*pair) for pair in zip(distinct, branches, strict=True)])
    return dict(zip(distinct, results, strict=True))


def vote_on_results(
    draws: Sequence[VoteSample],
    results: Mapping[str, ProgramResult],
    table: Table,
    problem: Problem,
    *,
    wanted: int,
    yes_weight: float,
) -> Answer:
    """Return the answer that most programs compute; those that fail and empty results do not vote.

    Args:
        draws: the samples, with their programs as values.
        results: the result of each program.
        table: the table of the problem.
        problem: the problem.
        wanted: the number of programs that were to be drawn.
        yes_weight: the weight of a yes to a yes-or-no question, for which an empty result is a no.

    Raises:
        BudgetExhausted: no program has an answer, and the budget of the problem kept one from it.
    """
    values: dict[Any, Any] = {}
    for program, result in results.items():
        if result.rows is not None:
            is_no = result.is_empty and isinstance(problem.kind, YesNo)
            values[program] = False if is_no else read_denotation(problem.kind, result.rows, table)
    samples = [replace(draw, value=values.get(draw.value)) for draw in draws]
    stopped = [result.error for result in results.values() if isinstance(result.error, BudgetExhausted)]

    def weight(sample: VoteSample) -> float:
        return yes_weight if sample.value is True and isinstance(problem.kind, YesNo) else 1.0

    counted = vote(samples, problem.kind, weigh=weight)
    ran = sum(not isinstance(getattr(results.get(draw.value), "error", None), BudgetExhausted) for draw in draws)
    counted = replace(counted, note=budget_note(ran, wanted) if stopped or len(draws) < wanted else "")
    if counted.value is None:
        if stopped:
            raise stopped[0]
        reason = f"no program has an answer: {joined_reasons([_reason(draw, results) for draw in draws])}"
        return Unparsed(counted.reason if counted.candidates else reason, text=draws[0].text, votes=counted)
    program = draws[counted.candidates[0].representative].value
    text = f"{program.strip()}\n→ {results[program]}"
    return Answered(counted.value, rule="program", text=text, confidence=counted.share, votes=counted)


def _reason(draw: VoteSample, results: Mapping[str, ProgramResult]) -> str:
    """Return why a sample has no answer."""
    if draw.value is None:
        return getattr(draw.answer, "reason", "") or "no program"
    result = results[draw.value]
    return str(result.error or ("its result is empty" if result.is_empty else "its result is no answer of this kind"))
