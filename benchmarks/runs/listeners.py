"""Listeners of a run: its display, and whatever else follows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.logs import Log

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.trace import Trace

_log = Log(__name__)


@dataclass(frozen=True)
class RunStart:
    """The start of a run: what it has, and what it will make.

    Attributes:
        title: one line about the comparison.
        model: the model.
        specs: the strategies, in the order of the table.
        keys: the results to make.
        stored: the results of earlier runs.
        time_limit: seconds after which no further problem is started.
        stopped: the strategies that a race has stopped; it grows during the run.
    """

    title: str
    model: LLM
    specs: Sequence[str]
    keys: Sequence[ResultKey]
    stored: Sequence[Result] = ()
    time_limit: float | None = None
    stopped: Collection[str] = ()

    def kept(self) -> Iterator[Result]:
        """Yield the results of earlier runs that are not made again."""
        to_make = set(self.keys)
        return (result for result in self.stored if result.key not in to_make)


class RunListener:
    """A listener of a run, which does nothing: a subclass overrides the events that it needs.

    The events arrive in the order `on_open`, `on_status`, `on_fit`, `on_start`, `on_result` for each
    new result, `on_end`. `on_result` is called on the library's event loop, so it must return at once.
    """

    def on_open(self, settings: Mapping[str, Any]) -> None:
        """Receive the settings of the run, without keys: the task, the model, its parameters, the strategies."""

    def on_status(self, text: str) -> None:
        """Receive the current activity, before the first call."""

    def on_fit(self, text: str, model: LLM, trace: Trace) -> None:
        """Receive the start of a fit.

        Args:
            text: the strategy and its pool.
            model: the model.
            trace: receives the calls and notes of the fit.
        """

    def on_start(self, start: RunStart) -> None:
        """Receive the start of the run, unless all results are stored."""

    def on_result(self, result: Result) -> None:
        """Receive a new result."""

    def on_end(self, comparison: Any) -> None:
        """Receive the `Comparison` of the run, whose results are stored; None if an exception ended the run.

        It is also received if the budget or the provider stopped the run; its `stopped` then says so.
        """

    def close(self) -> None:
        """Remove what is shown."""


class Listeners(RunListener):
    """Passes the events of a run to its display and to other listeners.

    The first exception of another listener silences it with a warning, and does not disturb the run.

    Args:
        display: the display, which may end the run.
        others: the other listeners.
    """

    def __init__(self, display: RunListener, others: Sequence[RunListener]) -> None:
        self._display, self._others = display, list(others)

    def on_open(self, settings: Mapping[str, Any]) -> None:
        """Pass on the settings."""
        self._display.on_open(settings)
        self._tell(lambda one: one.on_open(settings))

    def on_status(self, text: str) -> None:
        """Pass on the activity."""
        self._display.on_status(text)
        self._tell(lambda one: one.on_status(text))

    def on_fit(self, text: str, model: LLM, trace: Trace) -> None:
        """Pass on the start of a fit."""
        self._display.on_fit(text, model, trace)
        self._tell(lambda one: one.on_fit(text, model, trace))

    def on_start(self, start: RunStart) -> None:
        """Pass on the start of the run."""
        self._display.on_start(start)
        self._tell(lambda one: one.on_start(start))

    def on_result(self, result: Result) -> None:
        """Pass on a result."""
        self._display.on_result(result)
        self._tell(lambda one: one.on_result(result))

    def on_end(self, comparison: Any) -> None:
        """Pass on the comparison."""
        self._display.on_end(comparison)
        self._tell(lambda one: one.on_end(comparison))

    def close(self) -> None:
        """Remove the display."""
        self._display.close()

    def _tell(self, event: Callable[[RunListener], None]) -> None:
        for one in list(self._others):
            try:
                event(one)
            except Exception as error:
                self._others.remove(one)
                _log.notify(
                    f"{type(one).__name__} raised {type(error).__name__}: {error}; the run continues without it"
                )
