"""The command `reasoning`: the root, `ask`, `doctor`, `journal`, `models`. Other packages add parts by entry points."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from reasoning.cli.options import Pace, SandboxOption, paced
from reasoning.errors import ReasoningError, UsageError
from reasoning.version import __version__

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.kinds import Kind

GROUP = "reasoning.commands"
INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it, and after SIGTERM."""


def main() -> None:
    """Run the command line. An error is one line on stderr and an exit code; a traceback only with `--debug`."""
    gc.freeze()  # what is imported stays, and a long run keeps much: fewer searches for what could go
    gc.set_threshold(20_000, 20, 50)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a batch system's time is up: as Ctrl-C
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        app()(args=arguments, prog_name="reasoning", standalone_mode=True)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            _leave_at_once()
        raise
    except KeyboardInterrupt:
        _leave_at_once()
    except ReasoningError as error:
        if debug:
            raise
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        if debug:
            raise
        typer.echo(f"error: {type(error).__name__}: {error} (run again with --debug for the traceback)", err=True)
        raise SystemExit(1) from None


def _leave_at_once() -> NoReturn:
    """End the process without waiting for a local model, which would first finish what it computes."""
    sys.stdout.flush()
    sys.stderr.flush()
    if engine := sys.modules.get("reasoning.providers.llama_cpp.server"):
        engine.remove_files()
    os._exit(INTERRUPTED)


def app() -> Any:
    """The command with every part that is installed, ours and plug-ins'."""
    root = typer.Typer(
        help="Compare and use the techniques by which a language model is made to think.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @root.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_version)
        ] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
    ) -> None: ...

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        point.load()(root)
    return typer.main.get_command(root)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reasoning {__version__}")
        raise typer.Exit


def register(root: typer.Typer) -> None:
    """Add this package's commands."""
    from reasoning.cli.chain import chain
    from reasoning.cli.doctor import doctor
    from reasoning.cli.journal import journal
    from reasoning.cli.models import models

    root.add_typer(chain, name="chain")
    root.add_typer(models, name="models")
    root.add_typer(journal, name="journal")
    root.command()(ask)
    root.command()(doctor)


def ask(
    question: Annotated[str | None, typer.Argument(help="The question; or give --file.")] = None,
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="A strategy's spec, such as 'cot'.")] = "cot",
    model: Annotated[str, typer.Option("--model", "-m", help="local, a litellm name, replay:FILE.")] = "local",
    file: Annotated[str | None, typer.Option("--file", "-f", help="Read the question from a file; - is stdin.")] = None,
    kind: Annotated[
        str, typer.Option(help="The kind of answer: text, number, yesno, date, expression, items, cells, code, json.")
    ] = "text",
    option: Annotated[list[str] | None, typer.Option(help="An option to choose from; give it repeatedly.")] = None,
    context: Annotated[str | None, typer.Option(help="A passage that the question is about.")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Replace a prompt: 'cot.trigger=TEXT'; see `reasoning prompts`.", metavar="NAME=TEXT"
        ),
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="An OpenAI-compatible server.")] = None,
    journal: Annotated[str | None, typer.Option(help="The journal's file; none for no journal.")] = None,
    budget: Annotated[str | None, typer.Option(help="What may be spent, such as 'usd=0.1, calls=20'.")] = None,
    pace: Pace = None,
    sandbox: SandboxOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="New draws rather than recorded ones.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Print what was asked and said, as a tree.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Answer one question."""
    import reasoning
    from reasoning.cli.progress import loading

    [solver] = reasoning.strategies.override_prompts([reasoning.strategies.get(strategy)], sets or [])
    problem = reasoning.Problem(_question(question, file), _kind(kind, option), context=context)
    solver.check_supports(problem.kind)
    llm = reasoning.connect(
        model,
        base_url=base_url,
        journal=False if journal == "none" else journal,
        budget=None if budget is None else reasoning.Budget.parse(budget),
        sandbox=sandbox,
        **paced(pace),
    )
    try:
        with llm, loading(llm):
            answer = solver.run(problem, llm, epoch=llm.journal.unused_epoch() if fresh else 0)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from the draws that are recorded", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        typer.echo(json.dumps(_as_json(answer), ensure_ascii=False, default=str))
    else:
        _print(answer, trace)
    if answer.state != "answered":
        typer.echo(f"{answer.state}: {answer.reason}", err=True)
        raise typer.Exit(4 if answer.state == "failed" else 1)


def _question(question: str | None, file: str | None) -> str:
    if (question is None) == (file is None):
        raise UsageError("give a question, or --file FILE (- is standard input), and not both")
    if file is not None:
        try:
            question = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: cannot be read: {error}") from None
    assert question is not None
    if not question.strip():
        raise UsageError("the question is empty")
    return question.strip()


def _kind(name: str, options: list[str] | None) -> Kind:
    from reasoning import kinds

    if options and name not in ("text", "choice", "label"):
        raise UsageError(f"--option gives a choice, and --kind {name} is none: leave one of them out")
    if name in ("choice", "label") and not options:
        raise UsageError(f"--kind {name} wants what to choose from: --option red --option blue")
    if name == "label":
        return kinds.Label(tuple(options or ()))
    return kinds.Choice(tuple(options)) if options else kinds.get(name)


def _as_json(answer: Answer) -> dict[str, Any]:
    return {
        "strategy": repr(answer.strategy),
        "state": answer.state,
        "value": answer.value,
        "why": answer.reason,
        "confidence": answer.confidence,
        "steps": dict(answer.steps),
        "text": answer.text,
        "calls": answer.usage.calls,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
        "usd": answer.usage.usd,
        "seconds": round(answer.usage.seconds, 3),
    }


def _print(answer: Answer, trace: bool) -> None:
    from rich.console import Console

    import reasoning
    from reasoning.display import answer_tree, cost, strip_control

    out = Console(highlight=False, markup=False)
    if trace and answer.trace is not None:
        out.print(answer_tree(answer))
    steps = answer.steps if isinstance(answer.strategy, reasoning.Chain) else {}  # else the answer is what is wanted
    for name, value in steps.items():
        out.print(name, style="bold")
        out.print(strip_control(_shown(value)), soft_wrap=True)
    if not steps:
        said = _shown(answer.value) if answer.state == "answered" else answer.text
        if answer.state == "answered" or said.strip():
            out.print(strip_control(said), soft_wrap=True)
    sure = f" · confidence {answer.confidence:.0%}" if answer.confidence is not None else ""
    Console(stderr=True, highlight=False).print(cost(answer.usage) + sure, style="dim", soft_wrap=True)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
