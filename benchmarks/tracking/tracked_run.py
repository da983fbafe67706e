"""A run that is logged to a tracker while it goes, from a thread of its own."""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from reasoning.benchmarks.analysis.comparison import Comparison
from reasoning.benchmarks.report import ReportData, save
from reasoning.benchmarks.results.result import Result
from reasoning.benchmarks.results.short_names import ShortNames
from reasoning.benchmarks.runs.listeners import RunListener, RunStart
from reasoning.logs import Log
from reasoning.messages import Usage
from reasoning.secret_scan import mask_secrets
from reasoning.tables import Table
from reasoning.text_safety import to_line

INTERVAL = 2.0
"""Seconds between two entries of the metrics of a run in progress."""
PATIENCE = 60.0
"""Seconds that the end of a run waits for its tracker."""
_PATIENCE_AFTER_ERROR = 5.0
_NOT_LOGGED = re.compile(r"^\.|\.sqlite|^lock$|\.claims$|^draws\.jsonl|^traces\.jsonl")
"""The files of a results folder that are not logged: those with prompts and replies, and locks."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
"""The characters that a tracker may not accept in the name of a metric, and spaces."""
_log = Log(__name__)


class Tracker(Protocol):
    """One run of an experiment tracker. The methods are called one after the other, by one thread.

    Attributes:
        name: the tracker's name, for messages.
        place: where the run is, in words, once it has begun.
    """

    name: str
    place: str

    def start(self, title: str, params: Mapping[str, str]) -> None:
        """Begin the run with its name and its parameters."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log metrics after a number of results."""

    def finish(self, table: Table, files: Sequence[tuple[Path, str]], status: str) -> None:
        """End the run with its final table and files.

        Args:
            table: one row for each strategy.
            files: each file, with the path that it gets in the tracker.
            status: "finished", "stopped" (by a budget) or "failed".
        """


@dataclass
class _Progress:
    """The results so far of one strategy."""

    done: int = 0
    counted: int = 0
    correct: int = 0
    failed: int = 0
    spent: Usage = field(default_factory=Usage)

    def add(self, result: Result, *, is_new: bool) -> None:
        self.done += 1
        self.counted += not result.failed
        self.correct += result.correct is True
        self.failed += result.failed
        if is_new:
            self.spent = Usage.total((self.spent, result.spent))


