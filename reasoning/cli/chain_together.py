"""`reasoning chain run --together`: a chain once on the list of all inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reasoning.cli.chain_ledger import describe_spent, open_ledger, resume_budget
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.options import BatchModelOptions
from reasoning.cli.output import CALLS_FAILED, console, info
from reasoning.cli.progress import progress_bar
from reasoning.errors import BudgetExhausted, CallFailed, JournalError
from reasoning.text_safety import to_line

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.chain.chain import Chain
    from reasoning.chain.inputs import ChainInput
    from reasoning.engine.ledger import Spending
    from reasoning.messages import Usage
    from reasoning.problem import Problem


def run_together(
    loaded: Chain,
    problem: Problem,
    invalid: Sequence[ChainInput],
    model: str,
    out: Path | None,
    new_samples: bool,
    options: BatchModelOptions,
) -> None:
    """Run a chain once on the list of all inputs.

    Args:
        loaded: the chain.
        problem: the problem whose one input is the list.
        invalid: the inputs that are not in it.
        model: the name of the model.
        out: the file of the value; None to print it.
        new_samples: whether to draw new completions instead of using recorded ones.
        options: the options of the model.

    Raises:
        typer.Exit: there is no value, or an input is invalid; see the exit codes of `reasoning chain run`.
    """
    from reasoning.answer import Answered, Failed
    from reasoning.chain.result_writer import ResultWriter
    from reasoning.chain.together import as_table, report_replies, write_value
    from reasoning.engine.budget import Budget
    from reasoning.tables import Document, Table

    for one in invalid:
        info(to_line(f"invalid: {one.error}"))
    [texts] = problem.inputs.values()
    ResultWriter(out, ())  # an error now, not after the calls, if it cannot be written
    with options.open_model(model) as llm, open_ledger(out, llm) as ledger:
        before = ledger.before if ledger else None
        epoch, budget = resume_budget(ledger, llm, new_samples)
        with progress_bar(total=len(texts)) as bar, bar.watching(llm):
            replies = dict.fromkeys((step.name for step in loaded.steps), 0)

            def on_reply(step: str) -> None:
                replies[step] += 1
                # The first step that is asked goes through the inputs; a repair is a second reply to one of them.
                if step == next(name for name, count in replies.items() if count) and replies[step] <= len(texts):
                    bar.advance(step)
                elif step != bar.text:
                    bar(len(texts), len(texts), step)

            try:
                # Within the budget of the run, which then raises when it is used up.
                within = Budget(within=budget)
                answer = report_replies(loaded, on_reply).run(problem, llm, epoch=epoch, budget=within)
            except (BudgetExhausted, CallFailed, JournalError) as error:
                info(f"the calls so far are kept; {how_to_continue(error, is_of_run=before is not None)}")
                raise
    if isinstance(answer, Answered) and out is not None:
        write_value(out, answer.value)
        if ledger is not None:
            ledger.path.unlink(missing_ok=True)
    elif isinstance(answer, Answered):
        table = as_table(answer.value)
        parts: list[Table | str] = [table if table is not None else loaded.steps[-1].kind.show(answer.value)]
        console().print(Document(parts), soft_wrap=table is None)
    _finish(answer, len(texts), llm.total_usage, out, before, budget.left)
    if isinstance(answer, Failed):
        raise typer.Exit(CALLS_FAILED)
    if not isinstance(answer, Answered):
        raise typer.Exit(1)
    if invalid:
        raise typer.Exit(2)


def _finish(answer: Answer, total: int, spent: Usage, out: Path | None, before: Spending | None, left: str) -> None:
    from reasoning.chain.batch import BatchRow
    from reasoning.chain.inputs import ChainInput

    row = BatchRow(ChainInput("all"), answer)
    fallbacks = f"; fallbacks in {', '.join(row.fallbacks)}" if row.fallbacks else ""
    rejected = f"; {row.rejections} rejected repl{'y' if row.rejections == 1 else 'ies'}" if row.rejections else ""
    info(f"{total} inputs together: {answer.state}{rejected}{fallbacks}")
    info(describe_spent(spent, answer.usage, before, left))
    if answer.reason:
        info(to_line(f"{answer.state}: {answer.reason}; the same command resumes it, and recorded calls are free"))
    elif out is not None:
        info(f"results: {out}")
