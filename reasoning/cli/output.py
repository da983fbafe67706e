"""The output of all commands: results on standard output, everything else on standard error.

Nothing that a file, a name or a server contains reaches a terminal with control characters or as
markup. Commands print with `console`, `echo`, `info` and `print_json`, which replace or escape them;
`protect_streams` covers what other libraries print, such as tracebacks, warnings and usage errors.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from reasoning.secret_scan import mask_secrets
from reasoning.text_safety import dump_json, strip_control

if TYPE_CHECKING:
    from rich.console import Console

    from reasoning.tables import Document

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else, as --output json.")]
Format = Literal["table", "json", "csv", "md"]
"""The formats of `--output`."""
Output = Annotated[
    Format,
    typer.Option(
        help="What to print: table, json, csv or md (Markdown); the last three print nothing else.", metavar="FORMAT"
    ),
]


@dataclass(frozen=True)
class OutputOptions:
    """The format of what a command prints."""

    output: Output = "table"
    as_json: AsJson = False

    @property
    def format(self) -> Format:
        """The format that these options select.

        Raises:
            typer.BadParameter: they contradict each other.
        """
        if self.as_json and self.output not in ("table", "json"):
            raise typer.BadParameter(f"--json and --output {self.output} exclude each other; give one of them")
        return "json" if self.as_json else self.output

    def print(
        self, document: Document | Callable[[], Document], to_json: Callable[[], Any] | None = None, **how: Any
    ) -> None:
        """Print a document on standard output in this format.

        Args:
            document: the tables and texts, or a function that returns them.
            to_json: returns the object for `json`; by default the rows of the tables.
            how: arguments of `console().print` for a terminal.
        """
        if self.format == "json" and to_json is not None:
            print_json(to_json())
            return
        shown = document() if callable(document) else document
        if self.format == "table":
            console().print(shown, **how)
        elif self.format == "json":
            print_json(shown.to_json())
        elif self.format == "csv":
            echo(shown.to_csv(), end="")
        else:
            echo(shown.to_markdown())


NOT_STARTED = 1
"""The exit code when the answer to a question was no."""
CALLS_FAILED = 4
"""The exit code when calls failed for good; the other results are kept."""
READER_GONE = 141
"""The exit code of a command that stopped because nothing reads its output any more, as of one that SIGPIPE ends."""
_WIDTH = 120
"""Columns of a table if standard output is not a terminal and the variable COLUMNS is not set."""


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints text literally: without markup, emoji codes and control characters.

    Args:
        stderr: print on standard error, with the width of the terminal.
    """
    from reasoning.cli.literal_console import LiteralConsole

    stream = sys.stderr if stderr else sys.stdout
    width = None if stderr or stream.isatty() or "COLUMNS" in os.environ else _WIDTH
    # The console's own escape sequences, such as colours, must not be replaced.
    return LiteralConsole(file=getattr(stream, "unprotected", stream), width=width)


def echo(text: str, *, end: str = "\n") -> None:
    """Print text on standard output."""
    typer.echo(f"{strip_control(text)}{end}", nl=False)


def info(text: str, *, is_masked: bool = False) -> None:
    """Print information about the run on standard error.

    Args:
        text: the information.
        is_masked: it has no secrets, so that they are not searched for.
    """
    typer.echo(strip_control(text if is_masked else mask_secrets(text)), err=True)


def print_json(data: Any) -> None:
    """Print one JSON object on standard output; values that JSON does not know become texts."""
    echo(dump_json(data, default=str))


def ask_line(prompt: str) -> str | None:
    """Show a prompt on standard error, and return the line that the person enters; None at the end of the input."""
    typer.echo(strip_control(prompt), err=True, nl=False)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        info("")
    return line.rstrip("\r\n") if line else None


def can_ask() -> bool:
    """Return whether a person can be asked: standard input and standard error are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def confirm(question: str) -> bool:
    """Ask a question on standard error and return whether the answer is yes; the end of the input is no."""
    typer.echo(strip_control(f"{question} [y/N] "), err=True, nl=False)
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        # Ctrl-D leaves the cursor behind the question.
        info("")
    return line.strip().lower() in ("y", "yes")


def protect_streams() -> None:
    """Replace control characters in everything that this process prints from now on, and keys in errors."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, _ProtectedStream):
            setattr(sys, name, _ProtectedStream(stream, hides_keys=name == "stderr"))


class _ProtectedStream:
    """A text stream without control characters. It has no `buffer`, which would bypass the protection."""

    def __init__(self, stream: TextIO, *, hides_keys: bool) -> None:
        self.unprotected, self._hides_keys = stream, hides_keys
        if isinstance(stream, io.TextIOWrapper):
            # The encoding of a terminal may lack characters of a reply.
            stream.reconfigure(errors="replace")

    def write(self, text: str) -> int:
        self.unprotected.write(strip_control(mask_secrets(text) if self._hides_keys else text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self.unprotected, name)


@contextmanager
def lend_standard_output() -> Iterator[Callable[[], None]]:
    """Give a protocol the standard output itself, since the protected stream has no bytes.

    Yields:
        A function that gives it back; the block calls it once the protocol has the stream.
    """
    before = sys.stdout
    sys.stdout = getattr(before, "unprotected", before)

    def give_back() -> None:
        sys.stdout = before

    try:
        yield give_back
    finally:
        give_back()
