"""The commands `reasoning chain new`, `check`, `diagram`, `show` and `run`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli import interrupts, streams
from reasoning.cli.chain_workers import buy_on_workers, check_ray, forget_workers
from reasoning.cli.commands import Commands
from reasoning.cli.continuing import how_to_continue
from reasoning.cli.options import AllowCode, BatchModelOptions, ChainFolder, Model, NewSamples, Ray, Structured, Workers
from reasoning.cli.output import CALLS_FAILED, READER_GONE, OutputOptions, console, echo, info, print_json
from reasoning.cli.progress import progress_bar
from reasoning.errors import BudgetExhausted, CallFailed, JournalError, UsageError
from reasoning.text_safety import to_line

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.chain.batch import BatchRow, BatchSummary
    from reasoning.chain.chain import Chain
    from reasoning.engine.ledger import Ledger, Spending
    from reasoning.engine.llm import LLM
    from reasoning.messages import Usage

chain = Commands(help="Create, check, draw, show and run prompt chains.", no_args_is_help=True)


@chain.command()
def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The new folder; its last part is the chain's name.")],
    template: Annotated[
        str, typer.Option(help="The chain to copy: a bundled one by its name, or a folder.", metavar="CHAIN")
    ] = "telecom_feedback",
) -> None:
    """Create a chain's folder from a template."""
    from reasoning.chain.scaffold import create_chain

    created = create_chain(name, template)
    console().print(f"{name}: {' → '.join(step.name for step in created.steps)}")
    for path in sorted(path for path in name.rglob("*") if path.is_file()):
        console().print(f"  {path}")
    info(f"next: edit a prompt, then run: reasoning chain check {shlex.quote(str(name))}")


@chain.command()
def check(
    folder: ChainFolder,
    *,
    output: OutputOptions,
) -> None:
    """Find errors without a model call: placeholders, cycles, kinds, lengths, secrets. No code of the chain is run.

    Exit codes: 0 no errors, 1 errors, 2 the folder cannot be read as a chain.
    """
    from reasoning.chain.diagram import describe_options, describe_source, kind_label
    from reasoning.chain.lint import lint_folder
    from reasoning.chain.prompt_preview import prompt_tokens
    from reasoning.chain.scaffold import resolve_folder
    from reasoning.tables import Document, Table

    checked, findings = lint_folder(resolve_folder(folder))
    errors = sum(finding.level == "error" for finding in findings)
    if output.format == "json":
        listed = [
            {"level": finding.level, "location": finding.location, "message": finding.message} for finding in findings
        ]
        steps = [{"name": step.name, "tokens": prompt_tokens(step)} for step in checked.steps]
        print_json({"chain": checked.name, "steps": steps, "findings": listed})
    else:
        rows = []
        for step in checked.steps:
            kind, tokens = checked.kind_of(step.name), prompt_tokens(step)
            row = (
                step.name,
                ", ".join(sorted(step.dependencies)),
                ", ".join([describe_source(step), *describe_options(step)]),
                kind_label(kind) if kind else "",
                "" if tokens is None else f"{tokens:,}",
            )
            rows.append(row)
        steps_table = Table(("step", "reads", "answered by", "returns", "about tokens"), rows, text_columns=4)
        try:
            least, most = checked.calls_range()
            calls = f"{least} to {most} calls" if most > least else f"{least} call{'s' * (least != 1)}"
            calls += " per input"
        except UsageError:
            # A step's strategy cannot be built; a finding says so.
            calls = "unknown number of calls"
        warnings = len(findings) - errors
        result = f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
        found = "\n".join(
            [*map(str, findings), f"{checked.name}: {calls}; {result if findings else 'no problems found'}"]
        )
        output.print(Document([steps_table, found]), soft_wrap=True)
    if errors:
        raise typer.Exit(1)


@chain.command()
def diagram(
    folder: ChainFolder,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write: .mmd or .md. By default printed.", metavar="FILE"),
    ] = None,
) -> None:
    """Print the chain as a Mermaid diagram, which GitHub, JupyterLab and MkDocs draw."""
    from reasoning.chain.folder import load
    from reasoning.chain.scaffold import resolve_folder

    if out is not None and out.suffix.lower() not in (".mmd", ".mermaid", ".md"):
        raise UsageError(f"{out}: a diagram must be written to a .mmd or .md file, got {out.suffix or 'no suffix'!r}")
    drawn = load(resolve_folder(folder), "none").diagram()
    if out is None:
        echo(drawn, end="")
        return
    text = drawn.to_markdown() if out.suffix.lower() == ".md" else str(drawn)
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
    info(f"{out}: {len(text):,} characters")