class TrackedRun(RunListener):
    """A listener that logs one run: its parameters, metrics as they come, the final table, the report and the folder.

    The tracker works in a thread of its own, so a slow one delays no call. If it fails, a warning says
    so once, and the run continues without it.

    Args:
        tracker: the tracker.
        interval: seconds between two entries of the metrics.
        patience: seconds that the end of the run waits for the tracker.
    """

    def __init__(self, tracker: Tracker, *, interval: float = INTERVAL, patience: float = PATIENCE) -> None:
        self._tracker, self._interval, self._patience = tracker, interval, patience
        self._params: dict[str, str] = {}
        self._title = "run"
        self._names: Mapping[str, str] = {}
        self._progress: dict[str, _Progress] = {}
        self._files: list[tuple[Path, str]] = []
        self._end: tuple[Table, str] | None = None
        self._final: dict[str, float] = {}
        self._ended = threading.Event()
        self._is_abandoned = False
        self._thread: threading.Thread | None = None

    @property
    def place(self) -> str:
        """The place of the run, in words; empty before it has begun."""
        return self._tracker.place

    def on_open(self, settings: Mapping[str, Any]) -> None:
        """Begin the run of the tracker."""
        self._params = {name: _masked(value) for name, value in settings.items() if value is not None}
        self._title = f"{self._params.get('task', 'run')} {self._params.get('model', '').partition('@')[0]}".strip()
        self._thread = threading.Thread(target=self._work, name=f"reasoning-{self._tracker.name}", daemon=True)
        self._thread.start()

    def on_start(self, start: RunStart) -> None:
        """Count the results of earlier commands."""
        self._names = name_metrics(start.specs)
        progress = {spec: _Progress() for spec in start.specs}
        for result in start.kept():
            progress[result.strategy].add(result, is_new=False)
        self._progress = progress

    def on_result(self, result: Result) -> None:
        """Count a new result, which the thread logs."""
        self._progress[result.strategy].add(result, is_new=True)

    def on_end(self, comparison: Comparison | None) -> None:
        """End the run of the tracker, and wait for it."""
        if self._thread is None:
            return
        patience = self._patience
        if comparison is None:
            # The run has failed, or is being interrupted.
            patience = min(patience, _PATIENCE_AFTER_ERROR)
            self._end = Table((), ()), "failed"
            self._ended.set()
            self._thread.join(patience)
            return
        with tempfile.TemporaryDirectory(prefix="reasoning-", ignore_cleanup_errors=True) as folder:
            self._final = dict(_final_metrics(comparison))
            self._files = [*_folder_files(comparison.folder), *_report_files(comparison, Path(folder))]
            self._end = _final_table(comparison), "finished" if comparison.stopped is None else "stopped"
            self._ended.set()
            self._thread.join(patience)
        if self._thread.is_alive():
            self._is_abandoned = True
            _log.notify(f"{self._tracker.name} has not logged the run within {patience:g} s; what is missing stays so")

    def _work(self) -> None:
        try:
            self._tracker.start(self._title, self._params)
            logged = 0
            while not self._ended.wait(self._interval):
                if (step := self._step) > logged:
                    self._tracker.log(dict(self._metrics()), logged := step)
            self._tracker.log({**dict(self._metrics()), **self._final}, self._step)
            if self._end is not None:
                table, status = self._end
                self._tracker.finish(table, self._files, status)
        except Exception as error:
            if self._is_abandoned:
                return
            said = to_line(mask_secrets(f"{type(error).__name__}: {error}"))[:300]
            with suppress(UserWarning):
                _log.notify(f"the run is no longer logged to {self._tracker.name} ({said}); it continues without")

    @property
    def _step(self) -> int:
        return sum(one.done for one in self._progress.values())

    def _metrics(self) -> Iterator[tuple[str, float]]:
        progress = self._progress
        spent = Usage.total(one.spent for one in progress.values())
        for spec, one in progress.items():
            name = self._names[spec]
            yield f"results/{name}", one.done
            yield f"failed/{name}", one.failed
            if one.counted:
                yield f"accuracy/{name}", one.correct / one.counted
        yield "spent/calls", spent.calls
        yield "spent/prompt_tokens", spent.prompt_tokens
        yield "spent/completion_tokens", spent.completion_tokens
        if spent.usd is not None:
            yield "spent/usd", spent.usd


def name_metrics(specs: Iterable[str]) -> dict[str, str]:
    """Return a name for the metrics of each strategy: its short name, in characters that every tracker accepts."""
    names: dict[str, str] = {}
    for spec, short in ShortNames.of(specs).by_spec.items():
        name = first = _NOT_IN_NAMES.sub("_", short).strip("_")[:100] or "strategy"
        number = 1
        while name in names.values():
            name = f"{first}_{(number := number + 1)}"
        names[spec] = name
    return names


def _masked(value: Any) -> str:
    return mask_secrets(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def _final_metrics(comparison: Comparison) -> Iterator[tuple[str, float]]:
    names = name_metrics(row.strategy for row in comparison.rows)
    for row in comparison.rows:
        data, name = row.to_json(), names[row.strategy]
        low, high = data["ci95"] or (None, None)
        values = {"accuracy": data["accuracy"], "ci95_low": low, "ci95_high": high, "usd": data["usd"]}
        for metric, value in {**values, "seconds": data["seconds"], "calls": data["calls"]}.items():
            if value is not None:
                yield f"{metric}/{name}", float(value)


def _final_table(comparison: Comparison) -> Table:
    """Return one row for each strategy: what `--json` has, and the name of its metrics."""
    names = name_metrics(row.strategy for row in comparison.rows)
    rows = [{"metrics": names[row.strategy], **row.to_json()} for row in comparison.rows]
    header = tuple(dict.fromkeys(name for row in rows for name in row))
    cells = [tuple(_cell(row.get(name)) for name in header) for row in rows]
    return Table(header, cells, name="strategies")


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float | str) else str(value)


def _folder_files(folder: Path | None) -> Iterator[tuple[Path, str]]:
    if folder is None:
        return
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not any(map(_NOT_LOGGED.search, place.parts)):
            yield path, f"results/{place.as_posix()}"


def _report_files(comparison: Comparison, folder: Path) -> Iterator[tuple[Path, str]]:
    """Write the report, without prompts and replies."""
    if comparison.results:
        data = ReportData.from_comparison(comparison)
        for name in ("report.html", "report.md"):
            save(data, folder / name, traces=False)
            yield folder / name, name
