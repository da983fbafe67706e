"""`reasoning chain`: make a chain's folder, check it, look at it, run it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli.chain_options import Code, Concurrency, Folder, Longest, Record, Spend, Url, connected
from reasoning.cli.options import Pace, SandboxOption
from reasoning.cli.output import AsJson, command_line, console, info, print_json
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from reasoning.chain.batch import Row, Run
    from reasoning.chain.chain import Chain
    from reasoning.messages import Usage

chain = typer.Typer(help="Prompt chains in folders: make, check, draw, show and run them.", no_args_is_help=True)

_NOW_AND_THEN = 10.0
"""Seconds between two lines of progress, where nobody looks."""


@chain.command()
def new(
    name: Annotated[Path, typer.Argument(metavar="NAME", help="The new folder; its last part is the chain's name.")],
    like: Annotated[
        str, typer.Option(help="The chain to start from: a shipped one, or a folder.")
    ] = "telecom_feedback",
) -> None:
    """Make a chain's folder, from one that there is."""
    from reasoning.chain.scaffold import new as made

    found = made(name, like)
    console().print(f"{name}: {' → '.join(step.name for step in found.steps)}")
    for path in sorted(path for path in name.rglob("*") if path.is_file()):
        console().print(f"  {path}")
    info(f"next: edit a prompt, then: reasoning chain check {shlex.quote(str(name))}")


@chain.command()
def check(
    folder: Folder,
    as_json: AsJson = False,
) -> None:
    """Look for what cannot work, without a call: placeholders, circles, kinds, lengths, secrets. Code is not run.

    Ends with 0 when nothing is wrong, 1 when something is, 2 when the folder cannot be read as a chain.
    """
    from rich.table import Table

    from reasoning.chain.diagram import kind_word, marks, way
    from reasoning.chain.lint import check_folder
    from reasoning.chain.prompt_preview import prompt_tokens
    from reasoning.chain.scaffold import source

    found, findings = check_folder(source(folder))
    wrong = sum(one.level == "error" for one in findings)
    if as_json:
        listed = [{"level": one.level, "where": one.where, "text": one.text} for one in findings]
        steps = [{"name": step.name, "tokens": prompt_tokens(step)} for step in found.steps]
        print_json({"chain": found.name, "steps": steps, "findings": listed})
    else:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("step", "reads", "answered by", "returns"):
            table.add_column(column)
        table.add_column("about tokens", justify="right")
        for step in found.steps:
            kind, tokens = found.kind_of(step.name), prompt_tokens(step)
            how = ", ".join([way(step), *marks(step)])
            given = kind_word(kind) if kind else ""
            table.add_row(step.name, ", ".join(sorted(step.needs)), how, given, "" if tokens is None else f"{tokens:,}")
        out = console()
        out.print(table)
        out.print()
        for one in findings:
            out.print(str(one), soft_wrap=True)
        try:
            least, most = found.calls_range()
            calls = f"{least} to {most} calls" if most > least else f"{least} call{'s' * (least != 1)}"
            calls += " for an input"
        except UsageError:  # of a strategy that cannot be made, as a finding says
            calls = "calls not known"
        said = f"{wrong} error{'s' * (wrong != 1)}, {len(findings) - wrong} warnings" if findings else "nothing wrong"
        out.print(f"{found.name}: {calls}; {said}")
    if wrong:
        raise typer.Exit(1)


@chain.command()
def draw(
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="Where to write it; .svg or .mmd. By default printed.")] = None,
    form: Annotated[str | None, typer.Option(help="svg or mermaid; by default as the file's name ends.")] = None,
) -> None:
    """Draw the chain as SVG, or as Mermaid."""
    from reasoning.chain.diagram import mermaid, svg
    from reasoning.chain.folder import load
    from reasoning.chain.scaffold import source
    from reasoning.errors import UnknownName

    suffix = out.suffix.lower() if out is not None else ".svg"
    known = {".svg": "svg", **dict.fromkeys((".mmd", ".md", ".mermaid"), "mermaid")}
    if form is None and suffix not in known:
        raise UsageError(f"{out}: a picture is written as .svg or .mmd, or as --form says")
    form = form or known[suffix]
    pictures = {"svg": svg, "mermaid": mermaid}
    if form not in pictures:
        raise UnknownName("form of drawing", form, pictures)
    picture = pictures[form](load(source(folder), "name"))
    if out is None:
        typer.echo(picture, nl=False)
        return
    try:
        out.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}") from None
    info(f"{out}: {len(picture):,} characters")


@chain.command()
def show(
    folder: Folder,
    step: Annotated[str | None, typer.Option("--step", "-s", help="One step only.")] = None,
) -> None:
    """Print each prompt as it will be sent, with {names} where values will stand."""
    from reasoning.chain.folder import load
    from reasoning.chain.scaffold import source

    found = load(source(folder), "name")
    if step is not None:
        found.step(step)
    _show(found, "", step)


