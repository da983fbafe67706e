"""The live progress of a run, on standard error: finished results, speed, and the leading strategy.

A local model needs every core, so the display is refreshed only twice per second on a terminal. Elsewhere
it prints one plain line every ten seconds.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.runs.listeners import RunListener, RunStart
from reasoning.benchmarks.runs.time_estimate import TimeEstimate
from reasoning.benchmarks.statistics import wilson
from reasoning.cli import output
from reasoning.cli.progress import PLAIN_INTERVAL, describe_waiting, format_duration, warnings_above
from reasoning.messages import Usage
from reasoning.notebook import KEPT, LiveOutput, in_notebook
from reasoning.retrieval.progress import show_progress
from reasoning.tables import Table, escape_html, pluralize
from reasoning.text_safety import to_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from reasoning.engine.llm import LLM
    from reasoning.trace import Trace

_WAITING = "waiting for the first answer"
_SPEED_WINDOW = 20.0
"""Seconds over which the tokens per second are measured."""


@dataclass
class _Tally:
    """One strategy's results so far."""

    total: int = 0
    done: int = 0
    counted: int = 0
    correct: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        self.done += 1
        self.counted += not result.failed
        self.failed += result.failed
        self.correct += result.correct is True

    @property
    def accuracy(self) -> float:
        return self.correct / self.counted if self.counted else 0.0

    def __str__(self) -> str:
        failed = f" · {self.failed} failed" if self.failed else ""
        return (f"{self.accuracy:.0%}".replace("%", " %") if self.counted else "–") + failed


