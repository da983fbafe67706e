"""The results folder: the settings of a run, its problems, every result, and the traces.

    run.json         the settings, the strategies and the provenance; strategies are added
    problems.jsonl   the problems with their targets
    corpora.jsonl    the documents that problems are answered from, if they have some
    results.jsonl    one line for each result of a strategy on a problem; the last one counts
    results.npz      the same in columns, if there are many; made anew when results.jsonl has changed
    traces.jsonl     the prompts and replies, one line for each result
    spending.jsonl   the cost of every call of every command, so that a budget is the run's
    journal.sqlite   the draws of the run, so that another person can continue from the folder
    fitted/          what strategies have learned before the first result; see `fitted`
    shards/          the parts of a run that was divided, each a results folder; see `benchmarks.shards`
    disagreements.csv  of an import that was scored again: where the scores differ

The JSON lines only grow, so they stay readable after a kill at any moment.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from reasoning import forks
from reasoning.benchmarks.results import columns_file, example_json
from reasoning.benchmarks.results.corpora_file import CorporaFile
from reasoning.benchmarks.results.damaged_record import describe_fault, name_damage
from reasoning.benchmarks.results.folder_lock import lock_folder
from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.benchmarks.results.provenance import provenance
from reasoning.benchmarks.results.result import Result, ResultKey, parse_record
from reasoning.benchmarks.results.result_table import ResultTable
from reasoning.benchmarks.results.settings import Settings, check_settings
from reasoning.benchmarks.results.stored_problems import is_same, lacks_images
from reasoning.errors import InputError, SettingsChanged
from reasoning.files import atomic_write
from reasoning.problem import Example
from reasoning.text_safety import dump_json
from reasoning.trace import Trace

_FORMAT = 1
SPENDING = "spending.jsonl"
"""The name of the file in which a run enters its calls; see `reasoning.engine.ledger`."""
DRAWS = "draws.jsonl"
"""The name of the file with the draws of a folder on a network file system; see `reasoning.journal.draw_log`."""
SHARDS = "shards"
"""The name of the folder within a results folder that has the parts of a divided run; see `benchmarks.shards`."""
_FILES = {"run.json", "problems.jsonl", "results.jsonl", "traces.jsonl", "results.json", "results.md", "lock", SPENDING}
_FILES |= {"corpora.jsonl", columns_file.NAME, "disagreements.csv", DRAWS, "alive"}
_FILES |= {f"journal.sqlite{more}" for more in ("", "-wal", "-shm")}


@dataclass
class ResultsFolder:
    """The results of a run, in memory and, if it has one, in a folder.

    Attributes:
        folder: the folder; None keeps everything in memory.
        settings: the settings of the run, which never change.
        metadata: further facts: "free" (the model costs nothing), "licence" and "source" of the
            problems, "invocations" (the configurations that filled the folder), "race" (the outcome
            of a race), "fitted" (the strategies that have learned, and at what cost), "imported" (the logs of
            other tools that it was made of), and the provenance.
        examples: the problems by id, in order.
        results: the results by problem, strategy and epoch; a dict becomes a table.
        specs: the strategies of all runs so far, in order.
    """

    folder: Path | None
    settings: Settings
    metadata: dict[str, Any] = field(default_factory=dict)
    examples: dict[str, Example] = field(default_factory=dict)
    results: ResultTable = field(default_factory=ResultTable)
    specs: list[str] = field(default_factory=list)
    _incomplete: set[str] = field(default_factory=set, repr=False)
    _traces: dict[ResultKey, Trace] = field(default_factory=dict, repr=False)
    _lines: dict[str, JsonlFile] = field(default_factory=dict, repr=False)
    _corpora: CorporaFile = field(init=False, repr=False)
    _lock: IO[bytes] | None = field(default=None, repr=False)
    _is_new: bool = field(default=False, repr=False)
    """True if `open` has created the folder or found it empty."""

    def __post_init__(self) -> None:
        self._corpora = CorporaFile(self.folder and self._path("corpora"))
        self.results = ResultTable.of(self.results)
        if self.results.path is None and self.folder is not None:
            self.results.path = self._path("results")

    @classmethod
    def open(cls, folder: Path | None, settings: Settings, metadata: dict[str, Any]) -> ResultsFolder:
        """Open a folder to run with, or create it; close it afterwards.

        Args:
            folder: the folder; None keeps everything in memory.
            settings: the settings of the run.
            metadata: further facts, for a new folder.

        Raises:
            SettingsChanged: the folder was made with other settings; names them.
            InputError: the folder is damaged, in use, or cannot be written.
        """
        if folder is None:
            return cls(None, settings, metadata)
        is_new = not folder.is_dir() or not any(folder.iterdir())
        lock = lock_folder(folder, _FILES | {SHARDS})
        try:
            store = cls._stored(folder) if (folder / "run.json").exists() else cls(folder, settings, metadata)
            stored, endpoint = store.settings, store.metadata.get("endpoint")
            if endpoint and settings.get("base_url") == endpoint:
                # The run has corrected its address, and the command now names the correction.
                stored = {**stored, "base_url": endpoint}
            check_settings(folder, stored, settings)
            store._lock, store._is_new = lock, is_new
            forks.reset_in_child(store)
            store._write_run()
        except BaseException:
            lock.close()
            raise
        return store

    @classmethod
    def begin(cls, folder: Path, settings: Settings, metadata: dict[str, Any], specs: Sequence[str]) -> ResultsFolder:
        """Lock a folder, or create it, and write its `run.json` anew; the caller writes the other files.

        Raises:
            InputError: the folder is in use, or cannot be written.
        """
        lock = lock_folder(folder, _FILES | {SHARDS})
        store = cls(folder, settings, metadata, specs=list(specs))
        store._lock = lock
        try:
            store._write_run()
        except BaseException:
            lock.close()
            raise
        return store

    @classmethod
    def read(cls, folder: Path) -> ResultsFolder:
        """Read a folder, also while a run fills it.

        Raises:
            InputError: the folder holds no run, is damaged, or holds results of unknown problems.
        """
        if not (folder / "run.json").is_file():
            raise InputError(f"{folder}: not a results folder (run.json is missing)")
        store = cls._stored(folder)
        named = store.results.rows().distinct("problem")
        if unknown := next((problem for problem in named if problem not in store.examples), None):
            raise InputError(
                f"{folder / 'results.jsonl'}: a result of the problem {unknown!r}, which is not in problems.jsonl; "
                "it belongs to another task, or that file is damaged (the command of the run adds missing problems)"
            )
        return store

    @classmethod
    def read_run_file(cls, folder: Path) -> ResultsFolder:
        """Read only `run.json`: the settings, the strategies and the metadata.

        Raises:
            InputError: the file is damaged or unreadable.
        """
        path = folder / "run.json"
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            if run["format"] > _FORMAT:
                raise InputError(f"{path}: written by a newer version of this library; update the library")
            for name, kind in (("settings", dict), ("metadata", dict), ("strategies", list)):
                if not isinstance(run[name], kind):
                    raise TypeError(f"{name!r} must be a JSON {'object' if kind is dict else 'list'}")
            return cls(folder, run["settings"], run["metadata"], specs=run["strategies"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path}: damaged or unreadable: {describe_fault(error)}") from None

    @classmethod
    def _stored(cls, folder: Path) -> ResultsFolder:
        store = cls.read_run_file(folder)
        # Results are read first: a run that fills the folder meanwhile writes a problem before its results.
        results, problems = store._file("results"), store._file("problems")
        if not columns_file.load(folder, store.results):
            # A path is slow to write into a text.
            file, offset, source = str(results.path), 0, columns_file.stamp(folder)
            for number, line in enumerate(results.lines(), 1):
                try:
                    store.results.add(parse_record(line, f"{file}:{number}"), offset)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    raise InputError(f"{file}:{number}: damaged record: {describe_fault(error)}") from None
                offset += len(line)
            columns_file.save(folder, store.results, offset, source)
        for number, record in enumerate(problems.read(), 1):
            store.load_problem(record, number)
        return store

    def load_result(self, record: dict[str, Any], number: int) -> Result:
        """Take over a record of `results.jsonl`, and return it.

        Args:
            record: the record.
            number: the number of its line.

        Raises:
            InputError: the record is damaged; names the line.
        """
        with name_damage(self._path("results"), number):
            result = Result.from_json(record)
            self.results[result.key] = result
        return result

    def load_problem(self, record: dict[str, Any], number: int) -> Example:
        """Take over a record of `problems.jsonl`, and return it.

        Args:
            record: the record.
            number: the number of its line.

        Raises:
            InputError: the record is damaged, or a second one of its problem; names the line.
        """
        with name_damage(self._file("problems").path, number):
            name, corpus = record["id"], record.get("corpus")
            example = example_json.from_json(record, corpus and self._corpora.find(corpus))
            if name in self.examples:
                raise ValueError(f"a second problem {name!r}: its results cannot be assigned to one of them")
            self.examples[name] = example
            if record.get("own_scorer") or (corpus and example.problem.corpus is None):
                self._incomplete.add(name)
        return example

    def reset_after_fork(self) -> None:
        """Close the lock in a child process, or the folder would stay locked until the child ends."""
        self.close()

    def register_strategies(self, specs: Iterable[str]) -> None:
        """Add the strategies of a run, so that a report lists them in this order."""
        new = [spec for spec in specs if spec not in self.specs]
        if new:
            self.specs.extend(new)
            self._write_run()

    def forget_strategies(self, specs: Iterable[str]) -> None:
        """Remove strategies that have no results."""
        forgotten = set(specs)
        if forgotten.intersection(self.specs):
            self.specs = [spec for spec in self.specs if spec not in forgotten]
            self._write_run()

    def update_metadata(self, **facts: Any) -> None:
        """Store further facts about the run."""
        self.metadata.update(facts)
        self._write_run()

    def needs_examples(self, limit: int, problems: Iterable[str]) -> bool:
        """Return whether the task must be loaded, to have `limit` problems with their images or to score these."""
        if len(self.examples) < limit or any(problem in self._incomplete for problem in problems):
            return True
        return any(lacks_images(example) for example in islice(self.examples.values(), limit))

    def add_examples(self, examples: Sequence[Example]) -> None:
        """Add the problems of a task; stored ones must be the same.

        Raises:
            SettingsChanged: a stored problem has changed.
        """
        for example in examples:
            name = str(example.problem.id)
            known = self.examples.get(name)
            if known is not None and not is_same(known, example):
                raise SettingsChanged(f"{self.folder}: the problem {name!r} has changed; give another --out")
            self.examples[name] = example
            self._incomplete.discard(name)
            # A corpus comes before the problem that refers to it.
            self._corpora.add(example.problem)
            if known is None and self.folder is not None:
                self._file("problems").append(example_json.to_json(example))

    def add(self, result: Result, trace: Trace | None) -> None:
        """Store a result and its trace. They survive the end of this process."""
        key, offset = result.key, -1
        if self.folder is None:
            if trace is not None:
                self._traces[key] = trace
        else:
            if trace is not None:
                self._file("traces").append_line(trace.to_line(key._asdict()))
            # The result comes last, so that every stored result has its trace.
            offset = self._file("results").append_line(result.to_line())
        self.results.add(result, offset)

    def model_of(self, strategy: str) -> str:
        """Return the name of a strategy's model: the strategies of an import may be those of several models."""
        log = (self.metadata.get("imported") or {}).get("strategies", {}).get(strategy, {})
        return str(log.get("model") or self.settings["model"])

    def trace(self, problem: str, spec: str, epoch: int = 0) -> Trace | None:
        """Return the prompts and replies of a result, searched in the file; None if there is no trace."""
        key = ResultKey(problem, spec, epoch)
        if self.folder is None:
            return self._traces.get(key)
        found = None
        for number, record in enumerate(self._file("traces").read(), 1):
            if (record.get("problem"), record.get("strategy"), record.get("epoch", 0)) == key:
                with name_damage(self.folder / "traces.jsonl", number):
                    found = Trace.from_json(record["trace"])
        return found

    def traces(self) -> dict[ResultKey, Trace]:
        """Return the traces of all results, read in one pass; of several with one key, the last counts."""
        if self.folder is None:
            return dict(self._traces)
        traces = {}
        for number, record in enumerate(self._file("traces").read(), 1):
            with name_damage(self.folder / "traces.jsonl", number):
                key = ResultKey(record["problem"], record["strategy"], record.get("epoch", 0))
                traces[key] = Trace.from_json(record["trace"])
        return traces

    def write_file(self, name: str, text: str) -> None:
        """Write a file of the folder completely, or leave the old one."""
        if self.folder is None:
            return
        atomic_write(self.folder / name, text)

    def save_columns(self) -> None:
        """Store the results in columns, if some were added and they are many: these are read in a third of the time."""
        if self.folder is not None and (size := self._file("results").end) is not None:
            columns_file.save(self.folder, self.results, size)

    def close(self) -> None:
        """Close the files, and release the lock."""
        for lines in self._lines.values():
            lines.close()
        self._corpora.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def discard(self) -> None:
        """Close the folder and, if `open` has created it and it has no result, remove it."""
        self.close()
        if self.folder is None or not self._is_new or self.results:
            return
        for name in _FILES:
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "fitted", ignore_errors=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _write_run(self) -> None:
        self.metadata.setdefault("created", datetime.now(UTC).isoformat(timespec="seconds"))
        for name, value in provenance().items() if "library" not in self.metadata else ():
            self.metadata.setdefault(name, value)
        run = {"format": _FORMAT, "settings": self.settings, "strategies": self.specs, "metadata": self.metadata}
        self.write_file("run.json", dump_json(run, indent=2, default=str) + "\n")

    def _file(self, name: str) -> JsonlFile:
        if (lines := self._lines.get(name)) is None:
            lines = self._lines[name] = JsonlFile(self._path(name))
        return lines

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{name}.jsonl"
