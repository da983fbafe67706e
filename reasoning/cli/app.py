"""The command `reasoning`, with `ask`, `batch`, `search`, `chain`, `doctor`, `journal` and `models`.

Other packages add commands through entry points of the group `reasoning.commands`.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from reasoning.cli import interrupts, streams

if TYPE_CHECKING:
    import typer

GROUP = "reasoning.commands"
"""The entry points that add commands."""
_ORDER = (
    "ask",
    "search",
    "strategies",
    "prompts",
    "tasks",
    "bench",
    "advise",
    "annotate",
    "view",
    "chain",
    "serve",
    "models",
    "batch",
    "journal",
    "doctor",
)


def main() -> None:
    """Run the command line.

    An error is one line on standard error and an exit code; `--debug` shows the traceback.
    """
    streams.install()
    # Before the imports of the commands, which take most of a second.
    interrupts.install()
    # Next, since a signal shows the command, without keys.
    import reasoning.secret_scan  # noqa: F401

    # A long run keeps many results, so garbage is collected less often.
    gc.set_threshold(20_000, 20, 50)
    try:
        _run()
    except BaseException:
        # Libraries turn an interrupt into errors of their own.
        if interrupts.requested():
            interrupts.finish()
        raise


def _run() -> None:
    from reasoning.cli.completion import VARIABLE, complete
    from reasoning.cli.output import info, protect_streams
    from reasoning.errors import MissingExtra, ReasoningError, UsageError
    from reasoning.text_safety import to_line

    protect_streams()
    warnings.formatwarning = lambda message, *rest, **named: f"warning: {to_line(str(message))}\n"
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    try:
        command = app()
        if instruction := os.environ.get(VARIABLE):
            complete(command, instruction)
        # Imported objects stay.
        gc.freeze()
        command(args=arguments, prog_name="reasoning", standalone_mode=True)
    except ReasoningError as error:
        if debug or interrupts.requested():
            raise
        info(f"error: {error}")
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        if debug or interrupts.requested():
            raise
        if isinstance(error, ModuleNotFoundError) and (extra := _extra_of(error.name or "")):
            info(f"error: {MissingExtra('this command', extra, error.name or '')}")
            raise SystemExit(UsageError.exit_code) from None
        info(f"error: {type(error).__name__}: {error} (run again with --debug for the traceback)")
        raise SystemExit(1) from None


def _extra_of(module: str) -> str:
    """Return the first extra of this distribution that installs a module; empty if none does."""
    import re
    from contextlib import suppress
    from importlib.metadata import PackageNotFoundError, requires

    with suppress(PackageNotFoundError):
        for requirement in requires("reasoning-strategies") or ():
            package, _, marker = requirement.partition("; extra == ")
            name = re.split(r"[^\w.-]", package)[0].replace("-", "_")
            if marker and "all" not in marker and name == module.partition(".")[0]:
                return marker.strip("\"'")
    return ""


@cache
def app() -> Any:
    """Return the command, with the subcommands of all installed packages.

    It is built once in a process: each package adds its commands to groups that are global.
    """
    from importlib.metadata import entry_points

    import typer

    from reasoning.cli.commands import Commands

    root = Commands(
        help="Use and compare reasoning techniques for language models.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
    )

    @root.callback()
    def options(
        version: bool = typer.Option(
            False, "--version", help="Print the version and exit.", is_eager=True, callback=_version
        ),
        debug: bool = typer.Option(False, "--debug", help="Show tracebacks; allowed anywhere on the command line."),
    ) -> None: ...

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        point.load()(root)
    command: Any = typer.main.get_command(root)
    # Help lists the commands in this order, and those of plug-ins after them.
    ranks = {name: rank for rank, name in enumerate(_ORDER)}
    command.commands = dict(sorted(command.commands.items(), key=lambda item: ranks.get(item[0], len(ranks))))
    return command


def _version(wanted: bool) -> None:
    import typer

    from reasoning.cli.output import echo
    from reasoning.version import __version__

    if wanted:
        echo(f"reasoning {__version__}")
        raise typer.Exit


def register(root: typer.Typer) -> None:
    """Add this package's commands."""
    from reasoning.cli.ask import ask
    from reasoning.cli.batch import batch
    from reasoning.cli.chain import chain
    from reasoning.cli.doctor import doctor
    from reasoning.cli.journal import journal
    from reasoning.cli.models import models
    from reasoning.cli.search import search

    root.add_typer(chain, name="chain")
    root.add_typer(models, name="models")
    root.add_typer(batch, name="batch")
    root.add_typer(journal, name="journal")
    root.command()(ask)
    root.command()(search)
    root.command()(doctor)
