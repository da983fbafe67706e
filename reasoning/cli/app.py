"""The command `reasoning`, with `ask`, `chain`, `doctor`, `journal` and `models`.

Other packages add commands through entry points of the group `reasoning.commands`.
"""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import sys
import warnings
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, entry_points, requires
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from reasoning.cli.options import Model, ModelOptions, NewSamples, PromptTexts, expand_options
from reasoning.cli.output import (
    CALLS_FAILED,
    INTERRUPTED,
    AsJson,
    console,
    echo,
    flush,
    info,
    print_json,
    protect_streams,
)
from reasoning.errors import MissingExtra, ReasoningError, UsageError
from reasoning.text_safety import to_line
from reasoning.version import __version__

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.kinds import Kind

GROUP = "reasoning.commands"
"""The entry points that add commands."""
_ORDER = ("ask", "strategies", "prompts", "tasks", "bench", "advise", "chain", "models", "journal", "doctor")


def main() -> None:
    """Run the command line.

    An error is one line on standard error and an exit code; `--debug` shows the traceback.
    """
    protect_streams()
    # Imported objects stay, and a long run keeps many results, so garbage is collected less often.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # A batch system ends a job with SIGTERM. Treat it as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warnings.formatwarning = lambda message, *rest, **named: f"warning: {to_line(str(message))}\n"
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
        info(f"error: {error}")
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        if debug:
            raise
        if isinstance(error, ModuleNotFoundError) and (extra := _extra_of(error.name or "")):
            info(f"error: {MissingExtra('this command', extra, error.name or '')}")
            raise SystemExit(UsageError.exit_code) from None
        info(f"error: {type(error).__name__}: {error} (run again with --debug for the traceback)")
        raise SystemExit(1) from None


def _extra_of(module: str) -> str:
    """Return the first extra of this distribution that installs a module; empty if none does."""
    with suppress(PackageNotFoundError):
        for requirement in requires("reasoning-strategies") or ():
            package, _, marker = requirement.partition("; extra == ")
            name = re.split(r"[^\w.-]", package)[0].replace("-", "_")
            if marker and "all" not in marker and name == module.partition(".")[0]:
                return marker.strip("\"'")
    return ""


def _leave_at_once() -> NoReturn:
    """End the process without waiting for a local model to finish computing."""
    flush()
    if engine := sys.modules.get("reasoning.providers.llama_cpp.server"):
        engine.remove_files()
    os._exit(INTERRUPTED)


def app() -> Any:
    """Return the command, with the subcommands of all installed packages."""
    root = typer.Typer(
        help="Use and compare reasoning techniques for language models.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @root.callback()
    def options(
        version: Annotated[
            bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_version)
        ] = False,
        debug: Annotated[
            bool, typer.Option("--debug", help="Show tracebacks; allowed anywhere on the command line.")
        ] = False,
    ) -> None: ...

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        point.load()(root)
    command: Any = typer.main.get_command(root)
    command.rich_markup_mode = None  # plain text: rich takes longer to import than all of ours
    # Help lists the commands in this order, and those of plug-ins after them.
    ranks = {name: rank for rank, name in enumerate(_ORDER)}
    command.commands = dict(sorted(command.commands.items(), key=lambda item: ranks.get(item[0], len(ranks))))
    return command


def _version(wanted: bool) -> None:
    if wanted:
        echo(f"reasoning {__version__}")
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


@expand_options
def ask(
    question: Annotated[str | None, typer.Argument(help="The question; or give --file.")] = None,
    strategy: Annotated[str, typer.Option("--strategy", "-s", help="The spec of a strategy, such as cot.")] = "cot",
    model: Model = "local",
    file: Annotated[
        str | None, typer.Option("--file", "-f", help="Read the question from this file; - is standard input.")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="The kind of answer: text, number, yesno, date, expression, items, cells, code, json.")
    ] = "text",
    choice: Annotated[list[str] | None, typer.Option(help="An option to choose from. Repeatable.")] = None,
    context: Annotated[str | None, typer.Option(help="A passage that the question is about.")] = None,
    prompt: PromptTexts = None,
    new_samples: NewSamples = False,
    trace: Annotated[bool, typer.Option("--trace", help="Print the prompts and replies as a tree.")] = False,
    as_json: AsJson = False,
    *,
    options: ModelOptions,
) -> None:
    """Answer one question."""
    from reasoning import registry
    from reasoning.cli.progress import model_status
    from reasoning.problem import Problem
    from reasoning.prompt_overrides import override_prompts

    [solver] = override_prompts([registry.get(strategy)], prompt or [])
    problem = Problem(_question(question, file), _kind(kind, choice), context=context)
    solver.check_supports(problem.kind)
    with options.open_model(model) as llm, model_status(llm):
        answer = solver.run(problem, llm, epoch=llm.journal.unused_epoch() if new_samples else 0)
    if as_json:
        print_json(_to_json(answer))
    else:
        _print(answer, trace)
    if answer.state != "answered":
        info(f"{answer.state}: {answer.reason}")
        raise typer.Exit(CALLS_FAILED if answer.state == "failed" else 1)


def _question(question: str | None, file: str | None) -> str:
    if (question is None) == (file is None):
        raise UsageError("give either a question or --file FILE (- is standard input)")
    if file is not None:
        try:
            question = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: cannot be read: {error}") from None
    assert question is not None
    if not question.strip():
        raise UsageError("the question is empty")
    return question.strip()


def _kind(name: str, choices: list[str] | None) -> Kind:
    from reasoning import kinds

    if choices and name not in ("text", "choice", "label"):
        raise UsageError(f"--choice needs --kind choice or --kind label, got --kind {name}; leave one of them out")
    if name in ("choice", "label") and not choices:
        raise UsageError(f"--kind {name} needs the options, such as --choice red --choice blue")
    if name == "label":
        return kinds.Label(tuple(choices or ()))
    return kinds.Choice(tuple(choices)) if choices else kinds.get(name)


def _to_json(answer: Answer) -> dict[str, Any]:
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
    from reasoning.chain import Chain
    from reasoning.display import answer_tree, cost

    out = console()
    if trace and answer.trace is not None:
        out.print(answer_tree(answer))
    steps = answer.steps if isinstance(answer.strategy, Chain) else {}
    for name, value in steps.items():
        out.print(name, style="bold")
        out.print(_format_value(value), soft_wrap=True)
    if not steps:
        text = _format_value(answer.value) if answer.state == "answered" else answer.text
        if answer.state == "answered" or text.strip():
            out.print(text, soft_wrap=True)
    confidence = f" · confidence {answer.confidence:.0%}" if answer.confidence is not None else ""
    console(stderr=True).print(cost(answer.usage) + confidence, style="dim", soft_wrap=True)


def _format_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
