"""`reasoning chain run` on each of many inputs: the rows, their progress, and what the command says at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reasoning.cli import interrupts, streams
from reasoning.cli.chain_ledger import describe_spent, open_ledger, resume_budget
from reasoning.cli.chain_workers import buy_on_workers, forget_workers
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.options import BatchModelOptions
from reasoning.cli.output import READER_GONE, console, info
from reasoning.cli.progress import progress_bar
from reasoning.text_safety import to_line

if TYPE_CHECKING:
    from reasoning.chain.batch import BatchRow, BatchSummary
    from reasoning.chain.chain import Chain
    from reasoning.chain.inputs import ChainInput
    from reasoning.engine.ledger import Spending
    from reasoning.engine.llm import LLM
    from reasoning.messages import Usage


def run_on_each(
    loaded: Chain,
    inputs: Sequence[ChainInput],
    model: str,
    out: Path | None,
    new_samples: bool,
    ray: str | None,
    workers: int | None,
    options: BatchModelOptions,
) -> None:
    """Run a chain on each input, and write a row for each.

    Args:
        loaded: the chain.
        inputs: the inputs.
        model: the name of the model.
        out: the file of the rows; None to print them.
        new_samples: whether to draw new completions instead of using recorded ones.
        ray: the address of the Ray cluster that makes the calls, or "auto"; None for none.
        workers: the number of its workers.
        options: the options of the model.

    Raises:
        typer.Exit: an input has no value; see the exit codes of `reasoning chain run`.
    """
    from reasoning.chain.batch import run_batch
    from reasoning.chain.result_writer import ResultWriter
    from reasoning.messages import Usage

    writer = ResultWriter(out, [step.name for step in loaded.steps])
    try:
        with options.open_model(model) as llm, open_ledger(out, llm) as ledger, ExitStack() as stack:
            before = ledger.before if ledger else None
            on_workers = Usage()
            if ray is not None and out is not None and before is not None:
                earlier, on_workers = buy_on_workers(loaded, inputs, llm, out, ray, workers, before.total())
                before.by_scope[("0",)] = before.total("0") + earlier
            stack.enter_context(writer)
            report = stack.enter_context(_progress(len(inputs), out, llm))
            epoch, budget = resume_budget(ledger, llm, new_samples, on_workers)

            def on_row(row: BatchRow) -> None:
                writer.write(row)
                report(row)
                if out is None and not streams.stdout_is_read():
                    # Further rows would be paid for and not be read.
                    raise BrokenPipeError

            done = run_batch(loaded, inputs, llm, on_row, epoch=epoch, budget=budget)
            if done.stopped_by is not None:
                writer.mark_partial()
            elif ledger is not None and not done.counts.keys() & {"failed", "invalid"}:
                # Another command with this file is another run.
                ledger.path.unlink(missing_ok=True)
                if out is not None:
                    forget_workers(out)
    except BrokenPipeError:
        raise typer.Exit(READER_GONE) from None
    except KeyboardInterrupt:
        if writer.final_path is not None:
            interrupts.keep(f"the finished rows are kept in {writer.final_path}")
        raise
    except BaseException:
        if writer.final_path not in (None, out):
            info(f"results: {writer.final_path} (incomplete)")
        raise
    _finish(done, len(inputs), llm.total_usage + on_workers, writer.final_path, before, budget.left)


@contextmanager
def _progress(total: int, out: Path | None, llm: LLM) -> Iterator[Callable[[BatchRow], None]]:
    """Show a progress bar, what delays the model, and a line for each input without a value."""
    calls = 0
    with progress_bar(total=total, plain=out is None and console().is_terminal) as bar, bar.watching(llm):

        def report(row: BatchRow) -> None:
            nonlocal calls
            calls += row.spent.calls
            reason = row.input.error if row.answer is None else row.answer.reason
            if reason:
                bar.print(to_line(f"{row.state}: {row.input.id}: {reason.removeprefix(f'{row.input.id}: ')}"))
            bar.advance(f"{calls:,} calls")

        yield report


def _finish(done: BatchSummary, total: int, spent: Usage, out: Path | None, before: Spending | None, left: str) -> None:
    states = ", ".join(f"{count} {state}" for state, count in sorted(done.counts.items()))
    rejected = f"; {done.rejections} rejected repl{'y' if done.rejections == 1 else 'ies'}" if done.rejections else ""
    fallbacks = f"; {done.fallbacks} with a fallback" if done.fallbacks else ""
    info(f"{done.done} of {total} inputs" + (f": {states}{rejected}{fallbacks}" if states else ""))
    # The calls of unfinished inputs are included.
    info(describe_spent(spent, done.usage, before, left))
    if out is not None:
        info(f"results: {out}" + (" (incomplete)" if done.stopped_by is not None else ""))
    if done.stopped_by is not None:
        # Without a ledger a budget is that of one command.
        info(f"finished rows are kept; {how_to_continue(done.stopped_by, is_of_run=before is not None)}")
        raise done.stopped_by
    if done.counts.get("failed"):
        info(f"{done.counts['failed']} failed, the last with: {done.last_failure}; the same command retries them")
        raise typer.Exit(4)
    if done.counts.get("invalid"):
        raise typer.Exit(2)
    if done.counts.get("unparsed"):
        raise typer.Exit(1)