@chain.command()
def show(
    folder: ChainFolder,
    step: Annotated[str | None, typer.Option("--step", "-s", help="Show only this step.", metavar="STEP")] = None,
) -> None:
    """Print each prompt as it will be sent, with {names} in the places of values."""
    from reasoning.chain.folder import load
    from reasoning.chain.scaffold import resolve_folder

    loaded = load(resolve_folder(folder), "none")
    if step is not None:
        # Raises for an unknown step.
        loaded.step(step)
    _show(loaded, "", step)


def _show(shown: Chain, prefix: str, only: str | None) -> None:
    from rich.text import Text

    from reasoning.chain.diagram import describe_options, describe_source, kind_label
    from reasoning.chain.prompt_preview import preview, prompt_tokens

    out = console()
    for step in shown.steps:
        if only is not None and step.name != only:
            continue
        kind, count = shown.kind_of(step.name), prompt_tokens(step)
        about = [describe_source(step), *describe_options(step), f"returns {kind_label(kind)}" if kind else ""]
        about += [f"{name}={value}" for name, value in step.sampling.items()]
        about += [f"about {count:,} tokens"] if count is not None else []
        out.print(Text.assemble((f"{prefix}{step.name}", "bold"), (f"  {' · '.join(filter(None, about))}", "dim")))
        for name, turns in preview(step).items():
            if name:
                out.print(Text(f"prompt {name}", style="bold cyan"))
            for role, content in turns.messages:
                out.print(Text(role, style="cyan"))
                out.print(Text(content), soft_wrap=True)
        out.print()
        if step.chain is not None:
            _show(step.chain, f"{prefix}{step.name}.", None)


@chain.command()
def run(
    folder: ChainFolder,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Text, .jsonl, .json, .csv or .tsv files; - is standard input.")
    ],
    model: Model = "local",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The file for the results: .csv, else JSON lines. By default printed.", metavar="FILE"
        ),
    ] = None,
    input_format: Annotated[
        str | None,
        typer.Option(
            help="The format of all files: text, jsonl, json, csv or tsv; by default by suffix.", metavar="FORMAT"
        ),
    ] = None,
    max_input_chars: Annotated[
        int, typer.Option(help="The most characters of one input.", min=1, metavar="N")
    ] = 200_000,
    together: Annotated[
        bool,
        typer.Option(
            "--together", help="Give all inputs to the chain as one list, for one result: telecom_feedback/batch.toml."
        ),
    ] = False,
    structured: Structured = False,
    new_samples: NewSamples = False,
    allow_code: AllowCode = False,
    ray: Ray = None,
    workers: Workers = None,
    *,
    options: BatchModelOptions,
) -> None:
    """Run a chain on many inputs. The same command resumes a stopped run, since every draw is recorded.

    Exit codes: 0 every input has a value, 1 some values stayed rejected, 2 wrong usage or an invalid input, 3 the
    budget stopped the run, 4 some calls failed for good, 141 the reader of the printed rows went away. An invalid input
    does not stop the others. Finished rows are written in every case; those of a stopped run to NAME.part.csv.

    With --out, a budget is that of the run until it is complete: what earlier commands spent on it counts.

    With --ray, the workers of a Ray cluster make the calls, and the rows are written at the end.

    With --together, the chain is run once on the list of all inputs, and its value is written: a list of objects as a
    table.
    """
    from reasoning.chain.batch import run_batch
    from reasoning.chain.folder import load
    from reasoning.chain.inputs import read_inputs
    from reasoning.chain.result_writer import ResultWriter
    from reasoning.chain.scaffold import resolve_folder
    from reasoning.messages import Usage

    check_ray(ray, workers, out, new_samples, together, options)
    loaded = load(resolve_folder(folder), "all" if allow_code else "trusted")
    if structured:
        loaded = structure_chain(loaded)
    if out is not None and any(file != "-" and _is_same_file(Path(file), out) for file in files):
        raise UsageError(f"--out {out} is one of the inputs, which the results would replace; give another file")
    if together:
        _run_together(loaded, files, model, out, input_format, max_input_chars, new_samples, options)
        return
    inputs = list(read_inputs(files, loaded, input_format, max_input_chars))  # type: ignore[arg-type]
    if not inputs:
        raise UsageError(f"no inputs in {', '.join(files)}")
    writer = ResultWriter(out, [step.name for step in loaded.steps])
    try:
        with options.open_model(model) as llm, _ledger(out, llm) as ledger, ExitStack() as stack:
            before, budget = (ledger.before if ledger else None), llm.budget
            on_workers = Usage()
            if ray is not None and out is not None and before is not None:
                earlier, on_workers = buy_on_workers(loaded, inputs, llm, out, ray, workers, before.total())
                before.by_scope[("0",)] = before.total("0") + earlier
            stack.enter_context(writer)
            report = stack.enter_context(_progress(len(inputs), out, llm))
            epoch = _epoch(before, llm) if new_samples else 0
            if ledger and before:
                budget = budget.resumed(before.total() + on_workers, before.bounds, before.carried())
                budget.account = ledger.account(str(epoch))

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


