"""The commands `reasoning chain new`, `check`, `diagram`, `show` and `run`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli.chain_run import run_on_each
from reasoning.cli.chain_together import run_together
from reasoning.cli.chain_workers import check_ray
from reasoning.cli.commands import Commands
from reasoning.cli.options import AllowCode, BatchModelOptions, ChainFolder, Model, NewSamples, Ray, Structured, Workers
from reasoning.cli.output import OutputOptions, console, echo, info, print_json
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from reasoning.chain.chain import Chain

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
    from reasoning.chain.folder import load
    from reasoning.chain.inputs import read_inputs
    from reasoning.chain.scaffold import resolve_folder
    from reasoning.chain.together import read_together

    check_ray(ray, workers, out, new_samples, together, options)
    loaded = load(resolve_folder(folder), "all" if allow_code else "trusted")
    if structured:
        loaded = structure_chain(loaded)
    if out is not None and any(file != "-" and _is_same_file(Path(file), out) for file in files):
        raise UsageError(f"--out {out} is one of the inputs, which the results would replace; give another file")
    if together:
        problem, invalid = read_together(files, loaded, input_format, max_input_chars)  # type: ignore[arg-type]
        run_together(loaded, problem, invalid, model, out, new_samples, options)
        return
    inputs = list(read_inputs(files, loaded, input_format, max_input_chars))  # type: ignore[arg-type]
    if not inputs:
        raise UsageError(f"no inputs in {', '.join(files)}")
    run_on_each(loaded, inputs, model, out, new_samples, ray, workers, options)


def structure_chain(loaded: Chain) -> Chain:
    """Return a chain whose steps ask for replies in JSON where they can, and name those that stay free text."""
    from reasoning.chain.structured import structure_all

    [changed], free = structure_all([loaded], ())
    if free:
        info(free)
    return changed  # type: ignore[return-value]  # a chain stays a chain


def _is_same_file(first: Path, second: Path) -> bool:
    return first.expanduser().resolve() == second.expanduser().resolve()
