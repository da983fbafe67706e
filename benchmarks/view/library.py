"""The folder that is viewed: what is in it, what was read of it, and nothing outside."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from reasoning.benchmarks.view.analysis import Analysis
from reasoning.benchmarks.view.entries import EVALUATION, OUTPUT, RUN, Entry, Search, is_inside, search
from reasoning.benchmarks.view.live_run import LiveRun
from reasoning.benchmarks.view.output_file import OutputFile
from reasoning.benchmarks.view.progress import RunProgress
from reasoning.errors import InputError, UnknownName

T = TypeVar("T")

_MAX_RESULTS = 400_000
"""The most results of open runs that are kept in memory, about 1 GB; the run that was not used longest is closed."""
_RUN_FILES = ("run.json", "problems.jsonl", "results.jsonl", "traces.jsonl")
_SEARCH_SHARE = 10
"""A search of the folder is repeated after ten times as long as it took, and not within a second."""


class Library:
    """The runs, outputs and evaluations under a folder. Every method may be called in any thread.

    Args:
        root: the folder.

    Raises:
        InputError: it is not a folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(f"{root}: must be a folder with results")
        self.root = root.resolve()
        self._lock = threading.RLock()
        self._search = Search({}, (), False)
        self._next_search = 0.0
        self._progress: dict[str, RunProgress] = {}
        self._outputs: dict[str, OutputFile] = {}
        self._open: OrderedDict[str, tuple[LiveRun, Analysis]] = OrderedDict()

    def search(self) -> Search:
        """Return what is under the folder; it is searched again if that is cheap enough."""
        with self._lock:
            if (begun := time.monotonic()) >= self._next_search:
                self._search = search(self.root)
                took = time.monotonic() - begun
                self._next_search = time.monotonic() + max(1.0, _SEARCH_SHARE * took)
                for kept in (self._progress, self._outputs, self._open):
                    for name in [name for name in kept if name not in self._search.entries]:
                        del kept[name]
            return self._search

    def entry(self, kind: str, name: str) -> Entry:
        """Return an entry by its name. Only what the search has found is ever opened.

        Raises:
            UnknownName: there is no such entry.
            InputError: one of its files is a link that leads out of the folder.
        """
        entries = self.search().entries
        entry = entries.get(name)
        if entry is None or entry.kind != kind:
            with self._lock:
                self._next_search = 0.0
            entry = self.search().entries.get(name)
        if entry is None or entry.kind != kind:
            raise UnknownName(kind, name, [one.name for one in entries.values() if one.kind == kind], f"in {self.root}")
        files = [entry.path / file for file in _RUN_FILES] if kind == RUN else [entry.path]
        if outside := next((file for file in files if not is_inside(file, self.root)), None):
            raise InputError(f"{outside}: a link that leads out of {self.root}; it is not followed")
        return entry

    def progress(self, name: str, deadline: float = math.inf) -> RunProgress:
        """Return the progress of a run, read up to now or up to a time of `time.monotonic`."""
        with self._lock:
            progress = self._kept(self._progress, name, lambda: RunProgress(self.entry(RUN, name).path))
            try:
                self.entry(RUN, name)
                progress.refresh(deadline)
            except InputError as error:
                progress.error = str(error)
            return progress

    def output(self, name: str) -> OutputFile:
        """Return an output of a chain, read up to now.

        Raises:
            UnknownName, InputError: it is not there, or cannot be read.
        """
        with self._lock:
            output = self._kept(self._outputs, name, lambda: OutputFile(self.entry(OUTPUT, name).path))
            output.refresh()
            return output

    def evaluation(self, name: str) -> Path:
        """Return the folder of a chain that has recorded runs."""
        return self.entry(EVALUATION, name).path

    def run(self, name: str, deadline: float = math.inf) -> tuple[LiveRun, Analysis]:
        """Return a run, read up to now, and its analysis. The run stays open for the next call.

        Args:
            name: the run.
            deadline: the time of `time.monotonic` after which the rest is left to the next call.

        Raises:
            UnknownName, InputError: it is not there, or cannot be read.
        """
        entry = self.entry(RUN, name)
        with self._lock:
            if name not in self._open:
                run = LiveRun(entry.path)
                self._open[name] = run, Analysis(run)
            self._open.move_to_end(name)
            run, analysis = self._open[name]
        run.refresh(deadline)
        with self._lock:
            while len(self._open) > 1 and sum(len(one.store.results) for one, _ in self._open.values()) > _MAX_RESULTS:
                self._open.popitem(last=False)
        return run, analysis

    def _kept(self, cache: dict[str, T], name: str, make: Callable[[], T]) -> T:
        if name not in cache:
            cache[name] = make()
        return cache[name]
