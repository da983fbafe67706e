"""What a person sees while a run goes on: how far it is, how fast, and who is ahead. On stderr alone.

It must cost next to nothing, since a local model wants every core: two pictures a second in a terminal, and elsewhere
one plain line every ten seconds.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.cli.tally import Tally, format_duration
from reasoning.benchmarks.cli.time_left import TimeLeft
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.results.usage_difference import since
from reasoning.messages import Usage
from reasoning.tables import pluralize

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from reasoning.engine.llm import LLM

_PLAIN = 10.0
"""Seconds between lines where no terminal is."""

_WAITING = "waiting for the first answer"

_WINDOW = 20.0
"""Seconds over which tokens a second are measured."""


class RunProgress:
    """The progress of one run. Use it as a context manager.

    Args:
        shown: False for none at all.
        console: where to draw; stderr unless given.
    """

    def __init__(self, *, shown: bool = True, console: Console | None = None) -> None:
        self._shown, self._console = shown, console
        self._doing = "starting"
        self._model: LLM | None = None
        self._before = Usage()
        self._title = ""
        self._total = self._stored = self._now = 0
        self._by_spec: dict[str, Tally] = {}
        self._names = ShortNames.of([])
        self._stopped: Collection[str] = ()
        self._started = self._ready = time.monotonic()
        self._time_left = TimeLeft([], [])
        self._seconds: float | None = None
        self._speeds: deque[tuple[float, int]] = deque()
        self._over = threading.Event()
        self._stack = ExitStack()

    def __enter__(self) -> RunProgress:
        if not self._shown:
            return self
        from rich.console import Console
        from rich.live import Live

        self._console = self._console or Console(stderr=True, highlight=False)
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
        else:
            lines = threading.Thread(target=self._lines, name="reasoning-progress", daemon=True)
            lines.start()
            self._stack.callback(lines.join, 1)
            self._stack.callback(self._over.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take the picture away. May be called twice."""
        self._doing = ""
        self._stack.close()

    def doing(self, what: str) -> None:
        """Say what goes on before the first call."""
        self._doing = what
        self._say(what)

    def running(
        self,
        stored: Comparison,
        model: LLM,
        specs: Sequence[str],
        keys: Sequence[ResultKey],
        seconds: float | None = None,
        stopped: Collection[str] = (),
    ) -> None:
        """The run begins.

        Args:
            stored: what there was before.
            model: who is asked.
            specs: the strategies, in the order to show them.
            keys: what is to be run now.
            seconds: after how long no further problem is begun.
            stopped: strategies that a race stops, as it goes on.
        """
        self._stopped = stopped
        problems = {key.problem for key in keys} | {result.problem for result in stored.results}
        self._title = replace(stored, n=len(problems)).title
        self._model, self._before = model, model.usage
        self._by_spec, self._names = {spec: Tally() for spec in specs}, ShortNames.of(specs)
        to_run = set(keys)
        for result in stored.results:
            if result.key not in to_run:
                self._by_spec[result.strategy].add(result)
                self._stored += 1
        for key in keys:
            self._by_spec[key.strategy].total += 1
        for tally in self._by_spec.values():
            tally.total += tally.done
        self._total = self._stored + len(keys)
        self._started, self._seconds = time.monotonic(), seconds
        self._ready = self._started
        self._time_left = TimeLeft(keys, (one for one in stored.results if one.key not in to_run))
        self._doing = _WAITING
        model.client.progress = self._loading
        self._say(f"{self._title} · {len(keys)} results to make" + (f", {self._stored} stored" * (self._stored > 0)))

    def result(self, result: Result) -> None:
        """A result is there."""
        self._now += 1
        self._time_left.add(result, time.monotonic())
        self._by_spec[result.strategy].add(result)

    def _loading(self, done: int, total: int, what: str) -> None:
        """What a local model says while it is fetched and loaded; bytes, where there is a total."""
        if total and done >= total:
            self._doing, self._ready = _WAITING, time.monotonic()
            return
        share = f" · {done / 1e6:,.0f} of {total / 1e6:,.0f} MB ({done / total:.0%})" if total > 1e6 else ""
        if what != self._doing.partition(" · ")[0]:
            self._say(what)
        self._doing = what + share

    def _say(self, line: str) -> None:
        if self._shown and self._console is not None and not self._console.is_terminal:
            self._console.print(line, markup=False, soft_wrap=True)

    def _lines(self) -> None:
        while not self._over.wait(_PLAIN):
            self._say(self._plain())

    def _plain(self) -> str:
        if self._model is None or self._quiet:
            return self._before_any()
        best = max(self._by_spec.items(), key=lambda item: item[1].accuracy, default=None)
        ahead = f" · ahead: {self._names(best[0])} {best[1]}" if best and best[1].correct else ""
        return f"{self._counts()} · {self._pace()}{ahead}"

    def _picture(self) -> RenderableType:
        """The picture for a terminal: a title, a bar with the counts, the pace, and a line for each strategy."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if self._model is None:
            return Text(f"{self._doing} …", style="dim") if self._doing else Text("")
        head = Table.grid(padding=(0, 2, 0, 0))
        done = self._stored + self._now
        head.add_row(ProgressBar(total=max(self._to_do, 1), completed=done, width=30), Text(self._counts()))
        strategies = Table.grid(padding=(0, 2, 0, 0))
        strategies.add_column(overflow="ellipsis", no_wrap=True)
        strategies.add_column(justify="right", no_wrap=True)
        strategies.add_column(justify="right", no_wrap=True)
        for spec, tally in self._by_spec.items():
            stopped = " stopped" if spec in self._stopped else ""
            strategies.add_row(Text(self._names(spec)), f"{tally.done}/{tally.total}", f"{tally}{stopped}")
        return Group(
            Text(self._title, style="bold", no_wrap=True, overflow="ellipsis"),
            head,
            Text(self._before_any() if self._quiet else self._pace(), style="dim", no_wrap=True, overflow="ellipsis"),
            strategies,
        )

    @property
    def _quiet(self) -> bool:
        """Whether nothing has come back yet."""
        return self._model is not None and self._model.usage.calls == self._before.calls and not self._now

    def _before_any(self) -> str:
        flights = self._model.in_flight if self._model is not None else 0
        return f"{self._doing} · {flights} in flight" if flights and self._doing == _WAITING else self._doing

    def _counts(self) -> str:
        gone = format_duration(time.monotonic() - self._started)
        return f"{self._stored + self._now}/{self._to_do} · {gone}{self._left()}"

    @property
    def _to_do(self) -> int:
        """Results, those that are made included, without what a race has stopped."""
        stopped = [self._by_spec[spec] for spec in list(self._stopped)]
        return self._total - sum(tally.total - tally.done for tally in stopped)

    def _left(self) -> str:
        if not self._now or self._model is None:
            return ""
        now = time.monotonic()
        spent = since(self._before, self._model.usage)
        if not spent.calls:
            return ", all from the journal so far"
        if spent.calls < self._model.in_flight:  # the first of many at once tell of no pace
            return ""
        left = self._time_left.estimate(spent.seconds, now, self._ready, self._stopped)
        if left is None:
            return ""
        gone = now - self._started
        if self._seconds is not None and left > self._seconds - gone:
            rest = self._seconds - gone
            return f", {format_duration(rest)} left to begin as many as fit" if rest > 0 else ", finishing those begun"
        return f", about {format_duration(left)} left"

    def _pace(self) -> str:
        assert self._model is not None
        spent = since(self._before, self._model.usage)
        now = time.monotonic()
        self._speeds.append((now, spent.completion_tokens))
        while now - self._speeds[0][0] > _WINDOW:
            self._speeds.popleft()
        start, before = self._speeds[0]
        speed = (spent.completion_tokens - before) / (now - start) if now - start > 1 else 0.0
        pace = f" · {speed:.0f} tokens/s" if speed else ""
        retried = f" · {self._model.retries:,} retried" if self._model.retries else ""
        held = f" · {self._model.limits}" if str(self._model.limits) else ""
        return f"{pluralize(spent.calls, 'call')} · {self._model.in_flight} in flight{pace}{retried}{held}"
