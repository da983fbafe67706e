"""Progress on standard error: bars, spinners, and the state of a model that is loading or answering.

A terminal gets one display that is redrawn. Anything else, such as a log file, gets plain lines.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from reasoning.cli import output
from reasoning.secret_scan import mask_secrets

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

    from reasoning.engine.llm import LLM

PLAIN_INTERVAL = 10.0
"""Seconds between two lines if standard error is not a terminal."""
_WATCH_INTERVAL = 1.0
"""Seconds between two looks at what delays a model."""


class ProgressBar:
    """The progress of a job.

    Args:
        console: the console to draw on.
        text: a description of the job.
        total: the number of items to process; None if unknown.
        bar: the bar on a terminal; None to print plain lines.
    """

    def __init__(self, console: Console, text: str, total: float | None, bar: Progress | None) -> None:
        self._console, self._text, self._total, self._bar = console, text, total, bar
        self._done, self._printed = 0.0, time.monotonic()
        self._waiting = ""
        self._task = None if bar is None else bar.add_task(text, total=total)

    def __call__(self, done: float, total: float, text: str = "", /) -> None:
        """Show that `done` of `total` is done; a total of 0 is unknown. A new text replaces the old one."""
        self._done, self._total = done, total or None
        if text and text != self._text:
            self._text = text
            if self._bar is None:
                self._print_line(text)
        self._show()

    def update(self, done: float, total: float, text: str) -> None:
        """Show that `done` of `total` is done. Without a terminal a new text is printed only now and then."""
        self._done, self._total, self._text = done, total or None, text
        self._show()

    @property
    def text(self) -> str:
        """The description of the job."""
        return self._text

    def advance(self, text: str | None = None) -> None:
        """Show that one more item is done."""
        self._done += 1
        self._text = self._text if text is None else text
        self._show()

    @contextmanager
    def watching(self, llm: LLM) -> Iterator[None]:
        """Also show what delays a model, such as an outage, until the block ends."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(_WATCH_INTERVAL):
                before, self._waiting = self._waiting, " · ".join(_delays(llm))
                if before or self._waiting:
                    self._show()

        watcher = threading.Thread(target=watch, name="reasoning-progress", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join(1)

    def print(self, line: str) -> None:
        """Print a line that stays, above the bar."""
        console = self._console if self._bar is None else self._bar.console
        console.print(line, soft_wrap=True)

    def _show(self) -> None:
        text = " · ".join(filter(None, (self._text, self._waiting)))
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done, total=self._total, description=text)
        elif time.monotonic() - self._printed > PLAIN_INTERVAL:
            share = f"{self._done:,.0f}" + (f"/{self._total:,.0f}" if self._total else "")
            # Without a number of items only the text says something.
            parts = (share if self._done or self._total else "", text)
            if line := " · ".join(filter(None, parts)):
                self._print_line(line)

    def _print_line(self, line: str) -> None:
        self._printed = time.monotonic()
        self.print(line)


@contextmanager
def progress_bar(
    text: str = "", total: float | None = None, *, is_bytes: bool = False, plain: bool = False
) -> Iterator[ProgressBar]:
    """Yield a progress bar that disappears when the block ends.

    Args:
        text: a description of the job.
        total: the number of items to process; None if unknown.
        is_bytes: count megabytes and show the speed.
        plain: print plain lines on a terminal, too, since results are printed there meanwhile.
    """
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column

    console = output.console(stderr=True)
    if plain or not console.is_terminal:
        yield ProgressBar(console, text, total, None)
        return
    counts = (DownloadColumn(), TransferSpeedColumn()) if is_bytes else (MofNCompleteColumn(),)
    # What delays a model is shown in full, on several lines.
    description = TextColumn("{task.description}", markup=False, table_column=Column())
    bar = Progress(BarColumn(30), *counts, TimeRemainingColumn(), description, console=console, transient=True)
    with bar, warnings_above(console):
        yield ProgressBar(console, text, total, bar)


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """Show a spinner on a terminal until the block ends; elsewhere nothing."""
    from rich.text import Text

    console = output.console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(Text(text)):
        yield


@contextmanager
def model_status(llm: LLM) -> Iterator[None]:
    """Show what the model is doing until the block ends: loading, answering, waiting.

    Anything else than a terminal gets a line now and then, and only while something delays the model.
    What is about to be downloaded is a line that stays; without a terminal the model itself prints it.
    """
    from rich.text import Text

    from reasoning.retrieval.progress import describe, show_progress

    console = output.console(stderr=True)
    if not console.is_terminal:
        bar = ProgressBar(console, "", None, None)
        with bar.watching(llm), show_progress(bar):
            yield
        return
    answering = _Answering(llm)
    with console.status(answering, refresh_per_second=4) as status, warnings_above(console):
        announced = False

        def on_loading(done: int, total: int, text: str) -> None:
            nonlocal announced
            if total > 1 and not announced:
                announced = True
                console.print(text, soft_wrap=True)
            share = f" {done / total:.0%} of {total / 1e6:.0f} MB" if total else ""
            status.update(Text(f"{text}{share}") if done < total or not total else answering)

        def on_indexing(done: int, total: int, text: str) -> None:
            status.update(answering if total and done >= total else Text(describe(done, total, text)))

        llm.client.progress = on_loading
        with show_progress(on_indexing):
            yield


@contextmanager
def warnings_above(console: Console) -> Iterator[None]:
    """Print warnings above a display that is redrawn, which would overwrite them, until the block ends."""
    before = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = warnings.formatwarning(message, category, filename, lineno)
        console.print(mask_secrets(text.rstrip()), soft_wrap=True)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


class _Answering:
    """The status line of a model that is answering, rendered anew for each display."""

    def __init__(self, llm: LLM) -> None:
        self._llm = llm

    def __rich__(self) -> Text:
        from rich.text import Text

        return Text(f"{self._llm.name}: thinking{describe_waiting(self._llm)}")


def describe_waiting(llm: LLM) -> str:
    """Return the number of retries of a model with the latest failure, and what delays it now; empty if neither."""
    delays = "".join(f" · {delay}" for delay in _delays(llm))
    last = llm.limits.circuit.last_failure
    retried = f" · {llm.retries:,} retried" + (f" (last: {last})" if last else "") if llm.retries else ""
    return retried + delays


def _delays(llm: LLM) -> list[str]:
    """Return what delays a model: its limits or an outage, and the batches that it waits for."""
    return [delay for delay in (str(llm.limits), llm.client.describe_waiting()) if delay]


def format_duration(seconds: float) -> str:
    """Return seconds as `minutes:seconds`, with hours in front if there are any."""
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