def _show(found: Chain, prefix: str, only: str | None) -> None:
    from rich.text import Text

    from reasoning.chain.diagram import kind_word, marks, way
    from reasoning.chain.prompt_preview import prompt_tokens, sent
    from reasoning.display import strip_control

    out = console()
    for step in found.steps:
        if only is not None and step.name != only:
            continue
        kind, count = found.kind_of(step.name), prompt_tokens(step)
        about = [way(step), *marks(step), f"returns {kind_word(kind)}" if kind else ""]
        about += [f"{name}={value}" for name, value in step.sampling.items()]
        about += [f"about {count:,} tokens"] if count is not None else []
        out.print(Text.assemble((f"{prefix}{step.name}", "bold"), (f"  {' · '.join(filter(None, about))}", "dim")))
        for name, turns in sent(step).items():
            if name:
                out.print(Text(f"prompt {name}", style="bold cyan"))
            for role, content in turns.messages:
                out.print(Text(role, style="cyan"))
                out.print(Text(strip_control(content)), soft_wrap=True)
        out.print()
        if step.chain is not None:
            _show(step.chain, f"{prefix}{step.name}.", None)


@chain.command()
def run(
    folder: Folder,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Texts, .jsonl, .csv; - is standard input.")],
    model: Annotated[str, typer.Option("--model", "-m", help="local, a litellm name, replay:FILE.")] = "local",
    base_url: Url = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the results go: .csv, or JSON lines; by default printed.")
    ] = None,
    form: Annotated[str | None, typer.Option("--form", help="How to read every file: text, jsonl, csv.")] = None,
    longest: Annotated[int, typer.Option(help="Characters of one input, at most.", min=1)] = 200_000,
    concurrency: Concurrency = 32,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    budget: Spend = None,
    max_tokens: Longest = None,
    journal: Record = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="New draws rather than recorded ones.")] = False,
    allow_code: Code = False,
) -> None:
    """Run a chain on many inputs; the same command goes on where it was stopped, since every draw is recorded.

    Ends with 0 when every input has a value, 1 when replies stayed refused, 2 for wrong usage or an input that cannot
    be used, 3 when the budget stopped it, 4 when calls failed for good. One bad input does not stop the others, and
    what is done is written in every case; after a stop beside the file, as NAME.part.csv.
    """
    from reasoning.chain.batch import run as through
    from reasoning.chain.folder import load
    from reasoning.chain.inputs import given
    from reasoning.chain.result_writer import Output
    from reasoning.chain.scaffold import source

    found = load(source(folder), "run" if allow_code else "known")
    inputs = list(given(files, found, form, longest))  # type: ignore[arg-type]  # a wrong form is refused there
    if not inputs:
        raise UsageError(f"there is no input in {', '.join(files)}")
    with (
        connected(model, base_url, journal, budget, concurrency, max_tokens, pace, sandbox) as llm,
        Output(out, [step.name for step in found.steps]) as rows,
        _progress(len(inputs)) as told,
    ):

        def tell(row: Row) -> None:
            rows.add(row)
            told(row)

        done = through(found, inputs, llm, tell, epoch=llm.journal.unused_epoch() if fresh else 0)
        if done.stopped is not None:
            rows.stopped()
    _finish(done, len(inputs), llm.total_usage, rows.place)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Row], None]]:
    """A bar on a terminal, else a line now and then; and a line for each input that went wrong."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from reasoning.display import strip_control

    console = Console(stderr=True, highlight=False, markup=False)
    columns = (BarColumn(30), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, done, bought, last = bar.add_task("", total=total), 0, 0, time.monotonic()

        def told(row: Row) -> None:
            nonlocal done, bought, last
            done, bought = done + 1, bought + row.spent.calls
            why = row.given.wrong if row.answer is None else row.answer.reason
            if why:
                line = f"{row.state}: {row.given.id}: {why.removeprefix(f'{row.given.id}: ')}"
                bar.console.print(strip_control(line), soft_wrap=True)
            calls = f"{bought:,} calls"
            bar.update(task, advance=1, description=calls)
            if not console.is_terminal and time.monotonic() - last > _NOW_AND_THEN:
                last = time.monotonic()
                console.print(f"{done:,}/{total:,} inputs · {calls}")

        yield told


def _finish(done: Run, total: int, spent: Usage, out: Path | None) -> None:
    from reasoning.display import cost

    states = ", ".join(f"{count} {state}" for state, count in sorted(done.rows.items()))
    repairs = f"; {done.repairs} repl{'y' if done.repairs == 1 else 'ies'} refused" if done.repairs else ""
    mended = f"; {done.mended} mended" if done.mended else ""
    info(f"{done.done} of {total} inputs: {states}{repairs}{mended}")
    now = cost(spent) if spent.calls else "nothing"  # with what was paid for inputs that were not finished
    info(f"spent now: {now}" + (f"; without the journal: {cost(done.usage)}" if done.usage.calls > spent.calls else ""))
    if out is not None:
        info(f"results: {out}" + (" (a part)" if done.stopped is not None else ""))
    if done.stopped is not None:
        info(f"what was done is kept; go on with: {command_line()}")
        raise done.stopped
    if done.rows.get("failed"):
        info(f"{done.rows['failed']} failed, the last with: {done.last_failure}; the same command tries them again")
        raise typer.Exit(4)
    if done.rows.get("unusable"):
        raise typer.Exit(2)
    if done.rows.get("unparsed"):
        raise typer.Exit(1)