def structure_chain(loaded: Chain) -> Chain:
    """Return a chain whose steps ask for replies in JSON where they can, and name those that stay free text."""
    from reasoning.chain.structured import structure_all

    [changed], free = structure_all([loaded], ())
    if free:
        info(free)
    return changed  # type: ignore[return-value]  # a chain stays a chain


def _run_together(
    loaded: Chain,
    files: list[str],
    model: str,
    out: Path | None,
    input_format: str | None,
    max_chars: int,
    new_samples: bool,
    options: BatchModelOptions,
) -> None:
    """Run a chain once on the list of all inputs."""
    from reasoning.answer import Answered, Failed
    from reasoning.chain.result_writer import ResultWriter
    from reasoning.chain.together import as_table, read_together, report_replies, write_value
    from reasoning.engine.budget import Budget
    from reasoning.tables import Document, Table

    problem, invalid = read_together(files, loaded, input_format, max_chars)  # type: ignore[arg-type]
    for one in invalid:
        info(to_line(f"invalid: {one.error}"))
    [texts] = problem.inputs.values()
    ResultWriter(out, ())  # an error now, not after the calls, if it cannot be written
    with options.open_model(model) as llm, _ledger(out, llm) as ledger:
        before, budget = (ledger.before if ledger else None), llm.budget
        epoch = _epoch(before, llm) if new_samples else 0
        if ledger and before:
            budget = budget.resumed(before.total(), before.bounds, before.carried())
            budget.account = ledger.account(str(epoch))
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
    _finish_together(answer, len(texts), llm.total_usage, out, before, budget.left)
    if isinstance(answer, Failed):
        raise typer.Exit(CALLS_FAILED)
    if not isinstance(answer, Answered):
        raise typer.Exit(1)
    if invalid:
        raise typer.Exit(2)


def _finish_together(
    answer: Answer, total: int, spent: Usage, out: Path | None, before: Spending | None, left: str
) -> None:
    from reasoning.chain.batch import BatchRow
    from reasoning.chain.inputs import ChainInput
    from reasoning.display import describe_spending
    from reasoning.messages import Usage

    row = BatchRow(ChainInput("all"), answer)
    fallbacks = f"; fallbacks in {', '.join(row.fallbacks)}" if row.fallbacks else ""
    rejected = f"; {row.rejections} rejected repl{'y' if row.rejections == 1 else 'ies'}" if row.rejections else ""
    info(f"{total} inputs together: {answer.state}{rejected}{fallbacks}")
    earlier, interrupted = (before.total(), before.interrupted) if before else (Usage(), Usage())
    info(describe_spending(spent, answer.usage, earlier, interrupted, left))
    if answer.reason:
        info(to_line(f"{answer.state}: {answer.reason}; the same command resumes it, and recorded calls are free"))
    elif out is not None:
        info(f"results: {out}")


def _is_same_file(first: Path, second: Path) -> bool:
    return first.expanduser().resolve() == second.expanduser().resolve()


def _epoch(before: Spending | None, llm: LLM) -> int:
    """Return the epoch of new samples: that of an earlier command of the run, else an unused one."""
    known = max([int(epoch) for (epoch,) in before.by_scope], default=0) if before else 0
    return known or llm.journal.unused_epoch()


@contextmanager
def _ledger(out: Path | None, llm: LLM) -> Iterator[Ledger | None]:
    """Open the ledger of a run that writes a file: `.NAME.spending.jsonl` next to it."""
    from reasoning.engine.ledger import Ledger

    if out is None:
        yield None
        return
    with closing(Ledger(out.with_name(f".{out.name}.spending.jsonl"), llm.price)) as ledger:
        yield ledger


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
    from reasoning.display import describe_spending
    from reasoning.messages import Usage

    states = ", ".join(f"{count} {state}" for state, count in sorted(done.counts.items()))
    rejected = f"; {done.rejections} rejected repl{'y' if done.rejections == 1 else 'ies'}" if done.rejections else ""
    fallbacks = f"; {done.fallbacks} with a fallback" if done.fallbacks else ""
    info(f"{done.done} of {total} inputs" + (f": {states}{rejected}{fallbacks}" if states else ""))
    # The calls of unfinished inputs are included.
    earlier, interrupted = (before.total(), before.interrupted) if before else (Usage(), Usage())
    info(describe_spending(spent, done.usage, earlier, interrupted, left))
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