class RunProgress(RunListener):
    """The live display of one run, as a context manager.

    Args:
        shown: False shows nothing.
        console: the console to draw on; by default standard error. In a notebook the display is below
            the cell.
        plain: print plain lines if that is not a terminal.
    """

    def __init__(self, *, shown: bool = True, console: Console | None = None, plain: bool = True) -> None:
        self._shown, self._console, self._plain = shown, console, plain
        self._output: LiveOutput | None = None
        self._status = "starting"
        self._model: LLM | None = None
        self._usage_before = Usage()
        self._title = self._fit = ""
        self._fitting: tuple[LLM, Trace, Usage] | None = None
        self._total = self._stored = self._new = self._recorded = 0
        self._tallies: dict[str, _Tally] = {}
        self._names = ShortNames.of([])
        self._stopped: Collection[str] = ()
        self._started = self._ready = time.monotonic()
        self._estimate = TimeEstimate([], [])
        self._time_limit: float | None = None
        self._speeds: deque[tuple[float, int]] = deque()
        self._closed = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> RunProgress:
        if not self._shown:
            return self
        self._stack.enter_context(show_progress(self._on_loading))
        if in_notebook():
            self._shown = False
            self._output = LiveOutput(self._html)
            self._stack.enter_context(self._output)
            return self
        from rich.live import Live

        self._console = self._console or output.console(stderr=True)
        if self._console.is_terminal:
            live = Live(
                get_renderable=self._picture,
                console=self._console,
                refresh_per_second=2,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._stack.enter_context(live)
            self._stack.enter_context(warnings_above(self._console))
        elif not self._plain:
            self._shown = False
        else:
            lines = threading.Thread(target=self._print_lines, name="reasoning-progress", daemon=True)
            lines.start()
            self._stack.callback(lines.join, 1)
            self._stack.callback(self._closed.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the picture. May be called twice."""
        self._status, self._fitting = "", None
        self._stack.close()

    def end(self, html: str, plain: str) -> None:
        """Show the final table in place of the progress in a notebook; `plain` where HTML is not drawn."""
        if self._output is not None:
            self._output.end(html, plain)

    def describe_stop(self) -> str:
        """Return what an interrupted run has kept; the table so far stays below the cell."""
        made = f" after {self._stored + self._new} of {pluralize(self._to_make, 'result')}" if self._model else ""
        if self._output is not None and self._model is not None:
            self._output.end(self._html())
        return f"stopped{made}; {KEPT}"

    def on_status(self, text: str) -> None:
        """Show the current activity, before the first call."""
        self._status = text
        self._print(text)

    def on_fit(self, text: str, model: LLM, trace: Trace) -> None:
        """Show the calls of a fit from now on, and the last note of the strategy."""
        self._fit, self._fitting = text, (model, trace, model.usage)
        self._status, self._started = _WAITING, time.monotonic()
        model.client.progress = self._on_loading
        self._print(text)

    def on_start(self, start: RunStart) -> None:
        """Show the run from now on."""
        self._title, self._model, self._usage_before = start.title, start.model, start.model.usage
        self._fitting = None
        self._stopped, self._time_limit = start.stopped, start.time_limit
        self._tallies, self._names = {spec: _Tally() for spec in start.specs}, ShortNames.of(start.specs)
        self._estimate, self._stored = TimeEstimate(start.keys, ()), 0
        for result in start.kept():
            self._stored += 1
            self._tallies[result.strategy].add(result)
            self._estimate.record(result)
        for key in start.keys:
            self._tallies[key.strategy].total += 1
        for tally in self._tallies.values():
            tally.total += tally.done
        self._total = self._stored + len(start.keys)
        self._started = self._ready = time.monotonic()
        self._status = _WAITING
        start.model.client.progress = self._on_loading
        kept_text = f", {self._stored} stored" if self._stored else ""
        self._print(f"{start.title} · {pluralize(len(start.keys), 'result')} to make{kept_text}")

    def on_result(self, result: Result) -> None:
        """Show a new result."""
        self._new += 1
        self._recorded += not result.failed and result.usage.calls > 0 and not result.spent.calls
        self._estimate.add(result, time.monotonic())
        self._tallies[result.strategy].add(result)

    def _on_loading(self, done: int, total: int, text: str) -> None:
        """Show the download and the loading of a local model; counts are bytes if there is a total."""
        if total and done >= total:
            self._status, self._ready = _WAITING, time.monotonic()
            return
        share = f" · {done / 1e6:,.0f} of {total / 1e6:,.0f} MB ({done / total:.0%})" if total > 1e6 else ""
        if text != self._status.partition(" · ")[0]:
            self._print(text)
        self._status = text + share

    def _print(self, line: str) -> None:
        if self._shown and self._console is not None and not self._console.is_terminal:
            self._console.print(to_line(line), soft_wrap=True)

    def _print_lines(self) -> None:
        while not self._closed.wait(PLAIN_INTERVAL):
            self._print(self._line())

    def _line(self) -> str:
        if self._model is None or self._is_quiet:
            return self._quiet_line()
        best = max(self._tallies.items(), key=lambda item: item[1].accuracy, default=None)
        ahead = f" · ahead: {self._names(best[0])} {best[1]}" if best and best[1].correct else ""
        return f"{self._counts()} · {self._pace()}{ahead}"

    def _picture(self) -> RenderableType:
        """Return the picture for a terminal: title, bar with counts, pace, and a line per strategy."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table as Grid
        from rich.text import Text

        if self._model is None:
            line = self._quiet_line()
            return Text(f"{line} …", style="dim") if line else Text("")
        head = Grid.grid(padding=(0, 2, 0, 0))
        done = self._stored + self._new
        head.add_row(ProgressBar(total=max(self._to_make, 1), completed=done, width=30), Text(self._counts()))
        rows = [
            (self._names(spec), f"{tally.done}/{tally.total}", f"{tally}{' stopped' * (spec in self._stopped)}")
            for spec, tally in self._tallies.items()
        ]
        # A line for each strategy: a long name is cut such that it still differs from the others.
        strategies = Table(("strategy", "results", "accuracy"), rows, max_widths={0: 120})
        return Group(
            Text(self._title, style="bold", no_wrap=True, overflow="ellipsis"),
            head,
            Text(self._quiet_line() if self._is_quiet else self._pace(), style="dim"),
            strategies,
        )

    def _html(self) -> str:
        """Return the picture for a notebook: title, bar with counts, pace, and the table as it grows."""
        if self._model is None:
            return f"<div>{escape_html(self._quiet_line())} …</div>"
        rows = []
        for spec, tally in self._tallies.items():
            low, high = wilson(tally.correct, tally.counted) if tally.counted else (0.0, 0.0)
            interval = f"{100 * low:.0f}–{100 * high:.0f}" if tally.counted else "–"
            stopped = " stopped" if spec in self._stopped else ""
            rows.append((self._names(spec), f"{tally.done}/{tally.total}{stopped}", str(tally), interval))
        table = Table(("strategy", "results", "accuracy", "95 %"), rows).to_html()
        bar = f'<progress value="{self._stored + self._new}" max="{max(self._to_make, 1)}"></progress>'
        pace = self._quiet_line() if self._is_quiet else self._pace()
        lines = (escape_html(self._title), f"{bar} {escape_html(self._counts())}", escape_html(pace))
        return "".join(f"<div>{line}</div>" for line in lines) + table

    @property
    def _is_quiet(self) -> bool:
        """Return whether no reply has come back yet."""
        return self._model is not None and self._model.usage.calls == self._usage_before.calls and not self._new

    def _fit_line(self, model: LLM, trace: Trace, before: Usage) -> str:
        """Return the progress of the fit: its calls, new and recorded, and the last note of the strategy."""
        if self._status != _WAITING:
            return f"{self._fit} · {self._status}"
        # A request for several completions enters the trace when all have arrived.
        calls, recorded = model.usage.calls - before.calls, trace.usage.calls - trace.spent.calls
        elapsed = format_duration(time.monotonic() - self._started)
        parts = [self._fit, elapsed, pluralize(calls, "call")]
        parts += [f"{recorded:,} recorded"] if recorded else []
        parts += [f"{model.in_flight} in flight"] if model.in_flight else []
        parts += [note] if (note := trace.last_note) else []
        return f"{' · '.join(parts)}{describe_waiting(model)}"

    def _quiet_line(self) -> str:
        if (fitting := self._fitting) is not None:
            return self._fit_line(*fitting)
        if self._model is None or self._status != _WAITING:
            return self._status
        in_flight = f" · {self._model.in_flight} in flight" if self._model.in_flight else ""
        return f"{self._status}{in_flight}{describe_waiting(self._model)}"

    def _counts(self) -> str:
        elapsed = format_duration(time.monotonic() - self._started)
        return f"{self._stored + self._new}/{self._to_make} · {elapsed}{self._remaining()}"

    @property
    def _to_make(self) -> int:
        """Return the number of results of the whole run, without the results that a race has cancelled."""
        stopped = [self._tallies[spec] for spec in list(self._stopped)]
        return self._total - sum(tally.total - tally.done for tally in stopped)

    def _remaining(self) -> str:
        if not self._new or self._model is None or str(self._model.limits):
            return ""
        now = time.monotonic()
        spent = self._model.usage - self._usage_before
        if not spent.calls:
            # Results without calls, and those whose calls failed, are not from the journal.
            return ", all from the journal so far" if self._recorded == self._new else ""
        # The first calls say nothing about the pace, until as many have finished as are in flight.
        if spent.calls < self._model.in_flight:
            return ""
        seconds = self._estimate.estimate(spent.seconds, now, self._ready, self._stopped)
        if seconds is None:
            return ""
        elapsed = now - self._started
        if self._time_limit is not None and seconds > self._time_limit - elapsed:
            rest = self._time_limit - elapsed
            return f", {format_duration(rest)} left to start problems" if rest > 0 else ", finishing started problems"
        return f", about {format_duration(seconds)} left"

    def _pace(self) -> str:
        assert self._model is not None
        spent = self._model.usage - self._usage_before
        now = time.monotonic()
        self._speeds.append((now, spent.completion_tokens))
        while now - self._speeds[0][0] > _SPEED_WINDOW:
            self._speeds.popleft()
        start, before = self._speeds[0]
        speed = (spent.completion_tokens - before) / (now - start) if now - start > 1 else 0.0
        tokens = f" · {speed:.0f} tokens/s" if speed else ""
        in_flight = f"{self._model.in_flight} in flight"
        return f"{pluralize(spent.calls, 'call')} · {in_flight}{tokens}{describe_waiting(self._model)}"
